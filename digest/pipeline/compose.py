"""learn and compose: for each reader a profile, scores for the new papers, and a digest or why not.

Work is cut into batches of subscribers; a batch reads what it needs in a few queries, and the
stages get values.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain

from digest import store
from digest.app import App
from digest.errors import DigestError
from digest.model import Digest, Provenance, Quiet, QuietReason, Subscriber, SubscriberStatus
from digest.pipeline.steps.calibrations import load_calibrations, recalibrate
from digest.pipeline.steps.candidates import competing, has_news, may_have_news, window_start
from digest.pipeline.steps.choose_digests import PORTION, ChoiceSettings, choose_digests
from digest.pipeline.steps.co_likes import CoLikeContext
from digest.pipeline.steps.compose_report import ComposeReport, LeftOut
from digest.pipeline.steps.due_readers import DueReader, due_readers, readers_of_date
from digest.pipeline.steps.recover import recover
from digest.pipeline.steps.store_outcomes import add, may_still_come, store_outcome
from digest.pipeline.steps.training_data import TrainingReader, load_batch_context, view
from digest.pipeline.steps.word_counts import load_frequencies
from digest.ranking import selection
from digest.store.history import Reaches

log = logging.getLogger("digest.compose")

#: readers at most for whom a compose fails and goes on; more are no matter of single readers
_FAILED_MAX = 20
#: how long the day of a paper may still move, as records of it come and go
_SETTLED = timedelta(days=31)

_Outcome = tuple[Subscriber, Digest | Quiet, int]


def compose(
    app: App,
    *,
    day: date | None = None,
    only: Subscriber | None = None,
    due: bool = False,
    started: datetime | None = None,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> ComposeReport:
    """Choose and store a digest for every reader who has none for their local date.

    Args:
        day: the local date of everybody; None = each reader's own, now.
        only: this reader alone, whatever their weekdays.
        due: only readers whose hour has come or whose digest was missed, as `serve` does; each
            on their own date.
        started: since when the service runs: a digest that was missed before still waits for
            papers.
        dry_run: store nothing.
        progress: called with the number of readers done.
        stop: asked before each reader is stored. True: the others get theirs the next time.
    """
    report = ComposeReport()
    if not dry_run:
        with (
            app.store.writing() as tx
        ):  # what expired since the last send competes again now, not a day later
            recover(app, tx)
        recalibrate(app)
    done = 0
    company = CoLikeContext(app, day)
    whole = dry_run or only is not None

    def take(turn: DueReader, outcome: Digest | Quiet, max_paper_id: int) -> None:
        if isinstance(outcome, Quiet) and may_still_come(app, turn, outcome, started):
            reason = f"{outcome.reason.value} yet"
            report.left_out.append(LeftOut(email=turn.subscriber.email, reason=reason))
        elif dry_run or store_outcome(app, turn, outcome, max_paper_id, report):
            add(report, turn, outcome, whole=whole)

    for batch in _batches(app, only, report):
        turns = _turns(app, batch, day, only is not None, due, report)
        for turn, outcome, max_paper_id in _outcomes_of_turns(app, turns, company, report, due=due):
            if stop():
                report.stopped = True
                break
            take(turn, outcome, max_paper_id)
        done += len(batch)
        if progress:
            progress(done)
        if report.stopped or stop():
            report.stopped = True
            break
    if not dry_run and (not due or report.planned or report.quiet):  # else a tick without news
        _record(app, report)
    return report


def _record(app: App, report: ComposeReport) -> None:
    summary = {key: value for key, value in report.json.items() if key != "subscribers"}
    with app.store.writing() as tx:
        store.rounds.record(tx, "compose", at=app.now(), report=summary)


def _outcomes_of_turns(
    app: App,
    turns: Mapping[date, Sequence[DueReader]],
    company: CoLikeContext,
    report: ComposeReport,
    *,
    due: bool,
) -> Iterator[tuple[DueReader, Digest | Quiet, int]]:
    """What is chosen for each reader of a batch, date by date, and the mark up to which papers
    competed.
    """
    for local_date, some in turns.items():
        turn_of = {turn.subscriber.id: turn for turn in some}
        readers = [turn.subscriber for turn in some]
        for subscriber, outcome, max_paper_id in _spared(
            app, readers, local_date, company, report, due=due
        ):
            yield turn_of[subscriber.id], outcome, max_paper_id


def _batches(
    app: App, only: Subscriber | None, report: ComposeReport
) -> Iterator[list[Subscriber]]:
    if only is not None:
        if only.status is SubscriberStatus.ACTIVE:
            yield [only]
        else:
            report.left_out.append(LeftOut(email=only.email, reason=only.status.value))
        return
    with app.store.reading() as tx:
        report.left_out += [
            LeftOut(email=s.email, reason=s.status.value)
            for s in store.subscribers.list_by_status(
                tx, SubscriberStatus.PENDING, SubscriberStatus.PAUSED, SubscriberStatus.SUPPRESSED
            )
        ]
    after = 0
    while True:
        with app.store.reading() as tx:
            batch = store.subscribers.load_page(tx, after=after, limit=app.config.workers.batch)
        if not batch:
            return
        yield batch
        after = batch[-1].id


def _turns(
    app: App,
    batch: Sequence[Subscriber],
    day: date | None,
    alone: bool,
    due: bool,
    report: ComposeReport,
) -> dict[date, list[DueReader]]:
    """The batch's readers who get a digest now, by local date; the others go into the report."""
    with app.store.reading() as tx:
        if due:
            found, left_out = due_readers(tx, batch, app.now())
        else:
            found, left_out = readers_of_date(tx, batch, app.now(), day, any_weekday=alone)
    report.left_out += left_out
    by_date: dict[date, list[DueReader]] = {}
    for turn in found:
        by_date.setdefault(turn.local_date, []).append(turn)
    return by_date


# ---------------------------------------------------------------------------------------------- a
# batch of readers


def _spared(
    app: App,
    readers: Sequence[Subscriber],
    local_date: date,
    company: CoLikeContext,
    report: ComposeReport,
    *,
    due: bool,
) -> Iterator[_Outcome]:
    """As `_outcomes`; where one reader trips us up, that reader is found by halves and left out,
    and the others get theirs.
    """
    done: set[int] = set()
    try:
        for outcome in _outcomes(app, readers, local_date, company, briefly=due):
            done.add(outcome[0].id)
            yield outcome
    except DigestError:
        raise
    except Exception as error:
        if report.failed >= _FAILED_MAX:
            raise
        rest = [reader for reader in readers if reader.id not in done]
        if len(rest) == 1:
            log.exception("no digest for subscriber %d, by a mistake of ours", rest[0].id)
            told = (
                f"failed by a mistake of ours, and the log says more: {type(error).__name__}: "
                f"{error}"
            )
            report.left_out.append(LeftOut(email=rest[0].email, reason=told))
            report.failed += 1
            return
        log.warning("no digests for %d readers together, trying halves: %s", len(rest), error)
        for half in (rest[: len(rest) // 2], rest[len(rest) // 2 :]):
            yield from _spared(app, half, local_date, company, report, due=due)


def _outcomes(
    app: App,
    readers: Sequence[Subscriber],
    local_date: date,
    company: CoLikeContext,
    *,
    briefly: bool = False,
) -> Iterator[_Outcome]:
    """Digest or Quiet for each reader in any order, and the mark up to which papers competed.

    `briefly`: for whom no paper can be new, little is read, and what they like is not learned.
    """
    window_days = app.config.digest.window_days
    with app.store.reading() as tx:
        reaches = store.history.load_reaches(tx, [s.id for s in readers], local_date)
    after = {s.id: window_start(s, reaches[s.id].arrived, local_date, window_days) for s in readers}
    # A few readers who go further back are not to make all others read as many papers.
    usual = local_date - timedelta(days=window_days + 1)
    for group in (
        [s for s in readers if after[s.id] >= usual],
        [s for s in readers if after[s.id] < usual],
    ):
        if group:
            yield from _outcomes_of(app, group, local_date, company, reaches, after, briefly)


def _outcomes_of(
    app: App,
    readers: Sequence[Subscriber],
    local_date: date,
    company: CoLikeContext,
    reaches: Mapping[int, Reaches],
    after: Mapping[int, date],
    briefly: bool,
) -> Iterator[_Outcome]:
    """The same for readers whose papers go back about as far; `after` says to which day."""
    now = app.now()
    until = max(local_date, now.date())
    earliest = min(after[s.id] for s in readers)
    with app.store.reading() as tx:
        max_paper_id, last_day = store.papers.find_newest(tx)
        known = {s.id: reaches[s.id] for s in readers}
        history = store.history.load(tx, known, local_date, since=earliest - _SETTLED)
    # While papers are waited for, every tick comes by here.
    waiting = {
        s.id
        for s in readers
        if briefly and not may_have_news(history[s.id], max_paper_id, last_day)
    }
    provenance = Provenance(model="", features="", at=now)
    for s in [s for s in readers if s.id in waiting]:
        reason = QuietReason.NO_NEW_PAPERS
        yield (
            s,
            Quiet(subscriber_id=s.id, local_date=local_date, reason=reason, provenance=provenance),
            max_paper_id,
        )
    readers = [s for s in readers if s.id not in waiting]
    if not readers:
        return
    with app.store.reading() as tx:
        now_view = view(
            tx,
            now=now,
            until=until,
            frequencies=load_frequencies(tx),
            least=company.least,
            encoder=app.config.features.encoder,
        )
        max_paper_id = store.papers.find_max_id(tx)
        votes = store.feedback.load_votes(tx, [s.id for s in readers])
        fresh = store.papers.list_seen_between(tx, earliest, until)
        carried = sorted({i for s in readers for i in history[s.id].carried} - set(fresh))
        shared = load_batch_context(tx, fresh + carried, local_date, now_view)
        shared = replace(shared, calibrations=load_calibrations(tx))
        gathered = TrainingReader(tx, readers, votes, now_view, app.config.digest.ignored_weight)
    first_seen = {ident: paper.first_seen for ident, paper in shared.papers.items()}
    work = []
    boosts = company.boosts_of_readers([votes.get(s.id, []) for s in readers])
    for subscriber, own_boosts in zip(readers, boosts, strict=True):
        past = history[subscriber.id]
        seen = gathered.seen(subscriber) | past.listed
        among = competing(past, first_seen, after[subscriber.id], seen)
        if not has_news(past, among, first_seen):
            among = frozenset()
        work.append(gathered.reader(subscriber, among, past.maybe_seen, own_boosts))
    batches = [work[start : start + PORTION] for start in range(0, len(work), PORTION)]
    each = app.workers.map(partial(choose_digests, _sharing(app)), shared, batches)
    yield from zip(readers, chain.from_iterable(each), [max_paper_id] * len(readers), strict=True)


def _sharing(app: App) -> ChoiceSettings:
    settings, wanted = app.config.evaluate, app.config.digest
    rules = selection.Rules(
        author_most=wanted.author_most, category_most=wanted.category_most, explore=wanted.explore
    )
    return ChoiceSettings(
        recipe=wanted.recipe, recipe_b=settings.recipe_b, share=settings.share, rules=rules
    )


def outcome_for(app: App, subscriber: Subscriber, local_date: date) -> Digest | Quiet:
    """What a compose would store for one reader now; stores nothing."""
    ((_, outcome, _),) = _outcomes(app, [subscriber], local_date, CoLikeContext(app, local_date))
    return outcome
