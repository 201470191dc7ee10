"""How a keyword may be written in a paper, and whether it is.

Blanks, hyphens and nothing are one between two words ("red teaming", "red-teaming", "redteaming"),
and between a letter and a digit ("3D", "3-D"). Accents, case, quotes and TeX do not count, but for
short words in capitals: "RAG" is not "rag", while "rag" is both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from digest.ranking.features.inflections import ing_forms, number_forms
from digest.ranking.features.words import STOP_WORDS, drop_possessives, fold

#: endings that a trailing "*" stands for; words are found by their whole spelling
ENDINGS = (
    "",
    "s",
    "es",
    "e",
    "ed",
    "ing",
    "er",
    "ers",
    "or",
    "ors",
    "ion",
    "ions",
    "al",
    "able",
    "ly",
)
#: words, signs that end a thought, and Chinese and Japanese characters, which are words each
_UNIT = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_]+|[.,;:!?]")
_SIGNS = frozenset(".,;:!?")
_TEX_COMMAND = re.compile(r"\\[A-Za-z]+")
_TEX_SIGN = re.compile(r"[\\${}]|(?<=\$)[_^]|[_^](?=\{)")
_ARTICLE = re.compile(r"^(?:the|an?)\s+(?=\S)", re.IGNORECASE)
#: a short word in capitals, whose small letters may be another word: RAG, CLIP, AIDS
_ACRONYM = re.compile(r"[A-Z]{2,4}")
#: letters from which a word may be a compound: "multiagent"
_COMPOUND = 6
#: particles that compounds begin with, although they have no topic alone: "re-ranking"
_PARTICLES = frozenset(["over", "re", "under"])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WordSpelling:
    """A keyword that is found by its words, a `rows.Spelling`."""

    text: str
    variants: tuple[str, ...]
    #: finds it in capitals; None where case does not count
    cased: re.Pattern[str] | None

    @property
    def is_exact(self) -> bool:
        return self.cased is None

    def occurs_in(self, title: str, abstract: str) -> bool:
        text = lower_units(title, abstract)
        # Three times as fast as any().
        for variant in self.variants:
            if variant in text:
                break
        else:
            return False
        return self.cased is None or any(
            _has_no_case(part) or self.cased.search(separate_units(part)) is not None
            for part in (title, abstract)
            if any(variant in lower_units(part, "") for variant in self.variants)
        )


@lru_cache(maxsize=1 << 16)
def spell(text: str) -> WordSpelling:
    """Return how a keyword may be written.

    Args:
        text: as the reader typed it, without sign; a "*" at its end stands for `ENDINGS`.
    """
    stem = _ARTICLE.sub("", text.rstrip("* "), count=1)
    words = separate_units(stem).lower().split()
    is_acronym = _ACRONYM.fullmatch(stem) is not None and not text.endswith("*")
    spelled = [tuple(words)]
    if not words:
        spelled = []
    elif text.endswith("*"):
        spelled = [(*words[:-1], words[-1] + ending) for ending in ENDINGS]
    elif is_acronym:
        spelled.append((words[0] + "s",))
    else:
        spelled += [(*words[:-1], last) for last in _last_words(words)]
    variants = dict.fromkeys(v for words in spelled for v in _vary_compounds(words))
    return WordSpelling(
        text=" ".join(words) + ("*" if text.endswith("*") else "") + " (capitals)" * is_acronym,
        variants=tuple(
            [f" {' '.join(variant)} " for variant in variants if any(map(_counts, variant))]
        ),
        cased=re.compile(rf"(?<= )(?=\w[a-z]*[A-Z])(?i:{words[0]})s?(?= )") if is_acronym else None,
    )


def _counts(word: str) -> bool:
    return word.isalnum() and word not in STOP_WORDS


def _last_words(words: Sequence[str]) -> tuple[str, ...]:
    """Return the other forms that the last word of a keyword may have."""
    if not words[-1].isascii() or not words[-1].isalpha() or len(words[-1]) < 2:
        return ()
    in_phrase = len(words) > 1
    return tuple(
        dict.fromkeys((*number_forms(words[-1]), *ing_forms(words[-1], in_phrase=in_phrase)))
    )


def _vary_compounds(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words, then with two of them joined, then with one of them split."""
    yield words
    for place, (left, right) in enumerate(pairwise(words)):
        if left not in _SIGNS and right not in _SIGNS:
            yield (*words[:place], left + right, *words[place + 2 :])
    for place, word in enumerate(words):
        for left, right in _split_compound(word):
            yield (*words[:place], left, right, *words[place + 1 :])


@lru_cache(maxsize=1 << 14)
def _split_compound(word: str) -> tuple[tuple[str, str], ...]:
    """Return the two parts of each way to split a word that may be a compound."""
    parts = [(word[:cut], word[cut:]) for cut in range(1, len(word))]
    if not word.isalpha():
        return tuple([(a, b) for a, b in parts if a[-1].isdigit() != b[0].isdigit()])
    if len(word) < _COMPOUND:
        return ()
    return tuple(
        [
            (left, right)
            for left, right in parts[1:-1]
            if (left not in STOP_WORDS or left in _PARTICLES) and right not in STOP_WORDS
        ]
    )


def _has_no_case(text: str) -> bool:
    return text.islower() or text.isupper()


@lru_cache(maxsize=1 << 13)
def lower_units(title: str, abstract: str) -> str:
    """Return the words and signs of a paper, as `separate_units`, in small letters."""
    return f"{separate_units(title)}\n{separate_units(abstract)}".lower()


@lru_cache(maxsize=1 << 13)
def separate_units(text: str) -> str:
    """Return the words of a text and the signs that end a thought, each between blanks."""
    folded = fold(text)
    if "\\" in folded or "$" in folded or "{" in folded:
        folded = _TEX_SIGN.sub("", _TEX_COMMAND.sub(" ", folded))
    return f" {' '.join(_UNIT.findall(drop_possessives(folded)))} "
