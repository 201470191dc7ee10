"""Encodings other than UTF-8, byte order marks and NUL bytes.

In every format where they can occur.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.dumps.stream import detect_encoding
from digest.errors import DumpError
from digest.model import Record
from tests.examples import examples
from tests.unit.dumps.conftest import MakeDump, entries, papers, titles
from tests.unit.dumps.every_format import (
    DECLARE_ENCODING,
    MAY_BE_WINDOWS_1252,
    PARTS,
    TITLED,
    format_text,
    reasons,
)


@pytest.mark.parametrize("format", DECLARE_ENCODING)
def test_a_record_in_another_encoding_than_declared_is_rejected(
    format: str, make_dump: MakeDump
) -> None:
    dump = make_dump(format_text(format, "Before", "Caf\xe9 at Night", "Behind").encode("latin-1"))
    assert (titles(dump), reasons(dump)) == (["Before", "Behind"], ["not UTF-8"])


@pytest.mark.parametrize("format", MAY_BE_WINDOWS_1252)
def test_an_entry_may_be_windows_1252_beside_others_in_utf_8(
    format: str, make_dump: MakeDump
) -> None:
    before, record, between, after = PARTS[format]
    encodings = {
        "Müller": "utf-8",
        "“Café” – naïve": "cp1252",
        "Plain": "ascii",
        "Straße": "latin-1",
        "Жизнь": "utf-8",
    }
    texts = [re.sub(r"\bID\b|\bDAY\b", "", record).replace("TITLE", title) for title in encodings]
    encoded = [
        text.encode(encoding) for text, encoding in zip(texts, encodings.values(), strict=True)
    ]
    dump = make_dump(before.encode() + between.encode().join(encoded) + after.encode())
    assert titles(dump) == list(encodings)
    records = [entry for entry in dump.records() if isinstance(entry, Record)]
    assert [title in record.raw for title, record in zip(encodings, records, strict=True)] == [
        True
    ] * 5


def test_a_list_of_identifiers_may_be_windows_1252(make_dump: MakeDump) -> None:
    dump = make_dump(
        "2604.00001\n2604.00002\n2604.00003\n2604.00004 # café\nGraphs of the Café\n".encode(
            "cp1252"
        )
    )
    assert titles(dump)[-1] == "Graphs of the Café"
    assert reasons(dump) == []


def test_a_table_saved_by_a_spreadsheet_before_utf_8_is_read(make_dump: MakeDump) -> None:
    dump = make_dump(
        'title;authors;abstract;Größe\n“Köche”;Jane Müller;Öl – und\n;;;\nB;"J.\nDoë";;1\n'.encode(
            "cp1252"
        )
    )
    assert [(record.title, record.authors) for record in papers(dump) if record.title] == [
        ("“Köche”", ("Jane Müller",)),
        ("B", ("J. Doë",)),
    ]
    assert dump.ignored == {"Größe": 1}


@pytest.mark.parametrize("format", MAY_BE_WINDOWS_1252)
@pytest.mark.parametrize(
    "title",
    [
        pytest.param("Müller ".encode() + b"caf\xe9", id="UTF-8 and a byte that is none"),
        pytest.param("Müller and “Frères”".encode()[:-1], id="a character cut in half"),
        pytest.param(b"caf\xe9 \x81", id="a byte that Windows-1252 has not"),
    ],
)
def test_damaged_utf_8_is_not_taken_for_windows_1252(
    format: str, title: bytes, make_dump: MakeDump
) -> None:
    dump = make_dump(
        format_text(format, "Before", "HERE", "Behind").encode().replace(b"HERE", title)
    )
    assert reasons(dump)[0] == "not UTF-8"
    if (
        format == "huggingface-page"
    ):  # with one unreadable block the titles cannot be told from the others
        assert titles(dump) == ["Before"]
    else:
        assert titles(dump) == ["Before", "Behind"]
        assert len(reasons(dump)) == 1


@settings(max_examples=examples(100))
@given(entry=st.text(st.characters(codec="cp1252"), max_size=20))
def test_windows_1252_is_detected_by_the_utf_8_in_it(entry: str) -> None:
    data = entry.encode("cp1252")
    assert detect_encoding(entry.encode()) == "utf-8"
    if (encoding := detect_encoding(data)) is not None:
        assert data.decode(encoding) == entry or encoding == "utf-8"
    elif len(entry) < 2:
        pytest.fail("one letter cannot be damage")


@pytest.mark.parametrize("format", PARTS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_file_in_utf_16_is_rejected(format: str, encoding: str, make_dump: MakeDump) -> None:
    with pytest.raises(DumpError, match="UTF-16" if encoding == "utf-16" else "no known format"):
        make_dump(format_text(format, "A Title").encode(encoding))


@pytest.mark.parametrize("format", PARTS)
def test_a_byte_order_mark_changes_nothing(format: str, make_dump: MakeDump) -> None:
    dump = make_dump("\ufeff" + format_text(format, "A Title", "Another"))
    assert dump.format == format
    assert list(dump.records()) == list(
        make_dump(format_text(format, "A Title", "Another")).records()
    )


@pytest.mark.parametrize("format", TITLED)
def test_nul_bytes_reject_one_record_or_are_removed(format: str, make_dump: MakeDump) -> None:
    dump = make_dump(format_text(format, "Before", "A\0B", "Behind"))
    if format == "huggingface-page":
        assert [entry.title for entry in entries(dump)] == ["Before", "AB", "Behind"]
    else:
        assert titles(dump) == ["Before", "Behind"]
        assert reasons(dump) == ["holds NUL bytes"]


@pytest.mark.parametrize("format", [name for name in TITLED if name != "huggingface-page"])
def test_nul_bytes_after_the_records_lose_no_record(format: str, make_dump: MakeDump) -> None:
    dump = make_dump(format_text(format, "A Title", "Another") + "\0" * 5000)
    assert dump.format == format
    assert len([entry for entry in dump.records() if isinstance(entry, Record)]) == 2
