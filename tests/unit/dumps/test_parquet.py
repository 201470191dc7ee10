"""Parquet files: rows that any format of JSON lines reads."""

from __future__ import annotations

import gzip
import random
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from digest.dumps import open_dump
from digest.errors import DumpError
from digest.model import Record
from tests.unit.dumps.conftest import TODAY, MakeDump, only, papers, titles
from tests.unit.dumps.test_fuzz import check_survival, mutate


def as_parquet(rows: list[dict[str, Any]] | pyarrow.Table, **options: Any) -> bytes:
    table = rows if isinstance(rows, pyarrow.Table) else pyarrow.Table.from_pylist(rows)
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink, **options)
    data = sink.getvalue().to_pybytes()
    assert isinstance(data, bytes)
    return data


PAPER = {
    "title": "A Title",
    "abstract": "Text.",
    "authors": ["Jane Doe", "Kim Roe"],
    "doi": "10.1000/x",
    "pmid": 39990001,
    "submitted": date(2026, 6, 9),
    "updated": datetime(2026, 6, 10, 12, 30),
    "upvotes": 3,
    "comment": None,
    "vector": [0.5, 0.25],
    "picture": b"\x89PNG",
    "shelf": "A3",
}


def test_the_plain_columns_are_read_with_their_types(make_dump: MakeDump) -> None:
    dump = make_dump(as_parquet([PAPER]))
    assert dump.format == "jsonl"
    paper = only(dump)
    assert (paper.title, paper.abstract, paper.authors) == (
        "A Title",
        "Text.",
        ("Jane Doe", "Kim Roe"),
    )
    assert paper.ids == (("doi", "10.1000/x"), ("pmid", "39990001"))
    assert (paper.submitted, paper.updated) == (date(2026, 6, 9), date(2026, 6, 10))
    assert paper.upvotes == 3
    assert dump.ignored == {"shelf": 1}
    assert dump.incomplete is None


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
def test_every_row_is_read_in_order(compression: str, make_dump: MakeDump) -> None:
    rows = [PAPER | {"title": f"Title {number}"} for number in range(1000)]
    dump = make_dump(as_parquet(rows, compression=compression, row_group_size=300))
    assert titles(dump) == [f"Title {number}" for number in range(1000)]
    assert [paper.line for paper in papers(dump)] == list(range(1, 1001))


def test_a_special_format_is_recognised_in_parquet(make_dump: MakeDump) -> None:
    row = {
        "id": "2606.00001",
        "title": "A Title",
        "abstract": "Text.",
        "authors": "Jane Doe",
        "categories": "cs.LG",
        "update_date": "2026-06-09",
        "authors_parsed": [["Doe", "Jane", ""]],
        "versions": [{"version": "v1", "created": "Tue, 9 Jun 2026 10:00:00 GMT"}],
    }
    dump = make_dump(as_parquet([row]))
    assert dump.format == "arxiv-snapshot"
    assert only(dump).submitted == date(2026, 6, 9)


def test_moments_and_odd_types_are_read(make_dump: MakeDump) -> None:
    table = pyarrow.table(
        {
            "title": pyarrow.array(["A"]).dictionary_encode(),
            "submitted": pyarrow.array([1_780_963_200_000_000_001], pyarrow.timestamp("ns", "UTC")),
            "version": pyarrow.array([2], pyarrow.int8()),
            "upvotes": pyarrow.array([float("nan")], pyarrow.float64()),
        }
    )
    dump = make_dump(as_parquet(table))
    assert dump.incomplete is None
    paper = only(dump)
    assert (paper.title, paper.version, paper.upvotes) == ("A", 2, None)
    assert paper.submitted == date(2026, 6, 9)


def test_without_pyarrow_the_refusal_names_the_remedy(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.dumps.can_read_parquet", lambda: False)
    with pytest.raises(DumpError, match=r"pip install 'digest-of-papers\[parquet\]'"):
        make_dump(as_parquet([PAPER]))


def test_a_table_without_titles_is_refused(make_dump: MakeDump) -> None:
    with pytest.raises(DumpError, match="no known format"):
        make_dump(as_parquet([{"name": "Jane", "vector": [0.5]}]))


def test_packed_parquet_is_refused_with_a_hint(make_dump: MakeDump) -> None:
    with pytest.raises(DumpError, match="packed Parquet: unpack it first"):
        make_dump(gzip.compress(as_parquet([PAPER])))


def test_cut_parquet_is_refused(make_dump: MakeDump) -> None:
    with pytest.raises(DumpError, match="the Parquet data is damaged or ends early"):
        make_dump(as_parquet([PAPER])[:-20])


def test_damaged_parquet_never_raises(tmp_path: Path) -> None:
    dice = random.Random("parquet")
    data = as_parquet([PAPER | {"title": f"Title {number}"} for number in range(50)])
    for _ in range(200):
        check_survival(tmp_path / "dump", mutate(data, dice))
    path = tmp_path / "whole"
    path.write_bytes(data)
    dump = open_dump(path, today=TODAY)
    assert sum(isinstance(entry, Record) for entry in dump.records()) == 50
