"""Real dumps, if they are available: every entry is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from digest.dumps import open_dump
from digest.model import Entry, Record
from digest.papers import clean
from tests.unit.dumps.conftest import TODAY

pytestmark = pytest.mark.shared


def entries(path: Path, format: str) -> Iterator[tuple[Record, Entry]]:
    dump = open_dump(path, today=TODAY)
    assert dump.format == format
    for record in dump.records():
        assert isinstance(record, Record), record
        entry = clean(record, dump.format)
        assert isinstance(entry, Entry), entry
        yield record, entry
    assert dump.incomplete is None
    assert dump.bytes_read == dump.size


def test_the_real_pages_hold_116_records_of_107_papers(shared: Path) -> None:
    pairs = [
        pair
        for path in sorted((shared / "dumps" / "huggingface").iterdir())
        for pair in entries(path, "huggingface-page")
    ]
    assert len(pairs) == 116
    assert len({entry.title_key for _, entry in pairs}) == 107
    assert {(record.picked.month, record.picked.day) for record, _ in pairs if record.picked} == {
        (7, 30),
        (8, 29),
    }
    assert [record.rank for record, _ in pairs] == [*range(1, 54), *range(1, 64)]
    assert all(len(entry.abstract) > 1000 for _, entry in pairs)


def test_the_real_days_of_arxiv_hold_36580_rows_of_20737_papers(shared: Path) -> None:
    days, rows, ids, money, formulas = 0, 0, set(), 0, 0
    for path in sorted((shared / "dumps" / "arxiv").iterdir()):
        days += 1
        assert open_dump(path, today=TODAY).day == date.fromisoformat(path.name[:10])
        for _, entry in entries(path, "arxiv-daily"):
            rows += 1
            ids.add(entry.identities[0])
            money += "$" in entry.title
            formulas += "\\" in entry.title
            assert entry.title_key
            assert entry.authors
            assert entry.abstract
            assert entry.url.startswith("https://arxiv.org/abs/")
    assert (days, rows, len(ids)) == (92, 36_580, 20_737)
    assert money == 0
    assert formulas < 5  # macros of the author's own that nobody else knows


def test_a_plain_corpus_is_read_as_plain_lines(shared: Path) -> None:
    path = shared / "dumps" / "arxiv-corpus.jsonl.gz"
    dump = open_dump(path, today=TODAY)
    first = next(iter(dump.records()))
    assert dump.format == "jsonl"
    assert isinstance(first, Record)
    assert first.first_seen is not None
    entry = clean(first, dump.format)
    assert isinstance(entry, Entry)
    assert [identity.kind for identity in entry.identities] == ["arxiv"]
