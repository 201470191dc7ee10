"""Noun phrases of a paper, as a person would name its topics.

A phrase is a run of one to three words between stop words, verbs and punctuation. Which of them is
the reason for a paper is decided by `scores.topics`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from digest.ranking.features.phrase_words import ADJECTIVE, BARRIERS, CAPITALIZED, NOUNS, VAGUE
from digest.ranking.features.words import (
    STOP_WORDS,
    WORD_TOKEN,
    columns_of,
    fold,
    pieces_of,
)

#: words of a phrase at most
MAX_WORDS = 3
#: letters from which a word in capitals is hardly an acronym
_LONG_WORD = 6
#: "2x2", "10k", but not "3D"
_ODD_NUMBER = re.compile(r"\d(?!d\b|d-)")
_SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+|[“\"(]\s*)$")
#: behind and before a word of a name that is spelled out: "Sparse Autoencoders (SAEs)"
_ACRONYM_BEHIND = re.compile(r"[\w -]{0,60}\([A-Z][\w-]*[A-Z]s?\)")
_ACRONYM_BEFORE = re.compile(r"[A-Z]{2,}s? \([\w -]*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class NounPhrase:
    """A phrase that stands in a paper."""

    #: as the paper writes it in running text
    text: str
    #: feature columns of its words, and of the pairs of neighbours among them
    words: tuple[int, ...]
    pairs: tuple[int, ...]
    #: number of words as they are written: a compound counts as one
    length: int
    #: how often it stands in the paper, in singular or plural
    count: int
    in_title: bool
    #: no neighbour always stands beside it: "cloud segmentation" of point clouds is cut
    complete: bool


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int
    #: hashes of its pieces
    codes: tuple[int, ...]
    #: the same in singular and plural
    key: str


@lru_cache(maxsize=1 << 12)
def noun_phrases(title: str, abstract: str) -> tuple[NounPhrase, ...]:
    """Return the noun phrases of a paper, those of its title first, each once."""
    spelling = _Spelling(title, abstract)
    own_name = _own_name(title)
    occurrences: dict[tuple[str, ...], list[tuple[list[_Token], bool]]] = defaultdict(list)
    neighbours = _Neighbours()
    for text, in_title in ((title, True), (abstract, False)):
        for run in _runs(text, own_name):
            neighbours.add(run)
            for start in range(len(run)):
                for end in range(start + 1, min(start + MAX_WORDS, len(run)) + 1):
                    tokens = run[start:end]
                    occurrences[tuple(token.key for token in tokens)].append((tokens, in_title))
    phrases = [
        (tokens, len(found), in_title)
        for found in occurrences.values()
        for tokens, in_title in found[:1]
        if _is_noun_phrase(tokens)
    ]
    codes = [[code for token in tokens for code in token.codes] for tokens, _, _ in phrases]
    return tuple(
        NounPhrase(
            text=spelling.write(tokens),
            words=words,
            pairs=pairs,
            length=len(tokens),
            count=count,
            in_title=in_title,
            complete=not neighbours.cuts(tokens),
        )
        for (tokens, count, in_title), (words, pairs) in zip(
            phrases, columns_of(codes), strict=True
        )
    )


def _own_name(title: str) -> str:
    """Return what the paper calls its method, from a title such as "BeeCam: ..."; "" = nothing."""
    name, colon, _ = title.partition(":")
    return "" if not colon or " " in name or name[1:].islower() else fold(name).lower()


class _Neighbours:
    """Which words stand before and behind each word of a paper; None = the end of a run."""

    def __init__(self) -> None:
        self._before: dict[str, set[str | None]] = defaultdict(set)
        self._behind: dict[str, set[str | None]] = defaultdict(set)

    def add(self, run: list[_Token]) -> None:
        keys = [None, *(token.key for token in run), None]
        for before, token, behind in zip(keys, run, keys[2:], strict=False):
            self._before[token.key].add(before)
            self._behind[token.key].add(behind)

    def cuts(self, tokens: list[_Token]) -> bool:
        """Tell whether the same word always stands before the first token, or behind the last."""
        before, behind = self._before[tokens[0].key], self._behind[tokens[-1].key]
        return any(len(keys) == 1 and None not in keys for keys in (before, behind))


def _runs(text: str, own_name: str) -> Iterator[list[_Token]]:
    """Yield the longest runs of words that can be part of a phrase."""
    run: list[_Token] = []
    for match in WORD_TOKEN.finditer(text):
        lowered = fold(match[0]).lower()
        codes = tuple(code for _, code in pieces_of(lowered))
        between = text[run[-1].end : match.start()] if run else " "
        if run and between != " ":
            yield run
            run = []
        if codes and lowered != own_name and not _is_barrier(lowered):
            key = lowered.removesuffix("s")
            run.append(_Token(match[0], match.start(), match.end(), codes, key))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _is_barrier(word: str) -> bool:
    """Tell whether a word is never a part of a phrase: stop words, verbs, adverbs."""
    return (
        word in STOP_WORDS
        or word in BARRIERS
        or (word.endswith("ly") and word not in NOUNS)
        or (word.endswith(("ize", "izes", "izing")) and len(word) >= _LONG_WORD)
    )


def _is_noun_phrase(tokens: list[_Token]) -> bool:
    """Tell whether words can be a topic: they end with a noun, and say something."""
    words = [token.text.lower() for token in tokens]
    last = words[-1]
    if any(_ODD_NUMBER.match(word) for word in words) or all(word in VAGUE for word in words):
        return False
    if last.endswith("ing") and len(words) == 1:
        return True
    return last.removesuffix("s") in NOUNS or not ADJECTIVE.match(last)


# ----------------------------------------------------------------------------------------------
# capitals


class _Spelling:
    """How a paper writes its words in running text."""

    def __init__(self, title: str, abstract: str) -> None:
        self._lower: set[str] = set()
        self._capital: set[str] = set()
        for text in (abstract, title if _is_sentence_case(title) else ""):
            for match in WORD_TOKEN.finditer(text):
                word = match[0]
                if word[:1].islower():
                    self._lower.add(word)
                elif word not in self._capital and _is_in_running_text(text, match):
                    self._capital.add(word)

    def write(self, tokens: list[_Token]) -> str:
        """Write words as in running text: "Autoencoders" as "autoencoders", "LLM" as it is."""
        words: list[str] = []
        for token in tokens:
            word = self._write_word(token.text)
            # No name begins in the middle: "agent Skill".
            is_name = word in CAPITALIZED or not words or not words[-1].islower()
            words.append(word if is_name or not _is_plain(word) else word.lower())
        return " ".join(words)

    def _write_word(self, word: str) -> str:
        plain = word.lower()
        if word.isupper() and len(word) >= _LONG_WORD and plain in self._lower:
            # A title in capitals throughout.
            return plain
        if word in CAPITALIZED or not _is_plain(word):
            return word
        if plain in self._lower:
            return plain
        return word if word in self._capital else plain


def _is_plain(word: str) -> bool:
    """Tell whether a word, or each piece of a compound, is lower case but for its first letter."""
    return all(piece[1:].islower() or len(piece) <= 1 for piece in word.split("-"))


def _is_in_running_text(text: str, word: re.Match[str]) -> bool:
    """Tell whether a word begins no sentence, and is spelled out for no acronym."""
    before = text[max(word.start() - 40, 0) : word.start()]
    found = (
        _SENTENCE_START.search(before),
        _ACRONYM_BEFORE.search(before),
        _ACRONYM_BEHIND.match(text, word.end()),
    )
    return not any(found)


def _is_sentence_case(title: str) -> bool:
    """Tell whether a title writes most words in lower case."""
    words: list[str] = [word for word in WORD_TOKEN.findall(title) if len(word) > 3]
    return 2 * sum(map(str.islower, words)) > len(words)
