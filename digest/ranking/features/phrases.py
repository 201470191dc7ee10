"""Noun phrases of a paper, as a person would name its topics.

A phrase is a run of one to three words between stop words, verbs and punctuation. Which of them is
the reason for a paper is decided by `scores.topics`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.ranking.features.phrase_words import ADJECTIVE, BARRIERS, NOUNS, VAGUE
from digest.ranking.features.running_text import LONG_WORD, RunningText
from digest.ranking.features.words import (
    STOP_WORDS,
    WORDS_AND_GAPS,
    columns_of,
    fold,
    spans_of,
)
from digest.ranking.rows import ranges

#: words of a phrase at most
MAX_WORDS = 3
#: "2x2", "10k", but not "3D"
_ODD_NUMBER = re.compile(r"\d(?!d\b|d-)")


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
    #: the phrase as the paper writes it in running text
    text: str


class PhraseColumns(NamedTuple):
    """Feature columns of some phrases, one phrase after another."""

    #: shape (columns,)
    columns: NDArray[np.int64]
    #: the number of the phrase of each, ascending, shape (columns,)
    owners: NDArray[np.int64]

    def of(self, number: int) -> tuple[int, ...]:
        first, end = self.owners.searchsorted((number, number + 1))
        return tuple(self.columns[first:end].tolist())


@dataclass(frozen=True, kw_only=True, eq=False)
class NounPhrases:
    """The noun phrases of some papers, one paper after another, those of titles first."""

    #: where those of each paper begin, shape (papers + 1,)
    bounds: NDArray[np.int64]
    #: as those of `NounPhrase`, shape (phrases,)
    length: NDArray[np.int64]
    count: NDArray[np.int64]
    in_title: NDArray[np.bool_]
    complete: NDArray[np.bool_]
    words: PhraseColumns
    pairs: PhraseColumns
    _texts: Sequence[tuple[str, str]] = field(repr=False)
    #: each word of all papers once, and which of them stand one after another
    _written: Sequence[str] = field(repr=False)
    _numbers: NDArray[np.int32] = field(repr=False)
    #: where each phrase begins among these, shape (phrases,)
    _starts: NDArray[np.int64] = field(repr=False)
    _spellings: dict[int, RunningText] = field(default_factory=dict, repr=False)

    def text(self, number: int) -> str:
        """Return a phrase as its paper writes it in running text."""
        paper = int(self.bounds.searchsorted(number, side="right")) - 1
        spelling = self._spellings.get(paper)
        if spelling is None:
            spelling = self._spellings[paper] = RunningText(*self._texts[paper])
        first, length = int(self._starts[number]), int(self.length[number])
        own = self._numbers[first : first + length].tolist()
        return spelling.write([self._written[each] for each in own])


@lru_cache(maxsize=1 << 12)
def noun_phrases(title: str, abstract: str) -> tuple[NounPhrase, ...]:
    """Return the noun phrases of a paper, those of its title first, each once."""
    found = find_noun_phrases([(title, abstract)])
    return tuple(
        NounPhrase(
            words=found.words.of(number),
            pairs=found.pairs.of(number),
            length=int(found.length[number]),
            count=int(found.count[number]),
            in_title=bool(found.in_title[number]),
            complete=bool(found.complete[number]),
            text=found.text(number),
        )
        for number in range(len(found.length))
    )


def find_noun_phrases(texts: Sequence[tuple[str, str]]) -> NounPhrases:
    """Find the noun phrases of some papers, each phrase of a paper once.

    Args:
        texts: title and abstract of each paper.
    """
    tokens = _split(texts)
    runs = _Runs(tokens)
    starts, lengths, counts = runs.find_phrases()
    papers = tokens.papers[starts]
    code_starts = runs.code_bounds[starts]
    code_ends = runs.code_bounds[starts + lengths]
    words, pairs = columns_of(runs.codes)
    word_columns = _take_columns(words, code_starts, code_ends - code_starts)
    is_word = word_columns.columns >= 0
    return NounPhrases(
        bounds=papers.searchsorted(np.arange(len(texts) + 1)),
        length=lengths,
        count=counts,
        in_title=tokens.in_title[starts],
        complete=~runs.are_cut(starts, lengths),
        words=PhraseColumns(word_columns.columns[is_word], word_columns.owners[is_word]),
        pairs=_take_columns(pairs, code_starts, np.maximum(code_ends - code_starts - 1, 0)),
        _texts=texts,
        _written=tokens.written,
        _numbers=tokens.numbers,
        _starts=starts,
    )


def _take_columns(
    columns: NDArray[np.int64], starts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> PhraseColumns:
    return PhraseColumns(columns[ranges(starts, sizes)], np.repeat(np.arange(len(sizes)), sizes))


class _Token(NamedTuple):
    """A word that can be part of a phrase."""

    #: in small letters, without accents
    lowered: str
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


class _Tokens(NamedTuple):
    """The words of some papers that can be part of a phrase, one after another."""

    #: each word as it is written once; which one stands at each place, shape (places,)
    written: Sequence[str]
    numbers: NDArray[np.int32]
    #: what each of `written` is to a phrase
    kinds: Sequence[_Token | None]
    #: shape (places,)
    papers: NDArray[np.int64]
    in_title: NDArray[np.bool_]
    #: whether it goes on with the run of the place before
    goes_on: NDArray[np.bool_]


def _split(texts: Sequence[tuple[str, str]]) -> _Tokens:
    words: list[str] = []
    is_joined: list[bool] = []
    sizes: list[int] = []
    for both in texts:
        for text in both:
            # Gaps and words by turns.
            pieces = WORDS_AND_GAPS.split(text)
            own = pieces[1::2]
            words += own
            is_joined += [gap == " " for gap in pieces[:-1:2]]
            if own:
                is_joined[-len(own)] = False
            sizes.append(len(own))
    number_of = {word: number for number, word in enumerate(dict.fromkeys(words))}
    written = tuple(number_of)
    kinds = tuple(map(_read_token, written))
    numbers = np.fromiter(map(number_of.__getitem__, words), dtype=np.int32, count=len(words))
    text_of_place = np.repeat(np.arange(len(sizes)), sizes)
    papers = text_of_place // 2
    is_part = np.array([kind is not None for kind in kinds], dtype=np.bool_)[numbers]
    # What a paper calls its method is part of no phrase.
    names = [_own_name(title) for title, _ in texts]
    if any(names):
        lowered = [kind.lowered if kind is not None else "" for kind in kinds]
        ids = {name: number for number, name in enumerate(dict.fromkeys(filter(None, names)))}
        own_ids = np.array([ids.get(name, -1) for name in names])
        is_part &= np.array([ids.get(name, -2) for name in lowered])[numbers] != own_ids[papers]
    goes_on = is_part & np.array(is_joined, dtype=np.bool_)
    goes_on[1:] &= is_part[:-1]
    return _Tokens(
        written=written,
        numbers=numbers[is_part],
        kinds=kinds,
        papers=papers[is_part],
        in_title=text_of_place[is_part] % 2 == 0,
        goes_on=goes_on[is_part],
    )


def _own_name(title: str) -> str:
    """Return what the paper calls its method, from a title such as "BeeCam: ..."; "" = nothing."""
    name, colon, _ = title.partition(":")
    return "" if not colon or " " in name or name[1:].islower() else fold(name).lower()


class _Runs:
    """Runs of words between which nothing stands, and the phrases in them."""

    def __init__(self, tokens: _Tokens) -> None:
        self._tokens = tokens
        key_numbers: dict[str, int] = {}
        keys = [
            0 if kind is None else key_numbers.setdefault(kind.key, len(key_numbers) + 1)
            for kind in tokens.kinds
        ]
        #: number of each word's key, from 1, and of the key in its paper, shape (places,)
        self._keys = np.array(keys, dtype=np.int64)[tokens.numbers]
        self._width = len(key_numbers) + 1
        _, self._own_keys = np.unique(tokens.papers * self._width + self._keys, return_inverse=True)
        self._run_ends = np.append(~tokens.goes_on[1:], [True])[: len(self._keys)]
        code_sizes = np.array(
            [len(kind.codes) if kind else 0 for kind in tokens.kinds], dtype=np.int64
        )
        all_codes = [code for kind in tokens.kinds if kind for code in kind.codes]
        firsts = code_sizes.cumsum() - code_sizes
        sizes = code_sizes[tokens.numbers]
        #: hashes of the pieces of all words, and where those of each begin, shape (places + 1,)
        self.codes = np.array(all_codes, dtype=np.int64)[ranges(firsts[tokens.numbers], sizes)]
        self.code_bounds = np.concatenate(([0], sizes.cumsum()))

    def find_phrases(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Find where each phrase of a paper stands first, its length, and how often it stands."""
        number, width = len(self._keys), self._width
        # Each run of one to three words is one number; 0 = it is no run.
        codes = np.zeros((number, MAX_WORDS), dtype=np.int64)
        codes[:, 0] = self._own_keys * width**2 + width**2
        joined = self._tokens.goes_on
        is_run = np.ones(number, dtype=np.bool_)
        for more in range(1, MAX_WORDS):
            is_run = is_run[:-1] & joined[more:]
            codes[: number - more, more] = np.where(
                is_run,
                codes[: number - more, more - 1]
                + self._keys[more:] * width ** (MAX_WORDS - 1 - more),
                0,
            )
        flat = codes.ravel()
        places = np.flatnonzero(flat)
        _, firsts, counts = np.unique(flat[places], return_index=True, return_counts=True)
        order = firsts.argsort()
        starts, lengths = np.divmod(places[firsts[order]], MAX_WORDS)
        lengths += 1
        is_phrase = self._are_noun_phrases(starts, lengths)
        return starts[is_phrase], lengths[is_phrase], counts[order][is_phrase]

    def _are_noun_phrases(
        self, starts: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Tell which words can be a topic: they end with a noun, and say something."""
        flags = np.array(
            [
                (kind.can_end, kind.can_stand_alone, kind.is_odd, kind.is_vague)
                if kind
                else (False, False, False, False)
                for kind in self._tokens.kinds
            ],
            dtype=np.bool_,
        ).reshape(-1, 4)[self._tokens.numbers]
        odd, vague = np.vstack((np.zeros((1, 2), np.int64), flags[:, 2:].cumsum(axis=0))).T
        ends = starts + lengths
        can_end = flags[ends - 1, 0] | (flags[ends - 1, 1] & (lengths == 1))
        is_phrase: NDArray[np.bool_] = (
            can_end & (odd[ends] == odd[starts]) & (vague[ends] - vague[starts] < lengths)
        )
        return is_phrase

    def are_cut(self, starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell where the same word always stands before the first word, or behind the last."""
        if not len(starts):
            return np.zeros(0, dtype=np.bool_)
        # 0 = nothing stands there
        before = np.where(self._tokens.goes_on, np.roll(self._keys, 1), 0)
        behind = np.where(self._run_ends, 0, np.roll(self._keys, -1))
        order = self._own_keys.argsort(kind="stable")
        firsts = self._own_keys[order].searchsorted(np.arange(self._own_keys.max() + 1))
        is_cut: list[NDArray[np.bool_]] = []
        for neighbours in (before[order], behind[order]):
            least = np.minimum.reduceat(neighbours, firsts)
            is_cut.append((least > 0) & (least == np.maximum.reduceat(neighbours, firsts)))
        cut: NDArray[np.bool_] = (
            is_cut[0][self._own_keys[starts]] | is_cut[1][self._own_keys[starts + lengths - 1]]
        )
        return cut


@lru_cache(maxsize=1 << 16)
def _read_token(written: str) -> _Token | None:
    """Return what a word is to a phrase; None where it is never part of one."""
    lowered = fold(written).lower()
    codes = tuple([code for _, _, code in spans_of(lowered)])
    if not codes or _is_barrier(lowered):
        return None
    word = written.lower()
    can_end = word.removesuffix("s") in NOUNS or not ADJECTIVE.match(word)
    return _Token(
        lowered=lowered,
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
        or (word.endswith(("ize", "izes", "izing")) and len(word) >= LONG_WORD)
    )
