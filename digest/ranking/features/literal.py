"""Keywords that are matched as written, since their words do not identify them.

Such as "R", "C++", ".NET" and "vitamin D".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from digest.locales import gettext
from digest.ranking.features.words import STOP_WORDS, drop_possessives, fold, pieces

_TOKEN = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")
_TOKEN_PART = re.compile(r"[^\W_]+")
#: signs at the edge of a word or within it that make it another one
_SIGN = re.compile(r"\w[+#]+(?!\w)|(?<!\w)[.#@]\w|\w[.&/]\w")
#: not beside a lone letter, which would be part of: "R-squared", "$R$", "R&D", "R(x)", "R.x"
_BEFORE_LETTER, _AFTER_LETTER = r"(?<![\w.\-'’&@$\\^+#])", r"(?![\w+#\-'’&^$=(\[{*]|\.\w)"
#: hyphens and dashes that fold to nothing plain, and minus
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2212], "-")


def needs_literal_match(text: str) -> bool:
    """Return whether a keyword has a sign or a lone letter, which features drop."""
    folded = drop_possessives(_fold_dashes(text))
    tokens = [token for token in _TOKEN.findall(folded) if not token.isdigit()]
    if not tokens:
        return False
    if _SIGN.search(folded) or any(map(_is_lone, tokens)):
        return True
    return not pieces(text).strip() and any(map(_is_content, tokens))


def _is_lone(word: str) -> bool:
    """Return whether it is a single letter and no article; CJK signs are words."""
    return len(word) == 1 and word.isalpha() and word < "\u3040" and word not in "ai"


def _is_content(word: str) -> bool:
    return word.lower() not in STOP_WORDS and word not in "ai"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LiteralSpelling:
    """A keyword matched as written, a `rows.Spelling` that papers have to be read for."""

    text: str
    pattern: re.Pattern[str]
    #: small letters of which one stands in every text that the pattern finds
    hints: tuple[str, ...]
    variants: None = None
    is_exact: bool = False

    def occurs_in(self, title: str, abstract: str) -> bool:
        return any(map(self._occurs_in, (title, abstract)))

    def _occurs_in(self, text: str) -> bool:
        folded, lowered = _fold_and_lower(text)
        # Most texts hold none, which is told twenty times as fast.
        return (
            any(hint in lowered for hint in self.hints) and self.pattern.search(folded) is not None
        )


@lru_cache(maxsize=1 << 10)
def literal_spelling(text: str, spellings: Sequence[str]) -> LiteralSpelling:
    """Combine all spellings in one pattern; a last word with signs has no plural."""
    if not spellings[0].split()[-1].isalpha():
        spellings = spellings[:1]
    folded = [_fold_dashes(spelling) for spelling in spellings]
    return LiteralSpelling(
        text=f"written: {text}",
        pattern=re.compile("|".join(map(_spelling_pattern, folded)), re.IGNORECASE),
        hints=tuple(max(_TOKEN_PART.findall(one), key=len).lower() for one in folded),
    )


@lru_cache(maxsize=1 << 13)
def _fold_and_lower(text: str) -> tuple[str, str]:
    """Return a text with plain letters and dashes, and the same in small letters.

    Many keywords are looked for in the same papers.
    """
    folded = _fold_dashes(text)
    return folded, folded.lower()


def _fold_dashes(text: str) -> str:
    folded = fold(text)
    return folded if folded.isascii() else folded.translate(_DASHES)


def _spelling_pattern(text: str) -> str:
    words = text.split()
    before = (
        _BEFORE_LETTER
        if _is_letter(words[0])
        else r"(?<![\w.])"
        if words[0][0] == "."
        else r"(?<!\w)"
    )
    # "C++17" holds C++, but "C++" does not hold C.
    after = r"(?![^\W\d]|[+#])" if words[-1][-1] in "+#" else r"(?![\w+#])"
    if _is_letter(words[-1]):
        after = _AFTER_LETTER
    return before + r"[\s-]+".join(_word_pattern(word) for word in words) + after


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


def _word_pattern(word: str) -> str:
    """Return a pattern; only a lone capital is case-sensitive (R, but not r)."""
    if _is_letter(word) and word.isupper():
        return f"(?-i:{re.escape(word)})"
    return (
        r"[\s-]?".join(map(re.escape, word.split("-")))
        if "-" in word.strip("-")
        else re.escape(word)
    )


def keyword_problem(keyword: str) -> str:
    """Return why no paper can match a keyword, and a remedy; "" where papers can."""
    text = " ".join(keyword.strip().removeprefix("-").removeprefix("+").split())
    tokens = _TOKEN.findall(fold(text))
    if not tokens:
        return gettext(
            "holds no letter; write a word, such as robot, -robot (never listed) or +robot "
            "(always listed)"
        )
    if needs_literal_match(text) or pieces(text.rstrip("* ")).strip():
        return ""
    if all(token.isdigit() for token in tokens):
        return gettext(
            'is a bare number; write it with what it counts, such as "COVID-%(number)s" or '
            '"type %(number)s diabetes"',
            number=tokens[0],
        )
    return gettext(
        "is in nearly every paper; write it with the word that it belongs to, such as "
        '"%(word)s security"',
        word=text,
    )
