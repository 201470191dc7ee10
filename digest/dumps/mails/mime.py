"""Mail messages: recognised, cut out of a mailbox file, and decoded. Knows no list of papers.

Headers are read by the standard library. The parts of a body are split here, by lines: the
library's parser takes time that grows with the depth times the lines, and nests without bound.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email import policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Final

from digest.dumps.formats import Head
from digest.dumps.stream import ITEM_CAP, Row, Source

#: lines of a message; each takes some hundred bytes of memory
_LINE_CAP: Final = 200_000
#: parts within parts
_DEPTH_CAP: Final = 8
#: parts of one message
_PART_CAP: Final = 200
#: bytes of all headers that are read; the library's time grows with their square
_HEADERS_CAP: Final = 64 * 1024
#: characters of a header that is used
_HEADER_CAP: Final = 2000

_POSTMARK: Final = re.compile(rb"From \S{1,300} .{0,60}[0-9]{2}:[0-9]{2}.{0,20}[0-9]{4}\s{0,9}")
_QUOTED_POSTMARK: Final = re.compile(rb">{1,20}From ")
_HEADER: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60}):(?:\s|$)")
_HEADER_NAMES: Final = frozenset(
    {
        "content-transfer-encoding",
        "content-type",
        "date",
        "delivered-to",
        "dkim-signature",
        "from",
        "list-id",
        "message-id",
        "mime-version",
        "received",
        "reply-to",
        "return-path",
        "subject",
        "to",
    }
)
_ENCODINGS: Final = re.compile(
    r"iso-?8859-\d{1,2}|latin-?1|(?:windows-|cp)125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|"
    r"euc-(?:jp|kr)|shift_jis|iso-2022-jp",
    re.IGNORECASE,
)
_ENCODED: Final = ("quoted-printable", "base64")


@dataclass(kw_only=True, slots=True)
class RawMessage:
    """The lines of a message."""

    #: of its first line
    number: int
    rows: list[Row] = field(default_factory=list)
    #: there were more bytes or lines than are held
    is_too_long: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A text of a message, its lines decoded but for their character set if that is UTF-8."""

    content_type: str
    rows: list[Row]


def is_message(head: Head) -> bool:
    """Whether a file begins with the headers of a mail, or with the postmark of a mailbox."""
    names: set[str] = set()
    lines = head.data.lstrip().split(b"\n")
    for line in lines[1:] if _POSTMARK.fullmatch(lines[0]) else lines:
        if not line.strip():
            break
        if line[:1] in b" \t" and names:
            continue
        match = _HEADER.match(line[:100].decode("ascii", "replace"))
        if match is None:
            return False
        names.add(match[1].lower())
    return len(names & _HEADER_NAMES) > 2


def split_messages(source: Source) -> Iterator[RawMessage]:
    """Cut a file into messages: at the postmarks of a mailbox, else it is one."""
    message: RawMessage | None = None
    is_mailbox, was_blank, size = False, True, 0
    for number, data, ended in source.lines():
        if (
            was_blank
            and data is not None
            and _POSTMARK.fullmatch(data)
            and (is_mailbox or not message)
        ):
            if message is not None:
                yield message
            is_mailbox, message, size = True, RawMessage(number=number), 0
            continue
        was_blank = data is not None and not data.strip()
        if message is None:
            if was_blank:
                continue
            message = RawMessage(number=number)
        size += len(data or b"")
        if message.is_too_long or size > ITEM_CAP or len(message.rows) >= _LINE_CAP:
            message.is_too_long, message.rows = True, []
        elif is_mailbox and data is not None and _QUOTED_POSTMARK.match(data):
            message.rows.append((number, data[1:], ended))
        else:
            message.rows.append((number, data, ended))
    if message is not None:
        yield message


def read_headers(rows: list[Row]) -> tuple[Message, list[Row]]:
    """Read the headers of a message or part; returns them and the lines of its body."""
    end = next(
        (place for place, (_, data, _) in enumerate(rows) if data is not None and not data.strip()),
        len(rows),
    )
    data = b"\n".join(line for _, line, _ in rows[:end] if line is not None and len(line) < 10_000)
    headers = BytesHeaderParser(policy=policy.compat32).parsebytes(data[:_HEADERS_CAP])
    return headers, rows[end + 1 :]


def decode_text(value: object) -> str:
    """Decode the text of a header, on one line."""
    text = str(value or "")[:_HEADER_CAP]
    with contextlib.suppress(ValueError, LookupError, MessageError):
        text = str(make_header(decode_header(text)))
    return " ".join(text.encode("utf-8", "replace").decode().split())


def read_parts(headers: Message, rows: list[Row]) -> Iterator[Part]:
    """Yield the texts of a message in their order, at most 200."""
    for place, part in enumerate(_walk(headers, rows, 0)):
        if place >= _PART_CAP:
            return
        yield part


def _walk(headers: Message, rows: list[Row], depth: int) -> Iterator[Part]:
    content_type = headers.get_content_type()
    boundary = _get_param(headers, "boundary")
    if content_type.startswith("multipart/") and boundary:
        if depth < _DEPTH_CAP:
            for piece in _split_at(boundary.encode("utf-8", "replace"), rows):
                yield from _walk(*read_headers(piece), depth + 1)
    elif content_type == "message/rfc822":
        if depth < _DEPTH_CAP:
            yield from _walk(*read_headers(_decode(headers, rows)), depth + 1)
    elif content_type in ("text/plain", "text/html"):
        decoded = _convert_to_utf8(_decode(headers, rows), _get_param(headers, "charset"))
        if _get_param(headers, "format").lower() == "flowed":
            decoded = list(_unwrap(decoded, _get_param(headers, "delsp").lower() == "yes"))
        yield Part(content_type=content_type, rows=decoded)


def _get_param(headers: Message, name: str) -> str:
    """Return a parameter of the content type; "" if there is none or it is damaged."""
    try:
        value = headers.get_param(name)
    except (ValueError, LookupError, MessageError):
        return ""
    if isinstance(value, tuple):  # in a character set of its own
        value = value[2]
    return value.strip() if isinstance(value, str) else ""


def _split_at(boundary: bytes, rows: list[Row]) -> Iterator[list[Row]]:
    start: int | None = None
    between, last = b"--" + boundary, b"--" + boundary + b"--"
    for place, (_, data, _) in enumerate(rows):
        line = data.rstrip() if data is not None and data.startswith(between) else b""
        if line in (between, last):
            if start is not None:
                yield rows[start:place]
            start = None if line == last else place + 1
    if start is not None:
        yield rows[start:]


def _decode(headers: Message, rows: list[Row]) -> list[Row]:
    """Undo the transfer encoding; then all lines have the number of the first."""
    encoding = str(headers.get("Content-Transfer-Encoding") or "").strip().lower()
    if encoding not in _ENCODED or not rows:
        return rows
    packed = Message()
    packed["Content-Transfer-Encoding"] = encoding
    text = b"\n".join(data for _, data, _ in rows if data is not None)
    packed.set_payload(text.decode("ascii", "surrogateescape"))
    payload = packed.get_payload(decode=True)
    lines = (payload if isinstance(payload, bytes) else b"").split(b"\n")
    return [(rows[0][0], line.removesuffix(b"\r"), True) for line in lines[:_LINE_CAP]]


def _convert_to_utf8(rows: list[Row], charset: str) -> list[Row]:
    if not _ENCODINGS.fullmatch(charset):
        return rows  # UTF-8, or left to the reader of each entry
    converted: list[Row] = []
    for number, data, ended in rows:
        try:
            text = None if data is None else data.decode(charset).encode()
        except (UnicodeError, LookupError):
            text = data
        converted.append((number, text, ended))
    return converted


def _unwrap(rows: Iterable[Row], delete_space: bool) -> Iterator[Row]:
    """Join the lines of a flowed text (RFC 3676): a blank at the end says that a line goes on."""
    first, parts = 0, list[bytes]()
    for number, data, ended in rows:
        if data is None:
            if parts:
                yield first, b"".join(parts), True
                parts = []
            yield number, None, ended
            continue
        line = data.removeprefix(b" ")
        first = first if parts else number
        if line.endswith(b" ") and line != b"-- ":
            parts.append(line[:-1] if delete_space else line)
        else:
            yield first, b"".join((*parts, line)), ended
            parts = []
    if parts:
        yield first, b"".join(parts), False
