"""Keep secrets out of logs, reports, stored errors and mails.

Two rules apply. Registered values are hidden everywhere, also quoted for a URL, JSON or HTML, in
hexadecimal, or in Base64 at any offset, as in a login. And some places always hold a secret: the
password of a URL, a query value called key or token, a private key in PEM, the token of a link.
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

#: replacement of a secret, the same as in pydantic
COVER: Final = "**********"
#: shortest secret in characters; shorter ones occur in too many other words
LENGTH_MIN: Final = 4
#: number of registered secrets by type; the oldest are dropped first
_COUNT_MAX: Final = {str: 128, bytes: 16}
#: shortest Base64 form that depends on the secret alone; shorter ones would match by chance
_BASE64_MIN: Final = 5

_known: dict[str | bytes, None] = {}

#: names of query values that are secrets: api_key, apikey, access_token, X-Amz-Signature, sig ...
_NAME = (
    r"(?:[\w.-]*[-_.]|api|app|access|auth|client|private|subscription|session)?"
    r"(?:key|token|secret|password|passwd|passphrase|pwd|pass|auth|authorization"
    r"|signature|sig|credentials?)"
)
#: (text that must occur, pattern to apply then)
_PATTERNS: Final = tuple(
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
        # keys of the API, by the prefix that they have for this
        ("digest_", r"digest_(?:key|reader)_[0-9A-Za-z]{20,}", 0),
        ("uthorization", r"(?P<before>\b[Aa]uthorization: *(?:\w+ +)?)[^\s\"',]+", 0),
    )
)
#: 55 letters of Base32: the token of a link, also after a percent-encoded space
_TOKEN: Final = re.compile(
    r"(?:(?<=%[0-9a-fA-F]{2})|(?<![A-Za-z0-9]))[A-Za-z2-7]{55}(?![A-Za-z0-9])"
)
_SECRET_NAME: Final = re.compile(_NAME, re.I)
#: an address, also one in a URL; its name may be quoted
_ADDRESS: Final = re.compile(
    r"(?P<local>\"[^\"\n]{1,64}\"|[\w.!#$&'*+=?^`{|}~%-][\w.!#$&'*+/=?^`{|}~%-]{0,255}?)"
    r"(?:@|%40)"
    r"(?P<domain>\[[0-9a-fA-F.:IPv]+\]|\w[\w-]{0,62}(?:\.\w[\w-]{0,62})*)"
)
_QUOTE: Final = '"'
#: what is before the @ in a Message-ID of ours: kind, date, reader, install
_MESSAGE_ID: Final = re.compile(r"[a-z]+\.[\w.]*s\d+(?:\.[0-9a-z]+)?")
#: a query value that looks random: at least twenty letters and digits
_RANDOM: Final = re.compile(r"(?=.*[0-9].*[A-Za-z].*[0-9])[A-Za-z0-9_-]{20,}")


def register_secrets(*secrets: str | bytes) -> None:
    """Redact these values from now on; values under four characters are ignored."""
    for secret in secrets:
        if len(secret) >= LENGTH_MIN:
            _known.pop(secret, None)
            _known[secret] = None
    for kind, most in _COUNT_MAX.items():
        of_kind = [secret for secret in _known if isinstance(secret, kind)]
        for secret in of_kind[:-most]:
            del _known[secret]


def forget_secrets(*secrets: str | bytes) -> None:
    """Stop redacting values that are no secrets any more, and make room for others."""
    for secret in secrets:
        _known.pop(secret, None)


def redact(text: str) -> str:
    """Replace every secret in a text."""
    for secret in sorted(_known, key=len, reverse=True):
        markers, pattern = _spellings(secret)
        if any(marker in text for marker in markers):
            text = pattern.sub(COVER, text)
    for marker, pattern in _PATTERNS:
        if marker in text:
            text = pattern.sub(_keep_prefix, text)
    return _TOKEN.sub(COVER, text) if len(text) >= 55 else text


def redact_json(value: Any) -> Any:
    """Redact every text in a JSON value; keys stay, since programs rely on them."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redact_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(item) for item in value]
    return value


def find_secrets_in_url(url: str) -> Iterator[str]:
    """Yield the secrets in a URL.

    These are its password, and query values whose name or form is that of a secret.
    """
    try:
        parts = urlsplit(url)
        # databases allow a slash or a second @ in a password
        is_http = parts.scheme in ("http", "https")
        login = (
            parts.netloc.rpartition("@")[0]
            if is_http
            else url.partition("://")[2].rpartition("@")[0]
        )
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return
    user, _, password = login.partition(":")
    for secret in filter(None, (password or (user if is_http else ""),)):
        yield from {secret, unquote(secret)}
    for name, value in query:
        if _SECRET_NAME.fullmatch(name) or _RANDOM.fullmatch(value):
            yield value


def mask_address(email: str) -> str:
    """Mask an address so that its owner recognises it and nobody else can write to it."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"


def mask_addresses(text: str) -> str:
    """Mask every e-mail address in a text; our own Message-IDs stay, since they name nobody."""
    if "@" not in text and "%40" not in text:
        return text
    return _ADDRESS.sub(_mask_match, text)


def _mask_match(match: re.Match[str]) -> str:
    local, domain = match["local"], match["domain"]
    if _MESSAGE_ID.fullmatch(local):
        return match[0]
    return mask_address(f"{local.strip(_QUOTE)}@{domain}")


def _keep_prefix(match: re.Match[str]) -> str:
    """Return the replacement for a match of a pattern."""
    return f"{match.groupdict().get('before') or ''}{COVER}"


@lru_cache(maxsize=256)
def _spellings(secret: str | bytes) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Return texts for a quick test, and a pattern of all spellings.

    Every spelling contains one of the texts.
    """
    data = secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogatepass")
    plain = repr(secret)[2:-1] if isinstance(secret, bytes) else secret
    forms = (
        [re.escape(plain)]
        if isinstance(secret, bytes)
        else ["".join(map(_character_pattern, plain))]
    )
    packed = [data.hex(), data.hex().upper(), *_base64_forms(data)]
    forms += packed[:2]
    # the two alphabets of Base64 differ in two letters
    forms += [re.sub("[+/]", "[+/_-]", form) + r"[A-Za-z0-9+/_-]*={0,2}" for form in packed[2:]]
    return tuple(_longest_run(form) for form in (plain, *packed)), re.compile("|".join(forms))


def _longest_run(text: str) -> str:
    """Return the longest run of letters and digits, which no spelling changes; or ""."""
    return max(re.findall("[A-Za-z0-9]+", text), key=len, default="")


def _character_pattern(char: str) -> str:
    """Return a pattern of a character, plain or escaped.

    It covers URL, JSON, Python, HTML and IMAP.
    """
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
    """Yield Base64 forms at three offsets, without letters that depend on other bytes."""
    for offset in range(3):
        letters = base64.b64encode(bytes(offset) + data).decode("ascii").rstrip("=")
        whole = letters[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        if len(whole) >= _BASE64_MIN:
            yield whole
