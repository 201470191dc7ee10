"""Dumps of any content, and the golden dumps of `tests/data`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from digest.dumps import Dump, open_dump
from digest.model import Entry, Record, Rejected, Skipped
from digest.papers import clean

TODAY = date(2026, 11, 19)
FOLDER = Path(__file__).parents[2] / "data" / "dumps"
GOLDEN = sorted(path for path in FOLDER.iterdir() if not path.name.endswith(".expected.json"))

MakeDump = Callable[..., Dump]


@pytest.fixture
def make_dump(tmp_path: Path) -> MakeDump:
    """Return a function that makes a dump of bytes, text, or a value as JSON."""

    def make(content: object, name: str = "dump", *, today: date = TODAY) -> Dump:
        path = tmp_path / "a-file"
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return open_dump(path, today=today, name=name)

    return make


def titles(dump: Dump) -> list[str]:
    return [entry.title for entry in dump.records() if isinstance(entry, Record)]


def rejections(dump: Dump) -> list[tuple[int, str]]:
    return [(entry.line, entry.reason) for entry in dump.records() if isinstance(entry, Rejected)]


def skipped_lines(dump: Dump) -> list[tuple[int, str]]:
    return [(entry.line, entry.reason) for entry in dump.records() if isinstance(entry, Skipped)]


def papers(dump: Dump) -> list[Record]:
    return [entry for entry in dump.records() if isinstance(entry, Record)]


def only(dump: Dump) -> Record:
    (entry,) = dump.records()
    assert isinstance(entry, Record), entry
    return entry


def entries(dump: Dump) -> list[Entry]:
    cleaned = (clean(record, dump.format) for record in papers(dump))
    return [entry for entry in cleaned if isinstance(entry, Entry)]


def row(number: int, **fields: object) -> str:
    """Return a line of a daily crawl of arXiv."""
    paper = {
        "id": f"2606.{number:05}",
        "categories": ["cs.LG"],
        "abs": f"https://arxiv.org/abs/2606.{number:05}",
        "authors": ["Jane Doe"],
        "title": f"Title {number}",
        "comment": None,
        "summary": "Text.",
    }
    return json.dumps(paper | fields)
