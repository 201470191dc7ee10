"""Parts of TeX that need no parser.

Brace pairs, options, scripts, accents, symbols, and what is a formula.
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
_TEX_SYNTAX: Final = re.compile(r"[\\^_{]")
_OPERATORS_ONLY: Final = re.compile(r"\s*[-+=<>*/~|≈≤≥×±→←−]+\s*")
_SPACE: Final = re.compile(r"\s")
_PROSE_WORD: Final = re.compile(r"[^\W\d_]{4,}")
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


def is_formula(text: str, following: str) -> bool:
    """Whether the text between two dollars is a formula; else the dollars mean money.

    Args:
        following: the character after the second dollar.
    """
    if not text.strip() or "\n\n" in text:  # "US$ $", or a new paragraph
        return False
    if _OPERATORS_ONLY.fullmatch(text):  # "$ < $"
        return True
    is_amount = text[:1].isdigit() and text[-1:].isspace()
    if _TEX_SYNTAX.search(text) and not is_amount:  # "$x^2$", but not "$5 for a_b or $6"
        return True
    if following.isdigit():  # "$5/$6"
        return False
    if _SPACE.search(text) and len(_PROSE_WORD.findall(text)) > 1:  # "$ for those who have US$"
        return False
    if not (text[:1].isspace() or text[-1:].isspace()):  # "$n$"
        return True
    is_letter = len(text.strip()) == 1 and text.strip().isalpha()
    return is_letter or "=" in text  # "$ n $" and "$ n = 5 $", but not "$5 or $ten"


def convert_code(code: int) -> str:
    """Convert the code of a character; "" if it is none that can be shown."""
    return character if (character := chr(code)).isprintable() else ""


def convert_dingbat(number: str) -> str:
    """Convert a number of the font Zapf Dingbats: 51 -> ✓, 182 -> ❶."""
    code = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
    if 172 <= code <= 181:
        return chr(0x2460 + code - 172)
    if 33 <= code <= 126:
        return chr(0x2700 + code - 32)
    return chr(0x2700 + code - 64) if 161 <= code <= 254 else ""


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
