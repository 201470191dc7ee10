"""Golden dumps: each file of tests/data/dumps beside what it must become.

The expectations are text that a person can read. `DIGEST_TEST_REWRITE=1 pytest
tests/unit/dumps/test_golden.py` writes them anew; review the difference.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from digest.dumps import FORMATS, open_dump
from digest.model import Entry, Record, Rejected, Removal, Skipped
from digest.papers import clean
from tests.unit.dumps.conftest import FOLDER, GOLDEN, TODAY


def summarise_dump(path: Path) -> dict[str, Any]:
    dump = open_dump(path, today=TODAY)
    entries: list[dict[str, Any]] = []
    non_papers: list[dict[str, Any]] = []
    for entry in dump.records():
        result = clean(entry, dump.format) if isinstance(entry, Record) else entry
        if isinstance(result, Entry):
            assert isinstance(entry, Record)
            entries.append(
                {"line": entry.line, **show_entry(result), "from_record": show_record_fields(entry)}
            )
        else:
            non_papers.append(show_other(result))
    return {
        "format": dump.format,
        "day": dump.day and dump.day.isoformat(),
        "incomplete": dump.incomplete,
        "ignored": dict(dump.ignored),
        "entries": entries,
        "aside": non_papers,
    }


def show_entry(entry: Entry) -> dict[str, Any]:
    fields = asdict(entry)
    fields["identities"] = [f"{identity.kind}:{identity.value}" for identity in entry.identities]
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in fields.items()
        if value not in ((), "", None, False, [])
    }


def show_record_fields(record: Record) -> dict[str, Any]:
    """Return the fields of a record that its entry does not have."""
    text = {
        "picked": record.picked,
        "rank": record.rank,
        "first_seen": record.first_seen,
        "fragment": record.fragment or None,
    }
    return {name: value for name, value in text.items() if value is not None}


def show_other(entry: Removal | Skipped | Rejected) -> dict[str, Any]:
    """Show an entry that is no paper: its kind, line and reason.

    For a removal also the identifiers of the paper.
    """
    ids = (
        {"ids": [f"{kind}:{text}" for kind, text in entry.ids]}
        if isinstance(entry, Removal)
        else {}
    )
    return {"kind": type(entry).__name__.lower(), "line": entry.line, "reason": entry.reason, **ids}


def as_text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_golden_dump_gives_its_expected_file(path: Path) -> None:
    expected = path.with_name(path.name + ".expected.json")
    text = as_text(summarise_dump(path))
    if os.environ.get("DIGEST_TEST_REWRITE"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


def test_every_format_has_a_golden_pair() -> None:
    assert {open_dump(path, today=TODAY).format for path in GOLDEN} == set(FORMATS)
    assert {path.name + ".expected.json" for path in GOLDEN} == {
        path.name for path in FOLDER.glob("*.expected.json")
    }


def lines_of(path: Path) -> Iterator[str]:
    yield from path.read_text(encoding="utf-8").splitlines()


def test_every_raw_text_of_a_line_format_is_its_line() -> None:
    path = FOLDER / "arxiv-snapshot.jsonl"
    lines = list(lines_of(path))
    for entry in open_dump(path, today=TODAY).records():
        assert entry.raw == lines[entry.line - 1]
