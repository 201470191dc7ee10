"""Decide when bounces or complaints are enough to stop all sending."""

from __future__ import annotations

from dataclasses import dataclass

#: below so many messages, shares are counted as if there were that many
_SAMPLE_MIN = 100
#: so many at least: one reader who presses the wrong button stops nothing
_BOUNCES_MIN, _COMPLAINTS_MIN = 5, 3


@dataclass(frozen=True, kw_only=True, slots=True)
class StopPolicy:
    """The shares that stop sending, in per cent; 0 = never."""

    #: messages that are looked at, the newest ones
    last: int = 1000
    bounces: float = 10.0
    complaints: float = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class SentSample:
    """What became of the newest messages."""

    messages: int
    bounces: int
    complaints: int


def stop_reason(sample: SentSample, policy: StopPolicy) -> str:
    """Return why sending must stop, in a few words; "" = go on."""
    for name, count, least, limit in (
        ("bounced", sample.bounces, _BOUNCES_MIN, policy.bounces),
        ("were marked as spam", sample.complaints, _COMPLAINTS_MIN, policy.complaints),
    ):
        share = 100 * count / max(sample.messages, _SAMPLE_MIN)
        if limit and count >= least and share > limit:
            return f"{count} of the last {sample.messages} messages {name}, more than {limit:g} %"
    return ""
