"""XML in pieces.

Entries are found whatever stands around them, and an error costs as few entries as possible.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from digest.dumps import open_dump, stream, xml_split
from digest.dumps.stream import Source
from digest.dumps.xml_text import (
    XmlEntry,
    attribute,
    child,
    children,
    read_xml_entries,
    serialise_content,
    text_of,
)
from digest.errors import DumpError
from tests.unit.dumps.conftest import TODAY

Read = Callable[..., tuple[list[tuple[int, str]], str | None]]


@pytest.fixture
def source(tmp_path: Path) -> Callable[[bytes], Source]:
    def make(data: bytes) -> Source:
        (tmp_path / "dump").write_bytes(data)
        return Source(tmp_path / "dump", name="dump", today=TODAY)

    return make


@pytest.fixture
def read(source: Callable[[bytes], Source]) -> Read:
    """Return (line, text or reason in brackets) of each entry, and what is missing."""

    def make(data: bytes, *names: str) -> tuple[list[tuple[int, str]], str | None]:
        xml_source = source(data)
        entries = list(read_xml_entries(xml_source, *(names or ("e",))))
        return [
            (
                entry.line,
                text_of(entry.node) if isinstance(entry, XmlEntry) else f"[{entry.reason}]",
            )
            for entry in entries
        ], xml_source.incomplete

    return make


def test_entries_come_with_line_name_text_and_raw(source: Callable[[bytes], Source]) -> None:
    entry, two = read_xml_entries(
        source(b'<?xml version="1.0"?>\n<r>\n <e a="1">x <i>y</i> z</e>\n <n:f xmlns:n="u"/></r>'),
        "e",
        "f",
    )
    assert isinstance(entry, XmlEntry)
    assert isinstance(two, XmlEntry)
    assert (entry.name, entry.line, entry.raw, text_of(entry.node)) == (
        "e",
        3,
        '<e a="1">x <i>y</i> z</e>',
        "x y z",
    )
    assert (two.name, two.line, two.raw, text_of(two.node)) == ("f", 4, '<n:f xmlns:n="u"/>', "")
    assert attribute(entry.node, "a") == "1"
    assert attribute(entry.node, "b") == attribute(None, "b") == ""
    assert serialise_content(entry.node) == "x <i>y</i> z"


def test_children_are_found_by_local_name(source: Callable[[bytes], Source]) -> None:
    data = b'<r xmlns="u" xmlns:n="v"><e n:k="5"><a>1</a><n:a>2</n:a><b><c> 3 </c></b></e></r>'
    (entry,) = read_xml_entries(source(data), "e")
    assert isinstance(entry, XmlEntry)
    assert [text_of(entries) for entries in children(entry.node, "a")] == ["1", "2"]
    assert text_of(child(entry.node, "b", "c")) == " 3 "
    assert child(entry.node, "b", "x", "y") is None
    assert text_of(entry.fields()["a"]) == "1"
    assert text_of([]) == text_of(None) == ""
    assert attribute(entry.node, "k") == "5"


def test_comments_and_cdata_hide_nothing_and_end_nothing(read: Read) -> None:
    data = (
        b"<r><!-- <e>no</e> --><e>1<!-- </e> "
        b"--></e><![CDATA[<e>no</e>]]><e><![CDATA[</e>2]]></e><?x <e>no</e>?></r>"
    )
    assert read(data) == ([(1, "1"), (1, "</e>2")], None)


def test_documents_may_follow_each_other(read: Read) -> None:
    entry = b'<?xml version="1.0"?>\n<r xmlns:p="u"><e><p:x>1</p:x></e></r>\n'
    assert read(entry * 3) == ([(2, "1"), (4, "1"), (6, "1")], None)


def test_a_cut_off_document_loses_only_its_last_entry(read: Read) -> None:
    data = b'<?xml version="1.0"?>\n<r><e>1</e><e>2\n<?xml version="1.0"?>\n<r><e>3</e></r>'
    assert read(data) == (
        [(2, "1"), (2, "[has no end: its </e> is missing]"), (4, "3")],
        "a document within the file ends before its </r>",
    )


def test_a_cut_off_file_is_incomplete(read: Read) -> None:
    assert read(b"<r><e>1</e><e>2") == (
        [(1, "1"), (1, "[cut off in the middle of the record]")],
        "the file ends in the middle of the e on line 1",
    )
    assert read(b"<r><e>1</e>") == ([(1, "1")], "the file ends before its </r>")
    assert read(b"<e>1</e><!-- ") == (
        [(1, "1")],
        "the file ends in the middle of a comment or declaration",
    )


def test_an_entry_without_end_does_not_take_the_next_one_along(read: Read) -> None:
    assert read(b"<r><e>1<e>2</e></r>") == (
        [(1, "[has no end: its </e> is missing]"), (1, "2")],
        None,
    )


def test_damage_loses_one_entry(read: Read) -> None:
    entries, incomplete = read(b"<r><e>1<b></e><e>\0</e><e>caf\xe9</e><e a=1>4</e><e>5</e></r>")
    assert [text for _, text in entries] == [
        "[no valid XML: Opening and ending tag mismatch: b and e]",
        "",
        "café",
        "[no valid XML: AttValue: \" or ' expected]",
        "5",
    ]
    assert incomplete is None


def test_common_mistakes_are_accepted(read: Read) -> None:
    data = (
        b"<r><e>R&D &eacute;&nbsp;&amp;eacute; &lt;</e><e>a\x01b</e><e><dc:x "
        b"q:y='1'>undeclared</dc:x></e></r>"
    )
    assert [text for _, text in read(data)[0]] == ["R&D \xe9\xa0&eacute; <", "ab", "undeclared"]


def test_a_declared_encoding_is_used(read: Read) -> None:
    for name, text in (
        ("ISO-8859-1", "café"),
        ("windows-1252", "“x”"),
        ("gb2312", "中文"),
        ("UTF-8", "ü"),
        ("no-such", "ü"),
        ("hex", "x"),
    ):
        codec = name if name not in ("no-such", "hex") else "utf-8"
        assert read(
            f'<?xml version="1.0" encoding="{name}"?><r><e>{text}</e></r>'.encode(codec)
        ) == ([(1, text)], None)
    assert read(b'<?xml version="1.0" encoding="big5"?><e>\xff\xff</e>')[0] == [
        (1, "[not big5hkscs, which the document says it is]")
    ]


def test_no_entity_is_expanded_and_none_is_fetched(read: Read, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    types = f'<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY s SYSTEM "file://{tmp_path}/secret">'
    data = (
        f'<?xml version="1.0"?><!DOCTYPE r SYSTEM "file://{tmp_path}/x.dtd" [{types}] '
        f"><r><e>&b;</e><e>&s;</e><e>x</e></r>"
    )
    assert read(data.encode())[0] == [
        (1, "[no valid XML: Entity 'b' not defined]"),
        (1, "[no valid XML: Entity 's' not defined]"),
        (1, "x"),
    ]


def test_a_web_page_among_the_documents_is_noted(read: Read) -> None:
    page = (
        b"<!DOCTYPE html>\n<html><head><title>503</title><br></head><body><e>no</e></body></html>\n"
    )
    assert read(b"<r><e>1</e></r>\n" + page + b"<r><e>2</e></r>") == (
        [(1, "1"), (4, "2")],
        "a web page stands where XML should be, from line 3 on",
    )


def test_a_web_page_is_rejected_with_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "harvest.xml"
    for start in (b"<!DOCTYPE html>\n<html lang='en'>", b"\n<HTML>"):
        path.write_bytes(
            start + b"<head><title>Error 503</title></head><body><p>Wait.</body></html>"
        )
        with pytest.raises(DumpError, match="it is a web page"):
            open_dump(path, today=TODAY)


@pytest.mark.parametrize("inner", [b"<a>" * 300, b"<a>" * 300 + b"</a>" * 300])
def test_deep_nesting_is_rejected(read: Read, inner: bytes) -> None:
    (deep, fine) = read(b"<r><e>" + inner + b"</e><e>x</e></r>")[0]
    assert "[no valid XML: Excessive depth in document" in deep[1]
    assert fine == (1, "x")


def test_too_many_tags_or_names_are_rejected(read: Read) -> None:
    assert read(b"<r><e>" + b"<a/>" * 400_001 + b"</e><e>x</e></r>")[0] == [
        (1, "[holds more than 400,000 tags]"),
        (1, "x"),
    ]
    names = b"".join(b"<a%d b%d='1'/>" % (number, number) for number in range(1500))
    assert [text for _, text in read(b"<r><e>" + names + b"</e><e>x</e></r>")[0]] == [
        "[the tags and attributes of the file have more than 2,000 different names]",
        "x",
    ]


def test_an_entry_beyond_the_cap_is_rejected_without_being_held(
    source: Callable[[bytes], Source],
) -> None:
    xml_source = source(
        b"<r><e>" + b"x\n" * (stream.ITEM_CAP // 2 + 10) * 4 + b"</e>\n<e>y</e></r>"
    )
    tracemalloc.start()
    entries = [(entry.line, entry.raw[:20]) for entry in read_xml_entries(xml_source, "e")]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert entries == [(1, ""), (4 * (stream.ITEM_CAP // 2 + 10) + 2, "<e>y</e>")]
    assert peak < 4 * stream.ITEM_CAP


@pytest.mark.parametrize(
    "junk",
    [
        b"<",
        b"<a ",
        b"<a '",
        b'<a "',
        b"<!--",
        b"<?xml ",
        b"<![CDATA[",
        b"</",
        b"<a x='",
        b"<!DOCTYPE[",
        b"<e",
        b"&",
    ],
)
def test_junk_takes_linear_time(junk: bytes, read: Read) -> None:
    assert read(junk * (500_000 // len(junk)))[0] == []


DOCUMENT = (
    b'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE r [<!ENTITY x "y">]>\n<!-- c -->\n<r '
    b'xmlns:p="u">\n<e>1</e><p:e k="a>b">2 &amp;</p:e>'
    b"<e/>\n<e><![CDATA[</e>]]></e><ee>no</ee>\n<e >un<ended\n<e>4</e ></r>\n<!doctype "
    b"html><html><br><e></html>\n<r><e>5</e>"
)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 64])
def test_where_the_chunks_end_does_not_matter(
    size: int, source: Callable[[bytes], Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    xml_source = source(DOCUMENT + DOCUMENT)
    whole = [(entry.line, entry.raw) for entry in read_xml_entries(xml_source, "e")]
    assert len(whole) > 10

    def pieces(self: Source) -> Iterator[bytes]:
        data = self.path.read_bytes()
        return (data[at : at + size] for at in range(0, len(data), size))

    monkeypatch.setattr(Source, "chunks", pieces)
    other = Source(xml_source.path, name="dump", today=TODAY)
    assert [(entry.line, entry.raw) for entry in read_xml_entries(other, "e")] == whole
    assert other.incomplete == xml_source.incomplete


def test_damage_anywhere_never_raises(read: Read) -> None:
    dice = random.Random(7)
    signs = [
        b"<",
        b">",
        b"/",
        b"'",
        b'"',
        b"&",
        b"<!--",
        b"<![CDATA[",
        b"]]>",
        b"<?xml ",
        b"<e>",
        b"</e>",
        b"\0",
        b"\xff",
        b" xmlns='",
    ]
    for _ in range(500):
        data = bytearray(DOCUMENT)
        for _ in range(dice.randint(1, 5)):
            at = dice.randrange(len(data))
            data[at : at + dice.randrange(3)] = dice.choice(signs)
        assert all(line >= 1 for line, _ in read(bytes(data))[0])


def test_the_root_is_found_in_the_first_bytes() -> None:
    assert xml_split.find_outer_names(
        b"\n<!-- <x> --><!DOCTYPE r [<!ENTITY y 'z'>]><a:r xmlns:a='u'><b/></a:r><c"
    ) == ["r", "b"]
    assert xml_split.find_outer_names(b"<root attribute='that never") == ["root"]
    assert xml_split.find_outer_names(b"no < xml >") == xml_split.find_outer_names(b"") == []
