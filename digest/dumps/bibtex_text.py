"""The syntax of BibTeX: where an entry begins and ends, its fields, and the meaning of its braces.

Knows nothing of papers.

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

#: letters of a type, as BibTeX and biber take them: all but white space and the format's own signs
_TYPE: Final = rb"[^\x00-\x20\x7f\"#%'(),={}@\\]{1,100}"
#: what is glued to a word may be an address, unless a key and a comma follow
_BEGIN: Final = re.compile(
    rb"(?:(?<![\w.])|(?=@"
    + _TYPE
    + rb"\{[^\s,{}()\"=]{1,200},))@[ \t]*("
    + _TYPE
    + rb")[ \t]*([{(])"
)
#: a line that begins an entry even where the one before it was never closed
_BOUNDARY: Final = re.compile(
    rb"\s*@[ \t]*(?:(?:string|preamble|comment)[ \t]*[{(]|"
    + _TYPE
    + rb"[ \t]*(?:[{(]\s{0,9}[^,{}()\"=]{0,200}(?:,|$)"
    + rb"|\{\s{0,9}[a-z_-]{1,40}\s{0,9}=\s{0,9}[{\"0-9]))",
    re.IGNORECASE,
)
#: what looks like the beginning of an entry; whether it has all that makes one is another matter
_AT: Final = re.compile(rb"[\s,;})]*@")
_TYPE_ALONE: Final = re.compile(rb"@\s*+(?:" + _TYPE + rb")?\s*+")
_NO_ENTRY: Final = re.compile(rb"@\s*(?:string|preamble|comment)\b", re.IGNORECASE)
# Each alternative begins with a sign of its own: then the engine skips what lies between in one
# scan.
_IN_BRACES: Final = re.compile(rb"\\.|\{|\}", re.DOTALL)
_IN_ROUND: Final = re.compile(rb'\\.|\{|\}|\)|"', re.DOTALL)
#: characters that a comment may have before it counts as never closed
_COMMENT_CAP: Final = 1024 * 1024

#: braces as most programs read them, then as BibTeX itself does, to which a backslash is a
#: character like any other
_BRACES: Final = (re.compile(r'\\.|\{|\}|"', re.DOTALL), re.compile(r'[{}"]'))
_GAP: Final = re.compile(r"(?:[\s,]+|%[^\n]*)*")
_KEY: Final = re.compile(r"\s*([^,={}\"]*?)\s*(?:,|$)")
_NAME: Final = re.compile(r"([^\s\"#%'(),={}]{1,100})\s*=\s*")
_WORD: Final = re.compile(r"[^\s,#{}\"=]+")
_JOIN: Final = re.compile(r"\s*#\s*")
#: characters of a value that are kept, about: `papers` takes no more, and macros could make
#: gigabytes of a few lines
_JOINED_CAP: Final = 64 * 1024
_MACRO_CAP: Final = 2000
_MACROS: Final = 5000
#: characters; a brace that keeps a name open for longer was never closed
_NAME_CAP: Final = 2000
#: characters; more than the longest author lists there are
_AUTHORS_CAP: Final = 1024 * 1024

_AND: Final = re.compile(r"\s+and\s+", re.IGNORECASE)
_MARK: Final = re.compile(r"\\(?:[A-Za-z]+\*?[ \t]*|.)|\$\$?|\{|\}|\^(?=\{)|_(?=\{)", re.DOTALL)
_DOLLAR: Final = re.compile(r"(?<!\\)\$")
_ACCENTS: Final = frozenset("'\"`^~=.")


@dataclass(kw_only=True, slots=True)
class Block:
    """One `@type{...}` as it stands in the file.

    `body` is what the outer brackets hold; None where they are never closed.
    """

    line: int
    kind: str
    data: bytes
    body: bytes | None
    #: the file ends within it
    cut: bool = False


def blocks(source: Source) -> Iterator[Block | Rejected]:
    """Every `@type{...}` or `@type(...)` but comments; text between them, and lines that begin with
    %, are comments too.

    One that is never closed ends before the next line that begins one. Never raises; holds one
    block, at most `ITEM_CAP`.
    """
    return _Blocks(source).read()


class _Blocks:
    def __init__(self, source: Source) -> None:
        self._lines = source.lines()
        self._again: deque[Row] = deque()
        #: an unclosed comment was met: from then on a comment is one line, as for BibTeX itself
        self._bare_comments = False
        self._held: list[bytes] = []
        self._size = 0
        self._line = 0
        self._kind = ""
        self._round = False
        #: where the body begins within the block
        self._body = 0
        self._depth = 0
        self._quoted = False
        self._comment: list[Row] = []

    def read(self) -> Iterator[Block | Rejected]:
        while (row := self._next()) is not None:
            number, data, ended = row
            if data is None:
                if self._held:
                    yield self._broken()
                yield reject_too_long(number)
                continue
            if self._held and self._kind != "comment" and _BOUNDARY.match(data):
                yield self._broken()
            if self._held or b"@" in data:
                yield from self._read_line(number, data, ended)
        if self._held:
            yield self._broken(cut=True)

    def _next(self) -> Row | None:
        if self._again:
            return self._again.popleft()
        row = next(self._lines, None)
        if row is None and self._held and self._kind == "comment":
            self._uncomment()
            return self._again.popleft() if self._again else None
        return row

    def _read_line(self, number: int, data: bytes, ended: bool) -> Iterator[Block | Rejected]:
        at = 0
        while True:
            if not self._held:
                if data.lstrip().startswith(b"%"):
                    return
                found = _BEGIN.search(data, at)
                if found is None:
                    yield from self._begin_without_bracket(number, data[at:], ended)
                    return
                self._kind, self._round = (
                    found[1].decode("utf-8", "replace").lower(),
                    found[2] == b"(",
                )
                if self._kind == "comment" and self._bare_comments:
                    at = found.end()
                    continue
                self._line, self._depth, self._quoted, self._size = number, 0, False, 0
                at, begin = found.start(2), found.start()
                self._body = found.end() - begin
            else:
                begin = at
            end = self._close(data, at)
            if self._kind == "comment":
                self._comment.append((number, data, ended))
            piece = data[begin : len(data) if end is None else end]
            self._held.append(piece)
            self._size += len(piece) + 1
            if end is None:
                break
            at = end
            if self._kind != "comment":
                whole = b"\n".join(self._held)
                yield Block(
                    line=self._line, kind=self._kind, data=whole, body=whole[self._body : -1]
                )
            self._forget()
        if self._kind == "comment" and self._size > _COMMENT_CAP:
            self._uncomment()
        elif self._size > ITEM_CAP:
            yield reject_too_long(self._line)
            self._forget()

    def _begin_without_bracket(self, number: int, data: bytes, ended: bool) -> Iterator[Rejected]:
        """Join an `@type` with a bracket on a later line; refuse one that has none."""
        if (sign := _AT.match(data)) is None or _NO_ENTRY.match(data, sign.end() - 1):
            return
        begun = data[sign.end() - 1 :]
        if ended and _TYPE_ALONE.fullmatch(begun):
            while (row := self._next()) is not None and row[1] is not None and not row[1].strip():
                pass
            if row is not None:
                if (
                    row[1] is not None
                    and row[1].lstrip()[:1] in (b"{", b"(")
                    and begun.strip() != b"@"
                ):
                    self._again.appendleft((number, begun + row[1].lstrip(), row[2]))
                    return
                self._again.appendleft(row)
        reason = (
            "no { or ( follows its type"
            if begun[1:].strip()[:1] not in (b"{", b"(")
            else "no type such as article"
        )
        yield Rejected(
            line=number,
            raw=raw_text(begun),
            reason=f"{reason}: an entry begins as in @article{{key, title = ...}}",
        )

    def _close(self, data: bytes, at: int) -> int | None:
        """The place after the bracket that closes the block, None where it goes on; remembers how
        deep it is.
        """
        if b"{" not in data and b"}" not in data and not self._round:
            return None
        if (
            self._depth
            and not self._round
            and data.count(b"}") == 1 == data.count(b"{")
            and b"\\" not in data
            and at < data.find(b"{") < data.find(b"}")
        ):
            return None  # as most lines are: one value, opened and closed
        for found in (_IN_ROUND if self._round else _IN_BRACES).finditer(data, at):
            sign = found[0]
            if sign == b"{":
                self._depth += 1
            elif sign == b"}":
                self._depth = max(self._depth - 1, 0)
                if self._depth == 0 and not self._round:
                    return found.end()
            elif self._depth == 0 and sign == b'"':
                self._quoted = not self._quoted
            elif self._depth == 0 and sign == b")" and not self._quoted:
                return found.end()
        return None

    def _broken(self, *, cut: bool = False) -> Block:
        data = b"\n".join(self._held)
        self._forget()
        body = _literally(data, self._body) if b"\\" in data and not self._round else None
        return Block(line=self._line, kind=self._kind, data=data, body=body, cut=cut)

    def _uncomment(self) -> None:
        """A comment that never ends was meant to be its first line; what follows is read again."""
        self._bare_comments = True
        self._again.extendleft(reversed(self._comment[1:]))
        self._forget()

    def _forget(self) -> None:
        self._held, self._comment, self._size = [], [], 0


def _literally(data: bytes, start: int) -> bytes | None:
    r"""The body where a backslash hides no brace, as in {C:\papers\}; None where braces do not
    match that way either.
    """
    depth = 1
    for sign in re.finditer(rb"[{}]", data[start:]):
        depth += 1 if sign[0] == b"{" else -1
        if depth == 0:
            return data[start : start + sign.start()]
    return None


# ----------------------------------------------------------------------------------------------
# fields


def fields(
    body: str, macros: dict[str, str], wanted: frozenset[str], *, key: bool = True
) -> dict[str, str] | str:
    """name -> value of the wanted fields, macros resolved and joined; of a repeated field the
    first. A text says why it cannot be read.

    `key`: a citation key comes first.
    """
    problem = ""
    for braces in _BRACES:
        found = _fields(body, macros, wanted, key, braces)
        if isinstance(found, dict):
            return found
        problem = problem or found
    return problem


def _fields(
    body: str, macros: dict[str, str], wanted: frozenset[str], key: bool, braces: re.Pattern[str]
) -> dict[str, str] | str:
    at = 0
    if key and (first := _KEY.match(body)) is not None:
        at = first.end()
    found: dict[str, str] = {}
    while True:
        gap = _GAP.match(body, at)
        at = gap.end() if gap else at
        if at >= len(body):
            return found
        named = _NAME.match(body, at)
        if named is None:
            return f"expected a field such as title = {{...}}, got {body[at : at + 40]!a}"
        name = named[1].lower()
        pieces: list[str] = []
        size = 0
        at = named.end()
        while True:
            piece = _piece(body, at, braces)
            if piece is None:
                return f"{name[:40]}: the value is not closed, or there is none"
            text, at, is_word = piece
            if is_word:
                text = macros.get(text.lower(), text)
                size += len(text)
            if size <= _JOINED_CAP and name in wanted:
                pieces.append(text[:_JOINED_CAP])
            if (joined := _JOIN.match(body, at)) is None:
                break
            at = joined.end()
        if name in wanted:
            found.setdefault(name, "".join(pieces))


def _piece(body: str, at: int, braces: re.Pattern[str]) -> tuple[str, int, bool] | None:
    """(text, place after it, whether it is a bare word) of one value: {...}, "...", a number or the
    name of a macro.
    """
    sign = body[at : at + 1]
    if sign not in ("{", '"') or not sign:
        word = _WORD.match(body, at)
        return (word[0], word.end(), True) if word else None
    end = body.find("}", at)
    if sign == "{" and end > 0 and body.find("{", at + 1, end) < 0 and body.find("\\", at, end) < 0:
        return body[at + 1 : end], end + 1, False
    depth = 0
    for token in braces.finditer(body, at + 1):
        if token[0] == "{":
            depth += 1
        elif token[0] == sign == '"' and depth == 0:
            return body[at + 1 : token.start()], token.end(), False
        elif token[0] == "}":
            depth -= 1
            if depth < 0:
                return (body[at + 1 : token.start()], token.end(), False) if sign == "{" else None
    return None


def define(body: str, macros: dict[str, str]) -> None:
    """Take in what an `@string` defines, up to a bound; one that cannot be read defines nothing."""
    named = _NAME.match(body.lstrip())
    name = named[1].lower() if named else ""
    found = fields(body, macros, frozenset((name,)), key=False)
    if name and isinstance(found, dict) and len(macros) < _MACROS:
        macros[name] = found.get(name, "")[:_MACRO_CAP]


# ----------------------------------------------------------------------------------------------
# braces


def strip_braces(text: str) -> str:
    r"""The text without the braces that only keep BibTeX from changing letters: "{A {GNN}}" -> "A
    GNN".

    Those that belong to TeX stay: arguments (\emph{x}, x^{2}), groups that begin with a macro
    ({\"u}), all in formulas.
    """
    if "{" not in text and "}" not in text:
        return text
    if not any(sign in text for sign in ("\\", "$", "^{", "_{")):
        return text.replace("{", "").replace("}", "")
    formulas = len(_DOLLAR.findall(text)) % 2 == 0
    out: list[str] = []
    kept: list[bool] = []
    formula = argument = False
    at = 0
    for token in _MARK.finditer(text):
        if token.start() > at:
            out.append(text[at : token.start()])
            argument = False
        at, sign = token.end(), token[0]
        if sign == "{":
            kept.append(formula or argument or text[at : at + 1] == "\\")
            out.append(sign if kept[-1] else "")
            argument = False
        elif sign == "}":
            argument = bool(kept) and kept.pop()
            out.append(sign if argument else "")
        else:
            out.append(sign)
            formula = (not formula and formulas) if sign[0] == "$" else formula
            argument = sign in "^_" or (
                sign[0] == "\\" and (sign[1].isalpha() or sign[1] in _ACCENTS)
            )
    out.append(text[at:])
    return "".join(out)


def split_names(text: str) -> Iterator[str]:
    """Names joined by "and", which counts outside braces only; "others" is nobody."""
    held, depth = "", 0
    for part in _AND.split(f" {text[:_AUTHORS_CAP]} "):
        held = f"{held} and {part}" if depth else part
        depth = max(depth + part.count("{") - part.count("}"), 0)
        if depth and len(held) < _NAME_CAP:
            continue
        depth = 0
        name = " ".join(strip_braces(held).replace("~", " ").split())
        if name and name.lower() not in ("others", "and"):
            yield name
