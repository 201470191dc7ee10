"""Files that are no dumps: each refusal says what to give instead."""

from __future__ import annotations

import io
import zipfile

import pytest

from digest.errors import DumpError
from tests.unit.dumps.conftest import MakeDump, titles


def make_zip(*names: str, first: bytes = b"<x/>") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, first)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, r"\.xls or \.doc.* save it as \.xlsx"),
        (b"%PDF-1.7\n...", "RIS, BibTeX or CSV"),
        (b"SQLite format 3\0" + b"\1" * 90, "Zotero by File > Export Library, EndNote by File"),
        (b"\0\1\0\0Standard Jet DB\0", "an Access database: export the table"),
        (b"\0\1\0\0Standard ACE DB\0", "an Access database: export the table"),
        (b"{\\rtf1\\ansi Doe, J. (2026).}", "formatted text"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 90, "it is a picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF" + b"\0" * 90, "it is a picture"),
        (b"bplist00\xd1\1", "saved by Safari"),
        (b"<!DOCTYPE html><html><body>A library", "or export the list of papers as RIS"),
        (b"From: <Saved by Blink>\r\nMIME-Version: 1.0\r\n", "a saved web page or a mail"),
        (b"\\documentclass{article}\n\\begin{document}", r"give the \.bib file"),
        (make_zip("[Content_Types].xml", "word/document.xml"), "a Word document"),
        (make_zip("[Content_Types].xml", "xl/workbook.bin"), r"binary Excel workbook"),
        (make_zip("Index/Document.iwa", "preview.jpg"), "File > Export To > CSV or Excel"),
        (make_zip("My Library.enl", "sdb/sdb.eni"), "compressed EndNote library"),
        (
            make_zip("content.xml", "mimetype", first=b"application/epub+zip"),
            r"an e-book \(EPUB\)",
        ),
        (
            make_zip("mimetype", first=b"application/vnd.oasis.opendocument.spreadsheet"),
            r"\(\.ods\): choose File > Save As",
        ),
        (
            make_zip("mimetype", first=b"application/vnd.oasis.opendocument.text"),
            r"an OpenDocument text",
        ),
        (b"Dear Jane,\nplease find the papers below.\n", "export the list of papers as RIS"),
    ],
)
def test_a_wrong_file_is_refused_with_what_to_give_instead(
    content: bytes, hint: str, make_dump: MakeDump
) -> None:
    with pytest.raises(DumpError, match=hint) as caught:
        make_dump(content)
    assert str(caught.value).isprintable()


def test_a_folder_in_an_archive_may_have_any_name(make_dump: MakeDump) -> None:
    content = make_zip("index/a.csv", "word/b.csv", first=b"title,doi\nA,10.1000/x\n")
    assert titles(make_dump(content)) == ["A", "A"]
