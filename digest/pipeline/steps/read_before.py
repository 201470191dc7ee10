"""Recognise a file that was read before, so that reading it again takes no time.

A repeated reading is stored like any other, and counts what another look at all records would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

import digest
from digest import store
from digest.dumps import Dump
from digest.pipeline.steps.ingest_report import COUNTS, FileReport
from digest.ranking import features

#: the day that papers count as first seen: a date, "name" = from the file's name or the record,
#: None = today
SeenDay = date | Literal["name"] | None


def describe_reading(seen: SeenDay, *, backfill: bool) -> str:
    """Name all but the day that decides what is stored of a file.

    Another version of digest may understand more of it.
    """
    days = "backfill" if backfill else "name" if seen == "name" else "day"
    return f"digest {digest.__version__}, {features.VERSION}, {days}"


def find_same_reading(
    tx: store.Connection,
    dump: Dump,
    earlier: Iterable[Mapping[str, Any]],
    reading: str,
    day: date,
) -> Mapping[str, Any] | None:
    """Find a reading of the same bytes after which reading them again changes nothing.

    It came to the end of a whole file, rejected nothing, and its papers were first seen on the same
    day or before. The name must be the same, since formats may take a year from it.

    Args:
        earlier: readings of the same bytes that came to their end.
        reading: how the file is to be read now, see `describe_reading`.
        day: the day on which its papers would count as first seen.
    """
    for row in earlier:
        if (
            (row["name"], row["format"], row["reading"]) == (dump.name, dump.format, reading)
            and row["day"] <= day
            and not row["incomplete"]
            and not row["rejected"]
            and row["read"]
        ):
            return row if store.dumps.has_its_records(tx, dump.sha256) else None
    return None


def repeat_reading(
    tx: store.Connection, dump_id: int, same: Mapping[str, Any], file: FileReport, now: datetime
) -> None:
    """Finish a reading with what an earlier one found: all its papers are duplicates now."""
    known = same["new"] + same["updated"] + same["duplicate"]
    file.counts.update(read=same["read"], duplicate=known, skipped=same["skipped"])
    file.skipped_why.update(same["skipped_why"])
    file.read_before = True
    file.notes.append(
        f"read before, on {same['finished_at']:%Y-%m-%d}; nothing to do (--again reads it anyway)"
    )
    counts = {name: file.counts[name] for name in COUNTS}
    store.dumps.update_progress(tx, dump_id, counts, dict(file.skipped_why))
    store.dumps.finish(tx, dump_id, incomplete="", now=now)
