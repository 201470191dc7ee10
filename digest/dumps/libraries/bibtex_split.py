"""Splitting of BibTeX text into its entries. Fields are read by `bibtex_text`.

Own code because bibtexparser 2.1 loses entries and fields of damaged files without saying so; a
release that reports every byte it skips would change our mind (digest/decisions/bibtex.md).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from digest.dumps.stream import ITEM_CAP, Row, Source, raw_text, reject_too_long
from digest.model import Rejected

#: a type as BibTeX and biber accept it: anything but white space and syntax characters
_TYPE: Final = rb"[^\x00-\x20\x7f\"#%'(),={}@\\]{1,100}"
#: an @ right after a word may be an e-mail address, unless a key and a comma follow
_ENTRY_START: Final = re.compile(
    rb"(?:(?<![\w.])|(?=@"
    + _TYPE
    + rb"\{[^\s,{}()\"=]{1,200},))@[ \t]*("
    + _TYPE
    + rb")[ \t]*([{(])"
)
#: a line that begins an entry even if the entry before it was never closed
_NEXT_ENTRY: Final = re.compile(
    rb"\s*@[ \t]*(?:(?:string|preamble|comment)[ \t]*[{(]|"
    + _TYPE
    + rb"[ \t]*(?:[{(]\s{0,9}[^,{}()\"=]{0,200}(?:,|$)"
    + rb"|\{\s{0,9}[a-z_-]{1,40}\s{0,9}=\s{0,9}[{\"0-9]))",
    re.IGNORECASE,
)
#: a line that looks like the beginning of an entry, complete or not
_AT_SIGN: Final = re.compile(rb"[\s,;})]*@")
_TYPE_ALONE: Final = re.compile(rb"@\s*+(?:" + _TYPE + rb")?\s*+")
_NON_ENTRY: Final = re.compile(rb"@\s*(?:string|preamble|comment)\b", re.IGNORECASE)
# Each alternative begins with its own character, so that the engine skips the rest in one scan.
_IN_BRACES: Final = re.compile(rb"\\.|\{|\}", re.DOTALL)
_IN_ROUND: Final = re.compile(rb'\\.|\{|\}|\)|"', re.DOTALL)
#: characters after which a comment counts as never closed
_COMMENT_CAP: Final = 1024 * 1024


@dataclass(kw_only=True, slots=True)
class Block:
    """One `@type{...}` as in the file; `body` is None if its bracket is never closed."""

    line: int
    kind: str
    data: bytes
    body: bytes | None
    #: the file ends within the block
    cut: bool = False


def split_blocks(source: Source) -> Iterator[Block | Rejected]:
    """Split a file into its `@type{...}` and `@type(...)` blocks; never raises.

    Leaves out comments, which are also text between blocks and lines that begin with %. A block
    that is never closed ends before the next line that begins one. Holds one block in memory, at
    most `ITEM_CAP` bytes.
    """
    return _BlockSplitter(source).read()


class _BlockSplitter:
    def __init__(self, source: Source) -> None:
        self._lines = source.lines()
        self._pushed_back: deque[Row] = deque()
        #: a comment was never closed: from then on a comment is one line, as in BibTeX itself
        self._single_line_comments = False
        self._parts: list[bytes] = []
        self._size = 0
        self._line = 0
        self._kind = ""
        self._in_parentheses = False
        #: position in the block at which the body begins
        self._body_start = 0
        self._depth = 0
        self._in_quotes = False
        self._comment_lines: list[Row] = []

    def read(self) -> Iterator[Block | Rejected]:
        while (row := self._next_line()) is not None:
            number, data, ended = row
            if data is None:
                if self._parts:
                    yield self._end_unclosed()
                yield reject_too_long(number)
                continue
            if self._parts and self._kind != "comment" and _NEXT_ENTRY.match(data):
                yield self._end_unclosed()
            if self._parts or b"@" in data:
                yield from self._read_line(number, data, ended)
        if self._parts:
            yield self._end_unclosed(cut=True)

    def _next_line(self) -> Row | None:
        if self._pushed_back:
            return self._pushed_back.popleft()
        row = next(self._lines, None)
        if row is None and self._parts and self._kind == "comment":
            self._reread_comment()
            return self._pushed_back.popleft() if self._pushed_back else None
        return row

    def _read_line(self, number: int, data: bytes, ended: bool) -> Iterator[Block | Rejected]:
        position = 0
        while True:
            if not self._parts:
                if data.lstrip().startswith(b"%"):
                    return
                start = _ENTRY_START.search(data, position)
                if start is None:
                    yield from self._begin_without_bracket(number, data[position:], ended)
                    return
                self._kind = start[1].decode("utf-8", "replace").lower()
                self._in_parentheses = start[2] == b"("
                if self._kind == "comment" and self._single_line_comments:
                    position = start.end()
                    continue
                self._line, self._depth, self._in_quotes, self._size = number, 0, False, 0
                position, part_start = start.start(2), start.start()
                self._body_start = start.end() - part_start
            else:
                part_start = position
            end = self._find_end(data, position)
            if self._kind == "comment":
                self._comment_lines.append((number, data, ended))
            part = data[part_start : len(data) if end is None else end]
            self._parts.append(part)
            self._size += len(part) + 1
            if end is None:
                break
            position = end
            if self._kind != "comment":
                block = b"\n".join(self._parts)
                yield Block(
                    line=self._line, kind=self._kind, data=block, body=block[self._body_start : -1]
                )
            self._reset()
        if self._kind == "comment" and self._size > _COMMENT_CAP:
            self._reread_comment()
        elif self._size > ITEM_CAP:
            yield reject_too_long(self._line)
            self._reset()

    def _begin_without_bracket(self, number: int, data: bytes, ended: bool) -> Iterator[Rejected]:
        """Join an `@type` with a bracket on a later line; reject one without bracket."""
        if (at_sign := _AT_SIGN.match(data)) is None or _NON_ENTRY.match(data, at_sign.end() - 1):
            return
        start = data[at_sign.end() - 1 :]
        if ended and _TYPE_ALONE.fullmatch(start) and (row := self._next_full_line()) is not None:
            next_data = (row[1] or b"").lstrip()
            if next_data.startswith((b"{", b"(")) and start.strip() != b"@":
                self._pushed_back.appendleft((number, start + next_data, row[2]))
                return
            self._pushed_back.appendleft(row)
        reason = (
            "no { or ( follows its type"
            if start[1:].strip()[:1] not in (b"{", b"(")
            else "no type such as article"
        )
        yield Rejected(
            line=number,
            raw=raw_text(start),
            reason=f"{reason}: an entry begins as in @article{{key, title = ...}}",
        )

    def _next_full_line(self) -> Row | None:
        """Return the next line that is not blank."""
        while (row := self._next_line()) is not None and row[1] is not None and not row[1].strip():
            pass
        return row

    def _find_end(self, data: bytes, position: int) -> int | None:
        """Find the position after the closing bracket; None if the block goes on."""
        if b"{" not in data and b"}" not in data and not self._in_parentheses:
            return None
        if (
            self._depth
            and not self._in_parentheses
            and data.count(b"}") == 1 == data.count(b"{")
            and b"\\" not in data
            and position < data.find(b"{") < data.find(b"}")
        ):
            return None  # the usual line: one value, opened and closed
        for token in (_IN_ROUND if self._in_parentheses else _IN_BRACES).finditer(data, position):
            text = token[0]
            if text == b"{":
                self._depth += 1
            elif text == b"}":
                self._depth = max(self._depth - 1, 0)
                if self._depth == 0 and not self._in_parentheses:
                    return token.end()
            elif self._depth == 0 and text == b'"':
                self._in_quotes = not self._in_quotes
            elif self._depth == 0 and text == b")" and not self._in_quotes:
                return token.end()
        return None

    def _end_unclosed(self, *, cut: bool = False) -> Block:
        data = b"\n".join(self._parts)
        self._reset()
        body = (
            _body_without_escapes(data, self._body_start)
            if b"\\" in data and not self._in_parentheses
            else None
        )
        return Block(line=self._line, kind=self._kind, data=data, body=body, cut=cut)

    def _reread_comment(self) -> None:
        """Take an unclosed comment for one line and read the lines after it again."""
        self._single_line_comments = True
        self._pushed_back.extendleft(reversed(self._comment_lines[1:]))
        self._reset()

    def _reset(self) -> None:
        self._parts, self._comment_lines, self._size = [], [], 0


def _body_without_escapes(data: bytes, start: int) -> bytes | None:
    r"""Find the body if a backslash escapes no brace, as in {C:\papers\}.

    None if braces do not match that way either.
    """
    depth = 1
    for brace in re.finditer(rb"[{}]", data[start:]):
        depth += 1 if brace[0] == b"{" else -1
        if depth == 0:
            return data[start : start + brace.start()]
    return None
