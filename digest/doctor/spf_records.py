"""The text of an SPF record -> its terms (RFC 7208, section 4.6). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Literal, NamedTuple

Result = Literal["pass", "fail", "softfail", "neutral", "none", "permerror"]

_QUALIFIERS: dict[str, Result] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_MODIFIER = re.compile(r"([a-z][a-z0-9._-]*)=(.*)", re.IGNORECASE)
_MECHANISM = re.compile(
    r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:(:)(.*?))?(?:/(\d{1,3}))?(?://(\d{1,3}))?",
    re.IGNORECASE,
)


class Term(NamedTuple):
    """A mechanism of an SPF record."""

    text: str
    result: Result
    kind: str
    #: domain or network as written, with macros
    value: str
    bits4: int
    bits6: int


class Record(NamedTuple):
    terms: list[Term]
    redirect: str


class PermError(Exception):
    """The records have an error: receivers ignore them, or refuse the mail."""


def find_spf_records(texts: Sequence[str]) -> list[str]:
    """Return the TXT records that are SPF records."""
    return [text for text in texts if text.lower().split(" ", 1)[0] == "v=spf1"]


def parse_record(domain: str, text: str) -> Record:
    """Parse the whole record before it is evaluated.

    An error anywhere makes all of it invalid.

    Raises:
        PermError: the record has an error.
    """
    terms: list[Term] = []
    modifiers: dict[str, str] = {}
    for word in text.split()[1:]:
        if modifier := _MODIFIER.fullmatch(word):
            name = modifier[1].lower()
            if name in ("redirect", "exp"):
                if name in modifiers or not modifier[2]:
                    raise PermError(f"{word!r} in the record of {domain} occurs twice or is empty")
                modifiers[name] = modifier[2]
            continue
        terms.append(_parse_mechanism(domain, word))
    return Record(terms, modifiers.get("redirect", ""))


def _parse_mechanism(domain: str, word: str) -> Term:
    error = PermError(f"{word!r} in the record of {domain} is not a mechanism")
    match = _MECHANISM.fullmatch(word)
    if not match:
        raise error
    kind, has_value, value = match[2].lower(), bool(match[3]), match[4] or ""
    bits4, bits6 = int(match[5] or 32), int(match[6] or 128)
    has_prefix = match[5] is not None or match[6] is not None
    if kind in ("ip4", "ip6"):
        value = word.partition(":")[2]
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            raise error from None
        if network.version != int(kind[2]):
            raise error
    elif (
        bits4 > 32
        or bits6 > 128
        or (has_value and not value)
        or (kind in ("include", "exists") and (not has_value or has_prefix))
        or (kind == "all" and (has_value or has_prefix))
        or (kind == "ptr" and has_prefix)
    ):
        raise error
    return Term(word, _QUALIFIERS[match[1] or "+"], kind, value, bits4, bits6)
