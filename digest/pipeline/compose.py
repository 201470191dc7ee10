"""compose: learn, score the new papers, and store each reader's digest.

A reader without a digest gets a quiet day with its reason.

Work is cut into batches of readers. A batch reads what it needs in a few queries; learning and
choosing then work on values alone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain, islice

from digest import metrics, store
from digest.app import App
from digest.model import Digest, Provenance, Quiet, QuietReason, Subscriber
from digest.pipeline.learn import learn, recalibrate
from digest.pipeline.steps.candidates import (
    DayPapers,
    Window,
    competing,
    count_new,
    find_window,
    has_news,
    may_have_news,
)
from digest.pipeline.steps.choose_digests import Candidates, choose_digests
from digest.pipeline.steps.co_likes import CoLikeContext
from digest.pipeline.steps.compose_report import ComposeReport
from digest.pipeline.steps.due_readers import (
    Decision,
    DueReader,
    batches_of_active_readers,
    group_by_local_date,
    select_due_readers,
    select_readers_of_date,
)
from digest.pipeline.steps.isolate_failures import isolate_failing_subscriber
from digest.pipeline.steps.quiet_days import count_quiet_days_to_tell, tell_quiet_days
from digest.pipeline.steps.recover import recover_messages
from digest.pipeline.steps.round_day import RoundDay
from digest.pipeline.steps.store_outcomes import add_to_report, may_still_come, store_outcomes
from digest.pipeline.steps.trained_readers import (
    WORKER_BATCH,
    RecipeSplit,
    TrainedReader,
    takes_part,
)
from digest.ranking import selection
from digest.store.history import History, LastCutoffs
from digest.store.recommendations import Recommendation

#: how long the day of a paper may still move, as records of it come and go
_DAY_MAY_MOVE = timedelta(days=31)
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
    co_likes = CoLikeContext(app, day)
    round_day = RoundDay(app, co_likes)
    with_digest = dry_run or only is not None
    for batch in batches_of_active_readers(app, only, report):
        if stop():
            report.stopped = True
            break
        if due:
            due_readers = select_due_readers(app, batch, report)
        else:
            due_readers = select_readers_of_date(
                app, batch, day, report, any_weekday=only is not None
            )
        report.due += len(due_readers)
        decisions = _decide_for_all(
            app, due_readers, co_likes, round_day, report, skip_without_news=due
        )
        while not report.stopped and (group := list(islice(decisions, _STORED_TOGETHER))):
            _settle(app, group, report, started, dry_run=dry_run, with_digest=with_digest)
            report.stopped = stop()
        if report.stopped:
            break
    if not dry_run:
        reasons = Counter(day.reason.value for day in report.quiet)
        metrics.count_compose(report.outcomes, reasons, seconds=time.monotonic() - began)
        if not due or report.planned or report.quiet:
            _record_round(app, report)
    return report


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


def _decide_for_all(
    app: App,
    due: Sequence[DueReader],
    co_likes: CoLikeContext,
    round_day: RoundDay,
    report: ComposeReport,
    *,
    skip_without_news: bool,
) -> Iterator[Decision]:
    """Decide date by date; a reader who makes that fail is left out."""
    decide = partial(_decide, app, co_likes, round_day, skip_without_news=skip_without_news)
    for due_on_date in group_by_local_date(due):
        yield from isolate_failing_subscriber(decide, due_on_date, report)


def _decide(
    app: App,
    co_likes: CoLikeContext,
    round_day: RoundDay,
    due: Sequence[DueReader],
    *,
    skip_without_news: bool = False,
) -> Iterator[Decision]:
    """Decide for readers of one local date, in any order.

    Args:
        skip_without_news: nothing is learned for readers for whom no paper can be new.
    """
    local_date = due[0].local_date
    window_days = app.config.digest.window_days
    with app.store.reading() as tx:
        last_cutoffs = store.history.load_last_cutoffs(
            tx, [due_reader.subscriber.id for due_reader in due], local_date
        )
    readers = [due_reader.subscriber for due_reader in due]
    windows = {
        reader.id: find_window(reader, last_cutoffs[reader.id].arrived, local_date, window_days)
        for reader in readers
    }
    days_to_tell = count_quiet_days_to_tell(app, readers, local_date)
    # A few readers who go further back must not make all others read as many papers.
    usual = local_date - timedelta(days=window_days + 1)
    for group in (
        [reader for reader in due if windows[reader.subscriber.id].new_after >= usual],
        [reader for reader in due if windows[reader.subscriber.id].new_after < usual],
    ):
        if not group:
            continue
        for decision in _decide_group(
            app, co_likes, round_day, group, last_cutoffs, windows, skip_without_news
        ):
            days = days_to_tell.get(decision.due.subscriber.id, 0)
            yield tell_quiet_days(decision, days) if days else decision


def _decide_group(
    app: App,
    co_likes: CoLikeContext,
    round_day: RoundDay,
    due: Sequence[DueReader],
    last_cutoffs: Mapping[int, LastCutoffs],
    windows: Mapping[int, Window],
    skip_without_news: bool,
) -> Iterator[Decision]:
    """Decide for readers whose papers go back about as far.

    Args:
        windows: by reader.
    """
    since = min(windows[due_reader.subscriber.id].new_after for due_reader in due)
    with app.store.reading() as tx:
        max_paper_id, last_day = store.papers.find_newest(tx)
        history = store.history.load(
            tx,
            {
                due_reader.subscriber.id: last_cutoffs[due_reader.subscriber.id]
                for due_reader in due
            },
            due[0].local_date,
            since=since - _DAY_MAY_MOVE,
        )
    if skip_without_news:  # every tick comes by here while papers are waited for
        with_news = [
            may_have_news(history[due_reader.subscriber.id], max_paper_id, last_day)
            for due_reader in due
        ]
        for due_reader, has_some in zip(due, with_news, strict=True):
            if not has_some:
                yield _without_news(app, due_reader, max_paper_id)
        due = [due_reader for due_reader, has_some in zip(due, with_news, strict=True) if has_some]
    if due:
        yield from _learn_and_choose(app, co_likes, round_day, due, history, windows)


def _without_news(app: App, due: DueReader, max_paper_id: int) -> Decision:
    quiet = Quiet(
        subscriber_id=due.subscriber.id,
        local_date=due.local_date,
        reason=QuietReason.NO_NEW_PAPERS,
        provenance=Provenance(model="", features="", at=app.now()),
    )
    return Decision(due=due, outcome=quiet, max_paper_id=max_paper_id)


def _learn_and_choose(
    app: App,
    co_likes: CoLikeContext,
    round_day: RoundDay,
    due: Sequence[DueReader],
    history: Mapping[int, History],
    windows: Mapping[int, Window],
) -> Iterator[Decision]:
    readers = [due_reader.subscriber for due_reader in due]
    since = min(windows[reader.id].new_after for reader in readers)
    carried = {ident for reader in readers for ident in history[reader.id].carried}
    with app.store.reading() as tx:
        max_paper_id = store.papers.find_max_id(tx)
        view, context = round_day.read(tx, due[0].local_date, since, carried)
        recommended = _load_recommended(app, tx, readers, due[0].local_date)
    papers = DayPapers({ident: paper.first_seen for ident, paper in context.papers.items()})
    candidates = [
        replace(
            _find_candidates(
                reader, history[reader.subscriber.id], windows[reader.subscriber.id], papers
            ),
            recommended=recommended.get(reader.subscriber.id, {}),
        )
        for reader in learn(app, readers, view, context.background, co_likes)
    ]
    batches = [
        candidates[start : start + WORKER_BATCH]
        for start in range(0, len(candidates), WORKER_BATCH)
    ]
    choose = partial(choose_digests, rules_of_all(app), RecipeSplit.from_config(app.config))
    outcomes = chain.from_iterable(app.workers.map(choose, context, batches))
    for due_reader, outcome in zip(due, outcomes, strict=True):
        yield Decision(due=due_reader, outcome=outcome, max_paper_id=max_paper_id)


def _load_recommended(
    app: App, tx: store.Connection, readers: Sequence[Subscriber], local_date: date
) -> dict[int, dict[str, list[Recommendation]]]:
    """Load what recommenders of others chose, for the readers who take part."""
    if not app.config.evaluate.recommenders:
        return {}
    ids = [reader.id for reader in readers if takes_part(app.config, reader.id)]
    return store.recommendations.load(tx, ids, local_date)


def _find_candidates(
    reader: TrainedReader, history: History, window: Window, papers: DayPapers
) -> Candidates:
    """The papers that compete for one reader; none where all of them competed before."""
    paper_ids = competing(history, papers, window, reader.rated_ids | history.listed)
    if not has_news(history, paper_ids, papers):
        paper_ids = frozenset()
    return Candidates(
        reader=reader,
        paper_ids=paper_ids,
        maybe_seen=history.maybe_seen,
        listed=history.listed & papers.first_seen.keys(),
        left_over=papers.left_over(history.latest),
        new_count=count_new(history, paper_ids, papers),
    )


def rules_of_all(app: App) -> selection.Rules:
    """Return the rules that the config sets for every reader."""
    settings = app.config.digest
    return selection.Rules(
        author_most=settings.author_most,
        category_most=settings.category_most,
        explore=settings.explore,
    )


def _record_round(app: App, report: ComposeReport) -> None:
    with app.store.writing() as tx:
        store.rounds.record(tx, "compose", at=app.now(), report=report.counts)
