"""Read the papers and features that a batch of readers is ranked on.

A `CorpusView` says when the store is looked at: now, or as it was when an earlier digest was
composed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest import store
from digest.model import Paper, Provenance
from digest.pipeline.steps.rated_shelf import RatedShelf
from digest.pipeline.steps.word_counts import load_counts
from digest.ranking import features, profiles, scores, selection
from digest.ranking.calibration import Calibration

log = logging.getLogger("digest.compose")

#: recent papers that stand for what a reader did not ask for, and that a match is measured against
BACKGROUND_SIZE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusView:
    """When the store is looked at, and the feature space of that time."""

    now: datetime
    #: space of word frequencies as they were then; word vectors are always today's
    space: features.Space
    #: ids of recent papers up to that day
    recent: tuple[int, ...]
    #: no paper had a higher id then; None = now
    max_paper_id: int | None = None
    #: readers who must like a paper before their thumbs count for others; None = they do not
    least_readers: int | None = None
    #: how encoded papers stand beside their words; None = no encoder, or too few encoded papers
    encoding: features.Encoding | None = None
    #: the papers that were rated, for all batches of readers
    shelf: RatedShelf = field(default_factory=RatedShelf, repr=False)

    @property
    def before(self) -> datetime | None:
        """The time after which thumbs and picks do not count; None when all do."""
        return None if self.max_paper_id is None else self.now

    @property
    def feature_names(self) -> str:
        """Versions of all that the rows are made of, for the provenance of a digest."""
        encoder = self.encoding.version if self.encoding else ""
        return " ".join(filter(None, (features.VERSION, self.space.version, encoder)))


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchContext:
    """What all readers of a date have in common; each worker gets it once."""

    day: scores.Day
    papers: dict[int, Paper]
    background: profiles.Background
    provenance: Provenance
    local_date: date
    #: calibration of the scores, by recipe
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    #: near-duplicates among the papers, looked up once and remembered
    near_duplicates: selection.NearDuplicates = field(default_factory=selection.NearDuplicates)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What a round knows beside the papers of a date; it may change from batch to batch."""

    now: datetime
    calibrations: Mapping[str, Calibration]

    def add_to(self, context: BatchContext) -> BatchContext:
        """Return the context of a date as it is now."""
        return replace(
            context,
            calibrations=self.calibrations,
            provenance=replace(context.provenance, at=self.now),
        )


def open_view(
    tx: store.Connection,
    *,
    now: datetime,
    until: date,
    frequencies: features.Frequencies,
    max_paper_id: int | None = None,
    least_readers: int | None = None,
    encoder: str = "",
) -> CorpusView:
    """Open the view of the papers first seen up to a day.

    Args:
        encoder: name of the encoder in the config, or "".
    """
    recent = store.papers.list_recent(tx, until, BACKGROUND_SIZE, max_paper_id=max_paper_id)
    packed = store.papers.load_vectors(tx, features.VERSION, recent)
    counts = load_counts(tx, {ident: packed[ident] for ident in recent if ident in packed})
    return CorpusView(
        now=now,
        space=features.fit_space(load_word_vectors(tx), frequencies, counts),
        recent=tuple(recent),
        max_paper_id=max_paper_id,
        least_readers=least_readers,
        encoding=_load_encoding(tx, encoder, recent),
    )


def load_batch_context(
    tx: store.Connection, paper_ids: Sequence[int], local_date: date, view: CorpusView
) -> BatchContext:
    """Read the papers that compete, by id, and the background of a view."""
    papers_by_id = store.papers.load(
        tx, {*paper_ids, *view.recent}, before=view.before, least=view.least_readers
    )
    competing = [papers_by_id[ident] for ident in paper_ids if ident in papers_by_id]
    candidates = list({paper.id: paper for paper in competing if not paper.withdrawn}.values())
    recent = [papers_by_id[ident] for ident in view.recent if ident in papers_by_id]
    counts = load_all_counts(tx, candidates)
    rows, recent_rows = make_rows(tx, candidates, counts, view), load_rows(tx, recent, view)
    thumb_ages = _load_thumb_ages(tx, list(papers_by_id), view)
    provenance = Provenance(
        model="",
        features=view.feature_names,
        candidates=len(candidates),
        dumps=store.papers.list_dump_names(tx, [paper.id for paper in candidates]),
        at=view.now,
    )
    return BatchContext(
        day=scores.make_day(
            candidates,
            rows,
            recent,
            recent_rows,
            contributions=view.space.contributions(counts),
            thumbs=thumb_ages,
        ),
        papers={paper.id: paper for paper in candidates},
        background=profiles.Background.from_papers(recent, recent_rows, view.space.frequencies),
        provenance=provenance,
        local_date=local_date,
    )


def load_rows(tx: store.Connection, papers: Sequence[Paper], view: CorpusView) -> sp.csr_matrix:
    """Read the feature rows of papers, in their order."""
    return make_rows(tx, papers, load_all_counts(tx, papers), view)


def make_rows(
    tx: store.Connection, papers: Sequence[Paper], counts: sp.csr_matrix, view: CorpusView
) -> sp.csr_matrix:
    """Make the feature rows of papers from their word counts."""
    rows = view.space.rows(counts)
    if view.encoding is None:
        return rows
    dimensions = len(view.encoding.mean)
    idents = [paper.id for paper in papers]
    return view.encoding.append_columns(
        rows, _load_encoded(tx, view.encoding.version, dimensions, idents)
    )


def load_all_counts(tx: store.Connection, papers: Sequence[Paper]) -> sp.csr_matrix:
    """Read the word counts of papers, in their order.

    A paper whose stored counts are absent, of another version or damaged is vectorized anew.
    """
    idents = [paper.id for paper in papers]
    packed = store.papers.load_vectors(tx, features.VERSION, idents)
    absent = [paper for paper in papers if paper.id not in packed]
    texts = [features.text_of(paper.title, paper.abstract) for paper in absent]
    vectorized = features.pack(features.vectorize(texts))
    packed |= {paper.id: blob for paper, blob in zip(absent, vectorized, strict=True)}
    return load_counts(tx, {ident: packed[ident] for ident in idents})


def load_word_vectors(tx: store.Connection) -> features.Table:
    """Return the word vectors in force.

    They are those trained on the stored papers, else the package's.
    """
    stored = store.vectors.load_newest(tx)
    if stored is None:
        return features.load_base_table()
    try:
        return _parse_table(stored.version, stored.data)
    except ValueError as error:
        log.warning(
            "word vectors unusable: %s; the package's are used until `digest vectors train` "
            "makes new ones",
            error,
        )
        return features.load_base_table()


@lru_cache(maxsize=2)
def _parse_table(version: str, data: bytes) -> features.Table:
    return features.Table.from_bytes(data)


def _load_encoding(
    tx: store.Connection, encoder: str, recent: Sequence[int]
) -> features.Encoding | None:
    stored_encoder = store.encodings.load_encoder(tx, encoder) if encoder else None
    if stored_encoder is None:
        return None
    encoded = _load_encoded(tx, stored_encoder.version, stored_encoder.dimensions, recent)
    return features.fit_encoding(stored_encoder.version, encoded)


def _load_encoded(
    tx: store.Connection, version: str, dimensions: int, idents: Sequence[int]
) -> NDArray[np.float32]:
    vectors_by_id = store.encodings.load(tx, version, idents)
    return features.unpack_encoded([vectors_by_id.get(ident) for ident in idents], dimensions)


def _load_thumb_ages(
    tx: store.Connection, idents: Sequence[int], view: CorpusView
) -> dict[int, list[float]]:
    """Ages in days of readers' thumbs up, by paper."""
    if view.least_readers is None:
        return {}
    times_by_paper = store.likes.load_like_times(
        tx, idents, least=view.least_readers, before=view.before
    )
    return {
        ident: [age_in_days(time, view.now) for time in times]
        for ident, times in times_by_paper.items()
    }


def age_in_days(instant: datetime, now: datetime) -> float:
    """Days from an instant to now."""
    return (now - instant).total_seconds() / 86400
