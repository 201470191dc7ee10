"""What must hold after the chaos, by the mail server's own files and by the database."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from digest import pipeline
from digest.app import App
from digest.demo.mail_sink import ReceivedMail
from digest.mail import links
from digest.model import MessageState, Purpose, QuietReason
from digest.store import tables

S = MessageState
_DIGEST = re.compile(r"<digest\.(\d{8})\.s(\d+)\.")
_PAPER = re.compile(r"Paper (\d+) of p")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A digest as the database has it."""

    reader: int
    local_date: date
    reason: str
    message_id: str
    fate: str


class Aftermath:
    """The state at the end.

    Args:
        app: the service's database, opened again.
        mails: that the mail server took.
        now: by the clock of the service.
        groups: how many groups there are; every so-manieth reader is of the same one.
    """

    def __init__(
        self, app: App, mails: Sequence[ReceivedMail], now: datetime, *, groups: int
    ) -> None:
        self._app, self._now, self._groups = app, now, groups
        self.wrong: list[str] = []
        self._taken = [
            (str(mail.parsed["Message-ID"]), mail.recipient, mail.part("plain")) for mail in mails
        ]
        self.mails = len(self._taken)
        self._rows = self._load_digests()
        self.states = Counter(row.fate or row.reason for row in self._rows)

    def check(self, answered: Sequence[str], *, papers: int) -> list[str]:
        """Return a line for each broken promise.

        Args:
            answered: paths of thumbs that were answered by 200.
            papers: how many were published.
        """
        self._check_copies()
        self._check_states()
        self._check_dates()
        self._check_thumbs(answered)
        self._check_papers(papers)
        return self.wrong

    def _load_digests(self) -> list[_Row]:
        c, m = tables.digests.c, tables.messages.c
        query = select(c.subscriber_id, c.local_date, c.reason, m.message_id, m.state).outerjoin(
            tables.messages, m.digest_id == c.id
        )
        with self._app.store.reading() as tx:
            return [
                _Row(
                    reader=reader,
                    local_date=day,
                    reason=why,
                    message_id=name or "",
                    fate=fate or "",
                )
                for reader, day, why, name, fate in tx.execute(query)
            ]

    def _check_copies(self) -> None:
        """No reader got two digests for a date, by what the mail server took."""
        copies: dict[tuple[str, str], list[str]] = defaultdict(list)
        for message_id, recipient, _ in self._taken:
            match = _DIGEST.match(message_id)
            copies[recipient, match[1] if match else message_id].append(message_id)
        self.wrong += [
            f"{to} got {len(names)} digests for {day}: {self._describe_attempts(names)}"
            for (to, day), names in copies.items()
            if len(names) > 1
        ]

    def _describe_attempts(self, message_ids: Sequence[str]) -> str:
        """Tell how the ledger says that messages were tried."""
        d, m = tables.deliveries.c, tables.messages.c
        query = (
            select(m.message_id, d.started_at, d.ended_at, d.outcome, d.phase, d.code, d.text)
            .join_from(tables.deliveries, tables.messages, m.id == d.message_id)
            .where(m.message_id.in_(message_ids))
            .order_by(d.id)
        )
        with self._app.store.reading() as tx:
            return "; ".join(" ".join(map(str, row)) for row in tx.execute(query))

    def _check_states(self) -> None:
        """Ledger and mail server agree, and nothing is left half done."""
        taken = {message_id for message_id, _, _ in self._taken}
        for row in self._rows:
            if row.fate == S.ACCEPTED.value and row.message_id not in taken:
                self.wrong.append(f"{row.message_id} is accepted, but no server took it")
            if row.fate in (S.REJECTED.value, S.EXPIRED.value) and row.message_id in taken:
                self.wrong.append(f"{row.message_id} is {row.fate}, but was taken")
            if row.fate in (S.PLANNED.value, S.CLAIMED.value, S.SENDING.value, S.DEFERRED.value):
                self.wrong.append(f"{row.message_id} is {row.fate} at the end")
        unknown = taken - {row.message_id for row in self._rows}
        self.wrong += [f"{name} was taken, and the ledger does not know it" for name in unknown]

    def _check_dates(self) -> None:
        """Nobody lost a day that others with the same hour got."""
        fates: dict[int, dict[date, str]] = defaultdict(dict)
        for row in self._rows:
            fates[row.reader][row.local_date] = row.fate or row.reason
        good = {S.ACCEPTED.value, S.UNKNOWN.value}
        for group in range(self._groups):
            readers = sorted(reader for reader in fates if reader % self._groups == group)
            days = {
                day for reader in readers for day, fate in fates[reader].items() if fate in good
            }
            for reader in readers:
                for day in sorted(days):
                    if (fate := fates[reader].get(day, "not there")) not in good:
                        self.wrong.append(f"reader {reader} lost {day}, which others got: {fate}")
        self.wrong += [
            f"reader {row.reader} has a quiet day {row.local_date}: {row.reason}"
            for row in self._rows
            if row.reason and row.reason != QuietReason.MISSED.value
        ]

    def _check_thumbs(self, answered: Sequence[str]) -> None:
        """Each thumb that was answered is stored."""
        pressed: dict[tuple[int, int], set[int]] = defaultdict(set)
        for path in answered:
            token = path.removeprefix("/t/")
            link = self._app.with_keys(lambda keys, token=token: links.read_token(token, keys))
            vote = 1 if link.purpose is Purpose.UP else -1
            pressed[link.subscriber_id, link.paper_id].add(vote)
        c = tables.feedback.c
        with self._app.store.reading() as tx:
            stored = {
                (reader, paper): vote
                for reader, paper, vote in tx.execute(select(c.subscriber_id, c.paper_id, c.vote))
            }
        self.wrong += [
            f"the thumb {votes} of reader {reader} on paper {paper} was answered and is not stored"
            for (reader, paper), votes in pressed.items()
            if stored.get((reader, paper)) not in votes
        ]

    def _check_papers(self, papers: int) -> None:
        """Every paper was delivered once, or is in the next digest."""
        accepted = {row.message_id for row in self._rows if row.fate == S.ACCEPTED.value}
        delivered: dict[str, Counter[int]] = defaultdict(Counter)
        for message_id, recipient, text in self._taken:
            if message_id in accepted:
                delivered[recipient].update({int(number) for number in _PAPER.findall(text)})
        later = self._app.at(self._now + timedelta(days=1))
        following = {
            reader.email: {item.score.paper_id for item in digest.items}
            for reader, digest in pipeline.compose(later, dry_run=True).digests
        }
        numbers = self._load_numbers()
        if set(numbers.values()) != set(range(1, papers + 1)):
            self.wrong.append(f"{papers} papers were published, {len(numbers)} are stored")
        marked = self._load_marked(numbers)
        for reader in sorted({*delivered, *following}):
            got = delivered[reader]
            next_ones = {numbers[ident] for ident in following.get(reader, ())}
            if lost := set(range(1, papers + 1)) - got.keys() - next_ones:
                self.wrong.append(f"{reader} lost the papers {sorted(lost)}")
            if twice := got.keys() & next_ones:
                self.wrong.append(f"{reader} would get the papers {sorted(twice)} again")
            more = {number for number, n in got.items() if n > 1} - marked[reader]
            if more:
                self.wrong.append(
                    f"{reader} got the papers {sorted(more)} more than once, unmarked"
                )

    def _load_numbers(self) -> dict[int, int]:
        """Return the number in the title of each paper, by id."""
        with self._app.store.reading() as tx:
            titles = tx.execute(select(tables.papers.c.id, tables.papers.c.title)).all()
        return {ident: int(match[1]) for ident, title in titles if (match := _PAPER.match(title))}

    def _load_marked(self, numbers: dict[int, int]) -> dict[str, set[int]]:
        """Return the papers that were listed again as possibly seen, by reader."""
        i, d, s = tables.digest_items.c, tables.digests.c, tables.subscribers.c
        query = (
            select(s.email, i.paper_id)
            .join_from(tables.digest_items, tables.digests, d.id == i.digest_id)
            .join(tables.subscribers, s.id == d.subscriber_id)
            .where(i.seen_before)
        )
        marked: dict[str, set[int]] = defaultdict(set)
        with self._app.store.reading() as tx:
            for email, paper in tx.execute(query):
                marked[email].add(numbers[paper])
        return marked
