"""Claim only what may be sent now: within the day's limit, and not while sending is stopped.

Digests beyond the limit wait as they are, and expire like any digest that comes too late; their
papers compete again. Letters, such as confirmations, count but do not wait.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic

from digest import store
from digest.app import App
from digest.mail.bounces.stopping import SentSample, StopPolicy, stop_reason
from digest.mail.mailer.ramp import FORGOTTEN_DAYS, Ramp
from digest.model import Queued, Subscriber
from digest.store.ledger import CLAIM_MAX
from digest.store.sending import RampDay

log = logging.getLogger("digest.send")

_DAY = timedelta(days=1)
#: seconds between two looks at what became of the newest messages
_SAMPLE_SECONDS = 1.0
#: part of what is left that a sender claims before it counts again. So few senders together
#: cannot claim more than is left, and a long queue is not counted for each claim
_UNCOUNTED = 20
#: digests that are put in order at once
_TURNS = 2000
#: messages that are listed at most, each of letters and digests
_LISTED = 1_000_000
#: claims of turns that other senders took before this one gives up until its next send
_TRIES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class DayLimit:
    """The limit of a UTC day and how much of it is used."""

    limit: int
    #: messages that were sent or are claimed
    used: int
    #: digests that are due
    waiting: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def held_back(self) -> int:
        """Digests that wait for another day."""
        return 0 if self.left else self.waiting

    @property
    def json(self) -> dict[str, int]:
        return {"limit": self.limit, "used": self.used, "held_back": self.held_back}


def load_day_limit(app: App, tx: store.Connection, *, clock: datetime) -> DayLimit | None:
    """Load today's limit; None without one. Stores nothing."""
    if not _ramp(app).is_limited:
        return None
    day = _find_ramp_day(app, tx, clock)
    waiting = store.sending.count_due_digests(tx, now=app.now())
    return DayLimit(limit=day.limit, used=_count_used(tx, day, clock), waiting=waiting)


def may_send_anything(app: App, tx: store.Connection) -> bool:
    """Return whether a claim could find something that may be sent now."""
    now = app.now()
    if store.sending.find_stop(tx) is not None:
        return bool(store.sending.list_letters(tx, now=now, limit=1, only=None, alerts=True))
    day = load_day_limit(app, tx, clock=datetime.now(UTC))
    if day is None or day.left:
        return True
    return bool(store.sending.list_letters(tx, now=now, limit=1, only=None))


def list_sendable(
    app: App, tx: store.Connection, *, only: Sequence[int] | None
) -> list[int] | None:
    """List the messages that may be sent now, the next ones first; None = all that are due.

    Stores nothing. A send may find less: what is sent meanwhile counts.

    Args:
        only: ids of the subscribers to whom the list is limited; None = all.
    """
    now = app.now()
    if store.sending.find_stop(tx) is not None:
        return store.sending.list_letters(tx, now=now, limit=_LISTED, only=only, alerts=True)
    day = load_day_limit(app, tx, clock=datetime.now(UTC))
    if day is None:
        return None
    letters = store.sending.list_letters(tx, now=now, limit=_LISTED, only=only)
    left = min(_LISTED, max(0, day.left - len(letters)))
    return [*letters, *store.sending.list_turns(tx, now=now, limit=left, only=only)]


def resume(app: App) -> bool:
    """End a stop of all sending; return whether there was one.

    What bounced before no longer counts towards another stop.
    """
    with app.store.writing() as tx:
        resumed = store.sending.resume(tx, at=datetime.now(UTC))
    if resumed:
        log.info("sending is resumed")
    return resumed


class SendingLimits:
    """The claims of one sender."""

    def __init__(self, app: App, *, owner: str, lease: timedelta, only: Subscriber | None) -> None:
        self._app, self._owner, self._lease = app, owner, lease
        self._only = None if only is None else [only.id]
        self._ramp = _ramp(app)
        self._sampled_at = -_SAMPLE_SECONDS
        #: messages that may be claimed without counting
        self._uncounted = 0
        #: ids of digests in the order of their turns
        self._turns: deque[int] = deque()

    def claim(self, tx: store.Connection) -> list[Queued]:
        """Claim messages that may be sent now, at most a batch."""
        clock = datetime.now(UTC)
        if self._is_stopped(tx, clock):
            letters = self._list_letters(tx, alerts=True)
            return self._claim(tx, clock, letters) if letters else []
        if not self._ramp.is_limited:
            return self._claim(tx, clock, None)
        letters = self._list_letters(tx)
        most = min(CLAIM_MAX, self._count_left(tx, clock)) - len(letters)
        for _ in range(_TRIES):
            among = [*letters, *self._take_turns(tx, most)]
            claimed = self._claim(tx, clock, among) if among else []
            if claimed or not among:
                return claimed
            letters = []
            self._turns.clear()  # other senders were faster with these
        return []

    def _claim(
        self, tx: store.Connection, clock: datetime, among: list[int] | None
    ) -> list[Queued]:
        return store.ledger.claim(
            tx,
            owner=self._owner,
            now=self._app.now(),
            clock=clock,
            lease=self._lease,
            only=self._only,
            among=among,
        )

    def _list_letters(self, tx: store.Connection, *, alerts: bool = False) -> list[int]:
        return store.sending.list_letters(
            tx, now=self._app.now(), limit=CLAIM_MAX, only=self._only, alerts=alerts
        )

    def _take_turns(self, tx: store.Connection, most: int) -> list[int]:
        """Return the next digests whose turn it is."""
        if most <= 0:
            return []
        if not self._turns:
            self._turns.extend(
                store.sending.list_turns(tx, now=self._app.now(), limit=_TURNS, only=self._only)
            )
        return [self._turns.popleft() for _ in range(min(most, len(self._turns)))]

    def _count_left(self, tx: store.Connection, clock: datetime) -> int:
        """Count how many messages the day's limit still allows."""
        if self._uncounted >= CLAIM_MAX:
            self._uncounted -= CLAIM_MAX
            return CLAIM_MAX
        store.sending.lock(tx)
        day = _find_ramp_day(self._app, tx, clock)
        if self._ramp.start:
            store.sending.save_ramp(tx, _sender_name(self._app), day)
        left = max(0, day.limit - _count_used(tx, day, clock))
        self._uncounted = left // _UNCOUNTED
        return left

    def _is_stopped(self, tx: store.Connection, clock: datetime) -> bool:
        """Return whether sending is stopped; stop it where too much came back."""
        if store.sending.find_stop(tx) is not None:
            return True
        if monotonic() - self._sampled_at < _SAMPLE_SECONDS:
            return False
        self._sampled_at = monotonic()
        settings = self._app.config.bounces
        messages, bounces, complaints = store.sending.count_returned(
            tx, last=settings.stop_last, since=store.sending.find_resumed_at(tx)
        )
        what = stop_reason(
            SentSample(messages=messages, bounces=bounces, complaints=complaints),
            StopPolicy(
                last=settings.stop_last,
                bounces=settings.stop_bounces,
                complaints=settings.stop_complaints,
            ),
        )
        if what:
            store.sending.stop(tx, what, at=clock)
            log.warning("all sending is stopped: %s. `digest send --resume` goes on", what)
        return bool(what)


def _ramp(app: App) -> Ramp:
    smtp = app.config.smtp
    return Ramp(start=smtp.ramp_start, growth=smtp.ramp_growth, most=smtp.per_day)


def _sender_name(app: App) -> str:
    """Name what receivers judge: the domain of the sender, and the server that mail comes by."""
    domain = app.mailing.from_address.rpartition("@")[2].lower()
    return f"{domain} via {app.config.smtp.host or 'the outbox'}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _find_ramp_day(app: App, tx: store.Connection, clock: datetime) -> RampDay:
    """Find the limit of today."""
    ramp, today = _ramp(app), clock.date()
    if not ramp.start:
        return RampDay(began_at=_midnight(today), day=today, limit=ramp.most)
    last = store.sending.load_ramp(tx, _sender_name(app))
    if last is None:
        # Without any known sender, the mails of the ledger were this one's.
        busiest = 0 if store.sending.has_ramps(tx) else _find_busiest_day(tx, today)
        began_at = _midnight(today) if busiest else clock
        return RampDay(began_at=began_at, day=today, limit=ramp.first_limit(busiest))
    days = (today - last.day).days
    if days <= 0:
        return RampDay(began_at=last.began_at, day=last.day, limit=ramp.adjust(last.limit))
    sent = store.sending.count_sent(
        tx,
        since=max(_midnight(last.day), last.began_at),
        until=_midnight(last.day) + _DAY,
    )
    limit = ramp.next_limit(last.limit, sent, days)
    return RampDay(began_at=last.began_at, day=today, limit=limit)


def _find_busiest_day(tx: store.Connection, today: date) -> int:
    """Count the messages of the busiest of the last days."""
    days = (_midnight(today) - number * _DAY for number in range(FORGOTTEN_DAYS))
    return max(store.sending.count_sent(tx, since=day, until=day + _DAY) for day in days)


def _count_used(tx: store.Connection, day: RampDay, clock: datetime) -> int:
    since = max(_midnight(clock.date()), day.began_at)
    return store.sending.count_sent(tx, since=since) + store.sending.count_held(tx)
