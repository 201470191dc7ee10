"""JSON text -> its records, one at a time, from lines or one long list."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec

from digest.dumps.json_split import Splitter
from digest.dumps.stream import Row, Source, raw_text, reject_too_long
from digest.encodings import UTF8, decode_as
from digest.model import Rejected

_TYPE: Final = re.compile(r"`([^`]*)`")
_TYPE_NAMES: Final = {
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

#: takes the place of a value that JSON does not have
_ODD: Final = object()
#: digits of a whole number that may not fit into 64 bits
_INT_DIGITS: Final = 19

#: brackets and commas in one record; a value takes a hundred times their memory, and a paper of
#: 5,000 authors has 400,000
_TOKEN_LIMIT: Final = 1_000_000


def read_json_records(source: Source) -> Iterator[Row]:
    """Read the lines if each is JSON of its own, else `read_json_items`.

    The head of the file decides.
    """
    if is_json_lines(source.head()):
        return (row for row in source.lines() if row[1] is None or row[1].strip())
    return read_json_items(source)


def read_json_items(source: Source, *under: str) -> Iterator[Row]:
    """Read the records of JSON text; holds at most one record in memory.

    Without `under`, records are the values at top level and the elements of top-level lists. With
    `under`, they are the elements of the lists under one of these keys at any depth, such as
    `items` in {"message": {"items": [...]}}, and the outermost objects without such a list.

    Yields:
        Ordinal from 1, bytes of the record (None beyond `ITEM_CAP`), whether it is complete. A
        bracket that closes nothing is a row of its own; at top level it counts as incomplete, since
        records before it may be lost.
    """
    return Splitter(*under).split(source.chunks())


def decode_rows(
    source: Source, rows: Iterator[Row], decoder: msgspec.json.Decoder[T]
) -> Iterator[tuple[int, bytes, T] | Rejected]:
    """Decode each row: (number, bytes, value), or why it cannot be used.

    An incomplete last row marks the source as incomplete.
    """
    decode = decoder.decode
    for number, data, ended in rows:
        if data is None:
            yield reject_too_long(number)
            continue
        if data in (b"]", b"}"):
            if not ended:
                source.mark_incomplete(
                    f"the brackets do not match before record {number:,}: records may be missing"
                )
            yield Rejected(line=number, raw=data.decode(), reason="a bracket that closes nothing")
            continue
        if _has_too_many_tokens(data):
            yield Rejected(
                line=number,
                raw=raw_text(data),
                reason=f"holds more than {_TOKEN_LIMIT:,} brackets and commas",
            )
            continue
        data = source.to_utf8(data) or data
        try:
            value = _decode(data, decode)
        except msgspec.ValidationError as error:
            if not ended and not _is_complete(data):
                source.mark_incomplete(f"the file ends in the middle of record {number:,}")
            yield Rejected(
                line=number, raw=raw_text(data), reason=_describe_invalid_value(str(error))
            )
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            if ended:
                yield Rejected(line=number, raw=raw_text(data), reason=_describe_error(data, error))
                continue
            source.mark_incomplete(f"the file ends in the middle of record {number:,}")
            if data:
                yield Rejected(
                    line=number, raw=raw_text(data), reason="cut off in the middle of the record"
                )
        else:
            yield number, data, value


def is_json_lines(head: bytes) -> bool:
    """Whether the lines are JSON objects of their own.

    Some of the first may be damaged.
    """
    *lines, last = head.split(b"\n")
    if not lines:
        return _is_object(last)
    return any(_is_object(line) for line in islice(filter(None, map(bytes.strip, lines)), 20))


def decode_object(data: bytes) -> dict[str, Any] | None:
    """Decode a JSON object; None if the bytes are not one."""
    if _has_too_many_tokens(data):
        return None
    try:
        decoded = decode_as(data, UTF8)
        value = _decode(decoded[0].encode() if decoded else data, msgspec.json.decode)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _decode(data: bytes, decode: Callable[[bytes], T]) -> T:
    """Decode a record; where that fails, decode it again without its odd values."""
    try:
        return decode(data)
    except (msgspec.DecodeError, UnicodeError) as error:
        if isinstance(error, msgspec.ValidationError) and "out of range" not in str(error):
            raise
        if (mended := _mend(data)) is None:
            raise
        return decode(mended)


def _mend(data: bytes) -> bytes | None:
    """Leave odd values out of a record that could not be decoded: each costs only its field.

    These are NaN, infinities, numbers beyond 64 bits, halves of surrogate pairs (U+FFFD) and raw
    control characters. Python writes and reads them, JSON does not have them. None if the record is
    damaged in any other way.
    """
    try:
        value = json.loads(
            data.decode(),
            strict=False,
            object_pairs_hook=_drop_odd_values,
            parse_constant=_drop_number,
            parse_float=_read_float,
            parse_int=_read_int,
        )
    except (ValueError, RecursionError):
        return None
    text = json.dumps(value, ensure_ascii=False, default=_to_null)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _drop_odd_values(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if value is not _ODD}


def _to_null(odd_value: object) -> None:
    return None


def _drop_number(text: str) -> object:
    return _ODD


def _read_float(text: str) -> object:
    value = float(text)
    return value if math.isfinite(value) else _ODD


def _read_int(text: str) -> object:
    return int(text) if len(text) < _INT_DIGITS else _ODD


def _is_complete(data: bytes) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _has_too_many_tokens(data: bytes) -> bool:
    """Whether decoding could create more values than fit into memory."""
    return (
        len(data) > _TOKEN_LIMIT
        and data.count(b"[") + data.count(b"{") + data.count(b",") > _TOKEN_LIMIT
    )


def _is_object(line: bytes) -> bool:
    return decode_object(line) is not None


def _describe_invalid_value(message: str) -> str:
    """Rewrite msgspec's message in plain words.

    For example "authors[1]: expected text, got a number".
    """
    problem, _, path = message.partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    text = _TYPE.sub(
        lambda match: " or ".join(describe_type(name.strip()) for name in match[1].split("|")),
        problem,
    )
    return f"{field}: {text[:1].lower()}{text[1:]}" if field else text[:1].lower() + text[1:]


def describe_type(name: str) -> str:
    """Name a type of JSON or Python in plain words."""
    return _TYPE_NAMES.get(name, name)


def _describe_error(data: bytes, error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "not UTF-8"
    if b"\0" in data:
        return "holds NUL bytes"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"no valid JSON: {str(error).removeprefix('JSON is malformed: ')}"
