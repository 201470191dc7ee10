"""Split JSON text into its records, without decoding them (see `json_text`).

Own code because ijson stops at the first damaged record and does not give the bytes of a record; a
streaming parser that does both would change our mind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from digest.dumps.stream import ITEM_CAP, Row

# A set of included bytes matches four times as fast as one of excluded bytes.
_STRING_REST: Final = rb"[\x00-!#-\[\]-\xff]*+(?:\\.[\x00-!#-\[\]-\xff]*+)*+"
#: most strings hold no escaped quote, so the first quote ends them
_STRING: Final = rb'"(?:[^"]*+(?<!\\)"|' + _STRING_REST + rb'")'
_IN_STRING: Final = re.compile(_STRING_REST, re.DOTALL)
#: a complete string, a bracket (or the quote of an incomplete string), or anything else in between
_TOKEN: Final = re.compile(_STRING + rb'|["{}\[\]]|[^\s"{}\[\],:]+', re.DOTALL)


def _complete_values_pattern(depth: int) -> bytes:
    """Build a pattern of all up to the next bracket or incomplete string.

    Brackets within brackets are followed down to this depth.
    """
    plain = rb"[\x00-!#-Z\\^-z|~-\xff]*+"
    pattern = rb"(?:" + plain + _STRING + rb")*+" + plain
    for _ in range(depth):
        pattern = rb"(?:" + plain + rb"(?:" + _STRING + rb"|[{\[]" + pattern + rb"[}\]]))*+" + plain
    return pattern


# Records are rarely nested deeper. Below that, each bracket costs a step of Python.
_COMPLETE_VALUES: Final = re.compile(_complete_values_pattern(8), re.DOTALL)
_BRACKETS: Final = re.compile(rb"[{\[]++|[}\]]++")
#: levels beyond which opening brackets are skipped at once; no decoder accepts so many
_MAX_DEPTH: Final = 64
_OPENING: Final = re.compile(
    rb"(?:[\x00-!#-\\^-|~-\xff]*+" + _STRING + rb")*+[\x00-!#-\\^-|~-\xff]*+", re.DOTALL
)
_COMPLETE_STRING: Final = re.compile(_STRING, re.DOTALL)
_NO_OPENING: Final = bytes(set(range(256)) - set(b"{["))


class Splitter:
    """Finds where the records of JSON text begin and end.

    Only brackets outside of strings count; nothing is validated. See `json_text.read_json_items`
    for the meaning of `under`.
    """

    def __init__(self, *under: str) -> None:
        #: keys of the lists of records; empty = the records are the items of the whole text
        self._record_keys = frozenset(key.encode() for key in under)
        self._quoted_keys = [b'"%s"' % key for key in self._record_keys]
        self._ordinal = 0
        self._depth = 0
        #: depth of the records; -1 = not in a list of records
        self._record_depth = -1 if under else 0
        self._key = b""
        self._buffer = b""
        #: position in the buffer up to which it has been read
        self._position = 0
        #: position at which the record begins; -1 = between records
        self._record_start = -1
        self._too_long = False
        #: position up to which each token is read, since the key of a list of records may come
        #: before it
        self._scan_slowly_until = 0
        #: the last chunk ended within a string of the record
        self._in_string = False
        #: depth of the outermost objects: 1 in a top-level list of them
        self._outer_depth = 0
        #: position at which the current outermost object begins;
        #: -1 = in none, or it holds a list of records; -2 = it is too long
        self._page_start = -1

    def split(self, chunks: Iterator[bytes]) -> Iterator[Row]:
        for chunk in chunks:
            self._buffer += chunk
            yield from self._scan(last=False)
            self._trim()
        yield from self._scan(last=True)
        rest = self._buffer[self._record_start if self._record_start >= 0 else self._position :]
        if self._record_start >= 0 or self._too_long or rest.strip(b" \t\r\n,:"):
            yield self._ordinal + 1, None if self._too_long else rest, False
        elif self._depth > 0:
            yield self._ordinal + 1, b"", False

    def _scan(self, *, last: bool) -> Iterator[Row]:
        end = len(self._buffer)
        while True:
            if self._record_start >= 0 or self._too_long:
                if not self._find_record_end():
                    return
                self._ordinal += 1
                exceeds_cap = self._too_long or self._position - self._record_start > ITEM_CAP
                yield (
                    self._ordinal,
                    None if exceeds_cap else self._buffer[self._record_start : self._position],
                    True,
                )
                self._record_start, self._too_long = -1, False
            self._skip_values()
            token = _TOKEN.search(self._buffer, self._position)
            if token is None:
                self._position = end
                return
            text = token[0]
            if text == b'"' or (token.end() == end and text not in b"{}[]" and not last):
                self._position = token.start()
                return  # the token continues in the next chunk
            self._position = token.end()
            if text in b"{[":
                self._open(text, token.start())
            elif text in b"}]":
                if self._closes_nothing(text):
                    self._ordinal += 1
                    yield self._ordinal, text, self._depth > 0
                else:
                    self._close()
                if self._page_start != -1 and self._depth == self._outer_depth:
                    self._ordinal += 1
                    page = (
                        self._buffer[self._page_start : self._position]
                        if self._page_start >= 0
                        else None
                    )
                    self._page_start = -1
                    yield self._ordinal, page, True
            else:
                self._key = text[1:-1] if text.startswith(b'"') else b""
                if self._depth == self._record_depth:
                    self._ordinal += 1
                    yield self._ordinal, text, True

    def _skip_values(self) -> None:
        """Skip complete values that are not records and hold none, in one step."""
        if self._must_scan_slowly:
            return
        values = _COMPLETE_VALUES.match(self._buffer, self._position)
        if values is not None and values.end() > self._position:
            if any(key in values[0] for key in self._quoted_keys):
                self._scan_slowly_until = values.end()
            else:
                self._position, self._key = values.end(), b""

    @property
    def _must_scan_slowly(self) -> bool:
        """Whether a record may begin here, so that the next token must be read by itself."""
        return (
            not self._record_keys  # the items of the whole text are the records
            or self._depth in (self._record_depth, self._outer_depth)  # records or whole pages
            or self._position < self._scan_slowly_until  # the key of a list of records comes
            or self._key in self._record_keys  # the value of that key comes
        )

    def _find_record_end(self) -> bool:
        """Move to the end of the record, or of the buffer, without reading any byte twice.

        Returns:
            Whether the record has ended.
        """
        end = len(self._buffer)
        while self._position < end:
            pattern = _IN_STRING if self._in_string else _COMPLETE_VALUES
            if (match := pattern.match(self._buffer, self._position)) is not None:
                self._position = match.end()
            if self._buffer[self._position : self._position + 1] == b'"':
                self._position += 1
                self._in_string = not self._in_string
            elif self._in_string:
                return False
            elif (brackets := _BRACKETS.match(self._buffer, self._position)) is not None:
                self._pass_brackets(brackets.end())
                if self._depth == self._record_depth:
                    return True
        return False

    def _pass_brackets(self, end: int) -> None:
        """Move over a row of equal brackets that ends here.

        Move at most to the end of the record.
        """
        if self._buffer[self._position] not in b"{[":
            end = min(end, self._position + self._depth - self._record_depth)
            self._depth -= end - self._position
        elif (
            self._depth - self._record_depth > _MAX_DEPTH
            and (opening := _OPENING.match(self._buffer, self._position)) is not None
        ):
            end = opening.end()
            brackets = _COMPLETE_STRING.sub(b"", opening[0]).translate(None, _NO_OPENING)
            self._depth += len(brackets)
        else:
            self._depth += end - self._position
        self._position = end

    def _open(self, bracket: bytes, start: int) -> None:
        holds_records = self._key in self._record_keys if self._record_keys else self._depth == 0
        if self._record_keys and self._depth == self._outer_depth:
            if bracket == b"{":
                self._page_start = start
            elif self._depth == 0:
                self._outer_depth = 1
        if bracket == b"[" and holds_records:
            self._record_depth = self._depth + 1
            self._page_start = -1
        elif self._depth == self._record_depth:
            self._record_start = start
        self._depth += 1
        self._key = b""

    def _closes_nothing(self, bracket: bytes) -> bool:
        """Whether a bracket closes nothing: a `}` between records, or any at top level."""
        return self._depth == 0 or (bracket == b"}" and self._depth == self._record_depth)

    def _close(self) -> None:
        self._depth = max(self._depth - 1, 0)
        self._key = b""
        if self._depth < self._record_depth:
            self._record_depth = -1 if self._record_keys else 0
        if self._depth < self._outer_depth:
            self._outer_depth = 0

    def _trim(self) -> None:
        """Drop the part of the buffer that has been read, and a record that is too long."""
        if self._record_start >= 0 and len(self._buffer) - self._record_start > ITEM_CAP:
            self._record_start, self._too_long = -1, True
        if len(self._buffer) - self._position > ITEM_CAP:
            self._position = len(self._buffer)
        keep = self._record_start if self._record_start >= 0 else self._position
        if 0 <= self._page_start <= keep:
            if len(self._buffer) - self._page_start > ITEM_CAP:
                self._page_start = -2
            else:
                keep = self._page_start
        self._buffer = self._buffer[keep:]
        self._position -= keep
        self._scan_slowly_until = max(self._scan_slowly_until - keep, 0)
        self._record_start = self._record_start - keep if self._record_start >= 0 else -1
        self._page_start = self._page_start - keep if self._page_start >= 0 else self._page_start
