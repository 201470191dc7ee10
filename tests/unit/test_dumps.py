"""Opening a dump: which reader is chosen, what is refused, and what damage costs."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from digest.dumps import FORMATS, Dump, open_dump
from digest.dumps import stream as stream_module
from digest.dumps.columns import COLUMNS
from digest.dumps.formats import Head, Sure
from digest.errors import DumpError
from digest.model import Record, Rejected

TODAY = date(2026, 11, 19)
FOLDER = Path(__file__).parents[1] / "data" / "dumps"
GOLDEN = [path for path in sorted(FOLDER.iterdir()) if not path.name.endswith(".expected.json")]

Made = Callable[..., Dump]


@pytest.fixture
def dump(tmp_path: Path) -> Made:
    def make(content: bytes | str, name: str = "dump", *, today: date = TODAY) -> Dump:
        path = tmp_path / "a-file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return open_dump(path, today=today, name=name)

    return make


def papers(dump: Dump) -> list[Record]:
    return [one for one in dump.records() if isinstance(one, Record)]


def refused(dump: Dump) -> list[tuple[int, str]]:
    return [(one.line, one.reason) for one in dump.records() if isinstance(one, Rejected)]


def row(number: int, **fields: object) -> str:
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


def page(*blocks: str, date_line: str = "Aug 29") -> str:
    preamble = ("new", "Get trending papers in your email inbox!", "Subscribe", "Daily Papers", "byJane Doe and the research community")
    return "\n\n".join((*preamble, date_line, *blocks))


def abstract(number: int) -> str:
    return f"Abstract {number}. " + "It is invented and claims nothing at all. " * 5


# ------------------------------------------------------------------------------------------------ which reader


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_the_format_is_told_by_content_and_not_by_name(path: Path, dump: Made) -> None:
    assert dump(path.read_bytes(), name="holiday.jpg").format == open_dump(path, today=TODAY).format


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_a_gzipped_dump_gives_the_same_records(path: Path, dump: Made) -> None:
    plain, packed = open_dump(path, today=TODAY), dump(gzip.compress(path.read_bytes()), name=path.name)
    assert packed.format == plain.format
    assert list(packed.records()) == list(plain.records())
    assert packed.incomplete == plain.incomplete


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing(path: Path, dump: Made) -> None:
    plain = open_dump(path, today=TODAY)
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    other = dump(b"\xef\xbb\xbf" + data, name=path.name)
    # The raw text of an entry that spans lines is kept as it stood.
    found = [replace(one, raw=one.raw.replace("\r\n", "\n")) for one in other.records()]
    assert found == list(plain.records())
    assert other.incomplete == plain.incomplete


def test_at_most_one_format_is_sure_of_a_dump() -> None:
    for path in GOLDEN:
        head = Head(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
        assert [one.sniff(head) for one in FORMATS.values()].count(Sure.YES) <= 1, path.name


def test_a_list_of_rows_is_read_like_lines(dump: Made) -> None:
    made = dump(f"[{row(1)},\n{row(2)}, {row(3)}]")
    assert made.format == "arxiv-daily"
    assert [(one.line, one.title) for one in papers(made)] == [(1, "Title 1"), (2, "Title 2"), (3, "Title 3")]


def test_a_pretty_printed_list_is_read(dump: Made) -> None:
    made = dump(json.dumps([json.loads(row(1)), json.loads(row(2))], indent=4))
    assert [one.title for one in papers(made)] == ["Title 1", "Title 2"]
    assert made.incomplete is None


def test_a_bad_first_line_does_not_hide_the_format(dump: Made) -> None:
    made = dump(f"oops\n{row(1)}\n{row(2)}\n")
    assert made.format == "arxiv-daily"
    assert [one.line for one in papers(made)] == [2, 3]
    assert refused(made) == [(1, "no valid JSON: invalid character (byte 0)")]


def test_a_first_record_longer_than_the_head_is_recognised(dump: Made) -> None:
    made = dump(row(1, summary="x" * stream_module.HEAD) + "\n" + row(2) + "\n")
    assert made.format == "arxiv-daily"
    assert [one.line for one in papers(made)] == [1, 2]


def test_the_header_of_a_csv_may_use_other_signs_and_spellings(dump: Made) -> None:
    for sign in ",;\t":
        made = dump(sign.join(("Title", "arXiv ID", "First Seen")) + "\n" + sign.join(("A", "2606.00001", "2026-06-01")) + "\n")
        assert made.format == "csv"
        (paper,) = papers(made)
        assert (paper.title, paper.ids, paper.first_seen) == ("A", (("arxiv", "2606.00001"),), date(2026, 6, 1))


def test_every_documented_column_is_read(dump: Made) -> None:
    values = {
        "title": "T",
        "abstract": "A",
        "authors": "Jane Doe;Kim Roe",
        "categories": "cs.LG;cs.CL",
        "arxiv": "2606.00001",
        "doi": "10.1000/x",
    }
    values |= {"pmid": "12", "url": "https://example.org", "submitted": "2026-01-01", "announced": "2026-01-02", "updated": "2026-01-03"}
    values |= {"first_seen": "2026-01-04", "version": "2", "upvotes": "5", "comment": "C", "id": "W"}
    assert {name.replace("_", "") for name in values} == set(COLUMNS)
    made = dump(",".join(values) + "\n" + ",".join(values.values()) + "\n")
    (paper,) = papers(made)
    assert paper.authors == ("Jane Doe", "Kim Roe")
    assert paper.categories == ("cs.LG", "cs.CL")
    assert paper.ids == (("arxiv", "2606.00001"), ("doi", "10.1000/x"), ("pmid", "12"), ("id", "W"))
    assert (paper.submitted, paper.announced, paper.updated, paper.first_seen) == tuple(date(2026, 1, day) for day in (1, 2, 3, 4))
    assert (paper.version, paper.upvotes, paper.comment, paper.url) == (2, 5, "C", "https://example.org")
    assert made.ignored == {}


# ------------------------------------------------------------------------------------------------ refused as a whole


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n \n\t\n", id="blank lines"),
        pytest.param(b"\xef\xbb\xbf", id="byte order mark"),
        pytest.param(gzip.compress(b""), id="empty gzip"),
    ],
)
def test_a_file_with_nothing_in_it_is_an_empty_dump(content: bytes, dump: Made) -> None:
    made = dump(content)
    assert (made.format, list(made.records()), made.incomplete) == ("empty", [], None)


def test_unknown_content_is_refused_with_its_first_80_bytes(dump: Made, tmp_path: Path) -> None:
    with pytest.raises(DumpError) as caught:
        dump("Dear reader,\x07 this is a letter. " + "x" * 100)
    told = str(caught.value)
    assert str(tmp_path / "a-file") in told
    assert "Dear reader,\\x07 this is a letter. " + "x" * 47 in told
    assert "x" * 49 not in told
    assert all(name in told for name in FORMATS)
    assert told.isprintable()


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"PK\x03\x04rest", "zip archive"),
        (b"%PDF-1.7 rest", "PDF"),
        ("title,doi\nA,1\n".encode("utf-16"), "UTF-16"),
        (b"\x28\xb5\x2f\xfdrest", "zstd"),
        (b"\0" * 5000, "no known format"),
        (b"\x1f\x8b\x08nonsense", "gzip"),
        (b'{"error": "too many requests"}', "no known format"),
        (b"[]", "no known format"),
        (b"<html><title>Not found</title></html>", "no known format"),
    ],
)
def test_a_file_that_is_no_dump_is_refused_with_a_hint(content: bytes, hint: str, dump: Made) -> None:
    with pytest.raises(DumpError, match=hint):
        dump(content)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DumpError, match="not a file"):
        open_dump(tmp_path, today=TODAY)
    with pytest.raises(DumpError, match="No such file"):
        open_dump(tmp_path / "nowhere", today=TODAY)
    with pytest.raises(DumpError, match="cannot be read"):
        open_dump(Path("a\0b"), today=TODAY)


# ------------------------------------------------------------------------------------------------ damage


def test_one_bad_line_in_the_middle_is_put_aside(dump: Made) -> None:
    lines = [row(1).encode(), b'{"id": "2606.0', b"\xff\xfe", b"\0\0\0", b"[1, 2]", b"{}", row(2).encode()]
    made = dump(b"\n".join(lines) + b"\n")
    assert [one.title for one in papers(made)] == ["Title 1", "", "Title 2"]
    assert refused(made) == [
        (2, "no valid JSON: Input data was truncated"),
        (3, "no valid JSON: invalid character (byte 0)"),
        (4, "holds NUL bytes"),
        (5, "expected an object, got a list"),
    ]
    assert made.incomplete is None


def test_a_line_that_is_no_utf8_is_rejected_with_what_can_be_shown(dump: Made) -> None:
    made = dump(row(1).encode() + b"\n" + row(2).encode().replace(b"Title", b"T\xfftle") + b"\n")
    assert refused(made) == [(2, "not UTF-8")]
    assert "T\ufffdtle 2" in next(one.raw for one in made.records() if isinstance(one, Rejected))


def test_a_wrong_type_names_its_field(dump: Made) -> None:
    made = dump("\n".join((row(1, title=5), row(2, authors=["Jane", None, 4]), row(3, categories="cs.LG cs.CL"))) + "\n")
    assert refused(made) == [
        (1, "title: expected text or nothing, got a number"),
        (2, "authors[2]: expected text or nothing, got a number"),
    ]
    assert papers(made)[0].categories == ("cs.LG", "cs.CL")


def test_deep_nesting_is_one_rejected_line(dump: Made) -> None:
    made = dump(f'{row(1)}\n{{"id": {"[" * 100_000}\n{row(2)}\n')
    assert [one.line for one in papers(made)] == [1, 3]
    assert [line for line, _ in refused(made)] == [2]


def test_a_file_cut_in_mid_record_keeps_what_came_before(dump: Made) -> None:
    made = dump((row(1) + "\n" + row(2))[:-9])
    assert [one.title for one in papers(made)] == ["Title 1"]
    assert refused(made) == [(2, "cut off in the middle of the record")]
    assert made.incomplete == "the file ends in the middle of record 2"


def test_a_last_line_without_line_end_is_whole(dump: Made) -> None:
    made = dump(row(1) + "\n" + row(2))
    assert len(papers(made)) == 2
    assert made.incomplete is None


def test_a_truncated_gzip_keeps_what_came_before(dump: Made) -> None:
    whole = "".join(row(number, summary=f"{number * 7919 % 104729} " * 40) + "\n" for number in range(1, 400))
    packed = gzip.compress(whole.encode())
    made = dump(packed[: len(packed) // 2])
    kept = papers(made)
    assert 100 < len(kept) < 300
    assert [one.title for one in kept] == [f"Title {number}" for number in range(1, len(kept) + 1)]
    assert made.incomplete == "the gzip data ends early: the file is not whole"


def test_a_damaged_gzip_keeps_what_came_before(dump: Made) -> None:
    packed = gzip.compress("".join(row(number) + "\n" for number in range(1, 4)).encode())
    made = dump(packed[:-8] + b"\0\0\0\0\0\0\0\0")
    assert [one.title for one in papers(made)] == ["Title 1", "Title 2", "Title 3"]
    assert made.incomplete is not None
    assert "damaged" in made.incomplete


def test_gzip_members_one_after_the_other_are_one_file(dump: Made) -> None:
    made = dump(gzip.compress(row(1).encode() + b"\n") + gzip.compress(row(2).encode() + b"\n") + b"\0" * 512)
    assert [one.line for one in papers(made)] == [1, 2]
    assert made.incomplete is None


def test_a_line_beyond_the_cap_is_skipped_without_being_held(dump: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "ITEM_CAP", 300_000)
    made = dump(f"{row(1)}\n{row(2, summary='x' * 900_000)}\n{row(3)}\n")
    assert [one.line for one in papers(made)] == [1, 3]
    assert [line for line, _ in refused(made)] == [2]


def test_an_item_beyond_the_cap_is_skipped_without_being_held(dump: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.dumps.json_text.ITEM_CAP", 300_000)
    for long in (row(2, authors=["Jane Doe"] * 80_000), row(2, summary='{"[\\' * 200_000)):
        made = dump(f"[{row(1)},{long},{row(3)}]")
        assert [one.line for one in papers(made)] == [1, 3]
        assert [line for line, _ in refused(made)] == [2]


def test_a_json_list_cut_anywhere_keeps_its_whole_records(dump: Made) -> None:
    text = f"[{row(1)}, {row(2)}]"
    for end in range(len(row(1)) + 1, len(text)):
        made = dump(text[:end])
        assert [one.line for one in papers(made)] == ([1] if end < len(text) - 1 else [1, 2])
        assert made.incomplete is not None


def test_braces_and_quotes_inside_strings_do_not_split_records(dump: Made) -> None:
    title = 'A "quoted\\" {title} with [brackets], \\\\'
    made = dump(f"[{row(1, title=title)},{row(2)}]")
    assert [one.title for one in papers(made)] == [title, "Title 2"]


def test_an_unclosed_quote_in_a_csv_costs_one_line(dump: Made) -> None:
    made = dump('title,abstract\nA,"never closed\nB,text\n"C","two\nlines"\nD,text\n')
    assert [one.title for one in papers(made)] == ["B", "C", "D"]
    assert refused(made)[0][0] == 2
    assert made.incomplete is None


def test_a_csv_cut_in_mid_record_says_so(dump: Made) -> None:
    made = dump("title,abstract,doi\nA,text,10.1000/x\nB,te")
    assert [one.title for one in papers(made)] == ["A"]
    assert refused(made) == [(3, "cut off in the middle of the record")]
    assert made.incomplete == "the file ends in the middle of line 3"


# ------------------------------------------------------------------------------------------------ facts about a dump


def test_a_dump_knows_its_hash_size_and_progress(dump: Made) -> None:
    made = dump("title,doi\n")
    assert made.sha256 == hashlib.sha256(b"title,doi\n").hexdigest()
    assert (made.bytes_read, made.size) == (0, 10)
    list(made.records())
    assert made.bytes_read == 10


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
def test_the_day_comes_from_the_name(name: str, day: date | None, dump: Made) -> None:
    assert dump(row(1) + "\n", name=name).day == day


def test_records_can_be_read_again(dump: Made) -> None:
    made = dump(row(1) + "\n" + row(2)[:-4])
    assert list(made.records()) == list(made.records())
    assert made.incomplete


def test_columns_without_use_are_counted_once_by_name(dump: Made) -> None:
    made = dump('{"title": "A", "mood": 1}\n{"title": "B", "mood": 2, "shelf": 3}\n')
    list(made.records())
    assert made.ignored == {"mood": 2, "shelf": 1}


# ------------------------------------------------------------------------------------------------ the page


@pytest.mark.parametrize(
    ("date_line", "name", "today", "day"),
    [
        ("Aug 29", "page.txt", date(2026, 11, 19), date(2026, 8, 29)),
        ("Aug 29", "page.txt", date(2026, 8, 29), date(2026, 8, 29)),
        ("Aug 29", "page.txt", date(2026, 8, 28), date(2025, 8, 29)),
        ("Aug 29", "page-2023.txt", date(2026, 11, 19), date(2023, 8, 29)),
        ("Aug 29", "2024-08-30.txt", date(2026, 11, 19), date(2024, 8, 29)),
        ("Feb 29", "page.txt", date(2026, 11, 19), date(2024, 2, 29)),
        ("Feb 29", "page-2023.txt", date(2026, 11, 19), date(2024, 2, 29)),
        ("Dec 31", "page.txt", date(2026, 1, 1), date(2025, 12, 31)),
        ("Aug 29, 2022", "page.txt", date(2026, 11, 19), date(2022, 8, 29)),
    ],
)
def test_a_page_finds_the_year_of_its_day(date_line: str, name: str, today: date, day: date, dump: Made) -> None:
    made = dump(page("Title", abstract(1), date_line=date_line), name=name, today=today)
    (paper,) = papers(made)
    assert (paper.picked, paper.rank, paper.submitted, paper.announced) == (day, 1, None, None)


def test_a_page_without_its_heading_is_read(dump: Made) -> None:
    made = dump(page("Title", abstract(1)).replace("Daily Papers\n\n", ""))
    assert [(one.title, one.line) for one in papers(made)] == [("Title", 11)]


def test_a_page_that_misses_an_abstract_keeps_what_came_before(dump: Made) -> None:
    blocks = ["Title 1", abstract(1), "Title 2", abstract(2), "Title 3, a Longer One", abstract(4), "Title 4", abstract(5)]
    del blocks[3]
    made = dump(page(*blocks))
    assert [one.title for one in papers(made)] == ["Title 1"]
    told = refused(made)
    assert [line for line, _ in told] == [17, 19, 21, 23, 25]
    assert {reason for _, reason in told} == {"the page slipped: no abstract follows the title on line 17"}


def test_a_page_that_misses_a_title_keeps_what_came_before(dump: Made) -> None:
    made = dump(page("Title 1", abstract(1), abstract(2), "Title 3", abstract(3)))
    assert [(one.title, one.rank) for one in papers(made)] == [("Title 1", 1)]
    assert [line for line, _ in refused(made)] == [17, 19, 21]


def test_a_page_that_ends_after_a_title_says_so(dump: Made) -> None:
    made = dump(page("Title 1", abstract(1), "Title 2", abstract(2), "Title 3"))
    assert [one.title for one in papers(made)] == ["Title 1", "Title 2"]
    assert refused(made) == [(21, "cut off after its title: the abstract is missing")]
    assert made.incomplete == "the page ends after a title"


def test_a_page_cut_in_its_preamble_says_so(dump: Made) -> None:
    made = dump("new\n\nGet trending papers in your email inbox!\n\nSubscr")
    assert (list(made.records()), made.incomplete) == ([], "the page ends before its date")


def test_a_page_without_a_date_line_is_put_aside_block_by_block(dump: Made) -> None:
    made = dump(page(*(text for number in range(6) for text in (f"Title {number}", abstract(number))), date_line="Foo 99"))
    assert papers(made) == []
    assert len(refused(made)) == 18


# ------------------------------------------------------------------------------------------------ fields


@pytest.mark.parametrize(
    ("comment", "summary", "withdrawn"),
    [
        ("Withdrawn", "Text.", True),
        ("This paper has been withdrawn by the authors due to an error", "Text.", True),
        ("withdrawn by arXiv administrators", "Text.", True),
        (None, "This paper has been withdrawn by the author.", True),
        (None, "This submission was temporarily withdrawn.", True),
        ("Withdrawn from a workshop of 2025; extended since", "Text.", False),
        ("not withdrawn, only moved", "Text.", False),
        ("12 pages", "A source that was withdrawn later misleads its readers.", False),
        (None, None, False),
    ],
)
def test_a_withdrawn_paper_is_told_by_its_comment_or_abstract(
    comment: str | None, summary: str | None, withdrawn: bool, dump: Made
) -> None:
    assert papers(dump(row(1, comment=comment, summary=summary) + "\n"))[0].withdrawn is withdrawn


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-06-30", date(2026, 6, 30)),
        ("2026-6-3", date(2026, 6, 3)),
        ("2026-06-30T23:00:00.000Z", date(2026, 6, 30)),
        ("2026/6/30", date(2026, 6, 30)),
        ("20260630", date(2026, 6, 30)),
        ("Tue, 30 Jun 2026 10:00:00 GMT", date(2026, 6, 30)),
        ("30 June 2026", date(2026, 6, 30)),
        ("2026-02-30", None),
        ("2026", None),
        ("1899-12-31", None),
        ("1900-01-01", date(1900, 1, 1)),
        ("2028-11-19", date(2028, 11, 19)),
        ("2028-11-21", None),
        ("99999-01-01", None),
        ("٢٠٢٦-٠٦-٣٠", None),
        ("yesterday", None),
    ],
)
def test_a_day_is_read_as_written_or_dropped(written: str, day: date | None, dump: Made) -> None:
    (paper,) = papers(dump(json.dumps({"title": "A", "submitted": written}) + "\n"))
    assert paper.submitted == day


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Doe, Jane; Roe, Kim", ("Doe, Jane", "Roe, Kim")),
        ("Doe, Jane and Roe, Kim", ("Doe, Jane", "Roe, Kim")),
        ("Jane Doe, Kim Roe, and Lee Poe", ("Jane Doe", "Kim Roe", "Lee Poe")),
        ("Doe, Jane", ("Doe, Jane",)),
        ("Jane Doe", ("Jane Doe",)),
        ([" ", "Jane Doe", None], (" ", "Jane Doe")),
        ([{"name": "Jane Doe"}, {"given": "Kim", "family": "Roe"}, {}], ("Jane Doe", "Kim Roe")),
        ("", ()),
    ],
)
def test_authors_are_parted(written: object, names: tuple[str, ...], dump: Made) -> None:
    (paper,) = papers(dump(json.dumps({"title": "A", "authors": written}) + "\n"))
    assert paper.authors == names


def test_hidden_authors_are_not_shown(dump: Made) -> None:
    made = dump((FOLDER / "huggingface-daily.json").read_bytes())
    assert papers(made)[0].authors == ("Jane Doe", "K. Roe")


def test_raw_text_is_cut_at_64_ki_characters(dump: Made) -> None:
    (paper,) = papers(dump(row(1, summary="ü" * 100_000) + "\n"))
    assert len(paper.raw) == stream_module.RAW_CAP
    assert len(paper.abstract) == 100_000
