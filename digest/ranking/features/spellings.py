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

import numpy as np
from numpy.typing import NDArray

from digest.ranking.features.inflections import ing_forms, number_forms
from digest.ranking.features.words import (
    STOP_WORDS,
    columns_of,
    drop_possessives,
    fold,
    pieces_of,
)

#: endings that a trailing "*" stands for; rows are hashed, so a word is found by its whole spelling
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
    alternatives: tuple[NDArray[np.int32], ...]
    #: each way to write it, in lower case, between blanks
    variants: tuple[str, ...]
    #: finds it in capitals; None where case does not count
    cased: re.Pattern[str] | None

    def occurs_in(self, title: str, abstract: str) -> bool:
        text = _lower_units(title, abstract)
        # Three times as fast as any().
        for variant in self.variants:
            if variant in text:
                break
        else:
            return False
        return self.cased is None or any(
            _has_no_case(part) or self.cased.search(separate_units(part)) is not None
            for part in (title, abstract)
            if any(variant in _lower_units(part, "") for variant in self.variants)
        )


@lru_cache(maxsize=1 << 13)
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
    variants = list(dict.fromkeys(v for words in spelled for v in _vary_compounds(words)))
    columns_by_variant = {
        variant: columns
        for variant, columns in zip(variants, _required_columns(variants), strict=True)
        if len(columns)
    }
    # Lone digits and letters have no columns of their own: every paper has to be read.
    is_lone = all(len(word) == 1 or word.isdigit() for word in words) and len(stem.split()) > 1
    return WordSpelling(
        text=" ".join(words) + ("*" if text.endswith("*") else "") + " (capitals)" * is_acronym,
        alternatives=() if is_lone else tuple(columns_by_variant.values()),
        variants=tuple(f" {' '.join(variant)} " for variant in columns_by_variant),
        cased=re.compile(rf"(?<= )(?=\w[a-z]*[A-Z])(?i:{words[0]})s?(?= )") if is_acronym else None,
    )


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
        for cut in range(1, len(word)):
            if _is_compound(word[:cut], word[cut:]):
                yield (*words[:place], word[:cut], word[cut:], *words[place + 1 :])


def _is_compound(left: str, right: str) -> bool:
    if left[-1].isdigit() != right[0].isdigit():
        return True
    return (
        len(left) > 1
        and len(right) > 1
        and len(left) + len(right) >= _COMPOUND
        and (left + right).isalpha()
        and (left not in STOP_WORDS or left in _PARTICLES)
        and right not in STOP_WORDS
    )


def _required_columns(variants: Sequence[Sequence[str]]) -> Iterator[NDArray[np.int32]]:
    """Yield for each variant the columns of a paper that holds its words.

    Lone letters and digits stand in pairs only where a hyphen binds them, so the pairs of a keyword
    with such a word are not required; "3-D" has nothing else.
    """
    # A hyphen makes a piece of each, as in the compound that a lone letter belongs to.
    code_lists = [
        [code for word in variant if word.isalnum() for _, code in pieces_of(f"{word}-")]
        for variant in variants
    ]
    words, pairs = columns_of([code for codes in code_lists for code in codes])
    end = 0
    for codes in code_lists:
        start, end = end, end + len(codes)
        singles = [column for column in words[start:end] if column >= 0]
        own_pairs = pairs[start : max(end - 1, start)]
        needs_singles = not own_pairs or (singles and len(singles) < len(codes))
        columns = set(singles if needs_singles else own_pairs)
        yield np.array(sorted(columns), dtype=np.int32)


def _has_no_case(text: str) -> bool:
    return text.islower() or text.isupper()


@lru_cache(maxsize=1 << 13)
def _lower_units(title: str, abstract: str) -> str:
    return f"{separate_units(title)}\n{separate_units(abstract)}".lower()


@lru_cache(maxsize=1 << 13)
def separate_units(text: str) -> str:
    """Return the words of a text and the signs that end a thought, each between blanks."""
    folded = fold(text)
    if "\\" in folded or "$" in folded or "{" in folded:
        folded = _TEX_SIGN.sub("", _TEX_COMMAND.sub(" ", folded))
    return f" {' '.join(_UNIT.findall(drop_possessives(folded)))} "
