"""What an examination finds: how bad it is, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

#: good = as it should be; note = worth knowing; warning = works, and will fall short; bad = does
#: not work
Level = Literal["good", "note", "warning", "bad"]
#: what was looked at
Area = Literal[
    "config", "files", "store", "templates", "mail server", "mailbox", "dns", "pages", "clock"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at."""

    area: Area
    level: Level
    what: str
    #: what to do, "" where nothing is to be done
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


def sick(findings: Sequence[Finding]) -> bool:
    """Whether something does not work."""
    return any(one.level == "bad" for one in findings)
