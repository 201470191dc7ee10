"""Parts of TeX that need no parser.

Brace pairs, options, scripts, accents and symbols.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from pylatexenc.latex2text import get_default_latex_context_db

from digest.papers import tex_names as names

_BRACE: Final = re.compile(r"\\.|\{|\}", re.DOTALL)
_DECIMAL: Final = re.compile(r"[0-9]+\.[0-9]+")
#: combining characters that are only right over a single letter
_SINGLE_LETTER_ACCENTS: Final = ("\u0302", "\u0303", "\u0304", "\u20d7")


def pair_braces(text: str) -> dict[int, int]:
    """Map the position of each opening brace to that of its closing brace, if any."""
    pairs: dict[int, int] = {}
    open_positions: list[int] = []
    for token in _BRACE.finditer(text):
        if token[0] == "{":
            open_positions.append(token.start())
        elif token[0] == "}" and open_positions:
            pairs[open_positions.pop()] = token.start()
    return pairs


def skip_options(text: str, position: int) -> int:
    """Find the position after at most two options in brackets.

    An example is `\\cite[p. 3]{key}`.
    """
    for _ in range(2):
        if text[position : position + 1] != "[":
            break
        end = text.find("]", position, position + 200)
        if end < 0:
            break
        position = end + 1
    return position


def to_super_or_subscript(sign: str, text: str) -> str:
    """Convert to superscript or subscript characters if all exist.

    Otherwise write `^x` or `^(x+y)`.

    A decimal in a subscript stays on the line, as in PM2.5.
    """
    table = names.SUPERSCRIPTS if sign == "^" else names.SUBSCRIPTS
    text = text.strip()
    if sign == "_" and _DECIMAL.fullmatch(text):
        return text
    if all(character in table for character in text):
        return "".join(table[character] for character in text)
    return f"{sign}{text}" if len(text) == 1 else f"{sign}({text})"


def add_accent(text: str, accent: str) -> str:
    """Put a combining character on the first letter."""
    plain = {"ı": "i", "ȷ": "j"}.get(text[:1], text[:1])
    if not plain or (len(text) > 1 and accent in _SINGLE_LETTER_ACCENTS):
        return text
    return unicodedata.normalize("NFC", plain + accent) + text[1:]


def bracket_operand(text: str) -> str:
    """Put an operand into brackets unless it is one character, a word or a number."""
    return text if len(text) == 1 or text.isalnum() else f"({text})"


@lru_cache(maxsize=4096)
def find_symbol(name: str) -> str | None:
    """Find the symbol of a macro without arguments; None if there is none."""
    if name in names.SYMBOLS:
        return names.SYMBOLS[name]
    spec = _symbol_table().get_macro_spec(name)
    text = getattr(spec, "simplify_repl", None)
    return text if isinstance(text, str) and text and "%" not in text else None


@lru_cache(maxsize=1)
def _symbol_table():  # type: ignore[no-untyped-def]
    return get_default_latex_context_db()
