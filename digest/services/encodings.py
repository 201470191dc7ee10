"""Encode stored papers with the operator's encoder, and report the progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from digest import store
from digest.app import App
from digest.pipeline.steps.encode_papers import open_encoder, store_encodings
from digest.ranking import features

#: papers encoded between two looks whether to stop; a transformer takes some seconds for them
BATCH = 100


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
    """Describe the encoder of the config without opening it; None where there is none."""
    name = app.config.features.encoder
    if not name:
        return None
    with app.store.reading() as tx:
        stored_encoder = store.encodings.load_encoder(tx, name)
        encoded, stored = store.encodings.count_encoded(
            tx, stored_encoder.version if stored_encoder else ""
        )
    if stored_encoder is None:
        return EncoderInfo(name=name, stored=stored)
    return EncoderInfo(
        name=name,
        version=stored_encoder.version,
        dimensions=stored_encoder.dimensions,
        encoded=encoded,
        stored=stored,
    )


def encode(
    app: App,
    *,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> EncoderInfo | None:
    """Encode the stored papers that the encoder has not read yet, the newest first.

    Stopped in between, the next call goes on. Digests are ranked without the encoder until nearly
    all recent papers are encoded.

    Args:
        progress: called with the number of papers done and of all that there are to do.
        stop: asked before every batch.

    Returns:
        None where the config names no encoder.

    Raises:
        ConfigError: the encoder cannot be opened.
    """
    encoder = open_encoder(app)
    if encoder is None:
        return None
    with app.store.reading() as tx:
        encoded, stored = store.encodings.count_encoded(tx, encoder.version)
        before = store.papers.find_max_id(tx) + 1
    done = 0
    while not stop():
        with app.store.reading() as tx:
            batch = store.encodings.list_unencoded(tx, encoder.version, before=before, limit=BATCH)
        if not batch:
            break
        before = batch[-1][0]
        texts = {ident: features.text_of(title, abstract) for ident, title, abstract in batch}
        store_encodings(app, encoder, texts)
        done += len(batch)
        if progress:
            progress(done, max(stored - encoded, done))
    return encoder_info(app)
