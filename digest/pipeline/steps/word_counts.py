"""Read and write word counts of stored papers, and frequencies of the corpus.

Damaged counts are counted again from title and abstract.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

import scipy.sparse as sp

from digest import store
from digest.ranking import features

log = logging.getLogger("digest.words")


def load_frequencies(tx: store.Connection) -> features.Frequencies:
    """Read the word frequencies of the corpus.

    Damaged ones are counted again, with a warning.
    """
    stored = _read_frequencies(tx)
    if stored is not None:
        return stored
    return count_frequencies(tx, store.papers.iterate_vectors(tx, features.VERSION))


def repair_frequencies(tx: store.Connection) -> None:
    """Count all papers again where the stored frequencies are damaged or incomplete.

    An ingest that was killed leaves them incomplete.
    """
    stored = _read_frequencies(tx)
    if stored is None or stored.papers != store.papers.count_vectors(tx, features.VERSION):
        packed = store.papers.iterate_vectors(tx, features.VERSION)
        counted = count_frequencies(tx, packed, repair=True)
        store.papers.save_frequencies(tx, features.VERSION, counted.to_bytes())


def add_frequencies(tx: store.Connection, new: features.Frequencies) -> None:
    """Add the frequencies of new papers to the stored ones."""
    old = load_frequencies(tx)
    total = features.Frequencies(papers=old.papers + new.papers, counts=old.counts + new.counts)
    store.papers.save_frequencies(tx, features.VERSION, total.to_bytes())


def count_frequencies(
    tx: store.Connection,
    batches: Iterable[Mapping[int, bytes]],
    start: features.Frequencies | None = None,
    *,
    repair: bool = False,
) -> features.Frequencies:
    """Count the word frequencies of stored papers.

    Args:
        batches: packed counts by paper.
        start: frequencies of papers that are counted already.
        repair: store sound counts in place of damaged ones.
    """
    frequencies = start or features.Frequencies()
    for packed in batches:
        frequencies = frequencies.add(load_counts(tx, packed, repair=repair))
    return frequencies


def load_counts(
    tx: store.Connection, packed: Mapping[int, bytes], *, repair: bool = False
) -> sp.csr_matrix:
    """Unpack the word counts of papers in this order, shape (len(packed), COLUMNS)."""
    try:
        return features.unpack(list(packed.values()))
    except ValueError:  # now each is looked at, which costs as much as unpacking it
        damaged = [ident for ident, blob in packed.items() if not features.is_readable(blob)]
    papers = store.papers.load(tx, damaged)
    texts = [
        features.text_of(papers[ident].title, papers[ident].abstract) if ident in papers else ""
        for ident in damaged
    ]
    sound = dict(zip(damaged, features.pack(features.vectorize(texts)), strict=True))
    if repair:
        store.papers.save_vectors(tx, features.VERSION, sound)
    log.warning(
        "word counts damaged papers=%d first=%d repaired=%s: they are counted again from title and "
        "abstract. Is the disk sound? See `digest doctor`",
        len(damaged),
        damaged[0],
        repair,
    )
    return features.unpack([sound.get(ident, blob) for ident, blob in packed.items()])


def _read_frequencies(tx: store.Connection) -> features.Frequencies | None:
    """The stored frequencies; None = damaged."""
    stored = store.papers.load_frequencies(tx, features.VERSION)
    if not stored:
        return features.Frequencies()
    try:
        return features.Frequencies.from_bytes(stored)
    except ValueError as error:
        log.warning(
            "word frequencies unusable: %s; all papers are counted again, each time until "
            "`digest ingest` has read a file. Is the disk sound? See `digest doctor`",
            error,
        )
        return None
