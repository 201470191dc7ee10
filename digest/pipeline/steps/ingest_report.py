"""What an ingest did, file by file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

#: what becomes of a record, after "read"
OUTCOMES = ("new", "updated", "duplicate", "skipped", "rejected")
COUNTS = ("read", *OUTCOMES)


@dataclass(kw_only=True, slots=True)
class FileReport:
    """What one file gave."""

    name: str
    format: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    skipped_why: Counter[str] = field(default_factory=Counter)
    #: the first few rejected records: line and reason
    rejects: list[tuple[int, str]] = field(default_factory=list)
    #: why the file ended before its end, or was refused as a whole
    incomplete: str = ""
    refused: str = ""
    #: the same bytes were read before, so that nothing was to do
    read_before: bool = False
    #: things that an operator should know and that are no failure
    notes: list[str] = field(default_factory=list)
    #: new papers whose own dates lie before the readers' window
    old: int = 0

    @property
    def outcome(self) -> str:
        """What became of the file, for the metrics."""
        return "refused" if self.refused else "incomplete" if self.incomplete else "read"

    @property
    def outcomes(self) -> dict[str, int]:
        """Numbers of records by outcome, for the metrics; they add up to those read."""
        return {name: self.counts[name] for name in OUTCOMES}

    @property
    def failed(self) -> bool:
        """Whether it was refused, or is not empty and gave nothing."""
        used = any(self.counts[name] for name in ("new", "updated", "duplicate", "skipped"))
        return bool(self.refused) or (self.format != "empty" and not used)

    @property
    def json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "format": self.format,
            **{name: self.counts[name] for name in COUNTS},
            "rejects": [{"line": line, "reason": reason} for line, reason in self.rejects],
            "incomplete": self.incomplete,
            "refused": self.refused,
            "notes": self.notes,
        }


@dataclass(kw_only=True, slots=True)
class IngestReport:
    """What all files gave; `read` is the sum of all the others."""

    files: list[FileReport] = field(default_factory=list)
    #: it was asked to stop before it was done
    stopped: bool = False

    def count(self, name: str) -> int:
        return sum(file.counts[name] for file in self.files)

    @property
    def failed(self) -> bool:
        """Whether any file failed."""
        return any(file.failed for file in self.files)

    @property
    def counts(self) -> dict[str, object]:
        skipped_why = sum((file.skipped_why for file in self.files), Counter())
        return {name: self.count(name) for name in COUNTS} | {"skipped_why": dict(skipped_why)}

    @property
    def json(self) -> dict[str, object]:
        return {**self.counts, "files": [file.json for file in self.files]}
