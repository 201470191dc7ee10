"""Noun phrases of a paper, as a person would name its topics.

A phrase is a run of one to three words between stop words, verbs and punctuation. Which of them is
the reason for a paper is decided by `scores.topics`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import NamedTuple

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


@dataclass(frozen=True, kw_only=True)
class NounPhrase:
    """A phrase that stands in a paper."""

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
    _tokens: Sequence[_Token] = field(repr=False)
    _spelling: _Spelling = field(repr=False)

    @cached_property
    def text(self) -> str:
        """The phrase as the paper writes it in running text."""
        return self._spelling.write([token.text for token in self._tokens])


class _Token(NamedTuple):
    """A word that can be part of a phrase."""

    text: str
    #: hashes of its pieces
    codes: tuple[int, ...]
    #: the same in singular and plural
    key: str
    #: says nothing alone
    is_vague: bool
    #: begins with a number, so that no phrase has it
    is_odd: bool
    #: can be the last word of a phrase, and can be a phrase alone
    can_end: bool
    can_stand_alone: bool


@lru_cache(maxsize=1 << 12)
def noun_phrases(title: str, abstract: str) -> tuple[NounPhrase, ...]:
    """Return the noun phrases of a paper, those of its title first, each once."""
    spelling = _Spelling(title, abstract)
    own_name = _own_name(title)
    neighbours = _Neighbours()
    #: (the run's number, first word, end) where each phrase stands first, and how often it stands
    firsts: dict[tuple[str, ...], tuple[int, int, int]] = {}
    counts: Counter[tuple[str, ...]] = Counter()
    runs = list(_runs(title, own_name))
    title_runs = len(runs)
    runs += _runs(abstract, own_name)
    for number, run in enumerate(runs):
        keys = tuple([token.key for token in run])
        neighbours.add(keys)
        for start in range(len(run)):
            for end in range(start + 1, min(start + MAX_WORDS, len(run)) + 1):
                phrase_keys = keys[start:end]
                counts[phrase_keys] += 1
                if phrase_keys not in firsts:
                    firsts[phrase_keys] = number, start, end
    words, pairs = columns_of([code for run in runs for token in run for code in token.codes])
    # Where the codes of each word of each run begin among all.
    sizes = (len(token.codes) for run in runs for token in run)
    begins = list(accumulate(sizes, initial=0))
    run_begins = list(accumulate(map(len, runs), initial=0))
    phrases = []
    for phrase_keys, (number, start, end) in firsts.items():
        tokens = runs[number][start:end]
        if _is_noun_phrase(tokens):
            first = begins[run_begins[number] + start]
            last = begins[run_begins[number] + end]
            phrases.append(
                NounPhrase(
                    words=tuple([column for column in words[first:last] if column >= 0]),
                    pairs=tuple(pairs[first : last - 1]),
                    length=len(tokens),
                    count=counts[phrase_keys],
                    in_title=number < title_runs,
                    complete=not neighbours.cuts(phrase_keys),
                    _tokens=tokens,
                    _spelling=spelling,
                )
            )
    return tuple(phrases)


def _own_name(title: str) -> str:
    """Return what the paper calls its method, from a title such as "BeeCam: ..."; "" = nothing."""
    name, colon, _ = title.partition(":")
    return "" if not colon or " " in name or name[1:].islower() else fold(name).lower()


class _Neighbours:
    """Which words stand before and behind each word of a paper; None = the end of a run."""

    def __init__(self) -> None:
        self._before: dict[str, set[str | None]] = defaultdict(set)
        self._behind: dict[str, set[str | None]] = defaultdict(set)

    def add(self, keys: Sequence[str]) -> None:
        for before, key, behind in zip((None, *keys), keys, (*keys[1:], None), strict=False):
            self._before[key].add(before)
            self._behind[key].add(behind)

    def cuts(self, keys: Sequence[str]) -> bool:
        """Tell whether the same word always stands before the first word, or behind the last."""
        before, behind = self._before[keys[0]], self._behind[keys[-1]]
        return (len(before) == 1 and None not in before) or (
            len(behind) == 1 and None not in behind
        )


def _runs(text: str, own_name: str) -> Iterator[list[_Token]]:
    """Yield the longest runs of words that can be part of a phrase."""
    run: list[_Token] = []
    end = 0
    for match in WORD_TOKEN.finditer(text):
        token = _read_token(match[0])
        if run and (token is None or text[end : match.start()] != " "):
            yield run
            run = []
        if token is not None:
            if own_name and fold(token.text).lower() == own_name:
                if run:
                    yield run
                    run = []
            else:
                run.append(token)
        end = match.end()
    if run:
        yield run


@lru_cache(maxsize=1 << 16)
def _read_token(written: str) -> _Token | None:
    """Return what a word is to a phrase; None where it is never part of one."""
    lowered = fold(written).lower()
    codes = tuple(code for _, code in pieces_of(lowered))
    if not codes or _is_barrier(lowered):
        return None
    word = written.lower()
    can_end = word.removesuffix("s") in NOUNS or not ADJECTIVE.match(word)
    return _Token(
        text=written,
        codes=codes,
        key=lowered.removesuffix("s"),
        is_vague=word in VAGUE,
        is_odd=_ODD_NUMBER.match(word) is not None,
        can_end=can_end,
        can_stand_alone=can_end or word.endswith("ing"),
    )


def _is_barrier(word: str) -> bool:
    """Tell whether a word is never a part of a phrase: stop words, verbs, adverbs."""
    return (
        word in STOP_WORDS
        or word in BARRIERS
        or (word.endswith("ly") and word not in NOUNS)
        or (word.endswith(("ize", "izes", "izing")) and len(word) >= _LONG_WORD)
    )


def _is_noun_phrase(tokens: Sequence[_Token]) -> bool:
    """Tell whether words can be a topic: they end with a noun, and say something."""
    last = tokens[-1]
    if not (last.can_end or (last.can_stand_alone and len(tokens) == 1)):
        return False
    return not any(token.is_odd for token in tokens) and not all(token.is_vague for token in tokens)


# ----------------------------------------------------------------------------------------------
# capitals


class _Spelling:
    """How a paper writes its words in running text."""

    def __init__(self, title: str, abstract: str) -> None:
        self._texts = (abstract, title if _is_sentence_case(title) else "")
        self._words: dict[str, str] = {}

    def write(self, written: Sequence[str]) -> str:
        """Write words as in running text: "Autoencoders" as "autoencoders", "LLM" as it is."""
        words: list[str] = []
        for each in written:
            if each not in self._words:
                self._words[each] = self._write_word(each)
            word = self._words[each]
            # No name begins in the middle: "agent Skill".
            is_name = word in CAPITALIZED or not words or not words[-1].islower()
            words.append(word if is_name or not _is_plain(word) else word.lower())
        return " ".join(words)

    def _write_word(self, word: str) -> str:
        plain = word.lower()
        if word.isupper() and len(word) >= _LONG_WORD and self._holds(plain):
            # A title in capitals throughout.
            return plain
        if word in CAPITALIZED or not _is_plain(word):
            return word
        if self._holds(plain):
            return plain
        return word if self._holds(word, in_running_text=True) else plain

    def _holds(self, word: str, *, in_running_text: bool = False) -> bool:
        """Tell whether the paper writes a word like this."""
        if not in_running_text:
            return word[:1].islower() and word in self._places
        return any(_is_in_running_text(match) for match in self._places.get(word, ()))

    @cached_property
    def _places(self) -> Mapping[str, Sequence[re.Match[str]]]:
        """Where each word stands."""
        places: dict[str, list[re.Match[str]]] = {}
        for text in self._texts:
            for match in WORD_TOKEN.finditer(text):
                places.setdefault(match[0], []).append(match)
        return places


def _is_plain(word: str) -> bool:
    """Tell whether a word, or each piece of a compound, is lower case but for its first letter."""
    return all(piece[1:].islower() or len(piece) <= 1 for piece in word.split("-"))


def _is_in_running_text(word: re.Match[str]) -> bool:
    """Tell whether a word begins no sentence, and is spelled out for no acronym."""
    text = word.string
    before = text[max(word.start() - 40, 0) : word.start()]
    return not (
        _SENTENCE_START.search(before)
        or _ACRONYM_BEFORE.search(before)
        or _ACRONYM_BEHIND.match(text, word.end())
    )


def _is_sentence_case(title: str) -> bool:
    """Tell whether a title writes most words in lower case."""
    words: list[str] = [word for word in WORD_TOKEN.findall(title) if len(word) > 3]
    return 2 * sum(map(str.islower, words)) > len(words)
