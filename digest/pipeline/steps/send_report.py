"""What a send did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from digest.metrics import Durations
from digest.model import MessageState

#: messages that the report names with their trouble; the states count all
MAX_TROUBLES = 100


@dataclass(kw_only=True, slots=True)
class SendReport:
    """What a send did, by the state that each message has now."""

    states: Counter[MessageState] = field(default_factory=Counter)
    #: (address, what went wrong) of the first messages that were not accepted
    troubles: list[tuple[str, str]] = field(default_factory=list)
    #: of a dry run, who would get what: email, kind, key, state, papers
    due: list[dict[str, Any]] = field(default_factory=list)
    #: of a dry run, how many messages would be sent
    sendable: int = 0
    #: still waiting afterwards: due now, and at a later attempt
    waiting: int = 0
    later: int = 0
    #: digests that wait for another day, since the day's limit is used up
    held_back: int = 0
    #: why all sending is stopped until the operator resumes it, or ""
    halted: str = ""
    #: from due to accepted, and of each attempt
    latency: Durations = field(default_factory=Durations)
    deliveries: Durations = field(default_factory=Durations)
    #: why the whole send stopped, or ""
    error: str = ""
    #: it was asked to stop before it was done
    stopped: bool = False

    @classmethod
    def add(cls, reports: Iterable[Self]) -> Self:
        """Return one report of several sends, with the first error."""
        total = cls()
        for report in reports:
            total.states += report.states
            total.troubles = [*total.troubles, *report.troubles][:MAX_TROUBLES]
            total.latency.add(report.latency)
            total.deliveries.add(report.deliveries)
            total.error = total.error or report.error
            total.stopped = total.stopped or report.stopped
        return total

    @property
    def counts(self) -> dict[str, object]:
        states = (
            MessageState.ACCEPTED,
            MessageState.DEFERRED,
            MessageState.REJECTED,
            MessageState.UNKNOWN,
            MessageState.EXPIRED,
            MessageState.SKIPPED,
        )
        return {
            **{state.value: self.states[state] for state in states},
            "waiting": self.waiting,
            "later": self.later,
            "stopped": self.stopped,
        }

    @property
    def json(self) -> dict[str, object]:
        return {
            **self.counts,
            "held_back": self.held_back,
            "halted": self.halted,
            "due": self.due,
            "troubles": [{"email": email, "reason": reason} for email, reason in self.troubles],
            "error": self.error,
        }
