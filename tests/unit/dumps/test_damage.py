"""Damage loses a record or the rest of the file; everything before it is kept."""

from __future__ import annotations

import gzip

import pytest

from digest.dumps import stream as stream_module
from digest.model import Rejected
from tests.unit.dumps.conftest import MakeDump, papers, rejections, row


def test_one_bad_line_in_the_middle_is_rejected(make_dump: MakeDump) -> None:
    lines = [
        row(1).encode(),
        b'{"id": "2606.0',
        b"\xff\xfe",
        b"\0\0\0",
        b"[1, 2]",
        b"{}",
        row(2).encode(),
    ]
    dump = make_dump(b"\n".join(lines) + b"\n")
    assert [record.title for record in papers(dump)] == ["Title 1", "", "Title 2"]
    assert rejections(dump) == [
        (2, "no valid JSON: Input data was truncated"),
        (3, "no valid JSON: invalid character (byte 0)"),
        (4, "holds NUL bytes"),
        (5, "expected an object, got a list"),
    ]
    assert dump.incomplete is None


def test_a_line_that_is_not_utf8_is_rejected_with_its_readable_part(make_dump: MakeDump) -> None:
    dump = make_dump(
        row(1).encode() + b"\n" + row(2).encode().replace(b"Title", b"T\xff\xc3\xbctle") + b"\n"
    )
    assert rejections(dump) == [(2, "not UTF-8")]
    assert "T\ufffdütle 2" in next(
        entry.raw for entry in dump.records() if isinstance(entry, Rejected)
    )


def test_a_wrong_type_names_its_field(make_dump: MakeDump) -> None:
    dump = make_dump(
        "\n".join(
            (row(1, title=5), row(2, authors=["Jane", None, 4]), row(3, categories="cs.LG cs.CL"))
        )
        + "\n"
    )
    assert rejections(dump) == [
        (1, "title: expected text or nothing, got a number"),
        (2, "authors[2]: expected text or nothing, got a number"),
    ]
    assert papers(dump)[0].categories == ("cs.LG", "cs.CL")


def test_deep_nesting_is_one_rejected_line(make_dump: MakeDump) -> None:
    dump = make_dump(f'{row(1)}\n{{"id": {"[" * 100_000}\n{row(2)}\n')
    assert [record.line for record in papers(dump)] == [1, 3]
    assert [line for line, _ in rejections(dump)] == [2]


def test_a_file_cut_in_mid_record_keeps_what_came_before(make_dump: MakeDump) -> None:
    dump = make_dump((row(1) + "\n" + row(2))[:-9])
    assert [record.title for record in papers(dump)] == ["Title 1"]
    assert rejections(dump) == [(2, "cut off in the middle of the record")]
    assert dump.incomplete == "the file ends in the middle of record 2"


def test_a_last_line_without_line_end_is_whole(make_dump: MakeDump) -> None:
    dump = make_dump(row(1) + "\n" + row(2))
    assert len(papers(dump)) == 2
    assert dump.incomplete is None


def test_a_truncated_gzip_keeps_what_came_before(make_dump: MakeDump) -> None:
    whole = "".join(
        row(number, summary=f"{number * 7919 % 104729} " * 40) + "\n" for number in range(1, 400)
    )
    packed = gzip.compress(whole.encode())
    dump = make_dump(packed[: len(packed) // 2])
    records = papers(dump)
    assert 100 < len(records) < 300
    assert [record.title for record in records] == [
        f"Title {number}" for number in range(1, len(records) + 1)
    ]
    assert dump.incomplete == "the gzip data ends early: the file is not whole"


def test_a_damaged_gzip_keeps_what_came_before(make_dump: MakeDump) -> None:
    packed = gzip.compress("".join(row(number) + "\n" for number in range(1, 4)).encode())
    dump = make_dump(packed[:-8] + b"\0\0\0\0\0\0\0\0")
    assert [record.title for record in papers(dump)] == ["Title 1", "Title 2", "Title 3"]
    assert dump.incomplete is not None
    assert "damaged" in dump.incomplete


def test_gzip_members_one_after_the_other_are_one_file(make_dump: MakeDump) -> None:
    dump = make_dump(
        gzip.compress(row(1).encode() + b"\n")
        + gzip.compress(row(2).encode() + b"\n")
        + b"\0" * 512
    )
    assert [record.line for record in papers(dump)] == [1, 2]
    assert dump.incomplete is None


def test_a_line_beyond_the_cap_is_skipped_without_being_held(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "ITEM_CAP", 300_000)
    dump = make_dump(f"{row(1)}\n{row(2, summary='x' * 900_000)}\n{row(3)}\n")
    assert [record.line for record in papers(dump)] == [1, 3]
    assert [line for line, _ in rejections(dump)] == [2]


def test_an_item_beyond_the_cap_is_skipped_without_being_held(
    make_dump: MakeDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.dumps.json_split.ITEM_CAP", 300_000)
    for long in (row(2, authors=["Jane Doe"] * 80_000), row(2, summary='{"[\\' * 200_000)):
        dump = make_dump(f"[{row(1)},{long},{row(3)}]")
        assert [record.line for record in papers(dump)] == [1, 3]
        assert [line for line, _ in rejections(dump)] == [2]


def test_a_json_list_cut_anywhere_keeps_its_whole_records(make_dump: MakeDump) -> None:
    text = f"[{row(1)}, {row(2)}]"
    for end in range(len(row(1)) + 1, len(text)):
        dump = make_dump(text[:end])
        assert [record.line for record in papers(dump)] == ([1] if end < len(text) - 1 else [1, 2])
        assert dump.incomplete is not None


def test_braces_and_quotes_inside_strings_do_not_split_records(make_dump: MakeDump) -> None:
    title = 'A "quoted\\" {title} with [brackets], \\\\'
    dump = make_dump(f"[{row(1, title=title)},{row(2)}]")
    assert [record.title for record in papers(dump)] == [title, "Title 2"]


def test_an_unclosed_quote_in_a_csv_costs_one_line(make_dump: MakeDump) -> None:
    dump = make_dump('title,abstract\nA,"never closed\nB,text\n"C","two\nlines"\nD,text\n')
    assert [record.title for record in papers(dump)] == ["B", "C", "D"]
    assert rejections(dump)[0][0] == 2
    assert dump.incomplete is None


def test_a_csv_cut_in_mid_record_says_so(make_dump: MakeDump) -> None:
    dump = make_dump("title,abstract,doi\nA,text,10.1000/x\nB,te")
    assert [record.title for record in papers(dump)] == ["A"]
    assert rejections(dump) == [(3, "cut off in the middle of the record")]
    assert dump.incomplete == "the file ends in the middle of line 3"
