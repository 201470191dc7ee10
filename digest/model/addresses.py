"""One key for all spellings of an e-mail address."""

from __future__ import annotations

import unicodedata

import idna


def address_key(email: str) -> str:
    """Return the key of an address: lower case, NFC, the domain in A-labels.

    Not by casefold, which joins letters that differ in more than case (ß and ss, ligatures).
    The lower case of Σ is σ or ς, depending on what follows, so both count as σ.
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
