"""Secrets are kept out of everything that people read: the log, reports, stored errors, letters.

Two rules decide. Values that this process was given as secrets (`learn`) are hidden wherever they
stand, also quoted for a URL, for JSON or HTML, in hexadecimal, or in Base64 at any offset, as a
login has it. And what is a secret by its place is hidden whatever its value: the password of a
URL, a query value called key or token, a private key in PEM, the token of a reader's link.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

#: what stands in place of a secret, as pydantic has it too
COVER: Final = "**********"
#: characters from which on a value is looked for; a shorter one stands in too many other words
SHORTEST: Final = 4
#: secrets that a process remembers of texts, and of keys; the oldest of their kind give way
_MOST: Final = {str: 128, bytes: 16}
#: letters of a Base64 form that no neighbour of the secret has touched; fewer would be chance
_LEAST_BASE64: Final = 5

_known: dict[str | bytes, None] = {}

#: names of query values that are secrets: api_key, apikey, access_token, X-Amz-Signature, sig ...
_NAME = (
    r"(?:[\w.-]*[-_.]|api|app|access|auth|client|private|subscription|session)?"
    r"(?:key|token|secret|password|passwd|passphrase|pwd|pass|auth|authorization"
    r"|signature|sig|credentials?)"
)
#: what has to stand in a text for a pattern to be tried, and the pattern
_BY_PLACE: Final = tuple(
    (sign, re.compile(pattern, flags))
    for sign, pattern, flags in (
        (
            "PRIVATE KEY",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)",
            re.S,
        ),
        ("://", r"(?<=://)(?P<before>[^\s:/?#@]*:)[^\s/?#@]+(?=@)", 0),
        ("://", r"(?P<before>\bhttps?://)[^\s:/?#@]+(?=@)", re.I),
        ("=", rf"(?P<before>[?&;]{_NAME}=)[^&;#\s\"'<>\\]+", re.I),
        ("uthorization", r"(?P<before>\b[Aa]uthorization: *(?:\w+ +)?)[^\s\"',]+", 0),
    )
)
#: 55 letters of Base32: the token of a link, also behind a quoted space
_TOKEN: Final = re.compile(
    r"(?:(?<=%[0-9a-fA-F]{2})|(?<![A-Za-z0-9]))[A-Za-z2-7]{55}(?![A-Za-z0-9])"
)
_SECRET_NAME: Final = re.compile(_NAME, re.I)
#: a query value that nobody thought up: twenty letters and digits in no order
_DRAWN: Final = re.compile(r"(?=.*[0-9].*[A-Za-z].*[0-9])[A-Za-z0-9_-]{20,}")


def learn(*secrets: str | bytes) -> None:
    """Hide these values from now on; those under four characters are passed over."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            _known.pop(secret, None)
            _known[secret] = None
    for kind, most in _MOST.items():
        of_kind = [secret for secret in _known if isinstance(secret, kind)]
        for secret in of_kind[:-most]:
            del _known[secret]


def hide(text: str) -> str:
    """The text with a cover in place of every secret."""
    for secret in sorted(_known, key=len, reverse=True):
        signs, pattern = _spellings(secret)
        if any(sign in text for sign in signs):
            text = pattern.sub(COVER, text)
    for sign, pattern in _BY_PLACE:
        if sign in text:
            text = pattern.sub(_cover, text)
    return _TOKEN.sub(COVER, text) if len(text) >= 55 else text


def hide_within(value: Any) -> Any:
    """A JSON value with every text in it hidden; keys stay, programs rely on them."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {key: hide_within(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [hide_within(item) for item in value]
    return value


def find_secrets_in_url(url: str) -> Iterator[str]:
    """What of a URL is a secret: its password, and query values that are called or look so."""
    try:
        parts = urlsplit(url)
        # databases allow a slash or a second @ in a password
        web = parts.scheme in ("http", "https")
        login = (
            parts.netloc.rpartition("@")[0] if web else url.partition("://")[2].rpartition("@")[0]
        )
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return
    user, _, password = login.partition(":")
    for secret in filter(None, (password or (user if web else ""),)):
        yield from {secret, unquote(secret)}
    for name, value in query:
        if _SECRET_NAME.fullmatch(name) or _DRAWN.fullmatch(value):
            yield value


def _cover(match: re.Match[str]) -> str:
    return f"{match.groupdict().get('before') or ''}{COVER}"


@lru_cache(maxsize=256)
def _spellings(secret: str | bytes) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Signs, one of which stands in every text with the secret, and a pattern of all spellings."""
    data = secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogatepass")
    plain = repr(secret)[2:-1] if isinstance(secret, bytes) else secret
    forms = [re.escape(plain)] if isinstance(secret, bytes) else ["".join(map(_character, plain))]
    packed = [data.hex(), data.hex().upper(), *_base64_forms(data)]
    forms += packed[:2]
    # the two alphabets of Base64 differ in two letters
    forms += [re.sub("[+/]", "[+/_-]", form) + r"[A-Za-z0-9+/_-]*={0,2}" for form in packed[2:]]
    return tuple(_longest_run(form) for form in (plain, *packed)), re.compile("|".join(forms))


def _longest_run(text: str) -> str:
    """Letters and digits that every spelling leaves as they are; "" where there are none."""
    return max(re.findall("[A-Za-z0-9]+", text), key=len, default="")


def _character(char: str) -> str:
    """A character as it is, or as URLs, JSON, Python, HTML and IMAP spell it."""
    octets = char.encode("utf-8", "surrogatepass")
    escaped = {char, json.dumps(char)[1:-1], repr(char)[1:-1], html.escape(char), f"\\{char}"}
    forms = [re.escape(form) for form in sorted(escaped, key=len, reverse=True)]
    forms.append("(?i:" + "".join(f"%{octet:02x}" for octet in octets) + ")")
    forms.append(f"(?i:&#(?:{ord(char)}|x0*{ord(char):x});)")
    if char == " ":
        forms.append(r"\+")
    if len(octets) == 1 and not char.isalnum():
        forms.append(rf"(?i:\\x{octets[0]:02x}|\\u00{octets[0]:02x})")
    return f"(?:{'|'.join(forms)})"


def _base64_forms(data: bytes) -> Iterator[str]:
    """Base64 of whatever holds the secret: three offsets, without the letters of neighbours."""
    for offset in range(3):
        letters = base64.b64encode(bytes(offset) + data).decode("ascii").rstrip("=")
        whole = letters[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        if len(whole) >= _LEAST_BASE64:
            yield whole
