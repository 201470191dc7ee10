"""Encodings other than UTF-8, byte order marks and NUL bytes.

In every format where they can occur.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.dumps.stream import detect_encoding
from digest.encodings import detect_wide, recode_declared
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
def test_a_record_in_another_encoding_than_declared_is_read(
    format: str, make_dump: MakeDump
) -> None:
    dump = make_dump(format_text(format, "Before", "Caf\xe9 at Night", "Behind").encode("latin-1"))
    assert (titles(dump), reasons(dump)) == (["Before", "Café at Night", "Behind"], [])
    assert dump.notes == ["1 entry is not UTF-8: read as Windows-1252"]


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


WIDE = {
    "UTF-16, little-endian": "utf-16-le",
    "UTF-16, big-endian": "utf-16-be",
    "UTF-32, little-endian": "utf-32-le",
    "UTF-32, big-endian": "utf-32-be",
}


@pytest.mark.parametrize("format", PARTS)
@pytest.mark.parametrize("encoding", WIDE.values(), ids=WIDE)
@pytest.mark.parametrize("mark", ["\ufeff", ""], ids=["byte order mark", "no mark"])
def test_a_file_in_utf_16_or_utf_32_is_read_as_in_utf_8(
    format: str, encoding: str, mark: str, make_dump: MakeDump
) -> None:
    text = format_text(format, "Größe – “Жизнь”", "一 𝔸", "Plain")
    expected = list(make_dump(text).records())
    dump = make_dump((mark + text).encode(encoding))
    assert dump.format == format
    assert list(dump.records()) == expected
    assert dump.notes == [f"read as {encoding[:6].upper()}"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_packed_file_in_utf_16_is_read(
    pack: Callable[[bytes], bytes], make_dump: MakeDump
) -> None:
    text = "title\tdoi\n" + "".join(f"Öl {n}\t10.1000/{n}\n" for n in range(100_000))
    assert len(titles(make_dump(pack(text.encode("utf-16"))))) == 100_000


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 3000,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0",
        bytes(range(256)) * 10,
        b"a\0\0\0" * 3 + b"\0b\0\0" * 300,
        "一二三四五六七八".encode("utf-16-le") * 40,
    ],
)
def test_other_zero_bytes_are_no_utf_16(data: bytes) -> None:
    assert detect_wide(data) is None


@pytest.mark.parametrize("format", PARTS)
def test_a_byte_order_mark_changes_nothing(format: str, make_dump: MakeDump) -> None:
    dump = make_dump("\ufeff" + format_text(format, "A Title", "Another"))
    assert dump.format == format
    assert list(dump.records()) == list(
        make_dump(format_text(format, "A Title", "Another")).records()
    )


@pytest.mark.parametrize("format", TITLED)
@pytest.mark.parametrize("harmful", ["\0", "\x01", "\x1f", "\x0c\0\0"])
def test_nul_bytes_and_controls_are_removed(format: str, harmful: str, make_dump: MakeDump) -> None:
    dump = make_dump(format_text(format, "Before", f"A {harmful} B", "Behind"))
    assert [entry.title for entry in entries(dump)] == ["Before", "A B", "Behind"]
    assert reasons(dump) == []


@pytest.mark.parametrize("format", [name for name in TITLED if name != "huggingface-page"])
def test_nul_bytes_after_the_records_lose_no_record(format: str, make_dump: MakeDump) -> None:
    dump = make_dump(format_text(format, "A Title", "Another") + "\0" * 5000)
    assert dump.format == format
    assert len([entry for entry in dump.records() if isinstance(entry, Record)]) == 2


XML_TITLES = ["Größe der Löffel", "Plain", "Müller’s “Café”"]


def feed_of(titles: list[bytes], declared: str) -> bytes:
    items = b"".join(
        b"<item><title>%s</title><link>https://example.org/%d</link></item>" % (title, number)
        for number, title in enumerate(titles)
    )
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return declaration.encode() + b'<rss version="2.0"><channel>' + items + b"</channel></rss>"


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        pytest.param("ISO-8859-1", "cp1252", id="browsers read it as Windows-1252"),
        pytest.param("latin1", "cp1252", id="another name of it"),
        pytest.param("us-ascii", "cp1252", id="ASCII with umlauts"),
        pytest.param("UTF-8", "cp1252", id="declared wrong"),
        pytest.param("ISO-8859-1", "utf-8", id="declared wrong, the other way"),
        pytest.param("windows-1251", "utf-8", id="declared wrong, Cyrillic"),
        pytest.param("no-such-name", "cp1252", id="declared as nothing known"),
        pytest.param("unicode_escape", "utf-8", id="a codec that is no encoding"),
        pytest.param("", "cp1252", id="not declared"),
        pytest.param("UTF-16", "utf-8", id="converted without a word"),
    ],
)
def test_xml_is_read_whatever_it_declares(
    declared: str, encoding: str, make_dump: MakeDump
) -> None:
    dump = make_dump(feed_of([title.encode(encoding) for title in XML_TITLES], declared))
    assert (titles(dump), reasons(dump)) == (XML_TITLES, [])


@pytest.mark.parametrize(
    ("declared", "encoding", "title"),
    [
        ("windows-1251", "cp1251", "Жизнь “медуз”"),
        ("gb2312", "gb18030", "水母的生命"),
        ("Shift_JIS", "cp932", "クラゲの表①"),
        ("EUC-KR", "cp949", "해파리 똠"),
        ("iso-8859-9", "cp1254", "Işık “ve” göl"),
        ("x-sjis", "cp932", "クラゲの表"),
        ("ISO-8859-2", "iso8859-2", "Żółw"),
    ],
)
def test_xml_of_the_declared_encoding_is_read_without_a_note(
    declared: str, encoding: str, title: str, make_dump: MakeDump
) -> None:
    dump = make_dump(feed_of([title.encode(encoding), b"Plain"], declared))
    assert (titles(dump), reasons(dump), dump.notes) == ([title, "Plain"], [], [])


def test_each_document_of_a_file_declares_its_own_encoding(make_dump: MakeDump) -> None:
    dump = make_dump(
        feed_of(["Żółw".encode("iso8859-2")], "ISO-8859-2")
        + feed_of(["Żółw".encode()], "UTF-8")
        + feed_of(["“Löwe”".encode("cp1252")], "ISO-8859-1")
    )
    assert titles(dump) == ["Żółw", "Żółw", "“Löwe”"]


def test_a_damaged_item_is_put_aside_alone(make_dump: MakeDump) -> None:
    damaged = "Größe ".encode() + b"\xfc\x81"
    dump = make_dump(feed_of([b"Before", damaged, b"Behind"], "UTF-8"))
    assert (titles(dump), reasons(dump)) == (["Before", "Behind"], ["not UTF-8"])


@pytest.mark.parametrize(
    ("comment", "encoding", "title"),
    [
        ("% Encoding: Cp1250", "cp1250", "Żółw"),
        ("% Made by hand\n% Encoding: windows-1251", "cp1251", "Жизнь"),
        ("%% -*- coding: latin-2 -*-", "iso8859-2", "Żółw"),
        ("% Encoding: Shift_JIS", "cp932", "表と能"),
        ("% Encoding: ISO8859_1", "cp1252", "“Löwe”"),
        ("% Encoding: UTF-8", "utf-8", "Löwe"),
        ("% Encoding: UTF-8", "cp1252", "Löwe"),
        ("% Encoding: Cp1250", "utf-8", "Löwen in Żółw"),
    ],
)
def test_bibtex_may_declare_its_encoding_in_a_comment(
    comment: str, encoding: str, title: str, make_dump: MakeDump
) -> None:
    text = f"{comment}\n\n@article{{a,\n title={{{title}}}}}\n@misc{{b, title={{Plain}}}}\n"
    dump = make_dump(text.encode(encoding))
    assert (titles(dump), reasons(dump)) == ([title, "Plain"], [])


def test_a_declared_encoding_is_converted_in_pieces_of_any_size() -> None:
    data = ('title={Żółw},\n "ÓŁ", ' * 500 + "ż" * 3000).encode("cp1250")
    for size in (1, 7, 1000, len(data)):
        chunks = [data[start : start + size] for start in range(0, len(data), size)]
        assert b"".join(recode_declared(chunks, "cp1250")).decode() == data.decode("cp1250")


def test_the_notes_count_what_was_assumed(make_dump: MakeDump) -> None:
    rows = ["title,doi", "Größe,10.1000/1", "Löffel,10.1000/2", "Plain,10.1000/3"]
    dump = make_dump("\n".join(rows).encode("cp1252"))
    assert (len(titles(dump)), dump.notes) == (3, ["2 entries are not UTF-8: read as Windows-1252"])
    dump = make_dump("\n".join(rows).encode())
    assert (len(titles(dump)), dump.notes) == (3, [])
