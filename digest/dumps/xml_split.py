"""XML text -> where its entries begin and end, without parsing them.

What comes of the pieces is the business of `xml_text`.

Tags are told in the bytes; comments, CDATA and document type declarations are skipped, and nothing
is validated.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final

from digest.dumps.stream import ITEM_CAP, Source

#: bytes of one tag and of the declarations around an entry, and open elements around it, beyond
#: which they are not followed
_TAG_CAP: Final = 64 * 1024
_AROUND_CAP: Final = 64

_NAME: Final = rb"[A-Za-z_\x80-\xff][\w.:\x80-\xff-]{0,200}"
#: `<?` of an instruction, but not of the declaration with which a document begins, nor of what may
#: become one in the next chunk
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
_ENCODING: Final = re.compile(rb"encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_SPACE: Final = re.compile(rb"\sxmlns(?::([\w.-]{1,100}))?\s*=\s*(\"[^\"]*\"|'[^']*')")
_FIRST_TAG: Final = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_HIDDEN: Final = re.compile(rb"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)", re.DOTALL)


def outer_names(data: bytes) -> list[str]:
    """Local names of the first elements of XML text that may be cut anywhere, at most 200, the root
    first; empty for other text.
    """
    if not data.lstrip().startswith(b"<"):
        return []
    data = _HIDDEN.sub(b"", data)
    tags = (
        tag["name"]
        for tag in _BETWEEN.finditer(data)
        if tag["name"] is not None and tag["end"] is None
    )
    found = [_local(name) for name in islice(tags, 200)]
    if not found and (first := _FIRST_TAG.search(data)) is not None:
        found.append(first[1].decode())
    return found


@dataclass(kw_only=True, slots=True)
class Cut:
    """The bytes of one entry (None where there were too many) and what of its document the parser
    must know.
    """

    name: str
    line: int
    data: bytes | None
    ended: bool
    #: the file itself ends in it
    last: bool
    #: declarations of namespaces
    around: bytes
    encoding: str
    #: only its end was met: its beginning is damaged
    unbegun: bool = False


class Splitter:
    """Finds where entries begin and end, and what namespaces stand around them.

    Comments and CDATA are skipped, nothing is validated.
    """

    def __init__(self, source: Source, names: tuple[str, ...], also: tuple[str, ...] = ()) -> None:
        self._source = source
        self._entries = frozenset(names)
        self._names = frozenset((*names, *also))
        self._buffer = b""
        #: up to where the buffer has been understood
        self._at = 0
        #: the line on which `_counted` stands
        self._line = 1
        self._counted = 0
        #: what ends the comment or the like at hand
        self._until: re.Pattern[bytes] | None = None
        #: full names of the elements around, and their namespaces by prefix
        self._around: list[tuple[bytes, dict[bytes, bytes]]] = []
        self._declared = b""
        self._is_page = False
        self._encoding = "utf-8"
        #: the open entry: local name, where it begins, what tells its end
        self._open = ""
        self._begun = 0
        self._begun_line = 0
        self._closing = _BETWEEN
        self._too_long = False
        self._ready: list[Cut] = []

    def split(self) -> Iterator[Cut]:
        for chunk in self._source.chunks():
            self._buffer += chunk
            while self._step():
                if self._ready:
                    yield self._ready.pop()
            self._trim()
        if self._open:
            self._source.cut(
                f"the file ends in the middle of the {self._open} on line {self._begun_line:,}"
            )
            self._close(len(self._buffer), ended=False, last=True)
            yield self._ready.pop()
        elif self._around:
            self._source.cut(
                f"the file ends before its </{self._around[0][0].decode('utf-8', 'replace')}>"
            )
        elif self._until is not None:
            self._source.cut("the file ends in the middle of a comment or declaration")

    def _step(self) -> bool:
        """Understand one sign more; False where that needs the next chunk."""
        if self._until is not None:
            found = self._until.search(self._buffer, self._at)
            if found is None:
                self._at = max(self._at, len(self._buffer) - 48)
                return False
            self._until = None
            self._at = found.end()
            return True
        found = (self._closing if self._open else _BETWEEN).search(self._buffer, self._at)
        if found is None:
            # What may be the beginning of a tag is looked at again with the next chunk.
            tail = self._buffer.rfind(b"<", max(self._at, len(self._buffer) - _TAG_CAP))
            self._at = tail if tail >= 0 else len(self._buffer)
            return False
        # An entry ends before the next one begins, and before the next document does.
        unended = bool(self._open) and found["skip"] is None and found["end"] is None
        self._at = found.start() if unended else found.end()
        if (skip := found["skip"]) is not None:
            self._until = _SKIPPED[skip]
        elif self._open:
            self._close(self._at, ended=not unended)
        elif found["name"] is not None:
            self._tag(found)
        elif found["type"] is not None:
            self._until = _SUBSET_END if found["type"].endswith(b"[") else None
        else:
            self._document(found["declaration"])
        return True

    def _document(self, declaration: bytes) -> None:
        if self._around:
            self._source.cut(
                f"a document within the file ends before its "
                f"</{self._around[0][0].decode('utf-8', 'replace')}>"
            )
        self._around, self._is_page = [], False
        self._declare()
        named = _ENCODING.search(declaration)
        try:
            self._encoding = codecs.lookup(named[1].decode()).name if named else "utf-8"
        except LookupError:
            self._encoding = "utf-8"

    def _tag(self, tag: re.Match[bytes]) -> None:
        name, rest = tag["name"], tag["rest"]
        if tag["end"] is not None:
            if not self._leave(name) and _local(name) in self._entries and not self._is_page:
                self._refuse_end(tag)
            return
        short = _local(name)
        if not self._around:
            self._is_page = short.lower() == "html"
            if self._is_page:
                self._source.cut(
                    f"a web page stands where XML should be, from line "
                    f"{self._line_at(tag.start()):,} on"
                )
        empty = tag[0].endswith(b"/>")
        if short in self._names and not self._is_page:
            self._begun_line = self._line_at(tag.start())
            self._open, self._begun = short, tag.start()
            if empty:
                self._close(tag.end(), ended=True)
            else:
                self._closing = _closing(name)
        elif not empty and len(self._around) < _AROUND_CAP:
            spaces = {space[1] or b"": space[2] for space in _SPACE.finditer(rest)}
            self._around.append((name, spaces))
            if spaces:
                self._declare()

    def _leave(self, name: bytes) -> bool:
        """Close the elements around up to the one of this name; False where none has it."""
        for depth in range(len(self._around) - 1, -1, -1):
            if self._around[depth][0] == name:
                del self._around[depth:]
                self._declare()
                return True
        return False

    def _refuse_end(self, tag: re.Match[bytes]) -> None:
        """Tell of an entry whose beginning was not recognised."""
        line, name = self._line_at(tag.start()), _local(tag["name"])
        self._ready.append(
            Cut(
                name=name,
                line=line,
                data=tag[0],
                ended=True,
                last=False,
                around=b"",
                encoding="utf-8",
                unbegun=True,
            )
        )

    def _declare(self) -> None:
        spaces: dict[bytes, bytes] = {}
        for _, declared in self._around:
            spaces |= declared
        around = b"".join(
            b" xmlns%s=%s" % (b":" + prefix if prefix else b"", value)
            for prefix, value in spaces.items()
            if prefix != b"xml"
        )
        self._declared = around if len(around) <= _TAG_CAP else b""

    def _close(self, end: int, *, ended: bool, last: bool = False) -> None:
        data = (
            None
            if self._too_long or end - self._begun > ITEM_CAP
            else self._buffer[self._begun : end]
        )
        cut = Cut(
            name=self._open,
            line=self._begun_line,
            data=data,
            ended=ended,
            last=last,
            around=self._declared,
            encoding=self._encoding,
        )
        self._ready.append(cut)
        self._open, self._too_long = "", False

    def _line_at(self, place: int) -> int:
        self._line += self._buffer.count(b"\n", self._counted, place)
        self._counted = place
        return self._line

    def _trim(self) -> None:
        """Forget what is behind; an entry that has grown too long is behind as well."""
        if self._open and len(self._buffer) - self._begun > ITEM_CAP:
            self._too_long = True
        keep = self._begun if self._open and not self._too_long else self._at
        self._line_at(keep)
        self._buffer = self._buffer[keep:]
        self._at -= keep
        self._begun = self._counted = 0


@lru_cache(maxsize=64)
def _closing(name: bytes) -> re.Pattern[bytes]:
    """The next sign within an entry that matters: what is to be skipped, its end, or what cannot be
    in it.
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


def _local(name: bytes) -> str:
    return name.rpartition(b":")[2].decode("utf-8", "replace")
