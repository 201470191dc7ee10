"""Opening a dump.

Which reader is chosen, which files are refused, and the properties of a dump.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from digest.dumps import FORMATS, open_dump
from digest.dumps import stream as stream_module
from digest.dumps.formats import Confidence, Head
from digest.dumps.tables.columns import COLUMNS
from digest.errors import DumpError
from tests.unit.dumps.conftest import GOLDEN, TODAY, MakeDump, papers, rejections, row


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_the_format_is_recognised_by_content_and_not_by_name(
    path: Path, make_dump: MakeDump
) -> None:
    assert (
        make_dump(path.read_bytes(), name="holiday.jpg").format
        == open_dump(path, today=TODAY).format
    )


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_gzipped_dump_gives_the_same_records(path: Path, make_dump: MakeDump) -> None:
    plain, packed = (
        open_dump(path, today=TODAY),
        make_dump(gzip.compress(path.read_bytes()), name=path.name),
    )
    assert packed.format == plain.format
    assert list(packed.records()) == list(plain.records())
    assert packed.incomplete == plain.incomplete


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(
    path: Path, make_dump: MakeDump
) -> None:
    plain = open_dump(path, today=TODAY)
    data = (
        path.read_bytes()
        .removeprefix(b"\xef\xbb\xbf")
        .replace(b"\r\n", b"\n")
        .replace(b"\n", b"\r\n")
    )
    other = make_dump(b"\xef\xbb\xbf" + data, name=path.name)
    # The raw text of an entry of several lines keeps its line ends.
    records = [replace(entry, raw=entry.raw.replace("\r\n", "\n")) for entry in other.records()]
    assert records == list(plain.records())
    assert other.incomplete == plain.incomplete


def test_at_most_one_format_is_sure_of_a_dump() -> None:
    for path in GOLDEN:
        head = Head(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        assert [format.sniff(head) for format in FORMATS.values()].count(Confidence.YES) <= 1, (
            path.name
        )


def test_a_list_of_rows_is_read_like_lines(make_dump: MakeDump) -> None:
    dump = make_dump(f"[{row(1)},\n{row(2)}, {row(3)}]")
    assert dump.format == "arxiv-daily"
    assert [(record.line, record.title) for record in papers(dump)] == [
        (1, "Title 1"),
        (2, "Title 2"),
        (3, "Title 3"),
    ]


def test_a_pretty_printed_list_is_read(make_dump: MakeDump) -> None:
    dump = make_dump(json.dumps([json.loads(row(1)), json.loads(row(2))], indent=4))
    assert [record.title for record in papers(dump)] == ["Title 1", "Title 2"]
    assert dump.incomplete is None


def test_a_bad_first_line_does_not_hide_the_format(make_dump: MakeDump) -> None:
    dump = make_dump(f"oops\n{row(1)}\n{row(2)}\n")
    assert dump.format == "arxiv-daily"
    assert [record.line for record in papers(dump)] == [2, 3]
    assert rejections(dump) == [(1, "no valid JSON: invalid character (byte 0)")]


def test_a_first_record_longer_than_the_head_is_recognised(make_dump: MakeDump) -> None:
    dump = make_dump(row(1, summary="x" * stream_module.HEAD) + "\n" + row(2) + "\n")
    assert dump.format == "arxiv-daily"
    assert [record.line for record in papers(dump)] == [1, 2]


def test_the_header_of_a_csv_may_use_other_separators_and_spellings(make_dump: MakeDump) -> None:
    for sign in ",;\t":
        dump = make_dump(
            sign.join(("Title", "arXiv ID", "First Seen"))
            + "\n"
            + sign.join(("A", "2606.00001", "2026-06-01"))
            + "\n"
        )
        assert dump.format == "csv"
        (paper,) = papers(dump)
        assert (paper.title, paper.ids, paper.first_seen) == (
            "A",
            (("arxiv", "2606.00001"),),
            date(2026, 6, 1),
        )


def test_every_documented_column_is_read(make_dump: MakeDump) -> None:
    values = {
        "title": "T",
        "abstract": "A",
        "authors": "Jane Doe;Kim Roe",
        "categories": "cs.LG;cs.CL",
        "arxiv": "2606.00001",
        "doi": "10.1000/x",
    }
    values |= {
        "pmid": "12",
        "pmcid": "PMC7",
        "url": "https://example.org",
        "submitted": "2026-01-01",
        "announced": "2026-01-02",
        "updated": "2026-01-03",
    }
    values |= {
        "first_seen": "2026-01-04",
        "version": "2",
        "upvotes": "5",
        "comment": "C",
        "journal_ref": "J",
        "code_url": "https://github.com/a/b",
        "project_url": "https://a.example",
        "id": "W",
    }
    assert {name.replace("_", "") for name in values} == set(COLUMNS)
    dump = make_dump(",".join(values) + "\n" + ",".join(values.values()) + "\n")
    (paper,) = papers(dump)
    assert paper.authors == ("Jane Doe", "Kim Roe")
    assert paper.categories == ("cs.LG", "cs.CL")
    assert paper.ids == (
        ("arxiv", "2606.00001"),
        ("doi", "10.1000/x"),
        ("pmid", "12"),
        ("pmcid", "PMC7"),
        ("id", "W"),
    )
    assert (paper.submitted, paper.announced, paper.updated, paper.first_seen) == tuple(
        date(2026, 1, day) for day in (1, 2, 3, 4)
    )
    assert (paper.version, paper.upvotes, paper.comment, paper.url) == (
        2,
        5,
        "C",
        "https://example.org",
    )
    assert (paper.journal_ref, paper.code_url, paper.project_url) == (
        "J",
        "https://github.com/a/b",
        "https://a.example",
    )
    assert dump.ignored == {}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n \n\t\n", id="blank lines"),
        pytest.param(b"\xef\xbb\xbf", id="byte order mark"),
        pytest.param(gzip.compress(b""), id="empty gzip"),
    ],
)
def test_a_file_without_content_is_an_empty_dump(content: bytes, make_dump: MakeDump) -> None:
    dump = make_dump(content)
    assert (dump.format, list(dump.records()), dump.incomplete) == ("empty", [], None)


def test_unknown_content_is_rejected_with_its_first_80_bytes(
    make_dump: MakeDump, tmp_path: Path
) -> None:
    with pytest.raises(DumpError) as caught:
        make_dump("Dear reader,\x07 this is a letter. " + "x" * 100)
    message = str(caught.value)
    assert str(tmp_path / "a-file") in message
    assert "Dear reader,\\x07 this is a letter. " + "x" * 47 in message
    assert "x" * 49 not in message
    assert all(name in message for name in FORMATS)
    assert message.isprintable()


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"PK\x03\x04rest", "zip archive"),
        (b"%PDF-1.7 rest", "PDF"),
        ("no table".encode("utf-16"), "no known format"),
        (b"\x28\xb5\x2f\xfdrest", "zstd"),
        (b"\0" * 5000, "no known format"),
        (b"\x1f\x8b\x08nonsense", "gzip"),
        (b'{"error": "too many requests"}', "no known format"),
        (b"[]", "no known format"),
        (b"<html><title>Not found</title></html>", "no known format"),
    ],
)
def test_a_file_that_is_not_a_dump_is_rejected_with_a_hint(
    content: bytes, hint: str, make_dump: MakeDump
) -> None:
    with pytest.raises(DumpError, match=hint):
        make_dump(content)


def test_a_folder_and_a_missing_file_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(DumpError, match="not a file"):
        open_dump(tmp_path, today=TODAY)
    with pytest.raises(DumpError, match="No such file"):
        open_dump(tmp_path / "nowhere", today=TODAY)
    with pytest.raises(DumpError, match="cannot be read"):
        open_dump(Path("a\0b"), today=TODAY)


def test_a_dump_knows_its_hash_size_and_progress(make_dump: MakeDump) -> None:
    dump = make_dump("title,doi\n")
    assert dump.sha256 == hashlib.sha256(b"title,doi\n").hexdigest()
    assert (dump.bytes_read, dump.size) == (0, 10)
    list(dump.records())
    assert dump.bytes_read == 10


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("2026-06-09.jsonl.gz", date(2026, 6, 9)),
        ("arxiv_20260609.csv", date(2026, 6, 9)),
        ("daily-papers-08-29.txt", None),
        ("2026-13-09.jsonl", None),
        ("v1234567890.json", None),
        ("2026-06-09T01-02.json", date(2026, 6, 9)),
    ],
)
def test_the_day_comes_from_the_name(name: str, day: date | None, make_dump: MakeDump) -> None:
    assert make_dump(row(1) + "\n", name=name).day == day


def test_records_can_be_read_again(make_dump: MakeDump) -> None:
    dump = make_dump(row(1) + "\n" + row(2)[:-4])
    assert list(dump.records()) == list(dump.records())
    assert dump.incomplete


def test_unused_columns_are_counted_by_name(make_dump: MakeDump) -> None:
    dump = make_dump('{"title": "A", "mood": 1}\n{"title": "B", "mood": 2, "shelf": 3}\n')
    list(dump.records())
    assert dump.ignored == {"mood": 2, "shelf": 1}
