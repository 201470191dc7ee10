"""What an operator's encoder makes of the papers: as they come in, and of all that are stored when
the encoder is new. Composing reads what is there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from digest import store
from digest.app import App
from digest.errors import ConfigError
from digest.ranking import features
from digest.ranking.encoders import Encoder

log = logging.getLogger("digest.pipeline")

#: papers encoded between two looks whether to stop, and stored together; a transformer takes some
#: seconds for them
CHUNK = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderInfo:
    """The encoder that the config names, and how far it has come."""

    name: str
    #: "" and 0 where it has not encoded anything yet
    version: str = ""
    dimensions: int = 0
    #: papers that it has encoded, of those that are stored
    encoded: int = 0
    stored: int = 0

    @property
    def json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "version": self.version,
            "dimensions": self.dimensions,
            "encoded": self.encoded,
            "stored": self.stored,
        }


def encoder_info(app: App) -> EncoderInfo | None:
    """None where the config names no encoder. Does not open it."""
    name = app.config.features.encoder
    if not name:
        return None
    with app.store.reading() as tx:
        known = store.encodings.load_encoder(tx, name)
        encoded, stored = store.encodings.count_encoded(tx, known.version if known else "")
    if known is None:
        return EncoderInfo(name=name, stored=stored)
    return EncoderInfo(
        name=name,
        version=known.version,
        dimensions=known.dimensions,
        encoded=encoded,
        stored=stored,
    )


def encode(
    app: App,
    *,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> EncoderInfo | None:
    """Encode what is not encoded by the config's encoder, the newest papers first; stopped in
    between, the next call goes on.

    Digests go on meanwhile: they are ranked without the encoder until nearly all recent papers are
    encoded. Returns None where the config names none.

    Args:
        progress: called with the number of papers done and of all that there were to do.
        stop: asked after every portion.

    Raises:
        ConfigError: the encoder cannot be opened.
    """
    encoder = _opened(app)
    if encoder is None:
        return None
    with app.store.reading() as tx:
        there, every = store.encodings.count_encoded(tx, encoder.version)
        before = store.papers.find_max_id(tx) + 1
    done = 0
    while not stop():
        with app.store.reading() as tx:
            some = store.encodings.list_unencoded(tx, encoder.version, before=before, limit=CHUNK)
        if not some:
            break
        before = some[-1][0]
        keep(
            app,
            encoder,
            {ident: features.text_of(title, abstract) for ident, title, abstract in some},
        )
        done += len(some)
        if progress:
            progress(done, max(every - there, done))
    return encoder_info(app)


def keep(app: App, encoder: Encoder, texts: Mapping[int, str]) -> None:
    """Encode these papers and store it. No transaction is open while the encoder works."""
    packed = features.pack_encoded(encoder.encode(list(texts.values())))
    with app.store.writing() as tx:
        store.encodings.save(tx, encoder.version, dict(zip(texts, packed, strict=True)))


def at_hand(app: App) -> Encoder | None:
    """The encoder for papers that come in; one that cannot be opened keeps no paper out: it is
    told, and they are encoded later.
    """
    try:
        return _opened(app)
    except ConfigError as error:
        log.warning(
            "papers are stored without being encoded, until `digest vectors encode` can: %s", error
        )
        return None


def _opened(app: App) -> Encoder | None:
    name = app.config.features.encoder
    encoder = app.encoder()
    if encoder is None:
        return None
    wanted = store.encodings.Known(
        name=name, version=encoder.version, dimensions=encoder.dimensions
    )
    with app.store.reading() as tx:
        known = store.encodings.load_encoder(tx, name)
    if known != wanted:
        with app.store.writing() as tx:
            store.encodings.set_encoder(tx, wanted)
    return encoder
