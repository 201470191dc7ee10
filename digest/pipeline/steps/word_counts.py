"""What is stored of papers' words: each paper's counts, and the frequencies of all.

What of it is damaged is counted anew from titles and abstracts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

import scipy.sparse as sp

from digest import store
from digest.ranking import features

log = logging.getLogger("digest.words")


def load_frequencies(tx: store.Connection) -> features.Frequencies:
    """The corpus' word frequencies; damaged ones are counted anew, and told."""
    found = _frequencies(tx)
    return (
        counted(tx, store.papers.iterate_vectors(tx, features.VERSION)) if found is None else found
    )


def repair_frequencies(tx: store.Connection) -> None:
    """Count everything anew where an ingest was killed before it kept its count, or where the
    stored one is damaged.
    """
    found = _frequencies(tx)
    if found is None or found.papers != store.papers.count_vectors(tx, features.VERSION):
        anew = counted(tx, store.papers.iterate_vectors(tx, features.VERSION), mend=True)
        store.papers.save_frequencies(tx, features.VERSION, anew.to_bytes())


def add_frequencies(tx: store.Connection, new: features.Frequencies) -> None:
    """Add the frequencies of papers that came."""
    old = load_frequencies(tx)
    both = features.Frequencies(papers=old.papers + new.papers, counts=old.counts + new.counts)
    store.papers.save_frequencies(tx, features.VERSION, both.to_bytes())


def counted(
    tx: store.Connection,
    portions: Iterable[Mapping[int, bytes]],
    known: features.Frequencies | None = None,
    *,
    mend: bool = False,
) -> features.Frequencies:
    """The frequencies of stored papers and of those that are known already.

    `mend` puts sound counts in the place of damaged ones.
    """
    found = known or features.Frequencies()
    for packed in portions:
        found = found.add(load_counts(tx, packed, mend=mend))
    return found


def _frequencies(tx: store.Connection) -> features.Frequencies | None:
    """As they are stored, None = damaged."""
    stored = store.papers.load_frequencies(tx, features.VERSION)
    if not stored:
        return features.Frequencies()
    try:
        return features.Frequencies.from_bytes(stored)
    except ValueError as error:
        log.warning(
            "%s; all papers are counted anew, each time until `digest ingest` has read a file. Is "
            "the disk sound? See `digest doctor`",
            error,
        )
        return None


def load_counts(
    tx: store.Connection, packed: Mapping[int, bytes], *, mend: bool = False
) -> sp.csr_matrix:
    """The stored words of papers in this order, shape (len(packed), COLUMNS)."""
    try:
        return features.unpack(list(packed.values()))
    except ValueError:  # only then is each looked at, which costs as much as reading them
        damaged = [ident for ident, blob in packed.items() if not features.is_readable(blob)]
    papers = store.papers.load(tx, damaged)
    texts = [
        features.text_of(papers[ident].title, papers[ident].abstract) if ident in papers else ""
        for ident in damaged
    ]
    anew = dict(zip(damaged, features.pack(features.vectorize(texts)), strict=True))
    if mend:
        store.papers.save_vectors(tx, features.VERSION, anew)
    log.warning(
        "the stored words of %d papers %s (the first is paper:%d); they are counted anew from "
        "title and abstract. "
        "Is the disk sound? See `digest doctor`",
        len(damaged),
        "were damaged and are mended" if mend else "are damaged",
        damaged[0],
    )
    return features.unpack([anew.get(ident, blob) for ident, blob in packed.items()])
