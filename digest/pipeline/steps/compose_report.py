"""What a compose did: digests, quiet days, and who was left out and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from digest.model import Digest, QuietReason, Subscriber


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedDigest:
    """A reader whose digest was stored, and how many papers it lists."""

    email: str
    local_date: date
    papers: int

    @property
    def json(self) -> dict[str, object]:
        return {
            "email": self.email,
            "date": self.local_date.isoformat(),
            "state": "planned",
            "papers": self.papers,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class QuietDay:
    """A reader who gets no digest on a date, and why."""

    email: str
    local_date: date
    reason: QuietReason

    @property
    def json(self) -> dict[str, object]:
        return {
            "email": self.email,
            "date": self.local_date.isoformat(),
            "state": "quiet",
            "reason": self.reason.value,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A reader for whom nothing was composed now, and why."""

    email: str
    reason: str

    @property
    def json(self) -> dict[str, object]:
        return {"email": self.email, "state": "left out", "reason": self.reason}


@dataclass(kw_only=True, slots=True)
class ComposeReport:
    """What a compose did. Short entries, since there may be very many readers."""

    planned: list[PlannedDigest] = field(default_factory=list)
    quiet: list[QuietDay] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    #: the digests themselves, where one reader alone was asked for or nothing is stored
    digests: list[tuple[Subscriber, Digest]] = field(default_factory=list)
    #: readers who were due
    due: int = 0
    #: of those left out, for how many it failed by a mistake of ours
    failed: int = 0
    #: it was asked to stop before it was done
    stopped: bool = False

    def leave_out(self, reader: Subscriber, reason: str) -> None:
        self.left_out.append(LeftOut(email=reader.email, reason=reason))

    @property
    def outcomes(self) -> dict[str, int]:
        """Numbers of the readers who were due, by outcome, for the metrics."""
        settled = len(self.planned) + len(self.quiet) + self.failed
        return {
            "planned": len(self.planned),
            "quiet": len(self.quiet),
            "failed": self.failed,
            "waiting": max(0, self.due - settled),
        }

    @property
    def counts(self) -> dict[str, object]:
        return {
            "planned": len(self.planned),
            "quiet": len(self.quiet),
            "left_out": len(self.left_out),
        }

    @property
    def json(self) -> dict[str, object]:
        readers = [
            *(reader.json for reader in self.planned),
            *(reader.json for reader in self.quiet),
            *(reader.json for reader in self.left_out),
        ]
        return {**self.counts, "subscribers": readers}
