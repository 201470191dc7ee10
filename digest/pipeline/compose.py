"""learn and compose: for each reader a profile from their thumbs, scores for the new papers, and a digest or the reason why not.

Work is cut into batches of subscribers; a batch reads what it needs in a few queries, and the stages get values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import scipy.sparse as sp

from digest import digests, features, papers, profiles, scores, store
from digest.app import App
from digest.model import Digest, Feedback, Made, MessageKind, Paper, Quiet, QuietReason, Standing, Subscriber
from digest.pipeline.hear import look_up_all
from digest.store.digests import History, Window

#: recent papers that stand for what a reader did not ask for, and that a match is measured against
BACKGROUND = 1000


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
            store.ledger.recover(tx, dead=store.owners.dead(store.ledger.owners(tx)), now=app.now())
    done = 0
    for batch in _batches(app, only, report):
        for local_date, readers in _wanted(app, batch, day, only is not None, due, report).items():
            for subscriber, outcome, mark in _outcomes(app, readers, local_date):
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    """What all readers of a batch have in common; sent to the workers once."""

    day: scores.Day
    papers: dict[int, Paper]
    background: profiles.Background
    made: Made
    local_date: date


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reader:
    """One reader's part of the work."""

    subscriber: Subscriber
    phrases: tuple[features.Phrase, ...]
    liked: profiles.Rated
    disliked: profiles.Rated
    examples: profiles.Rated
    #: ids that compete for this reader
    among: frozenset[int]
    #: ids that the reader may have been shown
    maybe_seen: frozenset[int]


def _outcomes(app: App, readers: Sequence[Subscriber], local_date: date) -> Iterator[tuple[Subscriber, Digest | Quiet, int]]:
    """Digest or Quiet for each reader, and the mark up to which papers competed."""
    now = app.now()
    until = max(local_date, now.date())
    after = local_date - timedelta(days=app.config.digest.window_days)
    with app.store.reading() as tx:
        mark = store.papers.highest_id(tx)
        history = store.digests.history(tx, [s.id for s in readers], local_date)
        votes = store.feedback.of_subscribers(tx, [s.id for s in readers])
        fresh = store.papers.seen_between(tx, after, until)
        carried = sorted({ident for h in history.values() for ident in h.carried} - set(fresh))
        shared, lexicon = _shared(tx, fresh + carried, local_date, until, now)
        topics = _Topics(tx, lexicon, readers, votes, now)
    first_seen = {ident: paper.first_seen for ident, paper in shared.papers.items()}
    work = []
    for subscriber in readers:
        past = history[subscriber.id]
        new = {i for i, day in first_seen.items() if day > after and (past.last_day is None or i > past.mark or day > past.last_day)}
        seen = past.listed | {v.paper_id for v in votes.get(subscriber.id, [])} | set(topics.examples[subscriber.id][0])
        work.append(topics.reader(subscriber, frozenset((new | past.carried) - seen) & first_seen.keys(), past))
    yield from zip(readers, app.workers.map(_choose, shared, work), [mark] * len(readers), strict=True)


def _shared(
    tx: store.Connection, competing: Sequence[int], local_date: date, until: date, now: datetime
) -> tuple[_Shared, features.Frequencies]:
    recent = store.papers.recent(tx, until, BACKGROUND)
    found = store.papers.by_ids(tx, {*competing, *recent})
    stored = store.papers.frequencies_of(tx, features.VERSION)
    frequencies = features.Frequencies.from_bytes(stored) if stored else features.Frequencies()
    compete = [found[i] for i in competing if i in found and not found[i].withdrawn]
    others = [found[i] for i in recent if i in found]
    rows = _rows(tx, compete, frequencies)
    other_rows = _rows(tx, others, frequencies)
    made = Made(
        model="", features=features.VERSION, candidates=len(compete), dumps=store.papers.dump_names(tx, [p.id for p in compete]), at=now
    )  # fmt: skip
    shared = _Shared(
        day=scores.day(compete, rows, others, other_rows),
        papers={p.id: p for p in compete},
        background=profiles.background(others, other_rows),
        made=made,
        local_date=local_date,
    )
    return shared, frequencies


def _rows(tx: store.Connection, some: Sequence[Paper], frequencies: features.Frequencies) -> sp.csr_matrix:
    """Weighed words of papers; one without a stored vector of this version is vectorised on the spot."""
    packed = store.papers.vectors_of(tx, features.VERSION, [p.id for p in some])
    absent = [p for p in some if p.id not in packed]
    made = features.pack(features.vectorize([features.text_of(p.title, p.abstract) for p in absent]))
    packed |= {p.id: blob for p, blob in zip(absent, made, strict=True)}
    return features.weigh(features.unpack([packed[p.id] for p in some]), frequencies)


class _Topics:
    """Interests and thumbs of a batch of readers as the profiles need them; every paper is read and weighed once."""

    def __init__(
        self,
        tx: store.Connection,
        frequencies: features.Frequencies,
        readers: Sequence[Subscriber],
        votes: dict[int, list[Feedback]],
        now: datetime,
    ) -> None:
        self.frequencies = frequencies
        self.votes = votes
        self.now = now
        self.examples: dict[int, tuple[list[int], list[str]]] = {}
        known = look_up_all(tx, list({name for s in readers for topic in s.interests for name in topic.papers}))
        for subscriber in readers:
            idents: list[int] = []
            texts = [topic.text for topic in subscriber.interests if topic.text]
            for name in (name for topic in subscriber.interests for name in topic.papers):
                found = known[name]
                idents += found[:1]
                if not found and papers.parse_name(name) is None and not name.startswith("paper:"):
                    texts.append(name)  # a title that no dump has brought yet still says what the reader likes
            self.examples[subscriber.id] = (list(dict.fromkeys(idents)), texts)
        wanted = {v.paper_id for some in votes.values() for v in some} | {i for idents, _ in self.examples.values() for i in idents}
        self.papers = store.papers.by_ids(tx, wanted)
        ordered = [self.papers[i] for i in sorted(self.papers)]
        self.rows = _rows(tx, ordered, frequencies)
        self.place = {paper.id: number for number, paper in enumerate(ordered)}

    def reader(self, subscriber: Subscriber, among: frozenset[int], past: History) -> _Reader:
        votes = [v for v in self.votes.get(subscriber.id, []) if v.paper_id in self.place]
        keywords = [word for topic in subscriber.interests for word in topic.keywords]
        return _Reader(
            subscriber=subscriber,
            phrases=features.phrases(keywords, self.frequencies),
            liked=self._rated([v for v in votes if v.vote == 1]),
            disliked=self._rated([v for v in votes if v.vote == -1]),
            examples=self._examples(*self.examples[subscriber.id]),
            among=among,
            maybe_seen=past.maybe_seen,
        )

    def _rated(self, votes: Sequence[Feedback]) -> profiles.Rated:
        ages = [(self.now - v.at).total_seconds() / 86400 for v in votes]
        return profiles.rated([self.papers[v.paper_id] for v in votes], self.rows[[self.place[v.paper_id] for v in votes]], ages)

    def _examples(self, idents: Sequence[int], texts: Sequence[str]) -> profiles.Rated:
        known = [i for i in idents if i in self.place]
        rows = self.rows[[self.place[i] for i in known]]
        if texts:
            rows = sp.vstack((rows, features.weigh(features.vectorize(texts), self.frequencies)), format="csr")
        return profiles.rated([self.papers[i] for i in known], rows, texts=len(texts))


def _choose(shared: _Shared, reader: _Reader) -> Digest | Quiet:
    """Pure, so that it may run anywhere: profile, scores, digest."""
    subscriber = reader.subscriber
    profile = profiles.train(
        subscriber.interests,
        shared.background,
        phrases=reader.phrases,
        liked=reader.liked,
        disliked=reader.disliked,
        examples=reader.examples,
    )
    made = Made(
        model=profile.step,
        features=shared.made.features,
        thumbs_up=profile.thumbs_up,
        thumbs_down=profile.thumbs_down,
        candidates=len(reader.among),
        dumps=shared.made.dumps,
        at=shared.made.at,
    )
    ranked = scores.explain(profile, shared.day, words_of=features.words_of, among=reader.among)
    competing = {i: shared.papers[i] for i in reader.among}
    return digests.choose(subscriber, shared.local_date, ranked, competing, made=made, carried=reader.maybe_seen)


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
    ((_, outcome, _),) = _outcomes(app, [subscriber], local_date)
    return outcome
