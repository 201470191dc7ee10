"""Parse untrusted mail into its parts, bounded in size and depth.

The standard library does the parsing. What it fails on counts as unreadable; nothing raises.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message as Mail
from email.parser import BytesParser, HeaderParser

#: bytes of a mail that are read; a report stands at the front, so the returned message may be cut
MAX_SIZE = 1_000_000
#: multiparts and messages within a mail; reports have about four, and the parser recurses into each
_MAX_CONTAINERS = 60
_CONTAINER = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_MAX_PARTS = 200
#: lines that may begin a part; each costs the library 15 us
_MAX_BOUNDARIES = 2000
_MAX_TEXT = 64_000
#: characters of a header, and headers of one name
_MAX_HEADER, _MAX_HEADERS = 4000, 50
#: bytes of a mail and of a line that `parse_beginning` keeps
_MAX_BEGINNING, _MAX_LINE = 32_000, 300
#: what the library raises on malformed headers, parameters, charsets and encodings
PARSE_ERRORS = (
    MessageError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    RecursionError,
)
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)), " ")
#: a tag, and the beginning of an element whose content is not shown
_TAG = re.compile(r"<[^<>]*>")
_HIDDEN = re.compile(r"<(?:style|script|title)\b", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]@]{1,128}@[^\s<>,;:\"()\[\]@]{1,255}")


def parse(data: bytes) -> Mail | None:
    """Parse a mail; None if it cannot be parsed, or has more parts than any report."""
    head = data[:MAX_SIZE]
    if len(_CONTAINER.findall(head)) > _MAX_CONTAINERS or head.count(b"\n--") > _MAX_BOUNDARIES:
        return None
    try:
        return BytesParser().parsebytes(head)
    except PARSE_ERRORS:
        return None


def parse_beginning(data: bytes) -> Mail | None:
    """Parse the beginning of a mail, with its lines cut.

    For the regular expressions of flufl.bounce, whose time grows with the square of a line.
    """
    return parse(b"\n".join(line[:_MAX_LINE] for line in data[:_MAX_BEGINNING].splitlines()))


def header(mail: Mail, name: str) -> str:
    """A header, decoded and on one line; "" if it is absent."""
    return next(headers(mail, name), "")


def headers(mail: Mail, name: str) -> Iterator[str]:
    """All headers of that name, decoded, each on one line."""
    for raw in (mail.get_all(name) or [])[:_MAX_HEADERS]:
        yield one_line(_decode(str(raw)[:_MAX_HEADER]))


def _decode(raw: str) -> str:
    if "=?" not in raw:
        return raw
    try:
        return str(make_header(decode_header(raw)))
    except PARSE_ERRORS:
        return raw


def content_type(part: Mail) -> str:
    """The type of a part; "text/plain" if it is malformed."""
    try:
        return part.get_content_type()
    except PARSE_ERRORS:
        return "text/plain"


def walk(mail: Mail) -> Iterator[Mail]:
    """The mail and its parts, depth first, without those of a returned message."""
    pending, count = [mail], 0
    while pending and count < _MAX_PARTS:
        part = pending.pop(0)
        count += 1
        yield part
        payload = part.get_payload()
        if content_type(part).startswith("multipart/") and isinstance(payload, list):
            pending[:0] = [child for child in payload[:_MAX_PARTS] if isinstance(child, Mail)]


def decode_text(part: Mail) -> str:
    """The text of a leaf part, decoded as well as possible."""
    try:
        payload = part.get_payload(decode=True)
        charset = str(part.get_param("charset", "utf-8"))
    except PARSE_ERRORS:
        return ""
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload[:_MAX_TEXT].decode(charset, "replace")
    except PARSE_ERRORS:
        return payload[:_MAX_TEXT].decode("utf-8", "replace")


def first_text(mail: Mail) -> str:
    """The first plain text of a mail, else of its HTML, which say what happened."""
    plain = _first_text_of(mail, "text/plain")
    return plain or _strip_html(_first_text_of(mail, "text/html"))


def _strip_html(text: str) -> str:
    """The words of an HTML text; time grows with its length alone."""
    pieces, position = [], 0
    while hidden := _HIDDEN.search(text, position):
        pieces.append(text[position : hidden.start()])
        end = text.find("</", hidden.end())
        position = len(text) if end < 0 else end
    return html.unescape(_TAG.sub("\n", "".join([*pieces, text[position:]])))


def _first_text_of(mail: Mail, kind: str) -> str:
    texts = (decode_text(part) for part in walk(mail) if content_type(part) == kind)
    return next((text for text in texts if text.strip()), "")


def field_groups(part: Mail) -> list[Mail]:
    """The groups of fields of a DSN or feedback report, in any encoding."""
    payload = part.get_payload()
    if str(part.get("content-transfer-encoding", "")).strip().lower() in (
        "base64",
        "quoted-printable",
    ):
        payload = _decode_fields(part)
    if isinstance(payload, list):
        return [group for group in payload[:_MAX_PARTS] if isinstance(group, Mail)]
    return [
        _parse_headers(group)
        for group in re.split(r"\r?\n\r?\n", str(payload)[:_MAX_TEXT])[:_MAX_PARTS]
        if group.strip()
    ]


def _decode_fields(part: Mail) -> str:
    """Decode a report whose encoded lines the library took for fields."""
    payload = part.get_payload()
    lines = (
        [group.as_string() for group in payload if isinstance(group, Mail)]
        if isinstance(payload, list)
        else [str(payload)]
    )
    leaf = Mail()
    leaf["Content-Transfer-Encoding"] = str(part.get("content-transfer-encoding"))
    leaf.set_payload("\n".join(lines))
    return decode_text(leaf)


def _parse_headers(text: str) -> Mail:
    return HeaderParser().parsestr(text)


def returned_headers(mail: Mail) -> Mail | None:
    """The headers of the message that a report returns, complete or not."""
    for part in walk(mail):
        kind = content_type(part)
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
            return _parse_headers(decode_text(part).lstrip())
    return None


def one_line(text: str) -> str:
    """`text` on one line, without control characters and lone surrogates."""
    return " ".join(text.translate(_CONTROLS).split())


def addresses(text: str, limit: int = 20) -> list[str]:
    """Everything in a text that looks like an address, in order."""
    matches = _ADDRESS.findall(text[:_MAX_HEADER])
    return list(dict.fromkeys(address.rstrip(".'") for address in matches))[:limit]
