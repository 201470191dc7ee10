"""Split a text into sentences.

Libraries for this cut after "et al." and within formulas: see decisions/excerpts.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

#: the end of a sentence, if `_is_end` agrees; Chinese and Japanese put no blank behind it
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？][”’」』）]*")
#: a blank forgotten after a full stop: "by learning.We propose"
_GLUED_END = re.compile(r"(?<=[a-z)\]])\.(?=(?:We|The|This|In|Our|To|However|Here|These) )")
#: no sentence ends within these: formulas, and brackets up to two deep
_PROTECTED = re.compile(
    r"\$\$.+?\$\$|\$(?=\S)[^$]{0,200}?(?<=\S)\$(?!\d)|\\\(.+?\\\)"
    r"|\((?:[^()]|\([^()]{0,200}\)){0,400}\)|\[[^\[\]]{0,200}\]",
    re.DOTALL,
)
_LAST_WORD = re.compile(r"[^\s(\[{\"'“‘/–—-]+$")
_NEXT_WORD = re.compile(r"\s*[\"'“‘(\[]*([^\W_]*)")
#: "J", "U.S", "i.i.d"
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]|(?:[A-Z][a-z]?\.)+[A-Z]")
_ENUMERATION = re.compile(r"[(\[]?(?:\d{1,2}|[ivx]{1,4}|[a-h])[.)\]]*")
_NEVER_LAST = """
    al e.g eg i.e ie vs cf viz resp approx ca esp incl wrt w.r.t a.k.a aka fig figs eq eqs sect
    secs refs thm lem prof dr mr mrs ms mt st nos vols pp trans inf proc conf lett phys appl
"""
#: never the end of a sentence, written without the last dot
_ABBREVIATIONS = frozenset(_NEVER_LAST.split())
_BEFORE_NUMBERS = "no p vol ch chap sec ref art def prop cor ed alg tab ver v nr §"
#: the same in front of a number
_NUMBERED = frozenset(_BEFORE_NUMBERS.split())
_FIRST_WORDS = """
    We Our This These Those The In To However Here It For Moreover Furthermore Additionally While
    Although With By Using Based On Such First Finally When There They
"""
#: words that begin a sentence even after initials: "in the U.S. We ..."
_STARTERS = frozenset(_FIRST_WORDS.split())
#: headings of structured abstracts, which belong to the sentence behind them
HEADINGS = re.compile(
    r"(?:\W*(?:aims?|objectives?|purpose|goals?|context|background|introduction|motivation|methods?"
    r"|methodology|materials?|design|setting|participants|patients|measurements|results?|findings?"
    r"|conclusions?|significance|impact|approach|importance|and|of|the|study|main)\b)+\s*[.:]*",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def split_sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Return start and end of each sentence of a text on one line, without the blanks between.

    A sentence never ends after an abbreviation such as "et al.", after an initial, or within
    brackets and formulas.
    """
    protected = protected_spans(text)
    ends = sorted({match.end() for match in (*_END.finditer(text), *_GLUED_END.finditer(text))})
    spans: list[tuple[int, int]] = []
    start = 0
    for end in ends:
        if not is_within(end, protected) and _is_end(text, start, end):
            spans.append((start, end))
            start = end
            while text[start : start + 1].isspace():
                start += 1
    if start < len(text):
        spans.append((start, len(text)))
    return tuple(spans)


def protected_spans(text: str) -> list[tuple[int, int]]:
    """Return start and end of the formulas and brackets of a text."""
    return [match.span() for match in _PROTECTED.finditer(text)]


def is_within(position: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a position lies inside one of these spans."""
    return any(start < position < end for start, end in spans)


def ends_with_abbreviation(text: str) -> bool:
    """Tell whether a text ends with an abbreviation or an initial, such as "et al."."""
    if not text.endswith("."):
        return False
    word = _last_word(text)
    return word.lower() in _ABBREVIATIONS | _NUMBERED or _INITIALS.fullmatch(word) is not None


def _last_word(text: str) -> str:
    """Return the last word without its full stop."""
    match = _LAST_WORD.search(text[-40:].rstrip("."))
    return match[0] if match else ""


def _is_end(text: str, start: int, end: int) -> bool:
    sentence = text[start:end]
    if sentence[-1] in "。！？”」』）":
        return True
    if _ENUMERATION.fullmatch(sentence) or HEADINGS.fullmatch(sentence):
        return False
    following = _NEXT_WORD.match(text, end)
    next_word = following[1] if following else ""
    sentence = sentence.rstrip("\"'”’»)]")
    if not sentence.endswith("."):
        return not next_word[:1].islower()
    word = _last_word(sentence)
    if word.lower() in _ABBREVIATIONS:
        return False
    if word.lower() in _NUMBERED and next_word[:1].isdigit():
        return False
    if _INITIALS.fullmatch(word):
        return next_word in _STARTERS
    # "approx. the", but also "of features. k-means is": only a plain word ends a sentence then.
    return not next_word[:1].islower() or (len(word) > 4 and word.isalpha())
