"""learn and compose: for each reader a profile from their thumbs, scores for the new papers, and a digest or the reason why not.

Work is cut into batches of subscribers; a batch reads what it needs in a few queries, and the stages get values.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import chain
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from digest import digests, store
from digest.app import App
from digest.errors import DigestError, InputError
from digest.model import Digest, MessageKind, Quiet, QuietReason, Standing, Subscriber
from digest.pipeline.calibrate import calibrate, calibrations
from digest.pipeline.choosing import TOGETHER, Sharing, choose_all
from digest.pipeline.company import Company
from digest.pipeline.deliveries import recover
from digest.pipeline.gather import Gathered, competing, shared_by_all, view
from digest.pipeline.words import stored_frequencies
from digest.store.digests import Window

log = logging.getLogger("digest.compose")

#: readers at most for whom a compose fails and goes on; where more fail, it is no matter of single readers
_FAILED_MAX = 20
#: how long the day of a paper may still move, as records of it come and go
_SETTLED = timedelta(days=31)


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A reader whose digest was stored, and how many papers it lists."""

    email: str
    local_date: date
    papers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QuietDay:
    """A reader who gets no digest on a date, and why."""

    email: str
    local_date: date
    reason: QuietReason


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A reader for whom nothing was composed now, and why."""

    email: str
    reason: str


@dataclass(kw_only=True, slots=True)
class Composed:
    """What a compose did: digests and quiet days that were stored, and who was left out. A line a reader, since there may be very many."""

    planned: list[Planned] = field(default_factory=list)
    quiet: list[QuietDay] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    #: the digests themselves, where one reader alone was asked for or nothing is stored
    digests: list[tuple[Subscriber, Digest]] = field(default_factory=list)
    #: of those left out, for how many it failed by a mistake of ours
    failed: int = 0

    @property
    def json(self) -> dict[str, object]:
        return {
            "planned": len(self.planned),
            "quiet": len(self.quiet),
            "left_out": len(self.left_out),
            "subscribers": [
                *(
                    {"email": one.email, "date": one.local_date.isoformat(), "state": "planned", "papers": one.papers}
                    for one in self.planned
                ),
                *(
                    {"email": one.email, "date": one.local_date.isoformat(), "state": "quiet", "reason": one.reason.value}
                    for one in self.quiet
                ),
                *({"email": one.email, "state": "left out", "reason": one.reason} for one in self.left_out),
            ],
        }


def compose(
    app: App,
    *,
    day: date | None = None,
    only: Subscriber | None = None,
    due: bool = False,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Composed:
    """Choose and store a digest for every reader who has none for their local date.

    Args:
        day: the local date of everybody; None = each reader's own, now.
        only: this reader alone, whatever their weekdays.
        due: only readers whose hour has come, as `serve` does.
        dry_run: store nothing.
        progress: called with the number of readers done.
    """
    report = Composed()
    if not dry_run:
        with app.store.writing() as tx:  # what expired since the last send competes again now, not a day later
            recover(app, tx)
        calibrate(app)
    done = 0
    company = Company(app, day)
    for batch in _batches(app, only, report):
        for local_date, readers in _wanted(app, batch, day, only is not None, due, report).items():
            for subscriber, outcome, mark in _spared(app, readers, local_date, company, report):
                _keep(app, subscriber, outcome, mark, report, dry_run=dry_run, whole=dry_run or only is not None)
        done += len(batch)
        if progress:
            progress(done)
    if not dry_run:
        with app.store.writing() as tx:
            summary = {key: value for key, value in report.json.items() if key != "subscribers"}
            if not due or report.planned or report.quiet:  # a tick that had nothing to do is no news
                store.rounds.add(tx, "compose", at=app.now(), report=summary)
    return report


def _batches(app: App, only: Subscriber | None, report: Composed) -> Iterator[list[Subscriber]]:
    if only is not None:
        if only.standing is Standing.ACTIVE:
            yield [only]
        else:
            report.left_out.append(LeftOut(email=only.email, reason=only.standing.value))
        return
    with app.store.reading() as tx:
        report.left_out += [
            LeftOut(email=s.email, reason=s.standing.value)
            for s in store.subscribers.by_standing(tx, Standing.PENDING, Standing.PAUSED, Standing.SUPPRESSED)
        ]
    after = 0
    while True:
        with app.store.reading() as tx:
            batch = store.subscribers.page(tx, after=after, limit=app.config.workers.batch)
        if not batch:
            return
        yield batch
        after = batch[-1].id


def _wanted(
    app: App, batch: Sequence[Subscriber], day: date | None, alone: bool, due: bool, report: Composed
) -> dict[date, list[Subscriber]]:
    """The batch's readers who get a digest now, by local date; the others go into the report with their reason."""
    now = app.now()
    dates = {}
    for subscriber in batch:
        try:
            here = now.astimezone(zone_of(subscriber)).date()
        except InputError as error:
            report.left_out.append(LeftOut(email=subscriber.email, reason=str(error)))
        else:
            dates[subscriber.id] = day or here
    batch = [s for s in batch if s.id in dates]
    with app.store.reading() as tx:
        taken = store.digests.taken(tx, [s.id for s in batch], dates.values())
    wanted: dict[date, list[Subscriber]] = {}
    for subscriber in batch:
        its_day = dates[subscriber.id]
        reason = ""
        if (subscriber.id, its_day) in taken:
            reason = f"has a digest for {its_day} already"
        elif its_day.isoweekday() not in subscriber.days and not alone:
            reason = f"{its_day:%A} is none of their days"
        elif due and now < due_at(subscriber, its_day):
            reason = f"not before {subscriber.hour}:00 {subscriber.timezone}"
        if reason:
            report.left_out.append(LeftOut(email=subscriber.email, reason=reason))
        else:
            wanted.setdefault(its_day, []).append(subscriber)
    return wanted


def zone_of(subscriber: Subscriber) -> ZoneInfo:
    """The reader's timezone.

    Raises:
        InputError: this machine knows none of that name, which was known where the reader chose it.
    """
    try:
        return ZoneInfo(subscriber.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(
            f"timezone {subscriber.timezone!r} is unknown here; update tzdata, or `digest subscribe {subscriber.email} --timezone NAME`"
        ) from error


def due_at(subscriber: Subscriber, local_date: date) -> datetime:
    """The instant from which a digest may be sent: the reader's hour on that date.

    Of an hour that a clock change repeats the first counts; of one that it skips, the instant it would have been, which is the first valid
    hour after it.
    """
    return datetime.combine(local_date, time(subscriber.hour), zone_of(subscriber)).astimezone(UTC)


# ---------------------------------------------------------------------------------------------- a batch of readers


def _spared(
    app: App, readers: Sequence[Subscriber], local_date: date, company: Company, report: Composed
) -> Iterator[tuple[Subscriber, Digest | Quiet, int]]:
    """As `_outcomes`; where one reader trips us up, that reader is found by halves and left out, and the others get theirs."""
    done = 0
    try:
        for one in _outcomes(app, readers, local_date, company):
            yield one
            done += 1
    except DigestError:
        raise
    except Exception as error:
        if report.failed >= _FAILED_MAX:
            raise
        rest = readers[done:]
        if len(rest) == 1:
            log.exception("no digest for subscriber %d, by a mistake of ours", rest[0].id)
            told = f"failed by a mistake of ours, and the log says more: {type(error).__name__}: {error}"
            report.left_out.append(LeftOut(email=rest[0].email, reason=told))
            report.failed += 1
            return
        log.warning("no digests for %d readers together, trying halves: %s", len(rest), error)
        for half in (rest[: len(rest) // 2], rest[len(rest) // 2 :]):
            yield from _spared(app, half, local_date, company, report)


def _outcomes(
    app: App, readers: Sequence[Subscriber], local_date: date, company: Company
) -> Iterator[tuple[Subscriber, Digest | Quiet, int]]:
    """Digest or Quiet for each reader, and the mark up to which papers competed."""
    now = app.now()
    until = max(local_date, now.date())
    after = local_date - timedelta(days=app.config.digest.window_days)
    with app.store.reading() as tx:
        now_view = view(
            tx, now=now, until=until, frequencies=stored_frequencies(tx), least=company.least, encoder=app.config.features.encoder
        )
        mark = store.papers.highest_id(tx)
        history = store.history.of(tx, [s.id for s in readers], local_date, since=after - _SETTLED)
        votes = store.feedback.of_subscribers(tx, [s.id for s in readers])
        fresh = store.papers.seen_between(tx, after, until)
        carried = sorted({ident for h in history.values() for ident in h.carried} - set(fresh))
        shared = replace(shared_by_all(tx, fresh + carried, local_date, now_view), calibrations=calibrations(tx))
        gathered = Gathered(tx, readers, votes, now_view, app.config.digest.ignored_weight)
    first_seen = {ident: paper.first_seen for ident, paper in shared.papers.items()}
    work = []
    lifts = company.lifts([votes.get(s.id, []) for s in readers])
    for subscriber, own_lifts in zip(readers, lifts, strict=True):
        past = history[subscriber.id]
        among = competing(past, first_seen, after, gathered.seen(subscriber) | past.listed)
        work.append(gathered.reader(subscriber, among, past.maybe_seen, own_lifts))
    batches = [work[start : start + TOGETHER] for start in range(0, len(work), TOGETHER)]
    each = app.workers.map(partial(choose_all, _sharing(app)), shared, batches)
    yield from zip(readers, chain.from_iterable(each), [mark] * len(readers), strict=True)


def _sharing(app: App) -> Sharing:
    settings, wanted = app.config.evaluate, app.config.digest
    rules = digests.Rules(author_most=wanted.author_most, category_most=wanted.category_most, explore=wanted.explore)
    return Sharing(recipe=wanted.recipe, recipe_b=settings.recipe_b, share=settings.share, rules=rules)


# ---------------------------------------------------------------------------------------------- keeping it


def _keep(app: App, subscriber: Subscriber, outcome: Digest | Quiet, mark: int, report: Composed, *, dry_run: bool, whole: bool) -> None:
    now = app.now()
    hours = timedelta(hours=app.config.digest.window_hours)
    closes = due_at(subscriber, outcome.local_date) + hours
    if isinstance(outcome, Quiet) and outcome.reason is not QuietReason.BELOW_THRESHOLD and now < closes:
        # A quiet day is final; papers may still come while there is time to send them.
        report.left_out.append(LeftOut(email=subscriber.email, reason=f"{outcome.reason.value} yet"))
        return
    if not dry_run:
        key = outcome.local_date.isoformat()
        window = Window(
            message_id=app.message_id(MessageKind.DIGEST, key, subscriber.id),
            not_before=now,
            expires_at=max(closes, now + hours),  # composed by hand late in the day, it still gets its hours
        )
        with app.store.writing() as tx:
            if store.digests.plan(tx, outcome, mark=mark, window=window, now=now) is None:
                report.left_out.append(LeftOut(email=subscriber.email, reason=f"has a digest for {outcome.local_date} already"))
                return
    if isinstance(outcome, Digest):
        report.planned.append(Planned(email=subscriber.email, local_date=outcome.local_date, papers=len(outcome.items)))
        if whole:
            report.digests.append((subscriber, outcome))
    else:
        report.quiet.append(QuietDay(email=subscriber.email, local_date=outcome.local_date, reason=outcome.reason))


def outcome_for(app: App, subscriber: Subscriber, local_date: date) -> Digest | Quiet:
    """What a compose would store for one reader now; stores nothing."""
    ((_, outcome, _),) = _outcomes(app, [subscriber], local_date, Company(app, local_date))
    return outcome
