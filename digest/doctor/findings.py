"""Findings of the doctor: how bad a problem is, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

#: good = fine; note = worth knowing; warning = works, but not well; bad = does not work
Level = Literal["good", "note", "warning", "bad"]
#: what was checked
Area = Literal[
    "config",
    "files",
    "store",
    "templates",
    "workers",
    "mail server",
    "mailbox",
    "dns",
    "pages",
    "clock",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The result of one check."""

    area: Area
    level: Level
    what: str
    #: what to do, "" for nothing
    remedy: str = ""

    @property
    def json(self) -> dict[str, str]:
        return {"area": self.area, "level": self.level, "what": self.what, "remedy": self.remedy}


def good(area: Area, what: str) -> Finding:
    return Finding(area=area, level="good", what=what)


def note(area: Area, what: str, remedy: str = "") -> Finding:
    return Finding(area=area, level="note", what=what, remedy=remedy)


def warning(area: Area, what: str, remedy: str) -> Finding:
    return Finding(area=area, level="warning", what=what, remedy=remedy)


def bad(area: Area, what: str, remedy: str) -> Finding:
    return Finding(area=area, level="bad", what=what, remedy=remedy)


def has_failures(findings: Sequence[Finding]) -> bool:
    """Return whether something does not work."""
    return any(finding.level == "bad" for finding in findings)
