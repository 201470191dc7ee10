"""JSON text -> its records, one at a time, whether they stand on lines of their own or in one long
list. Knows no format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec

from digest.dumps.stream import ITEM_CAP, Row, Source, encoding_of, raw_text, too_long
from digest.model import Rejected

_TYPE: Final = re.compile(r"`([^`]*)`")
_PLAIN_TYPES: Final = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "list": "a list",
    "object": "an object",
    "dict": "an object",
    "null": "nothing",
    "NoneType": "nothing",
}
T = TypeVar("T")

#: brackets and commas in one record; a value takes a hundred times the memory of its sign, and a
#: paper of 5,000 authors has 400,000
_SIGNS: Final = 1_000_000

# Sets are spelt as what is in them, not as what is not: that is four times as fast.
_STRING_REST: Final = rb"[\x00-!#-\[\]-\xff]*+(?:\\.[\x00-!#-\[\]-\xff]*+)*+"
#: most strings hold no quote, and then the first one ends them
_STRING: Final = rb'"(?:[^"]*+(?<!\\)"|' + _STRING_REST + rb'")'
_IN_STRING: Final = re.compile(_STRING_REST, re.DOTALL)
#: a whole string, a sign of structure (or a quote whose string goes on), anything else up to the
#: next of these
_TOKEN: Final = re.compile(_STRING + rb'|["{}\[\]]|[^\s"{}\[\],:]+', re.DOTALL)


def _whole_values(depth: int) -> bytes:
    """A pattern of all that stands up to the next bracket which is not closed again within so many
    levels, or whose string goes on.
    """
    flat = rb"[\x00-!#-Z\\^-z|~-\xff]*+"
    found = rb"(?:" + flat + _STRING + rb")*+" + flat
    for _ in range(depth):
        found = rb"(?:" + flat + rb"(?:" + _STRING + rb"|[{\[]" + found + rb"[}\]]))*+" + flat
    return found


# Records are rarely nested deeper, and then only their deep parts cost a step of Python for each
# bracket.
_WHOLE: Final = re.compile(_whole_values(8), re.DOTALL)
_BRACKETS: Final = re.compile(rb"[{\[]++|[}\]]++")
#: beyond so many levels all that opens is passed over at once; no decoder would take it
_DEEP: Final = 64
_OPENING: Final = re.compile(
    rb"(?:[\x00-!#-\\^-|~-\xff]*+" + _STRING + rb")*+[\x00-!#-\\^-|~-\xff]*+", re.DOTALL
)
_WHOLE_STRING: Final = re.compile(_STRING, re.DOTALL)
_NO_OPENING: Final = bytes(set(range(256)) - set(b"{["))


def json_records(source: Source) -> Iterator[Row]:
    """The lines where each is a JSON text of its own (blank ones left out), else `json_items`.

    The head of the file decides.
    """
    if is_json_lines(source.head()):
        return (row for row in source.lines() if row[1] is None or row[1].strip())
    return json_items(source)


def json_items(source: Source, *under: str) -> Iterator[Row]:
    """The records of JSON text: ordinal from 1, the record's bytes, whether it was closed.

    One beyond `ITEM_CAP` is given as None.

    Without `under`: every value at top level and every element of a top-level list, so one list,
    several lists and objects one after the other are all read. With `under`: the elements of the
    lists that stand under one of these keys at any depth, such as `items` in {"message": {"items":
    [...]}}, and outermost objects that hold no such list. Never more than one record is held. A
    bracket that closes nothing is a row of its own, and one that does so at top level was not
    closed: records may have vanished before it.
    """
    return Splitter(*under).split(source.chunks())


def decode_each(
    source: Source, rows: Iterator[Row], decoder: msgspec.json.Decoder[T]
) -> Iterator[tuple[int, bytes, T] | Rejected]:
    """(place, bytes, decoded value) of each row, or why it cannot be used; a last row that was cut
    is noted on the source.
    """
    decode = decoder.decode
    for number, data, ended in rows:
        if data is None:
            yield too_long(number)
            continue
        if data in (b"]", b"}"):
            if not ended:
                source.cut(
                    f"the brackets do not match before record {number:,}: records may be missing"
                )
            yield Rejected(line=number, raw=data.decode(), reason="a bracket that closes nothing")
            continue
        if _has_too_many_tokens(data):
            yield Rejected(
                line=number,
                raw=raw_text(data),
                reason=f"holds more than {_SIGNS:,} brackets and commas",
            )
            continue
        data = _as_utf8(data)
        try:
            yield number, data, decode(data)
        except msgspec.ValidationError as error:
            if not ended and not _is_whole(data):
                source.cut(f"the file ends in the middle of record {number:,}")
            yield Rejected(line=number, raw=raw_text(data), reason=_named(str(error)))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            if ended:
                yield Rejected(line=number, raw=raw_text(data), reason=_why(data, error))
                continue
            source.cut(f"the file ends in the middle of record {number:,}")
            if data:
                yield Rejected(
                    line=number, raw=raw_text(data), reason="cut off in the middle of the record"
                )


def is_json_lines(head: bytes) -> bool:
    """Whether the lines are JSON objects of their own. Bad ones among the first do not hide it."""
    *lines, last = head.split(b"\n")
    if not lines:
        return _is_object(last)
    return any(_is_object(line) for line in islice(filter(None, map(bytes.strip, lines)), 20))


def decode_object(data: bytes) -> dict[str, Any] | None:
    """The JSON object that these bytes are; None where they are none."""
    if _has_too_many_tokens(data):
        return None
    try:
        value = msgspec.json.decode(_as_utf8(data))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _as_utf8(data: bytes) -> bytes:
    """The record in UTF-8 where it was written in Windows-1252; else as it is."""
    return (
        data.decode("cp1252").encode()
        if not data.isascii() and encoding_of(data) == "cp1252"
        else data
    )


def _is_whole(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _has_too_many_tokens(data: bytes) -> bool:
    """Whether decoding would make more values than fit into memory."""
    return len(data) > _SIGNS and data.count(b"[") + data.count(b"{") + data.count(b",") > _SIGNS


def _is_object(line: bytes) -> bool:
    return decode_object(line) is not None


class Splitter:
    """Finds where the records of JSON text begin and end, without decoding them.

    Strings decide; nothing is validated.
    """

    def __init__(self, *under: str) -> None:
        self._under = frozenset(key.encode() for key in under)
        self._quoted = [b'"%s"' % key for key in self._under]
        self._ordinal = 0
        self._depth = 0
        #: depth at which records stand; -1 = in no list of records
        self._inside = -1 if under else 0
        self._key = b""
        self._buffer = b""
        #: up to where the buffer has been understood
        self._at = 0
        #: where the record begins in the buffer; -1 = between records
        self._begun = -1
        self._too_long = False
        #: up to where the buffer is read sign by sign, since the name of a list of records stands
        #: there
        self._slowly = 0
        #: the buffer was left in the middle of a string of the record
        self._in_string = False
        #: depth at which the outermost objects stand: 1 in a top-level list of them
        self._outer = 0
        #: where the outermost object at hand begins in the buffer
        #: -1 = in none, or it holds a list of records; -2 = it is too long
        self._page = -1

    def split(self, chunks: Iterator[bytes]) -> Iterator[Row]:
        for chunk in chunks:
            self._buffer += chunk
            yield from self._scan(last=False)
            self._trim()
        yield from self._scan(last=True)
        rest = self._buffer[self._begun if self._begun >= 0 else self._at :]
        if self._begun >= 0 or self._too_long or rest.strip(b" \t\r\n,:"):
            yield self._ordinal + 1, None if self._too_long else rest, False
        elif self._depth > 0:
            yield self._ordinal + 1, b"", False

    def _scan(self, *, last: bool) -> Iterator[Row]:
        end = len(self._buffer)
        while True:
            if self._begun >= 0 or self._too_long:
                if not self._to_end():
                    return
                self._ordinal += 1
                too_long = self._too_long or self._at - self._begun > ITEM_CAP
                yield (
                    self._ordinal,
                    None if too_long else self._buffer[self._begun : self._at],
                    True,
                )
                self._begun, self._too_long = -1, False
            self._pass_over()
            token = _TOKEN.search(self._buffer, self._at)
            if token is None:
                self._at = end
                return
            sign = token[0]
            if sign == b'"' or (token.end() == end and sign not in b"{}[]" and not last):
                self._at = token.start()
                return  # goes on in the next chunk
            self._at = token.end()
            if sign in b"{[":
                self._open(sign, token.start())
            elif sign in b"}]":
                if self._is_surplus(sign):
                    self._ordinal += 1
                    yield self._ordinal, sign, self._depth > 0
                else:
                    self._close()
                if self._page != -1 and self._depth == self._outer:
                    self._ordinal += 1
                    page = self._buffer[self._page : self._at] if self._page >= 0 else None
                    self._page = -1
                    yield self._ordinal, page, True
            else:
                self._key = sign[1:-1] if sign.startswith(b'"') else b""
                if self._depth == self._inside:
                    self._ordinal += 1
                    yield self._ordinal, sign, True

    def _pass_over(self) -> None:
        """Leave behind whole values that are no records and hold none, in one step."""
        if (
            not self._under
            or self._depth in (self._inside, self._outer)
            or self._at < self._slowly
            or self._key in self._under
        ):
            return
        if (known := _WHOLE.match(self._buffer, self._at)) is not None and known.end() > self._at:
            if any(name in known[0] for name in self._quoted):
                self._slowly = known.end()
            else:
                self._at, self._key = known.end(), b""

    def _to_end(self) -> bool:
        """Go on within the record: to behind its last bracket, else to the end of the buffer,
        without reading any of it twice.
        """
        end = len(self._buffer)
        while self._at < end:
            if (
                known := (_IN_STRING if self._in_string else _WHOLE).match(self._buffer, self._at)
            ) is not None:
                self._at = known.end()
            if self._buffer[self._at : self._at + 1] == b'"':
                self._at += 1
                self._in_string = not self._in_string
            elif self._in_string:
                return False
            elif (brackets := _BRACKETS.match(self._buffer, self._at)) is not None:
                behind = brackets.end()
                if self._buffer[self._at] not in b"{[":
                    behind = min(behind, self._at + self._depth - self._inside)
                    self._depth -= behind - self._at
                elif (
                    self._depth - self._inside > _DEEP
                    and (opening := _OPENING.match(self._buffer, self._at)) is not None
                ):
                    behind = opening.end()
                    self._depth += len(
                        _WHOLE_STRING.sub(b"", opening[0]).translate(None, _NO_OPENING)
                    )
                else:
                    self._depth += behind - self._at
                self._at = behind
                if self._depth == self._inside:
                    return True
        return False

    def _open(self, sign: bytes, start: int) -> None:
        wanted = self._key in self._under if self._under else self._depth == 0
        if self._under and self._depth == self._outer:
            if sign == b"{":
                self._page = start
            elif self._depth == 0:
                self._outer = 1
        if sign == b"[" and wanted:
            self._inside = self._depth + 1
            self._page = -1
        elif self._depth == self._inside:
            self._begun = start
        self._depth += 1
        self._key = b""

    def _is_surplus(self, sign: bytes) -> bool:
        """Whether a bracket closes nothing: a `}` between records, or any at top level."""
        return self._depth == 0 or (sign == b"}" and self._depth == self._inside)

    def _close(self) -> None:
        self._depth = max(self._depth - 1, 0)
        self._key = b""
        if self._depth < self._inside:
            self._inside = -1 if self._under else 0
        if self._depth < self._outer:
            self._outer = 0

    def _trim(self) -> None:
        """Forget what is behind; a record that has grown too long is behind as well."""
        if self._begun >= 0 and len(self._buffer) - self._begun > ITEM_CAP:
            self._begun, self._too_long = -1, True
        if len(self._buffer) - self._at > ITEM_CAP:
            self._at = len(self._buffer)
        keep = self._begun if self._begun >= 0 else self._at
        if 0 <= self._page <= keep:
            if len(self._buffer) - self._page > ITEM_CAP:
                self._page = -2
            else:
                keep = self._page
        self._buffer = self._buffer[keep:]
        self._at -= keep
        self._slowly = max(self._slowly - keep, 0)
        self._begun = self._begun - keep if self._begun >= 0 else -1
        self._page = self._page - keep if self._page >= 0 else self._page


def _named(message: str) -> str:
    """msgspec's complaint in plain words, the field in front: "authors[1]: expected text or
    nothing, got a number".
    """
    what, _, where = message.partition(" - at `$")
    field = where.rstrip("`").lstrip(".")
    text = _TYPE.sub(
        lambda found: " or ".join(plain_type(one.strip()) for one in found[1].split("|")), what
    )
    return f"{field}: {text[:1].lower()}{text[1:]}" if field else text[:1].lower() + text[1:]


def plain_type(name: str) -> str:
    """What a person calls a type of JSON or Python."""
    return _PLAIN_TYPES.get(name, name)


def _why(data: bytes, error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "not UTF-8"
    if b"\0" in data:
        return "holds NUL bytes"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"no valid JSON: {str(error).removeprefix('JSON is malformed: ')}"
