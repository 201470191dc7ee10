"""Read a library that a visitor uploads into names of example papers. Nothing is stored."""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from digest import dumps, store
from digest.app import App
from digest.errors import BusyError, DumpError, InputError
from digest.locales import gettext
from digest.services.library import LibraryEntry, find_stored, read_entries

#: names that are taken of one library
NAMES_MAX: Final = 500
#: characters of a name; those of a longer title are enough words
_NAME_LENGTH: Final = 500
#: the formats of reference managers, and lists; a stranger's file is not tried as any other
LIBRARY_FORMATS: Final = (
    *("bibtex", "csl-json", "csl-yaml", "csv", "endnote-xml", "id-list", "markdown", "medline"),
    *("pubmed", "refer", "ris", "wos", "wos-table", "zotero", "zotero-rdf"),
)
#: bytes with which packed files begin: gzip, zip, zstd; a small one may unpack to gigabytes
_PACKED: Final = (b"\x1f\x8b", b"PK", b"\x28\xb5\x2f\xfd", b"PAR1")
#: seconds for which a request waits while another library is read
_PATIENCE: Final = 5.0
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, kw_only=True, slots=True)
class LibraryNames:
    """The papers of a library, by names that an interest can hold."""

    #: a stored paper by its identifier, any other by its title
    names: tuple[str, ...]
    #: entries without a usable title or identifier
    refused: int
    #: more papers than are taken
    left_out: int


def read_library_names(app: App, content: bytes) -> LibraryNames:
    """Name the papers of an uploaded library.

    A paper that is not stored goes by its title, whose words are used until the paper comes.

    Args:
        content: of the file; it lies in a private temporary file while it is read.

    Raises:
        InputError: it is no library, is packed, or holds more entries than a library does.
        BusyError: other libraries are being read.
    """
    if content.startswith(_PACKED):
        raise InputError(gettext("Unpack the file first, or export it as BibTeX or RIS."))
    if not _one_at_a_time.acquire(timeout=_PATIENCE):
        raise BusyError(10)
    try:
        with tempfile.NamedTemporaryFile(prefix="digest-library-") as file:
            file.write(content)
            file.flush()
            return _read_names(app, Path(file.name))
    finally:
        _one_at_a_time.release()


def _read_names(app: App, path: Path) -> LibraryNames:
    try:
        dump = dumps.open_dump(path, today=app.now().date(), name="library")
    except DumpError:
        dump = None
    if dump is None or dump.format not in LIBRARY_FORMATS:
        raise InputError(gettext("This is no BibTeX, RIS or other library that can be read here."))
    try:
        entries = read_entries(path, dump)
    except InputError:
        raise InputError(gettext("It holds too many entries. Export a part of it.")) from None
    papers = [entry for entry in entries if isinstance(entry, LibraryEntry)]
    with app.store.reading() as tx:
        names = dict.fromkeys(filter(None, (_name(tx, entry) for entry in papers[:NAMES_MAX])))
    return LibraryNames(
        names=tuple(names),
        refused=len(entries) - len(papers),
        left_out=max(0, len(papers) - NAMES_MAX),
    )


def _name(tx: store.Connection, entry: LibraryEntry) -> str:
    stored = find_stored(tx, entry)
    if len(stored) == 1:
        return store.papers.load(tx, stored)[stored[0]].name
    if entry.identity is not None:
        return f"{entry.identity.kind}:{entry.identity.value}"
    return " ".join(entry.entry.title.split())[:_NAME_LENGTH] if entry.entry else ""
