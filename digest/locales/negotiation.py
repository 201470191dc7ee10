"""Which language a browser asks for."""

from __future__ import annotations

import re

from digest.locales.catalogues import ENGLISH, languages

_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?))?\s*"
)
#: ranges that are looked at; browsers send a handful
_MAX_RANGES = 20


def choose_language(accept_language: str, otherwise: str = ENGLISH) -> str:
    """The language that Accept-Language (RFC 9110, 12.5.4) likes best of those there are.

    "de-CH" takes German where there is no Swiss German.

    Args:
        accept_language: the header's value, which may be anything.
        otherwise: the answer if there is none of those it names.
    """
    known = {code.replace("_", "-").casefold(): code for code in languages()}
    best, best_quality = otherwise, 0.0
    for part in accept_language.split(",", _MAX_RANGES)[:_MAX_RANGES]:
        match = _RANGE.fullmatch(part)
        if match is None:
            continue
        quality = min(float(match[2] or 1), 1.0)
        name = match[1].casefold()
        code = known.get(name) or known.get(name.partition("-")[0])
        # the first of equals wins
        if code is not None and quality > best_quality:
            best, best_quality = code, quality
    return best
