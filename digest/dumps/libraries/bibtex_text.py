"""The fields of a BibTeX entry and the meaning of its braces.

This module knows nothing of papers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from digest.dumps.names import is_list_of_people

#: braces as most programs read them, then as BibTeX does, where a backslash escapes nothing
_BRACE_RULES: Final = (re.compile(r'\\.|\{|\}|"', re.DOTALL), re.compile(r'[{}"]'))
_GAP: Final = re.compile(r"(?:[\s,]+|%[^\n]*)*")
_KEY: Final = re.compile(r"\s*([^,={}\"]*?)\s*(?:,|$)")
_NAME: Final = re.compile(r"([^\s\"#%'(),={}]{1,100})\s*=\s*")
_WORD: Final = re.compile(r"[^\s,#{}\"=]+")
_JOIN: Final = re.compile(r"\s*#\s*")
#: characters of a value that are kept, about; macros could make gigabytes of a few lines
_VALUE_CAP: Final = 64 * 1024
_MACRO_CAP: Final = 2000
_MACRO_LIMIT: Final = 5000
#: characters; a longer name has a brace that was never closed
_NAME_CAP: Final = 2000
#: characters; more than the longest known lists of authors
_AUTHORS_CAP: Final = 1024 * 1024

_AND: Final = re.compile(r"\s+and\s+", re.IGNORECASE)
#: braces around a whole field, which hold no more braces than those of accents
_WHOLE_FIELD: Final = re.compile(r"\s*\{((?:[^{}]|\{[^{}]{0,20}\})*+)\}\s*")
_TEX_TOKEN: Final = re.compile(
    r"\\(?:[A-Za-z]+\*?[ \t]*|.)|\$\$?|\{|\}|\^(?=\{)|_(?=\{)", re.DOTALL
)
_DOLLAR: Final = re.compile(r"(?<!\\)\$")
#: a blank at which a line does not end; "\\~" is an accent
_TIE: Final = re.compile(r"(?<!\\)~")
_ACCENTS: Final = frozenset("'\"`^~=.")


# ----------------------------------------------------------------------------------------------
# fields


def parse_fields(
    body: str, macros: dict[str, str], names: frozenset[str], *, key: bool = True
) -> dict[str, str] | str:
    """Parse the values of the requested fields, with macros resolved and parts joined.

    Args:
        body: What the outer brackets hold.
        macros: Name in lower case -> text.
        names: The fields that are returned. Of a repeated field, the first counts.
        key: Whether a citation key comes first.

    Returns:
        name -> value, or a text that says why the body cannot be parsed.
    """
    problem = ""
    for braces in _BRACE_RULES:
        result = _parse_fields(body, macros, names, key, braces)
        if isinstance(result, dict):
            return result
        problem = problem or result
    return problem


def _parse_fields(
    body: str, macros: dict[str, str], names: frozenset[str], key: bool, braces: re.Pattern[str]
) -> dict[str, str] | str:
    position = 0
    if key and (first := _KEY.match(body)) is not None:
        position = first.end()
    values: dict[str, str] = {}
    while True:
        gap = _GAP.match(body, position)
        position = gap.end() if gap else position
        if position >= len(body):
            return values
        field = _NAME.match(body, position)
        if field is None:
            return (
                f"expected a field such as title = {{...}}, got {body[position : position + 40]!a}"
            )
        name = field[1].lower()
        parts: list[str] = []
        size = 0
        position = field.end()
        while True:
            value = _parse_value(body, position, braces)
            if value is None:
                return f"{name[:40]}: the value is not closed, or there is none"
            text, position, is_word = value
            if is_word:
                text = macros.get(text.lower(), text)
                size += len(text)
            if size <= _VALUE_CAP and name in names:
                parts.append(text[:_VALUE_CAP])
            if (joined := _JOIN.match(body, position)) is None:
                break
            position = joined.end()
        if name in names:
            values.setdefault(name, "".join(parts))


def _parse_value(body: str, position: int, braces: re.Pattern[str]) -> tuple[str, int, bool] | None:
    """Parse one part of a value: {...}, "...", a number or the name of a macro.

    Returns:
        Text, position after it, whether it is a bare word; None if it is not closed.
    """
    delimiter = body[position : position + 1]
    if delimiter not in ("{", '"') or not delimiter:
        word = _WORD.match(body, position)
        return (word[0], word.end(), True) if word else None
    end = body.find("}", position)
    if (
        delimiter == "{"
        and end > 0
        and body.find("{", position + 1, end) < 0
        and body.find("\\", position, end) < 0
    ):
        return body[position + 1 : end], end + 1, False
    depth = 0
    for token in braces.finditer(body, position + 1):
        if token[0] == "{":
            depth += 1
        elif token[0] == delimiter == '"' and depth == 0:
            return body[position + 1 : token.start()], token.end(), False
        elif token[0] == "}":
            depth -= 1
            if depth < 0:
                return (
                    (body[position + 1 : token.start()], token.end(), False)
                    if delimiter == "{"
                    else None
                )
    return None


def define_macro(body: str, macros: dict[str, str]) -> None:
    """Add the macro of an `@string`, unless it is damaged or there are too many."""
    match = _NAME.match(body.lstrip())
    name = match[1].lower() if match else ""
    values = parse_fields(body, macros, frozenset((name,)), key=False)
    if name and isinstance(values, dict) and len(macros) < _MACRO_LIMIT:
        macros[name] = values.get(name, "")[:_MACRO_CAP]


# ----------------------------------------------------------------------------------------------
# braces


def strip_braces(text: str) -> str:
    r"""Remove the braces that only protect letters: "{A {GNN}}" -> "A GNN".

    The braces of TeX stay: arguments (\emph{x}, x^{2}), groups that begin with a macro ({\"u}), and
    all braces in formulas.
    """
    if "{" not in text and "}" not in text:
        return text
    if not any(character in text for character in ("\\", "$", "^{", "_{")):
        return text.replace("{", "").replace("}", "")
    has_formulas = len(_DOLLAR.findall(text)) % 2 == 0
    parts: list[str] = []
    kept_braces: list[bool] = []
    in_formula = expects_argument = False
    position = 0
    for token in _TEX_TOKEN.finditer(text):
        if token.start() > position:
            parts.append(text[position : token.start()])
            expects_argument = False
        position, character = token.end(), token[0]
        if character == "{":
            kept_braces.append(
                in_formula or expects_argument or text[position : position + 1] == "\\"
            )
            parts.append(character if kept_braces[-1] else "")
            expects_argument = False
        elif character == "}":
            expects_argument = bool(kept_braces) and kept_braces.pop()
            parts.append(character if expects_argument else "")
        else:
            parts.append(character)
            in_formula = (not in_formula and has_formulas) if character[0] == "$" else in_formula
            expects_argument = character in "^_" or (
                character[0] == "\\" and (character[1].isalpha() or character[1] in _ACCENTS)
            )
    parts.append(text[position:])
    return "".join(parts)


def split_names(text: str) -> Iterator[str]:
    """Split names at "and" outside of braces; "others" is not a name.

    Braces around the whole field make one name, unless it is people who are joined within them:
    "{Doe and Roe Inc.}" -> 1, "{Jane Doe and Kim Roe}" -> 2.
    """
    if (field := _WHOLE_FIELD.fullmatch(text[:_AUTHORS_CAP])) and is_list_of_people(field[1]):
        text = field[1]
    joined, depth = "", 0
    for part in _AND.split(f" {text[:_AUTHORS_CAP]} "):
        joined = f"{joined} and {part}" if depth else part
        depth = max(depth + part.count("{") - part.count("}"), 0)
        if depth and len(joined) < _NAME_CAP:
            continue
        depth = 0
        name = " ".join(_TIE.sub(" ", strip_braces(joined)).split())
        if name and name.lower() not in ("others", "and"):
            yield name
