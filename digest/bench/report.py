"""The figures of a bench, and the arithmetic on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from digest.bench.commands import Usage
from digest.bench.fill import Filled

#: the commands whose work grows with the readers, and the run that shows their fixed part
FIXED_PARTS = {"compose": "preview", "send": "send nothing"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Where it was measured."""

    processor: str
    cores: int
    python: str
    database: str

    @property
    def json(self) -> dict[str, object]:
        return {
            "processor": self.processor,
            "cores": self.cores,
            "python": self.python,
            "database": self.database,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What was measured with one number of readers."""

    filled: Filled
    digests: int
    quiet: int
    accepted: int
    #: name of a step -> what it used
    usages: Mapping[str, Usage]
    #: bytes of the database before compose, after it, and after send
    sizes: tuple[int, int, int]
    #: bytes of the previewed mail
    mail_size: int
    #: Postfix's smtp-source, with as many messages of that size; None = it is not installed
    floor: Usage | None

    @property
    def readers(self) -> int:
        return self.filled.readers

    def net(self, command: str, figure: str) -> float:
        """Return seconds ("wall" or "cpu") of a command a reader, without its fixed part.

        Where the fixed part is as long as the whole, so that nothing is left, it is the whole.
        """
        whole = getattr(self.usages[command], figure)
        fixed = getattr(self.usages[FIXED_PARTS[command]], figure)
        return float((whole - fixed if whole > fixed else whole) / self.readers)

    @property
    def each(self) -> float:
        """Seconds that a reader adds to compose and send."""
        return sum(self.net(command, "wall") for command in FIXED_PARTS)

    @property
    def fixed(self) -> float:
        """Seconds that a compose and a send take whatever the number of readers."""
        return sum(self.usages[name].wall for name in FIXED_PARTS.values())

    def count_served(self, seconds: float) -> int:
        """Count the readers whose digests are composed, and then sent, in so many seconds."""
        return max(0, math.floor((seconds - self.fixed) / self.each))

    @property
    def sent_per_second(self) -> float:
        return self.accepted / self.usages["send"].wall

    @property
    def floor_per_second(self) -> float | None:
        """Messages a second of smtp-source."""
        return None if self.floor is None else self.accepted / self.floor.wall

    @property
    def json(self) -> dict[str, object]:
        before, composed, sent = self.sizes
        return {
            "subscribers": self.readers,
            "papers": self.filled.papers,
            "thumbs": {"up": self.filled.thumbs_up, "down": self.filled.thumbs_down},
            "digests": self.digests,
            "quiet": self.quiet,
            "accepted": self.accepted,
            "steps": {name: usage.json for name, usage in self.usages.items()},
            "cpu_ms_per_reader": {
                command: round(1000 * self.net(command, "cpu"), 3) for command in FIXED_PARTS
            },
            "wall_ms_per_reader": {
                command: round(1000 * self.net(command, "wall"), 3) for command in FIXED_PARTS
            },
            "database_bytes": {"before": before, "composed": composed, "sent": sent},
            "bytes_per_reader": {
                "composed": round((composed - before) / self.readers),
                "sent": round((sent - before) / self.readers),
            },
            "mail_bytes": self.mail_size,
            "sent_per_second": round(self.sent_per_second, 1),
            "smtp_source": self._floor_json,
        }

    @property
    def _floor_json(self) -> dict[str, object] | None:
        if self.floor is None or self.floor_per_second is None:
            return None
        return {
            **self.floor.json,
            "per_second": round(self.floor_per_second, 1),
            "ratio": round(self.sent_per_second / self.floor_per_second, 4),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All that a bench measured."""

    at: datetime
    machine: Machine
    #: mean number of waiting processes in the last minute, before and after
    load: tuple[float, float]
    day: date
    seed: int
    dumps: int
    connections: int
    sink: str
    settings: Mapping[str, object]
    #: from the fewest readers to the most
    rounds: Sequence[Round]
    #: seconds in which all readers must be served
    seconds: int
    #: workers of a Dask cluster; 0 = compose used this machine alone
    cluster: int = 0

    @property
    def served(self) -> int:
        """The readers that can be served in that time, by the largest round."""
        return self.rounds[-1].count_served(self.seconds)

    @property
    def growth(self) -> dict[str, float]:
        """CPU a reader with the most readers, relative to that with the fewest, by command."""
        first, last = self.rounds[0], self.rounds[-1]
        return {
            command: last.net(command, "cpu") / first.net(command, "cpu") for command in FIXED_PARTS
        }

    @property
    def json(self) -> dict[str, object]:
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "machine": self.machine.json,
            "load": {"before": round(self.load[0], 2), "after": round(self.load[1], 2)},
            "date": self.day.isoformat(),
            "seed": self.seed,
            "dumps": self.dumps,
            "connections": self.connections,
            "sink": self.sink,
            "settings": dict(self.settings),
            "dask_workers": self.cluster,
            "rounds": [measured.json for measured in self.rounds],
            "growth": None
            if len(self.rounds) == 1
            else {command: round(ratio, 3) for command, ratio in self.growth.items()},
            "served": {
                "readers": self.served,
                "seconds": self.seconds,
                "fixed_s": round(self.rounds[-1].fixed, 3),
                "ms_per_reader": round(1000 * self.rounds[-1].each, 3),
            },
        }
