"""Tables of readers are read as spreadsheets of all countries save them."""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.cli.reader_files import COLUMNS, read_readers
from digest.cli.row_files import BadRow, read_rows
from digest.errors import InputError
from digest.subscriptions import SubscriptionRequest

TABLE = [
    ["email", "name", "hour", "quiet_days", "keywords", "text"],
    ["jürgen@example.org", "Jürgen Groß", "8", "weekly", "robot; grasping", 'He said "no"; twice'],
    ["anne@example.org", "Anne, née Lefèvre", "", "", "-plasma, protein", "two\nlines"],
]


def write_table(
    path: Path, rows: list[list[str]], *, delimiter: str = ",", encoding: str = "utf-8"
) -> Path:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    path.write_bytes(buffer.getvalue().encode(encoding))
    return path


def read(path: Path) -> list[SubscriptionRequest]:
    rows = list(read_readers(path))
    assert not [row for row in rows if isinstance(row, BadRow)]
    return [row[1] for row in rows if not isinstance(row, BadRow)]


EXPECTED = [
    SubscriptionRequest(
        email="jürgen@example.org",
        name="Jürgen Groß",
        hour=8,
        quiet_days="weekly",
        keywords=("robot", "grasping"),
        text='He said "no"; twice',
    ),
    SubscriptionRequest(
        email="anne@example.org",
        name="Anne, née Lefèvre",
        keywords=("-plasma", "protein"),
        text="two\nlines",
    ),
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("name", ["readers.csv", "readers.txt", "readers"])
def test_every_separator_and_encoding_gives_the_same_readers(
    tmp_path: Path, delimiter: str, encoding: str, name: str
) -> None:
    path = write_table(tmp_path / name, TABLE, delimiter=delimiter, encoding=encoding)
    assert read(path) == EXPECTED


@pytest.mark.parametrize(
    "headings",
    [
        ["E-Mail", "NAME", "Hour", "Quiet days", "Keywords", "Text"],
        ["EMAIL ADDRESS", " Name ", "hour", "quiet-days", "KEYWORDS", "text "],
        ["Mail", "name", "HOUR", "QuietDays", "key words", "TEXT"],
    ],
)
def test_headings_are_known_in_any_case_and_with_spaces(
    tmp_path: Path, headings: list[str]
) -> None:
    assert read(write_table(tmp_path / "r.csv", [headings, *TABLE[1:]], delimiter=";")) == EXPECTED


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_line_that_names_the_separator_is_no_header(tmp_path: Path, first: str) -> None:
    path = tmp_path / "readers.csv"
    path.write_bytes(
        f"{first}\r\nEmail;Hour\r\na@example.org;7\r\n;\r\nb@example.org;late\r\n".encode()
    )
    good, bad = read_readers(path)
    assert not isinstance(good, BadRow)
    assert (good[0], good[1].hour) == (3, 7)
    assert bad == BadRow(line=5, reason="hour = 'late': must be a whole number")


def test_empty_rows_and_columns_of_a_spreadsheet_are_nothing(tmp_path: Path) -> None:
    path = tmp_path / "readers.csv"
    path.write_text("email;hour;;\r\na@example.org;7;;\r\n;;;\r\n \r\nb@example.org;8;;;;\r\n")
    assert [request.email for request in read(path)] == ["a@example.org", "b@example.org"]


def test_a_value_below_no_heading_is_not_lost_silently(tmp_path: Path) -> None:
    path = tmp_path / "readers.csv"
    path.write_text("email;;hour\na@example.org;robot;7\n")
    (bad,) = read_readers(path)
    assert bad == BadRow(
        line=2, reason="'robot' stands below no heading. Name its column, or delete the cell"
    )


def test_a_quote_that_is_never_closed_is_told_and_what_stands_before_is_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "readers.csv"
    path.write_text('email,name\na@example.org,A\nb@example.org,"B\nc@example.org,C\n')
    good, bad = read_readers(path)
    assert not isinstance(good, BadRow)
    assert isinstance(bad, BadRow)
    assert bad.line == 3
    assert "never closed" in bad.reason


def test_a_stray_quote_stops_no_other_row(tmp_path: Path) -> None:
    path = tmp_path / "readers.csv"
    path.write_text('email,name\na@example.org,"A" B\nb@example.org,B "C" D\n')
    bad, good = read_readers(path)
    assert isinstance(bad, BadRow)
    assert "is not CSV" in bad.reason
    assert not isinstance(good, BadRow)
    assert good[1].name == 'B "C" D'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04rest", "is a workbook. Open it in a spreadsheet, save it as CSV"),
        (b"email,name\na@example.org,\x81\n", "neither UTF-8 nor Windows-1252 (byte 25)"),
        (b"email,colour\n", "unknown column 'colour' in the first line. Columns: email,"),
        (b"email;E-mail\n", "column email is there twice"),
        (b"name;hour\nA;7\n", "no column email in the first line"),
        (b"", "no column email in the first line"),
        (b"e\0" + b"\xd8" * 3, "is not UTF-16-LE (byte 2)"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_before_any_row(
    tmp_path: Path, data: bytes, message: str
) -> None:
    path = tmp_path / "readers.csv"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        list(read_readers(path))
    assert message in str(caught.value)


def test_json_is_told_from_csv_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data, emails in (
        (b'\xef\xbb\xbf[{"email": "a@example.org"}]', ["a@example.org"]),
        (b'\n{"email": "a@example.org"}\n{"email": "b@example.org"}\n', ["a@", "b@"]),
        (b"email\na@example.org\n", ["a@example.org"]),
        ("email\tname\na@example.org\tJosé\n".encode("utf-16"), ["a@example.org"]),
        (b"", []),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        requests = read(Path("-"))
        assert [r.email.startswith(e) for r, e in zip(requests, emails, strict=True)] == [
            True
        ] * len(emails)


def test_json_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "readers.jsonl"
    path.write_bytes('{"email": "a@example.org", "name": "Jürgen"}\n'.encode("cp1252"))
    with pytest.raises(InputError, match=r"is not UTF-8 \(byte 37\)"):
        list(read_readers(path))


_cell = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\u0085"), max_size=12
).filter(lambda cell: not cell or cell.strip())


@given(
    rows=st.lists(st.tuples(_cell, _cell, _cell), max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_table_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    encoding: str,
) -> None:
    header = ["email", "name", "text"]
    filled = [[f"{n}@example.org", *row[1:]] for n, row in enumerate(rows)]
    path = write_table(
        tmp_path_factory.getbasetemp() / "any.csv",
        [header, *filled],
        delimiter=delimiter,
        encoding=encoding,
    )
    got = list(read_rows(path, tuple(COLUMNS), needed="email"))
    expected = [
        {name: value for name, value in zip(header, row, strict=True) if value} for row in filled
    ]
    plain = [row[1] for row in got if not isinstance(row, BadRow)]
    # An apostrophe before a formula is what exports add, and imports take away.
    assert [{name: value.lstrip("'") for name, value in row.items()} for row in plain] == [
        {name: value.lstrip("'") for name, value in row.items()} for row in expected
    ]


@given(data=st.binary(max_size=200), name=st.sampled_from(["a.csv", "a.json", "a"]))
def test_no_bytes_make_reading_fail_otherwise_than_with_words(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(b"email,name\n" + data if name == "a.csv" else data)
    with contextlib.suppress(InputError):
        list(read_readers(path))
