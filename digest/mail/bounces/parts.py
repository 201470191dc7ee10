"""Bytes -> the parts of a mail, bounded in size and depth.

The standard library parses; what it trips over is unreadable, never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message as Mail
from email.parser import BytesParser, HeaderParser

#: a report stands at the front of its mail, and what it returns may be cut: digests are below 100
#: KB
SIZE_MAX = 1_000_000
#: multiparts and messages within a mail; reports have four or so, and the parser recurses into each
_CONTAINERS_MAX = 60
_CONTAINER = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_PARTS_MAX = 200
#: lines that may begin a part: each costs the library 15 us
_BOUNDARIES_MAX = 2000
_TEXT_MAX = 64_000
_VALUE_MAX, _VALUES_MAX = 4000, 50
#: what `narrow` leaves: other people's patterns take time that grows with the square of a line
_NARROW, _NARROW_LINE = 32_000, 300
#: what malformed headers, parameters, charsets and encodings make the library raise
TROUBLE = (
    MessageError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RecursionError,
)
_UNWANTED = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)), " ")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]@]{1,128}@[^\s<>,;:\"()\[\]@]{1,255}")


def parse(data: bytes) -> Mail | None:
    """None where it cannot be parsed, or has more parts or levels than any report has."""
    head = data[:SIZE_MAX]
    if len(_CONTAINER.findall(head)) > _CONTAINERS_MAX or head.count(b"\n--") > _BOUNDARIES_MAX:
        return None
    try:
        return BytesParser().parsebytes(head)
    except TROUBLE:
        return None


def narrow(data: bytes) -> Mail | None:
    """The beginning of a mail with its lines cut, for patterns that are not ours and do not expect
    an enemy.
    """
    return parse(b"\n".join(line[:_NARROW_LINE] for line in data[:_NARROW].splitlines()))


def value(mail: Mail, name: str) -> str:
    """A header, decoded and on one line; "" where it is absent."""
    return next(values(mail, name), "")


def values(mail: Mail, name: str) -> Iterator[str]:
    """All headers of that name, decoded, each on one line."""
    for raw in (mail.get_all(name) or [])[:_VALUES_MAX]:
        yield plain(_decoded(str(raw)[:_VALUE_MAX]))


def _decoded(raw: str) -> str:
    if "=?" not in raw:
        return raw
    try:
        return str(make_header(decode_header(raw)))
    except TROUBLE:
        return raw


def kind_of(part: Mail) -> str:
    try:
        return part.get_content_type()
    except TROUBLE:
        return "text/plain"


def walk(mail: Mail) -> Iterator[Mail]:
    """The mail and its parts, without those of a message that it returns."""
    waiting, seen = [mail], 0
    while waiting and seen < _PARTS_MAX:
        part = waiting.pop(0)
        seen += 1
        yield part
        payload = part.get_payload()
        if kind_of(part).startswith("multipart/") and isinstance(payload, list):
            waiting[:0] = [one for one in payload[:_PARTS_MAX] if isinstance(one, Mail)]


def text(part: Mail) -> str:
    """The text of a leaf part, decoded as well as can be."""
    try:
        payload = part.get_payload(decode=True)
        charset = str(part.get_param("charset", "utf-8"))
    except TROUBLE:
        return ""
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload[:_TEXT_MAX].decode(charset, "replace")
    except TROUBLE:
        return payload[:_TEXT_MAX].decode("utf-8", "replace")


def body(mail: Mail) -> str:
    """The first readable text of a mail, which is where people and old mail servers say what
    happened.
    """
    return next(
        (
            found
            for part in walk(mail)
            if kind_of(part) == "text/plain" and (found := text(part)).strip()
        ),
        "",
    )


def blocks(part: Mail) -> list[Mail]:
    """The groups of fields of a delivery status or feedback report, whatever its
    transfer encoding."""
    payload = part.get_payload()
    if str(part.get("content-transfer-encoding", "")).strip().lower() in (
        "base64",
        "quoted-printable",
    ):
        payload = _decoded_blocks(part)
    if isinstance(payload, list):
        return [one for one in payload[:_PARTS_MAX] if isinstance(one, Mail)]
    return [
        _headers(block)
        for block in re.split(r"\r?\n\r?\n", str(payload)[:_TEXT_MAX])[:_PARTS_MAX]
        if block.strip()
    ]


def _decoded_blocks(part: Mail) -> str:
    """The library takes the encoded lines for fields; put together again they can be decoded."""
    payload = part.get_payload()
    lines = (
        [one.as_string() for one in payload if isinstance(one, Mail)]
        if isinstance(payload, list)
        else [str(payload)]
    )
    leaf = Mail()
    leaf["Content-Transfer-Encoding"] = str(part.get("content-transfer-encoding"))
    leaf.set_payload("\n".join(lines))
    return text(leaf)


def _headers(text: str) -> Mail:
    return HeaderParser().parsestr(text)


def returned(mail: Mail) -> Mail | None:
    """The headers of the message that a report returns, whole or not."""
    for part in walk(mail):
        kind = kind_of(part)
        payload = part.get_payload()
        if (
            kind in ("message/rfc822", "message/global")
            and isinstance(payload, list)
            and payload
            and isinstance(payload[0], Mail)
        ):
            return payload[0]
        if kind in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
            if isinstance(payload, list) and payload and isinstance(payload[0], Mail):
                return payload[0]
            return _headers(text(part).lstrip())
    return None


def plain(text: str) -> str:
    """On one line, and without what no log, terminal or database should get: controls, half
    characters.
    """
    return " ".join(text.translate(_UNWANTED).split())


def addresses(text: str, limit: int = 20) -> list[str]:
    """What looks like an address in a text, in order."""
    return list(dict.fromkeys(_ADDRESS.findall(text[:_VALUE_MAX])))[:limit]
