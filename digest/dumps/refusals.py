"""What to do with a file that is no dump: the words with which it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

from digest.dumps.packed import ZSTD, Unpacked, UnpackError, is_tar

_EXPORT: Final = "export the list of papers as RIS, BibTeX or CSV"
_SAVE_TABLE: Final = "save it as .xlsx or CSV (UTF-8)"
_PICTURE: Final = f"it is a picture: {_EXPORT} where it was taken"
_PAGE: Final = (
    f"it is a web page, maybe the answer to a failed download: fetch the file again, or {_EXPORT} "
    f"from that page"
)

#: first bytes of other files -> what to do
_HINTS: Final = (
    (b"\x1f\x8b", "it is packed twice: unpack it first"),
    (ZSTD, "it is packed twice: unpack it first"),
    (b"PK\x03\x04", "it is a packed zip archive: unpack it first"),
    (b"PAR1", "it is packed Parquet: unpack it first"),
    (b"ARROW1", "it is Arrow: save it as Parquet, CSV or JSON lines"),
    (b"BZh", "it is packed with bzip2: unpack it first"),
    (b"\xfd7zXZ", "it is packed with xz: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive: unpack it first"),
    (b"Rar!", "it is a rar archive: unpack it first"),
    (b"%PDF", f"it is a PDF: digest reads lists of papers, not papers; {_EXPORT}"),
    (
        b"SQLite format 3",
        "it is a database: digest reads files of papers. Of a library, export the papers: Zotero "
        "by File > Export Library, EndNote by File > Export with the style RefMan (RIS) Export, "
        "Mendeley by File > Export",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        f"it is a file of an old Office, such as .xls or .doc: open it; a table, {_SAVE_TABLE}; "
        f"for a text, {_EXPORT} from the reference manager",
    ),
    (
        b"\x00\x01\x00\x00Standard ",
        "it is an Access database: export the table as a text file with UTF-8 and field names in "
        "the first row",
    ),
    (b"{\\rtf", f"it is formatted text (RTF): {_EXPORT} from the reference manager"),
    (b"bplist00", f"it is a web page saved by Safari: {_EXPORT} from that page"),
    (b"\x89PNG", _PICTURE),
    (b"\xff\xd8\xff", _PICTURE),
    (b"GIF8", _PICTURE),
    (b"RIFF", _PICTURE),
    (b"II*\0", _PICTURE),
    (b"MM\0*", _PICTURE),
)

#: beginning of a text, in lower case -> what to do
_TEXT_HINTS: Final = (
    ((b"<!doctype html", b"<html"), _PAGE),
    (
        (b"from: <saved by", b"mime-version: 1.0"),
        f"it is a saved web page or a mail: {_EXPORT} where it comes from",
    ),
    (
        (b"\\documentclass", b"\\begin{thebibliography}", b"\\begin{document}"),
        "it is LaTeX: give the .bib file that it names",
    ),
)

#: path within a zip that tells what it is -> what to do
_MEMBER_HINTS: Final = (
    ("word/", f"it is a Word document: {_EXPORT} from the reference manager"),
    ("ppt/", f"they are slides: {_EXPORT} from the reference manager"),
    ("xl/workbook.bin", "it is a binary Excel workbook (.xlsb): save it as .xlsx or CSV (UTF-8)"),
    (
        "sdb/",
        "it is a compressed EndNote library: open it in EndNote and choose File > Export with the "
        "style RefMan (RIS) Export",
    ),
    (
        "index/",
        "it is a document of Numbers, Pages or Keynote: choose File > Export To > CSV or Excel",
    ),
)
#: the member `mimetype`, which some zips begin with -> what to do
_MIMETYPE_HINTS: Final = (
    (b"application/epub", f"it is an e-book (EPUB): {_EXPORT}"),
    (
        b"application/vnd.oasis.opendocument.spreadsheet",
        "it is an OpenDocument table (.ods): choose File > Save As > Excel (.xlsx) or Text CSV",
    ),
    (
        b"application/vnd.oasis.opendocument",
        f"it is an OpenDocument text (.odt): {_EXPORT} from the reference manager",
    ),
)


def describe_unknown(path: PurePath, data: bytes, formats: Iterable[str]) -> str:
    """Say of which kind a file is, going by its first bytes, and what to do."""
    start = ascii(data[:80].decode("utf-8", "replace"))
    hint = next((advice for first_bytes, advice in _HINTS if data.startswith(first_bytes)), None)
    text = data.lstrip()[:40].lower()
    if is_tar(data):
        hint = "it is a tar archive: unpack it first, and give the files in it"
    elif hint is None:
        hint = next((advice for starts, advice in _TEXT_HINTS if text.startswith(starts)), None)
    remedy = hint or (
        f"{_EXPORT} (a CSV needs a column 'title'); known formats are {', '.join(formats)}; see "
        f"digest/dumps/README.md"
    )
    return f"{path}: of no known format; {remedy}. It begins with {start}"


def describe_document(members: Iterable[Unpacked]) -> str | None:
    """Say of which kind of document these are the members, and what to do; None if of none."""
    for member in members:
        if member.name == "mimetype":
            try:
                start = next(member.chunks(), b"")
            except UnpackError:
                continue
            for kind, advice in _MIMETYPE_HINTS:
                if start.startswith(kind):
                    return advice
        for path, advice in _MEMBER_HINTS:
            if member.name.lower().startswith(path):
                return advice
    return None
