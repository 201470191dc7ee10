"""compose: learn, score the new papers, and store each reader's digest.

A reader without a digest gets a quiet day with its reason.

Work is cut into batches of readers. What a batch needs is read in a few queries; learning and
choosing then work on values alone, here or on other machines. While workers are busy, the next
batches are read and the results of earlier ones are stored.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from functools import partial
from itertools import islice

from digest import metrics, store
from digest.app import App
from digest.model import Digest, Quiet, Subscriber
from digest.pipeline.learn import recalibrate
from digest.pipeline.steps.co_likes import CoLikeContext
from digest.pipeline.steps.compose_report import ComposeReport
from digest.pipeline.steps.due_batches import DueBatch, DueBatches, Piece, UnreadBatch
from digest.pipeline.steps.due_readers import (
    Decision,
    DueReader,
    batches_of_active_readers,
    select_due_readers,
    select_readers_of_date,
)
from digest.pipeline.steps.garbage import collect_garbage_rarely
from digest.pipeline.steps.isolate_failures import isolate_failing_subscriber
from digest.pipeline.steps.reader_batches import (
    BatchFailure,
    BatchRules,
    ReaderBatch,
    SharedPapers,
    choose_for_batch,
    choose_or_fail,
)
from digest.pipeline.steps.recover import recover_messages
from digest.pipeline.steps.round_day import RoundDay
from digest.pipeline.steps.store_outcomes import add_to_report, may_still_come, store_outcomes

#: readers whose digests are stored in one transaction; pages wait for it, some 30 ms
_STORED_TOGETHER = 100


def compose(
    app: App,
    *,
    day: date | None = None,
    only: Subscriber | None = None,
    due: bool = False,
    started: datetime | None = None,
    dry_run: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> ComposeReport:
    """Choose and store a digest for every reader who has none for their local date.

    Args:
        day: the local date of everybody; None = each reader's own, now.
        only: this reader alone, whatever their weekdays.
        due: only readers whose hour has come or whose digest was missed, as `serve` does.
        started: since when the service runs; digests missed before still wait for papers.
        dry_run: store nothing.
        stop: asked before readers are looked at, and after some were stored. True: the others get
            theirs the next time.
    """
    report, began = ComposeReport(), time.monotonic()
    if not dry_run:
        recover_messages(app)  # papers of a message that expired compete again at once
        recalibrate(app)
    composing = _Composing(
        app,
        report,
        day=day,
        only=only,
        due=due,
        started=started,
        dry_run=dry_run,
        stop=stop,
    )
    with collect_garbage_rarely():
        composing.run()
    if not dry_run:
        reasons = Counter(day.reason.value for day in report.quiet)
        metrics.count_compose(report.outcomes, reasons, seconds=time.monotonic() - began)
        if not due or report.planned or report.quiet:
            _record_round(app, report)
    return report


class _Composing:
    """One compose: reads batches, has them worked on, and stores what comes back."""

    def __init__(
        self,
        app: App,
        report: ComposeReport,
        *,
        day: date | None,
        only: Subscriber | None,
        due: bool,
        started: datetime | None,
        dry_run: bool,
        stop: Callable[[], bool],
    ) -> None:
        self._app, self._report = app, report
        self._day, self._only, self._due, self._started = day, only, due, started
        self._dry_run, self._stop = dry_run, stop
        self._co_likes = CoLikeContext(app, day)
        self._round_day = RoundDay(app, self._co_likes)
        #: batches that workers have, in order
        self._handed_out: deque[DueBatch] = deque()

    def run(self) -> None:
        choose = partial(choose_or_fail, BatchRules.from_config(self._app.config))
        with closing(self._app.workers.map(choose, self._hand_out())) as results:
            for result in results:
                batch = self._handed_out.popleft()
                if isinstance(result, BatchFailure):
                    self._settle_one_by_one(batch.due)
                else:
                    self._settle(batch.decide(result))
                if self._report.stopped:
                    return

    def _hand_out(self) -> Iterator[tuple[SharedPapers, ReaderBatch]]:
        """Yield batches to work on; store on the way what needs no work."""
        for piece in self._read():
            if isinstance(piece, DueBatch):
                self._handed_out.append(piece)
                yield piece.shared, piece.batch
            elif isinstance(piece, UnreadBatch):
                self._settle_one_by_one(piece.due)
            else:
                self._settle(piece)
            if self._report.stopped:
                return

    def _read(self) -> Iterator[Piece]:
        gathered = DueBatches(
            self._app,
            self._co_likes,
            self._round_day,
            size=self._app.config.workers.batch,
            skip_without_news=self._due,
        )
        for readers in batches_of_active_readers(self._app, self._only, self._report):
            if self._stop():
                self._report.stopped = True
                return
            yield from gathered.add(self._select(readers))
        yield from gathered.finish()

    def _select(self, readers: Sequence[Subscriber]) -> list[DueReader]:
        if self._due:
            selected = select_due_readers(self._app, readers, self._report)
        else:
            selected = select_readers_of_date(
                self._app, readers, self._day, self._report, any_weekday=self._only is not None
            )
        self._report.due += len(selected)
        return selected

    def _settle(self, decisions: Iterable[Decision]) -> None:
        """Store what was decided, some readers at a time, until it is to stop."""
        decisions = iter(decisions)
        while not self._report.stopped and (group := list(islice(decisions, _STORED_TOGETHER))):
            _settle(
                self._app,
                group,
                self._report,
                self._started,
                dry_run=self._dry_run,
                with_digest=self._dry_run or self._only is not None,
            )
            self._report.stopped = self._stop()

    def _settle_one_by_one(self, due: Sequence[DueReader]) -> None:
        """Decide for readers one of whom makes it fail, who is left out."""
        decide = partial(
            _decide, self._app, self._co_likes, self._round_day, skip_without_news=self._due
        )
        self._settle(isolate_failing_subscriber(decide, due, self._report))


def _settle(
    app: App,
    decisions: Sequence[Decision],
    report: ComposeReport,
    started: datetime | None,
    *,
    dry_run: bool,
    with_digest: bool,
) -> None:
    """Store what was decided, and report it; a quiet day that is not over waits."""
    settled = []
    for decision in decisions:
        if may_still_come(app, decision, started):
            report.leave_out(decision.due.subscriber, f"{decision.reason} yet")
        else:
            settled.append(decision)
    for decision in settled if dry_run else store_outcomes(app, settled, report):
        add_to_report(report, decision, with_digest=with_digest)


def decide_for(
    app: App, reader: Subscriber, local_date: date, *, round_day: RoundDay | None = None
) -> Digest | Quiet:
    """Decide what a compose would store for one reader now; store nothing.

    Args:
        round_day: keeps the papers of the date from one reader to the next.
    """
    due = [DueReader(subscriber=reader, local_date=local_date)]
    with app.store.reading() as tx:
        votes = store.feedback.load_votes(tx, [reader.id]).get(reader.id, [])
    liked = [vote.paper_id for vote in votes if vote.vote == 1]
    co_likes = CoLikeContext(app, local_date, own=liked)
    (decision,) = _decide(app, co_likes, round_day or RoundDay(app, co_likes), due)
    return decision.outcome


def _decide(
    app: App,
    co_likes: CoLikeContext,
    round_day: RoundDay,
    due: Sequence[DueReader],
    *,
    skip_without_news: bool = False,
) -> Iterator[Decision]:
    """Decide for readers in this process, in any order.

    Args:
        skip_without_news: nothing is learned for readers for whom no paper can be new.
    """
    gathered = DueBatches(
        app, co_likes, round_day, size=len(due), skip_without_news=skip_without_news
    )
    rules = BatchRules.from_config(app.config)
    for pieces in (gathered.add(due), gathered.finish()):
        for piece in pieces:
            if isinstance(piece, UnreadBatch):
                raise piece.error
            if isinstance(piece, DueBatch):
                yield from piece.decide(choose_for_batch(rules, piece.shared, piece.batch))
            else:
                yield from piece


def _record_round(app: App, report: ComposeReport) -> None:
    with app.store.writing() as tx:
        store.rounds.record(tx, "compose", at=app.now(), report=report.counts)
