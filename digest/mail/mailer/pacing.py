"""How fast each server and each recipient domain is written to: a policy that is told the time and
what was answered. No clock, no socket.

A lane (one server, one domain) has a token bucket and a pause. A reply that says "later" halves the
lane's rate and pauses it, longer each time; after a pause one message goes ahead, and the others
follow when it was answered. Acceptance lets the rate grow back bit by bit: additive increase,
multiplicative decrease.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from digest.model import PAUSE_MAX
from digest.model import PauseReason as Why


@dataclass(frozen=True, kw_only=True, slots=True)
class Pauses:
    """Seconds: the first pause, which doubles, and the longest."""

    first: float
    longest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The numbers of the policy; rates are messages a minute."""

    #: a bucket holds what goes out in so many seconds
    burst: float = 6.0
    #: what a rate never falls below
    least: float = 1.0
    #: where no more than this was sent within a minute, it is what the first strike halves: so few
    #: tell nothing of what a lane can take
    guess: float = 60.0
    #: what a rate gains in a minute in which it is used up; at most a tenth with each message
    gain: float = 60.0
    #: messages answered well for which one step of the growing pause is forgotten
    steady: int = 20
    #: messages in a row that vanished (their body had begun, and no reply came) until that counts
    #: as a strike
    doubts: int = 3
    #: a message that went ahead after a pause and was not heard of again is given up after so many
    #: seconds
    probe: float = 900.0
    #: what waits for the one that went ahead comes back after so many seconds
    behind: float = 30.0
    #: what waits for its turn comes back after so many seconds at the latest: by then the rate may
    #: have grown
    queue: float = 900.0
    busy: Pauses = Pauses(first=60.0, longest=3600.0)
    #: an operator has to mend something: looked at again as often as that may have happened
    ours: Pauses = Pauses(first=900.0, longest=PAUSE_MAX.total_seconds())


@dataclass(slots=True)
class _Lane:
    #: what the operator allows; inf = no limit
    ceiling: float
    #: what is allowed now
    rate: float
    #: when the bucket is full again, had nothing more been taken (virtual scheduling of a token
    #: bucket)
    full_at: float = -math.inf
    #: when the last of those who were sent away may come back
    queue_end: float = -math.inf
    paused_until: float = -math.inf
    why: Why = "busy"
    text: str = ""
    #: steps of the growing pause
    strikes: int = 0
    #: messages answered well since the last strike or the last step forgotten
    well: int = 0
    #: messages in a row that vanished
    doubts: int = 0
    #: a pause is over and nothing was answered well yet
    probing: bool = False
    #: since when the one that goes ahead is under way
    ahead: float | None = None
    #: messages of about the last minute, as a decaying count
    recent: float = 0.0
    touched: float = -math.inf
    #: rate at which the last strike fell; far beyond it a lane without ceiling is unlimited again
    peak: float = math.inf


@dataclass(frozen=True, slots=True)
class Go:
    """Send, after so many seconds."""

    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Do not send; another try makes no sense before so many seconds."""

    seconds: float
    why: Why
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """What complaints taught of a lane, as another process can take it over."""

    #: seconds until its pause ends; 0 or less = it is over, and nothing was answered well yet
    seconds: float
    why: Why
    text: str
    strikes: int
    #: messages a minute from then on; inf = as many as before
    rate: float = math.inf


@dataclass(kw_only=True)
class Pace:
    """All lanes of one kind. Times are seconds of any one monotonic clock."""

    #: messages a minute where nothing else is said; inf = no limit
    ceiling: float = math.inf
    #: the same for single lanes
    ceilings: dict[str, float] = field(default_factory=dict)
    limits: Limits = Limits()
    random: random.Random = field(default_factory=random.Random)
    _lanes: dict[str, _Lane] = field(default_factory=dict)

    #: lanes that taught nothing are forgotten beyond so many
    MANY = 10_000

    def take(self, name: str, now: float, *, patience: float = 0.0) -> Go | Wait:
        """Ask to send one message; `patience` = seconds that the caller would wait.

        What is granted counts as sent.
        """
        lane = self._lane(name, now)
        if now < lane.paused_until:
            return Wait(self._back(lane, lane.paused_until) - now, lane.why, lane.text)
        if lane.probing and lane.ahead is not None and now - lane.ahead < self.limits.probe:
            return Wait(self.limits.behind * self._jitter(), lane.why, lane.text)
        delay = 0.0
        if lane.rate < math.inf:
            interval = 60.0 / lane.rate
            delay = max(
                0.0, max(lane.full_at, now) + interval - max(self.limits.burst, interval) - now
            )
            if delay > patience:
                return Wait(
                    self._back(lane, now + delay) - now,
                    "busy",
                    f"{lane.rate:.0f} messages a minute",
                )
            lane.full_at = max(lane.full_at, now) + interval
        if lane.probing:
            lane.ahead = now + delay
        lane.recent = self._recent(lane, now) + 1.0
        lane.touched = now
        return Go(delay)

    def well(self, name: str, now: float) -> None:
        """The lane took or judged a message in order."""
        lane = self._lanes.get(name)
        if lane is None:
            return
        if now < lane.paused_until:
            return  # it was under way before the pause began
        lane.probing, lane.ahead, lane.doubts = False, None, 0
        if lane.rate < lane.ceiling:
            lane.rate = min(
                lane.ceiling, lane.rate + min(self.limits.gain / lane.rate, lane.rate / 10)
            )
            if lane.rate >= 2 * lane.peak and lane.ceiling == math.inf:
                lane.rate = math.inf
        lane.well += 1
        if lane.strikes and lane.well >= self.limits.steady:
            lane.strikes, lane.well = lane.strikes - 1, 0

    def slow(self, name: str, now: float, why: Why, text: str) -> float:
        """The lane said "later", or refuses us; returns the seconds that it is paused from now."""
        lane = self._lane(name, now)
        lane.ahead = None
        if now < lane.paused_until and (why == lane.why or lane.why == "ours"):
            return lane.paused_until - now  # messages that were under way together are one event
        pauses = self.limits.ours if why == "ours" else self.limits.busy
        lane.why, lane.text = why, text
        lane.strikes, lane.well, lane.probing = lane.strikes + 1, 0, True
        pause = (
            min(pauses.longest, pauses.first * 2.0 ** min(lane.strikes - 1, 30)) * self._jitter()
        )
        lane.paused_until = max(lane.paused_until, now + pause)
        if why == "busy":
            lane.peak = min(lane.rate, max(self._recent(lane, now), self.limits.guess))
            lane.rate = max(self.limits.least, lane.peak / 2)
        return lane.paused_until - now

    def vanished(self, name: str, now: float, text: str) -> float | None:
        """A message may have been taken or not.

        After a few in a row, the seconds of a pause: each one more would be lost as well.
        """
        lane = self._lane(name, now)
        lane.doubts += 1
        if lane.doubts < self.limits.doubts:
            self.silent(name)
            return None
        return self.slow(name, now, "busy", text)

    def silent(self, name: str) -> None:
        """What was granted came to nothing that tells of the lane: another may go ahead."""
        lane = self._lanes.get(name)
        if lane is not None:
            lane.ahead = None

    def pause(self, name: str, now: float) -> Wait | None:
        """The lane's pause, or None where it is open."""
        lane = self._lanes.get(name)
        return (
            Wait(lane.paused_until - now, lane.why, lane.text)
            if lane is not None and now < lane.paused_until
            else None
        )

    def queued(self, name: str, now: float, before: int) -> Wait | None:
        """What `take` would say to one more if so many others of the lane asked just before; None:
        it may try. Grants nothing.
        """
        lane = self._lane(name, now)
        if now < lane.paused_until:
            return Wait(self._back(lane, lane.paused_until) - now, lane.why, lane.text)
        if lane.probing and (
            before or (lane.ahead is not None and now - lane.ahead < self.limits.probe)
        ):
            return Wait(self.limits.behind * self._jitter(), lane.why, lane.text)
        if lane.rate == math.inf:
            return None
        interval = 60.0 / lane.rate
        earliest = (
            max(lane.full_at, now) + (before + 1) * interval - max(self.limits.burst, interval)
        )
        return (
            Wait(self._back(lane, earliest) - now, "busy", f"{lane.rate:.0f} messages a minute")
            if earliest > now
            else None
        )

    def learned(self, now: float) -> dict[str, Learned]:
        """Lanes that are paused, or whose pause is over and nothing was answered well since."""
        return {
            name: Learned(
                seconds=lane.paused_until - now,
                why=lane.why,
                text=lane.text,
                strikes=lane.strikes,
                rate=lane.rate,
            )
            for name, lane in self._lanes.items()
            if lane.probing
        }

    def heed(self, name: str, now: float, learned: Learned) -> None:
        """Take over what another process learned of a lane; what is known here and lasts longer
        stays.

        A lane that this process has not asked yet, and that refuses us for what we are, lets one
        message ahead at once: who starts anew may have mended it.
        """
        known = name in self._lanes
        lane = self._lane(name, now)
        until = now + learned.seconds
        if (
            known and until <= max(now, lane.paused_until) + 1.0
        ):  # or the same one, by another clock
            return
        lane.why, lane.text, lane.strikes = (
            learned.why,
            learned.text,
            max(lane.strikes, learned.strikes),
        )
        lane.well, lane.probing, lane.ahead = 0, True, None
        lane.paused_until = max(lane.paused_until, until if known or learned.why == "busy" else now)
        if learned.rate < lane.rate:
            lane.rate, lane.peak = max(self.limits.least, learned.rate), 2 * learned.rate

    def holds(self, now: float) -> dict[str, float]:
        """Lanes that are paused -> seconds until the pause ends."""
        return {
            name: lane.paused_until - now
            for name, lane in self._lanes.items()
            if now < lane.paused_until
        }

    def rate(self, name: str) -> float:
        """Messages a minute that the lane is given now; inf = no limit."""
        lane = self._lanes.get(name)
        return lane.rate if lane is not None else self.ceilings.get(name, self.ceiling)

    def _lane(self, name: str, now: float) -> _Lane:
        lane = self._lanes.get(name)
        if lane is None:
            if len(self._lanes) >= self.MANY:
                self._lanes = {
                    name: lane
                    for name, lane in self._lanes.items()
                    if lane.rate < lane.ceiling or lane.strikes or now - lane.touched < 60
                }
            most = self.ceilings.get(name, self.ceiling)
            lane = self._lanes[name] = _Lane(ceiling=most, rate=most)
        return lane

    def _back(self, lane: _Lane, earliest: float) -> float:
        """When one more that is sent away may come back: one behind the other, as the rate goes."""
        if lane.rate == math.inf:
            return earliest
        lane.queue_end = min(
            max(lane.queue_end + 60.0 / lane.rate, earliest), earliest + self.limits.queue
        )
        return lane.queue_end

    def _recent(self, lane: _Lane, now: float) -> float:
        return lane.recent * math.exp(min(0.0, lane.touched - now) / 60.0) if lane.recent else 0.0

    def _jitter(self) -> float:
        """Half to whole: senders that were paused together do not come back together."""
        return 0.5 + self.random.random() / 2
