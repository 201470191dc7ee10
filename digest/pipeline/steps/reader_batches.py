"""All that a worker does for a batch of readers: learn, find candidates, score and choose.

Pure. What a worker gets names no address and nothing of the config beside the rules.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from digest.config import Config
from digest.model import Digest, Quiet, Subscriber
from digest.pipeline.steps.candidates import (
    DayPapers,
    Window,
    competing,
    count_new,
    has_news,
    mark_competing,
)
from digest.pipeline.steps.choose_digests import Candidates, choose_digests
from digest.pipeline.steps.corpus_view import BatchContext, Moment
from digest.pipeline.steps.rated_shelf import RowsChunk, ShelfRows
from digest.pipeline.steps.trained_readers import RecipeSplit, TrainedReader, train_profiles
from digest.ranking import selection
from digest.store.history import History
from digest.store.recommendations import Recommendation

log = logging.getLogger("digest.compose")


#: what many batches share: the papers of the date, and chunks of the rated papers
SharedPapers = tuple[BatchContext, *tuple[RowsChunk, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchRules:
    """What the config says of choosing, for all readers."""

    split: RecipeSplit
    rules: selection.Rules

    @classmethod
    def from_config(cls, config: Config) -> Self:
        settings = config.digest
        return cls(
            split=RecipeSplit.from_config(config),
            rules=selection.Rules(
                author_most=settings.author_most,
                category_most=settings.category_most,
                explore=settings.explore,
            ),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class UntrainedReader:
    """All that a worker needs to know of a reader."""

    reader: TrainedReader
    history: History
    window: Window
    #: what recommenders of others chose, by system
    recommended: Mapping[str, Sequence[Recommendation]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderBatch:
    """Readers of one date, who are worked on together."""

    moment: Moment
    readers: Sequence[UntrainedReader]
    #: of the papers that they rated; workers have the chunks of these
    rated_rows: ShelfRows


@dataclass(frozen=True, slots=True)
class BatchFailure:
    """Why no digest of a batch was chosen."""

    error: str


def choose_or_fail(
    rules: BatchRules, shared: SharedPapers, batch: ReaderBatch
) -> list[Digest | Quiet] | BatchFailure:
    """Choose as `choose_for_batch`; return an error, so that other batches go on."""
    try:
        return choose_for_batch(rules, shared, batch)
    except Exception as error:
        log.warning("batch failed readers=%d", len(batch.readers), exc_info=True)
        return BatchFailure(f"{type(error).__name__}: {error}")


def choose_for_batch(
    rules: BatchRules, shared: SharedPapers, batch: ReaderBatch
) -> list[Digest | Quiet]:
    """Train the readers' profiles, score the papers of the date, and choose the digests."""
    context = batch.moment.add_to(shared[0])
    batch.rated_rows.lend(shared[1:])
    papers = DayPapers({ident: paper.first_seen for ident, paper in context.papers.items()})
    untrained = [untrained.reader for untrained in batch.readers]
    trained = train_profiles(rules.split, context.background, untrained)
    candidates = [
        replace(
            find_candidates(reader, untrained.history, untrained.window, papers),
            recommended=untrained.recommended,
        )
        for reader, untrained in zip(trained, batch.readers, strict=True)
    ]
    return choose_digests(rules.rules, rules.split, context, candidates)


def find_candidates(
    reader: TrainedReader, history: History, window: Window, papers: DayPapers
) -> Candidates:
    """The papers that compete for one reader; none where all of them competed before."""
    seen = reader.rated_ids | history.listed
    paper_ids = competing(history, papers, window, seen)
    competes = mark_competing(history, papers, window, seen)
    if not has_news(history, paper_ids, papers):
        paper_ids, competes = frozenset(), None
    return Candidates(
        reader=reader,
        paper_ids=paper_ids,
        competes=competes,
        maybe_seen=history.maybe_seen,
        listed=history.listed & papers.first_seen.keys(),
        left_over=papers.left_over(history.latest),
        new_count=count_new(history, paper_ids, papers),
    )


def hide_person(subscriber: Subscriber) -> Subscriber:
    """Return a subscriber without address and name, which choosing does not need."""
    return replace(subscriber, email="", name="")
