"""learn and compose: for each reader a profile from their thumbs, scores for the new papers, and a digest or the reason why not.

Work is cut into batches of subscribers; a batch reads what it needs in a few queries, and the stages get values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from digest import digests, interests, interleave, papers, profiles, recipes, scores, store
from digest.app import App
from digest.calibration import matched
from digest.model import Digest, MessageKind, Quiet, QuietReason, Score, Standing, Subscriber
from digest.pipeline.calibrate import calibrate, calibrations
from digest.pipeline.company import Company
from digest.pipeline.gather import Reader, Shared, Topics, competing, shared_by_all, stored_frequencies, view
from digest.store.digests import Window


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A reader for whom nothing was composed now, and why."""

    subscriber: Subscriber
    reason: str


@dataclass(kw_only=True, slots=True)
class Composed:
    """What a compose did: digests and quiet days that were stored, and who was left out."""

    digests: list[tuple[Subscriber, Digest]] = field(default_factory=list)
    quiet: list[tuple[Subscriber, Quiet]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def json(self) -> dict[str, object]:
        return {
            "planned": len(self.digests),
            "quiet": len(self.quiet),
            "left_out": len(self.left_out),
            "subscribers": [
                *(
                    {"email": s.email, "date": d.local_date.isoformat(), "state": "planned", "papers": len(d.items)}
                    for s, d in self.digests
                ),
                *({"email": s.email, "date": q.local_date.isoformat(), "state": "quiet", "reason": q.reason.value} for s, q in self.quiet),
                *({"email": left.subscriber.email, "state": "left out", "reason": left.reason} for left in self.left_out),
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
            store.ledger.recover(tx, dead=store.owners.dead(store.ledger.owners(tx)), now=app.now(), clock=datetime.now(UTC))
        calibrate(app)
    done = 0
    company = Company(app, day)
    for batch in _batches(app, only, report):
        for local_date, readers in _wanted(app, batch, day, only is not None, due, report).items():
            for subscriber, outcome, mark in _outcomes(app, readers, local_date, company):
                _keep(app, subscriber, outcome, mark, report, dry_run=dry_run)
        done += len(batch)
        if progress:
            progress(done)
    if not dry_run:
        with app.store.writing() as tx:
            summary = {key: value for key, value in report.json.items() if key != "subscribers"}
            if not due or report.digests or report.quiet:  # a tick that had nothing to do is no news
                store.rounds.add(tx, "compose", at=app.now(), report=summary)
    return report


def _batches(app: App, only: Subscriber | None, report: Composed) -> Iterator[list[Subscriber]]:
    if only is not None:
        if only.standing is Standing.ACTIVE:
            yield [only]
        else:
            report.left_out.append(LeftOut(subscriber=only, reason=only.standing.value))
        return
    with app.store.reading() as tx:
        report.left_out += [
            LeftOut(subscriber=s, reason=s.standing.value)
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
    local = {s.id: now.astimezone(ZoneInfo(s.timezone)) for s in batch}
    dates = {s.id: day or local[s.id].date() for s in batch}
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
            report.left_out.append(LeftOut(subscriber=subscriber, reason=reason))
        else:
            wanted.setdefault(its_day, []).append(subscriber)
    return wanted


def due_at(subscriber: Subscriber, local_date: date) -> datetime:
    """The instant from which a digest may be sent: the reader's hour on that date.

    Of an hour that a clock change repeats the first counts; of one that it skips, the instant it would have been, which is the first valid
    hour after it.
    """
    return datetime.combine(local_date, time(subscriber.hour), ZoneInfo(subscriber.timezone)).astimezone(UTC)


# ---------------------------------------------------------------------------------------------- a batch of readers


def _outcomes(
    app: App, readers: Sequence[Subscriber], local_date: date, company: Company
) -> Iterator[tuple[Subscriber, Digest | Quiet, int]]:
    """Digest or Quiet for each reader, and the mark up to which papers competed."""
    now = app.now()
    until = max(local_date, now.date())
    after = local_date - timedelta(days=app.config.digest.window_days)
    with app.store.reading() as tx:
        now_view = view(tx, now=now, until=until, frequencies=stored_frequencies(tx), least=company.least)
        mark = store.papers.highest_id(tx)
        history = store.digests.history(tx, [s.id for s in readers], local_date)
        votes = store.feedback.of_subscribers(tx, [s.id for s in readers])
        fresh = store.papers.seen_between(tx, after, until)
        carried = sorted({ident for h in history.values() for ident in h.carried} - set(fresh))
        shared = replace(shared_by_all(tx, fresh + carried, local_date, now_view), calibrations=calibrations(tx))
        topics = Topics(tx, readers, votes, now_view, app.config.digest.ignored_weight)
    first_seen = {ident: paper.first_seen for ident, paper in shared.papers.items()}
    work = []
    lifts = company.lifts([votes.get(s.id, []) for s in readers])
    for subscriber, own_lifts in zip(readers, lifts, strict=True):
        past = history[subscriber.id]
        among = competing(past, first_seen, after, topics.seen(subscriber) | past.listed)
        work.append(topics.reader(subscriber, among, past.maybe_seen, own_lifts))
    yield from zip(readers, app.workers.map(partial(_choose, _sharing(app)), shared, work), [mark] * len(readers), strict=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sharing:
    """Which recipe ranks, and the one that it shares the digests of some readers with; and what every digest holds to."""

    recipe: str
    recipe_b: str
    #: per cent of the readers
    share: int
    rules: digests.Rules

    def of(self, subscriber: Subscriber) -> bool:
        return bool(self.recipe_b) and interleave.takes_part(subscriber.id, self.share, (self.recipe, self.recipe_b))


def _sharing(app: App) -> _Sharing:
    settings, wanted = app.config.evaluate, app.config.digest
    rules = digests.Rules(author_most=wanted.author_most, category_most=wanted.category_most, explore=wanted.explore)
    return _Sharing(recipe=wanted.recipe, recipe_b=settings.recipe_b, share=settings.share, rules=rules)


def _choose(sharing: _Sharing, shared: Shared, reader: Reader) -> Digest | Quiet:
    """Pure, so that it may run anywhere: profile, scores, digest; and the draft where two recipes share it."""
    rules = _rules_of(sharing.rules, shared, reader)
    subscriber = reader.subscriber
    if sharing.of(subscriber) and not all(_calibrated(name, shared) for name in (sharing.recipe, sharing.recipe_b)):
        # Numbers on the papers of one recipe alone would tell the reader whose they are.
        shared = replace(shared, calibrations={})
    own = _by(sharing.recipe, shared, reader, rules)
    if isinstance(own, Quiet) or not sharing.of(subscriber):
        return own
    other = _by(sharing.recipe_b, shared, _without_threshold(sharing.recipe, shared, reader), rules)
    if isinstance(other, Quiet):
        return own
    items = interleave.draft(
        own.items,
        other.items,
        teams=(sharing.recipe, sharing.recipe_b),
        subscriber_id=subscriber.id,
        local_date=shared.local_date,
        size=subscriber.size,
        key=lambda ident: papers.normalise_title(shared.papers[ident].title),
    )
    return replace(own, items=items, made=replace(own.made, recipe_b=sharing.recipe_b))


def _rules_of(rules: digests.Rules, shared: Shared, reader: Reader) -> digests.Rules:
    """What the reader asked for or against by name holds whichever recipe ranks and whatever their thumbs say."""
    known, day = reader.known, shared.day
    said = profiles.train(known.interests, shared.background, phrases=known.phrases)
    return replace(
        rules,
        muted=scores.muted(said, day),
        pinned=scores.pinned(said, day),
        followed=frozenset(name for interest in known.interests for name in interest.categories if not name.startswith("-")),
        places=interests.places,
        cosines=partial(scores.cosines, day),
    )


def _by(name: str, shared: Shared, reader: Reader, rules: digests.Rules) -> Digest | Quiet:
    """The reader's digest as one recipe alone would choose it."""
    recipe = recipes.RECIPES[name]
    learned = recipes.learn(recipe, reader.known, shared.background)
    made = replace(shared.made, recipe=name, candidates=len(reader.among), **recipes.counted(learned))
    if _calibrated(name, shared):
        made = replace(made, calibration=str(shared.calibrations[name]))
    if len(learned) > 1:
        rules = replace(rules, shares={one.name: one.share for one in learned})
    ranked = _ranked(name, learned, shared, reader)
    competing = {i: shared.papers[i] for i in reader.among}
    outcome = digests.choose(reader.subscriber, shared.local_date, ranked, competing, made=made, carried=reader.maybe_seen, rules=rules)
    if isinstance(outcome, Quiet):
        return outcome
    reasons = recipes.explain(recipe, learned, shared.day, {item.score.paper_id: item.score for item in outcome.items})
    return replace(
        outcome, items=tuple(replace(item, score=replace(reasons[item.score.paper_id], match=item.score.match)) for item in outcome.items)
    )


def _ranked(name: str, learned: Sequence[recipes.Learned], shared: Shared, reader: Reader) -> Iterator[Score]:
    """One recipe's scores, best first, with the match that each stands for."""
    ranked = recipes.rank(recipes.RECIPES[name], learned, shared.background, shared.day, reader.among)
    thumbs = recipes.counted(learned)
    return matched(ranked, shared.calibrations.get(name), thumbs_up=thumbs["thumbs_up"], thumbs_down=thumbs["thumbs_down"])


def _calibrated(name: str, shared: Shared) -> bool:
    return name in shared.calibrations and shared.calibrations[name].enough


def _without_threshold(own: str, shared: Shared, reader: Reader) -> Reader:
    """The same reader for another recipe: the threshold is kept by the service's own match, since each recipe has a scale of its own."""
    if not reader.subscriber.threshold:
        return reader
    learned = recipes.learn(recipes.RECIPES[own], reader.known, shared.background)
    scored = _ranked(own, learned, shared, reader)
    above = frozenset(score.paper_id for score in scored if score.reaches(reader.subscriber.threshold))
    return replace(reader, subscriber=replace(reader.subscriber, threshold=0), among=above)


# ---------------------------------------------------------------------------------------------- keeping it


def _keep(app: App, subscriber: Subscriber, outcome: Digest | Quiet, mark: int, report: Composed, *, dry_run: bool) -> None:
    now = app.now()
    hours = timedelta(hours=app.config.digest.window_hours)
    closes = due_at(subscriber, outcome.local_date) + hours
    if isinstance(outcome, Quiet) and outcome.reason is not QuietReason.BELOW_THRESHOLD and now < closes:
        # A quiet day is final; papers may still come while there is time to send them.
        report.left_out.append(LeftOut(subscriber=subscriber, reason=f"{outcome.reason.value} yet"))
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
                report.left_out.append(LeftOut(subscriber=subscriber, reason=f"has a digest for {outcome.local_date} already"))
                return
    if isinstance(outcome, Digest):
        report.digests.append((subscriber, outcome))
    else:
        report.quiet.append((subscriber, outcome))


def outcome_for(app: App, subscriber: Subscriber, local_date: date) -> Digest | Quiet:
    """What a compose would store for one reader now; stores nothing."""
    ((_, outcome, _),) = _outcomes(app, [subscriber], local_date, Company(app, local_date))
    return outcome
