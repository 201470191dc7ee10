"""Whether two spellings of an address are one reader."""

from __future__ import annotations

import unicodedata

import idna


def address_key(email: str) -> str:
    """The spelling that all spellings of one address share: lower case, NFC, the domain in
    A-labels.

    Never casefold: it makes one of letters that differ in more than case (ß and ss, ligatures).
    A Σ is σ or ς in lower case, depending on what follows it, so both count as σ.
    """
    local, at, domain = email.rpartition("@")
    lowered = unicodedata.normalize("NFC", local).lower().replace("ς", "σ")
    return f"{unicodedata.normalize('NFC', lowered)}{at}{_domain_key(domain)}"


def _domain_key(domain: str) -> str:
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            domain = unicodedata.normalize("NFC", domain)
    return domain.lower()
