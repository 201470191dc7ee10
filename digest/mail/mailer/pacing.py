"""Rate limits per server and recipient domain: a policy without clock or socket.

Each key (a server or a domain) has a token bucket and a backoff. A reply that says "later" halves
the rate and pauses the key, with exponential backoff. After a pause one message goes ahead as a
probe, and the others follow once it was answered. Accepted messages raise the rate step by step:
additive increase, multiplicative decrease (AIMD).

This is our own code because rate-limiter libraries know fixed limits only; one with AIMD, probes
and state that other processes can import would replace it.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from digest.model import PAUSE_MAX, PauseReason


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """Seconds of the first pause, which doubles each time, and of the longest."""

    first: float
    longest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The constants of the policy; rates are messages per minute."""

    #: seconds of traffic that a token bucket holds
    burst: float = 6.0
    #: a rate never falls below this
    min_rate: float = 1.0
    #: the first strike halves the recent rate, but assumes at least this: few messages say nothing
    #: about what a server can take
    assumed_rate: float = 60.0
    #: what a rate gains in a minute in which it is used up; at most a tenth per message
    rate_gain: float = 60.0
    #: successes after which one step of the backoff is forgotten
    successes_per_step: int = 20
    #: messages in a row without a reply to their body that count as one strike
    unanswered_per_strike: int = 3
    #: seconds after which a probe without an outcome is given up
    probe_timeout: float = 900.0
    #: seconds after which messages behind a probe may ask again
    retry_during_probe: float = 30.0
    #: seconds after which a queued message may ask again at the latest; the rate may have grown
    max_queue: float = 900.0
    busy: Backoff = Backoff(first=60.0, longest=3600.0)
    #: an operator has to fix something: try again as often as that may have happened
    ours: Backoff = Backoff(first=900.0, longest=PAUSE_MAX.total_seconds())


@dataclass(slots=True)
class _Lane:
    """The state of one key."""

    #: what the operator allows; inf = no limit
    max_rate: float
    #: what is allowed now
    rate: float
    #: when the bucket would be full again (virtual scheduling of a token bucket)
    full_at: float = -math.inf
    #: when the last message that was sent away may ask again
    queue_end: float = -math.inf
    paused_until: float = -math.inf
    reason: PauseReason = "busy"
    text: str = ""
    #: steps of the backoff
    strikes: int = 0
    #: successes since the last strike, or since a step was forgotten
    successes: int = 0
    #: messages in a row without a reply to their body
    unanswered: int = 0
    #: a pause was called, and nothing succeeded since
    probing: bool = False
    #: when the probe under way was sent
    probe_at: float | None = None
    #: messages of about the last minute, as a decaying count
    recent: float = 0.0
    used_at: float = -math.inf
    #: the rate at the last strike; at twice this rate a key without limit is unlimited again
    strike_rate: float = math.inf


@dataclass(frozen=True, slots=True)
class Go:
    """Send, after so many seconds."""

    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Do not send; ask again after so many seconds."""

    seconds: float
    reason: PauseReason
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PauseState:
    """What was learned about a key, for another process to import."""

    #: seconds until the pause ends; 0 or less = it is over, and nothing succeeded since
    seconds: float
    reason: PauseReason
    text: str
    strikes: int
    #: messages per minute from then on; inf = no change
    rate: float = math.inf


@dataclass(kw_only=True)
class RateLimiter:
    """Rate limits of all keys of one kind; times are monotonic seconds."""

    #: messages per minute by default; inf = no limit
    max_rate: float = math.inf
    #: the same for single keys
    max_rates: dict[str, float] = field(default_factory=dict)
    policy: Policy = Policy()
    random: random.Random = field(default_factory=random.Random)
    _lanes: dict[str, _Lane] = field(default_factory=dict)

    #: beyond so many keys, those in their initial state are forgotten
    MAX_LANES = 10_000

    def take(self, key: str, now: float, *, patience: float = 0.0) -> Go | Wait:
        """Take a token for one message; the caller would wait `patience` seconds.

        A message that gets Go counts as sent.
        """
        lane = self._lane(key, now)
        if (wait := self._wait_for_probe(lane, now)) is not None:
            return wait
        delay = 0.0
        if lane.rate < math.inf:
            interval = 60.0 / lane.rate
            tolerance = max(self.policy.burst, interval)
            delay = max(0.0, max(lane.full_at, now) + interval - tolerance - now)
            if delay > patience:
                return self._wait_in_queue(lane, now, now + delay)
            lane.full_at = max(lane.full_at, now) + interval
        if lane.probing:
            lane.probe_at = now + delay
        lane.recent = self._recent(lane, now) + 1.0
        lane.used_at = now
        return Go(delay)

    def record_success(self, key: str, now: float) -> None:
        """The server accepted the message, or judged it by its content."""
        lane = self._lanes.get(key)
        if lane is None or now < lane.paused_until:
            return  # sent before the pause began
        lane.probing, lane.probe_at, lane.unanswered = False, None, 0
        if lane.rate < lane.max_rate:
            gain = min(self.policy.rate_gain / lane.rate, lane.rate / 10)
            lane.rate = min(lane.max_rate, lane.rate + gain)
            if lane.rate >= 2 * lane.strike_rate and lane.max_rate == math.inf:
                lane.rate = math.inf
        lane.successes += 1
        if lane.strikes and lane.successes >= self.policy.successes_per_step:
            lane.strikes, lane.successes = lane.strikes - 1, 0

    def record_strike(self, key: str, now: float, reason: PauseReason, text: str) -> float:
        """The server said "later", or refuses us; returns the seconds to pause."""
        lane = self._lane(key, now)
        lane.probe_at = None
        if now < lane.paused_until and (reason == lane.reason or lane.reason == "ours"):
            return lane.paused_until - now  # messages under way at the same time are one event
        backoff = self.policy.ours if reason == "ours" else self.policy.busy
        lane.reason, lane.text = reason, text
        lane.strikes, lane.successes, lane.probing = lane.strikes + 1, 0, True
        steps = min(lane.strikes - 1, 30)
        pause = min(backoff.longest, backoff.first * 2.0**steps) * self._jitter()
        lane.paused_until = max(lane.paused_until, now + pause)
        if reason == "busy":
            recent = max(self._recent(lane, now), self.policy.assumed_rate)
            lane.strike_rate = min(lane.rate, recent)
            lane.rate = max(self.policy.min_rate, lane.strike_rate / 2)
        return lane.paused_until - now

    def record_unanswered(self, key: str, now: float, text: str) -> float | None:
        """No reply came to a body, so the message may have been taken or not.

        Returns:
            The seconds of a pause after a few in a row: further ones would be lost as well.
        """
        lane = self._lane(key, now)
        lane.unanswered += 1
        if lane.unanswered < self.policy.unanswered_per_strike:
            self.release_probe(key)
            return None
        return self.record_strike(key, now, "busy", text)

    def release_probe(self, key: str) -> None:
        """A message ended without saying anything about the key: another may be the probe."""
        lane = self._lanes.get(key)
        if lane is not None:
            lane.probe_at = None

    def current_pause(self, key: str, now: float) -> Wait | None:
        """The pause of a key, or None."""
        lane = self._lanes.get(key)
        if lane is None or now >= lane.paused_until:
            return None
        return Wait(lane.paused_until - now, lane.reason, lane.text)

    def is_probing(self, key: str) -> bool:
        """Whether a pause was called, and nothing succeeded since."""
        lane = self._lanes.get(key)
        return lane is not None and lane.probing

    def peek(self, key: str, now: float, ahead: int) -> Wait | None:
        """What `take` would say if `ahead` others asked just before; None = Go."""
        lane = self._lane(key, now)
        if lane.probing and ahead and now >= lane.paused_until:
            return self._behind_probe(lane)
        if (wait := self._wait_for_probe(lane, now)) is not None:
            return wait
        if lane.rate == math.inf:
            return None
        interval = 60.0 / lane.rate
        tolerance = max(self.policy.burst, interval)
        earliest = max(lane.full_at, now) + (ahead + 1) * interval - tolerance
        return self._wait_in_queue(lane, now, earliest) if earliest > now else None

    def export_pauses(self, now: float) -> dict[str, PauseState]:
        """Keys that are paused, or have not succeeded since their pause."""
        return {
            key: PauseState(
                seconds=lane.paused_until - now,
                reason=lane.reason,
                text=lane.text,
                strikes=lane.strikes,
                rate=lane.rate,
            )
            for key, lane in self._lanes.items()
            if lane.probing
        }

    def import_pause(self, key: str, now: float, state: PauseState) -> None:
        """Take over what another process learned, unless a longer pause is known here.

        A key that is new to this process and refuses us gets one probe at once: the operator may
        have fixed the cause before the restart.
        """
        is_known = key in self._lanes
        lane = self._lane(key, now)
        until = now + state.seconds
        # one second: the same pause by another clock is no longer one
        if is_known and until <= max(now, lane.paused_until) + 1.0:
            return
        lane.reason, lane.text = state.reason, state.text
        lane.strikes = max(lane.strikes, state.strikes)
        lane.successes, lane.probing, lane.probe_at = 0, True, None
        pause_until = until if is_known or state.reason == "busy" else now
        lane.paused_until = max(lane.paused_until, pause_until)
        if state.rate < lane.rate:
            lane.rate = max(self.policy.min_rate, state.rate)
            lane.strike_rate = 2 * state.rate

    def paused(self, now: float) -> dict[str, float]:
        """Paused keys -> seconds until the pause ends."""
        return {
            key: lane.paused_until - now
            for key, lane in self._lanes.items()
            if now < lane.paused_until
        }

    def rate(self, key: str) -> float:
        """Messages per minute that the key may send now; inf = no limit."""
        lane = self._lanes.get(key)
        return lane.rate if lane is not None else self.max_rates.get(key, self.max_rate)

    def _lane(self, key: str, now: float) -> _Lane:
        lane = self._lanes.get(key)
        if lane is None:
            if len(self._lanes) >= self.MAX_LANES:
                self._lanes = {
                    key: lane
                    for key, lane in self._lanes.items()
                    if lane.rate < lane.max_rate or lane.strikes or now - lane.used_at < 60
                }
            limit = self.max_rates.get(key, self.max_rate)
            lane = self._lanes[key] = _Lane(max_rate=limit, rate=limit)
        return lane

    def _wait_for_probe(self, lane: _Lane, now: float) -> Wait | None:
        """Wait for the end of a pause, or for the probe that follows it; None = neither."""
        if now < lane.paused_until:
            seconds = self._queue_place(lane, lane.paused_until) - now
            return Wait(seconds, lane.reason, lane.text)
        if lane.probing and lane.probe_at is not None:
            is_open = now - lane.probe_at < self.policy.probe_timeout
            return self._behind_probe(lane) if is_open else None
        return None

    def _behind_probe(self, lane: _Lane) -> Wait:
        return Wait(self.policy.retry_during_probe * self._jitter(), lane.reason, lane.text)

    def _wait_in_queue(self, lane: _Lane, now: float, earliest: float) -> Wait:
        seconds = self._queue_place(lane, earliest) - now
        return Wait(seconds, "busy", f"{lane.rate:.0f} messages a minute")

    def _queue_place(self, lane: _Lane, earliest: float) -> float:
        """When one more message may ask again: one after the other, at the current rate."""
        if lane.rate == math.inf:
            return earliest
        place = max(lane.queue_end + 60.0 / lane.rate, earliest)
        lane.queue_end = min(place, earliest + self.policy.max_queue)
        return lane.queue_end

    def _recent(self, lane: _Lane, now: float) -> float:
        return lane.recent * math.exp(min(0.0, lane.used_at - now) / 60.0) if lane.recent else 0.0

    def _jitter(self) -> float:
        """A factor from 0.5 to 1, so that paused senders do not come back all at once."""
        return 0.5 + self.random.random() / 2
