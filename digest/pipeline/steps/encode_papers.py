"""Encode papers as they come in, where the operator brings an encoder."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from digest import store
from digest.app import App
from digest.errors import ConfigError
from digest.ranking import features
from digest.ranking.encoders import Encoder

log = logging.getLogger("digest.pipeline")


def store_encodings(app: App, encoder: Encoder, texts: Mapping[int, str]) -> None:
    """Encode papers and store the result.

    No transaction is open while the encoder works.
    """
    packed = features.pack_encoded(encoder.encode(list(texts.values())))
    with app.store.writing() as tx:
        store.encodings.save(tx, encoder.version, dict(zip(texts, packed, strict=True)))


def open_encoder_for_ingest(app: App) -> Encoder | None:
    """Open the encoder for incoming papers.

    Where it cannot be opened, warn and return None.

    The papers are stored all the same, and encoded later.
    """
    try:
        return open_encoder(app)
    except ConfigError as error:
        log.warning(
            "papers not encoded: they are stored without, until `digest vectors encode` can: %s",
            error,
        )
        return None


def open_encoder(app: App) -> Encoder | None:
    """Open the encoder of the config and put it in force; None where there is none.

    Raises:
        ConfigError: it cannot be opened.
    """
    name = app.config.features.encoder
    encoder = app.encoder()
    if encoder is None:
        return None
    opened = store.encodings.StoredEncoder(
        name=name, version=encoder.version, dimensions=encoder.dimensions
    )
    with app.store.reading() as tx:
        stored_encoder = store.encodings.load_encoder(tx, name)
    if stored_encoder != opened:
        with app.store.writing() as tx:
            store.encodings.set_encoder(tx, opened)
    return encoder
