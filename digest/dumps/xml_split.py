"""Splitting of XML text into its entries, without parsing them (see `xml_text`).

Finds tags in the bytes and skips comments, CDATA and document type declarations. Validates nothing.

Own code because lxml's incremental parser stops at the first damage, or drops parts silently if
told to recover; a streaming parser that resumes after a damaged element would change our mind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final

from digest.dumps.stream import ITEM_CAP, Source
from digest.encodings import UTF8, find_declared

#: bytes of a tag and of the namespace declarations around an entry; longer ones are ignored
_TAG_CAP: Final = 64 * 1024
#: open elements around an entry; deeper ones are ignored
_DEPTH_CAP: Final = 64

_NAME: Final = rb"[A-Za-z_\x80-\xff][\w.:\x80-\xff-]{0,200}"
#: `<?` of a processing instruction, but not of an XML declaration, which may still be incomplete at
#: the end of a chunk
_INSTRUCTION: Final = rb"\?(?!xml\s|x?\Z|xm\Z|xml\Z)"
_BETWEEN: Final = re.compile(
    rb"<(?:(?P<skip>!--|!\[CDATA\[|"
    + _INSTRUCTION
    + rb")|(?P<declaration>\?xml\s[^?<>]*+\?>)|(?i:!DOCTYPE)(?P<type>[^<>\[]*+[\[>])"
    rb"|(?P<end>/)?(?P<name>"
    + _NAME
    + rb")(?P<rest>(?:\s(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)?)/?>)"
)
_SKIPPED: Final = {
    b"!--": re.compile(rb"-->"),
    b"![CDATA[": re.compile(rb"\]\]>"),
    b"?": re.compile(rb"\?>"),
}
_SUBSET_END: Final = re.compile(rb"\]\s{0,40}>")
_NAMESPACE: Final = re.compile(rb"\sxmlns(?::([\w.-]{1,100}))?\s*=\s*(\"[^\"]*\"|'[^']*')")
_FIRST_TAG: Final = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_HIDDEN: Final = re.compile(rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)


def find_outer_names(data: bytes) -> list[str]:
    """Find the local names of the first elements, at most 200, the root first.

    The text may end anywhere. Empty if it is not XML.
    """
    if not data.lstrip().startswith(b"<"):
        return []
    data = _HIDDEN.sub(b"", data)
    tags = (
        tag["name"]
        for tag in _BETWEEN.finditer(data)
        if tag["name"] is not None and tag["end"] is None
    )
    names = [_local_name(name) for name in islice(tags, 200)]
    if not names and (match := _FIRST_TAG.search(data)) is not None:
        names.append(match[1].decode())
    return names


@dataclass(kw_only=True, slots=True)
class EntryBytes:
    """The bytes of one entry, with what the parser must know of its document."""

    name: str
    line: int
    #: None if there were too many
    data: bytes | None
    ended: bool
    #: the file ends within the entry
    last: bool
    #: declarations of namespaces
    declarations: bytes
    encoding: str
    #: only the end was found: the beginning is damaged
    lacks_start: bool = False


class Splitter:
    """Finds where entries begin and end, and the namespaces declared around them."""

    def __init__(self, source: Source, names: tuple[str, ...], also: tuple[str, ...] = ()) -> None:
        self._source = source
        self._entries = frozenset(names)
        self._names = frozenset((*names, *also))
        self._buffer = b""
        #: position in the buffer up to which it has been read
        self._position = 0
        #: the line on which `_counted` stands
        self._line = 1
        self._counted = 0
        #: what ends the current comment, CDATA section or instruction
        self._skip_end: re.Pattern[bytes] | None = None
        #: full names of the open elements, and their namespaces by prefix
        self._open_elements: list[tuple[bytes, dict[bytes, bytes]]] = []
        self._declarations = b""
        self._is_page = False
        self._encoding = UTF8
        #: the open entry: local name, where it begins, the pattern of its end
        self._entry_name = ""
        self._entry_start = 0
        self._entry_line = 0
        self._entry_pattern = _BETWEEN
        self._too_long = False
        self._finished: list[EntryBytes] = []

    def split(self) -> Iterator[EntryBytes]:
        for chunk in self._source.chunks():
            self._buffer += chunk
            while self._step():
                if self._finished:
                    yield self._finished.pop()
            self._trim()
        if self._entry_name:
            self._source.mark_incomplete(
                f"the file ends in the middle of the {self._entry_name} "
                f"on line {self._entry_line:,}"
            )
            self._end_entry(len(self._buffer), ended=False, last=True)
            yield self._finished.pop()
        elif self._open_elements:
            self._source.mark_incomplete(f"the file ends before its </{self._root_name()}>")
        elif self._skip_end is not None:
            self._source.mark_incomplete("the file ends in the middle of a comment or declaration")

    def _step(self) -> bool:
        """Read the next tag or the like; False if that needs the next chunk."""
        if self._skip_end is not None:
            match = self._skip_end.search(self._buffer, self._position)
            if match is None:
                self._position = max(self._position, len(self._buffer) - 48)
                return False
            self._skip_end = None
            self._position = match.end()
            return True
        match = (self._entry_pattern if self._entry_name else _BETWEEN).search(
            self._buffer, self._position
        )
        if match is None:
            # A tag may have begun: search from there again with the next chunk.
            tail = self._buffer.rfind(b"<", max(self._position, len(self._buffer) - _TAG_CAP))
            self._position = tail if tail >= 0 else len(self._buffer)
            return False
        # An entry ends at the latest where the next entry or document begins.
        unended = bool(self._entry_name) and match["skip"] is None and match["end"] is None
        self._position = match.start() if unended else match.end()
        if (skip := match["skip"]) is not None:
            self._skip_end = _SKIPPED[skip]
        elif self._entry_name:
            self._end_entry(self._position, ended=not unended)
        elif match["name"] is not None:
            self._read_tag(match)
        elif match["type"] is not None:
            self._skip_end = _SUBSET_END if match["type"].endswith(b"[") else None
        else:
            self._begin_document(match["declaration"])
        return True

    def _begin_document(self, declaration: bytes) -> None:
        if self._open_elements:
            self._source.mark_incomplete(
                f"a document within the file ends before its </{self._root_name()}>"
            )
        self._open_elements, self._is_page = [], False
        self._update_declarations()
        self._encoding = UTF8 if self._source.encoding != UTF8 else find_declared(declaration)

    def _read_tag(self, tag: re.Match[bytes]) -> None:
        name, attributes = tag["name"], tag["rest"]
        if tag["end"] is not None:
            if (
                not self._close_element(name)
                and _local_name(name) in self._entries
                and not self._is_page
            ):
                self._reject_end(tag)
            return
        local_name = _local_name(name)
        if not self._open_elements:
            self._is_page = local_name.lower() == "html"
            if self._is_page:
                self._source.mark_incomplete(
                    f"a web page stands where XML should be, from line "
                    f"{self._line_at(tag.start()):,} on"
                )
        is_empty = tag[0].endswith(b"/>")
        if local_name in self._names and not self._is_page:
            self._entry_line = self._line_at(tag.start())
            self._entry_name, self._entry_start = local_name, tag.start()
            if is_empty:
                self._end_entry(tag.end(), ended=True)
            else:
                self._entry_pattern = _closing_pattern(name)
        elif not is_empty and len(self._open_elements) < _DEPTH_CAP:
            namespaces = {
                namespace[1] or b"": namespace[2] for namespace in _NAMESPACE.finditer(attributes)
            }
            self._open_elements.append((name, namespaces))
            if namespaces:
                self._update_declarations()

    def _close_element(self, name: bytes) -> bool:
        """Close the open elements up to the one of this name; False if none has it."""
        for depth in range(len(self._open_elements) - 1, -1, -1):
            if self._open_elements[depth][0] == name:
                del self._open_elements[depth:]
                self._update_declarations()
                return True
        return False

    def _reject_end(self, tag: re.Match[bytes]) -> None:
        """Report the end of an entry whose beginning was not recognised."""
        line, name = self._line_at(tag.start()), _local_name(tag["name"])
        self._finished.append(
            EntryBytes(
                name=name,
                line=line,
                data=tag[0],
                ended=True,
                last=False,
                declarations=b"",
                encoding="utf-8",
                lacks_start=True,
            )
        )

    def _update_declarations(self) -> None:
        namespaces: dict[bytes, bytes] = {}
        for _, prefixes in self._open_elements:
            namespaces |= prefixes
        declarations = b"".join(
            b" xmlns%s=%s" % (b":" + prefix if prefix else b"", value)
            for prefix, value in namespaces.items()
            if prefix != b"xml"
        )
        self._declarations = declarations if len(declarations) <= _TAG_CAP else b""

    def _end_entry(self, end: int, *, ended: bool, last: bool = False) -> None:
        data = (
            None
            if self._too_long or end - self._entry_start > ITEM_CAP
            else self._buffer[self._entry_start : end]
        )
        entry = EntryBytes(
            name=self._entry_name,
            line=self._entry_line,
            data=data,
            ended=ended,
            last=last,
            declarations=self._declarations,
            encoding=self._encoding,
        )
        self._finished.append(entry)
        self._entry_name, self._too_long = "", False

    def _root_name(self) -> str:
        return self._open_elements[0][0].decode("utf-8", "replace")

    def _line_at(self, position: int) -> int:
        self._line += self._buffer.count(b"\n", self._counted, position)
        self._counted = position
        return self._line

    def _trim(self) -> None:
        """Drop the part of the buffer that has been read, and an entry that is too long."""
        if self._entry_name and len(self._buffer) - self._entry_start > ITEM_CAP:
            self._too_long = True
        keep = self._entry_start if self._entry_name and not self._too_long else self._position
        self._line_at(keep)
        self._buffer = self._buffer[keep:]
        self._position -= keep
        self._entry_start = self._counted = 0


@lru_cache(maxsize=64)
def _closing_pattern(name: bytes) -> re.Pattern[bytes]:
    """Build the pattern of what matters within an entry.

    Something to skip, the end of the entry, or something that cannot be within it.
    """
    full = re.escape(name)
    return re.compile(
        rb"<(?:(?P<skip>!--|!\[CDATA\[|"
        + _INSTRUCTION
        + rb")|(?P<end>/)"
        + full
        + rb"\s{0,40}>|"
        + full
        + rb"(?=[\s/>])|\?xml\s)"
    )


def _local_name(name: bytes) -> str:
    return name.rpartition(b":")[2].decode("utf-8", "replace")
