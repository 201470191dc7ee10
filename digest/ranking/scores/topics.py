"""Choose the phrases of a paper that say what lifts it: its topics for one reader.

A topic takes the place of its words among the parts of a value, so its value is their sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.model import Paper
from digest.ranking.features import NounPhrase, noun_phrases

#: topics of a paper at most
MAX_TOPICS = 2
#: a topic has at least this share of the strongest word's value; a further one of the first's
_FIRST_SHARE, _SECOND_SHARE = 1 / 2, 1 / 3
#: phrases with this share of the strongest one's value are as strong; the most specific wins
_AS_STRONG = 0.7
#: a word adds little where it adds less than this share of the phrase's value
_LITTLE = 0.1
#: weight of a phrase with a word that adds little, of one that is neither repeated in the paper
#: nor known from others, and of a single word
_WEAK, _UNKNOWN, _SINGLE = 0.6, 0.5, 0.4
#: weight of a phrase that a neighbour belongs to
_CUT = 0.3
#: preference for a phrase of the title
_TITLE = 1.2


class Topic(NamedTuple):
    """A phrase, and which words of the paper it stands for."""

    text: str
    #: positions among the paper's words
    entries: NDArray[np.int64]
    value: float


@dataclass(frozen=True, eq=False)
class PaperPhrases:
    """The phrases of one paper; the same for every reader."""

    phrases: tuple[NounPhrase, ...]
    #: positions of their words among the paper's, without and with pairs
    single_words: _Positions
    all_words: _Positions
    #: how much a phrase is preferred, and how specific it is, shape (phrases,)
    preference: NDArray[np.float64]
    specificity: NDArray[np.float64]
    is_single: NDArray[np.bool_]

    @classmethod
    def from_paper(
        cls, paper: Paper, columns: NDArray[np.int32], paper_shares: NDArray[np.float64]
    ) -> PaperPhrases:
        """Collect the phrases of a paper.

        Args:
            columns: the feature columns of its words and pairs, shape (words,).
            paper_shares: in which share of the papers each occurs, shape (words,).
        """
        positions = {column: entry for entry, column in enumerate(columns.tolist())}
        share_of = dict(zip(positions, paper_shares.tolist(), strict=True))
        phrases = tuple(
            phrase
            for phrase in noun_phrases(paper.title, paper.abstract)
            if phrase.words and positions.keys() >= set(phrase.words)
        )
        # The rarest pair, or the rarest word, says how specific a phrase is.
        rarest = [
            min([share_of[column] for column in phrase.pairs if column in share_of])
            if not share_of.keys().isdisjoint(phrase.pairs)
            else min([share_of[column] for column in phrase.words])
            for phrase in phrases
        ]
        shares = np.array(rarest, dtype=np.float64)
        least = paper_shares.min(initial=1.0)
        known = np.array([phrase.count > 1 for phrase in phrases], np.bool_) | (shares > least)
        is_single = np.array([phrase.length == 1 for phrase in phrases], np.bool_)
        is_complete = np.array([phrase.complete for phrase in phrases], np.bool_)
        in_title = np.array([phrase.in_title for phrase in phrases], np.bool_)
        return cls(
            phrases=phrases,
            single_words=_find_positions([phrase.words for phrase in phrases], positions),
            all_words=_find_positions(
                [(*phrase.words, *phrase.pairs) for phrase in phrases], positions
            ),
            preference=np.where(known, 1, _UNKNOWN)
            * np.where(is_single, _SINGLE, 1)
            * np.where(is_complete, 1, _CUT)
            * np.where(in_title, _TITLE, 1),
            specificity=-np.log(np.maximum(shares, least)),
            is_single=is_single,
        )

    def find_topics(self, values: NDArray[np.float64]) -> list[list[Topic]]:
        """Return the topics of the paper for each reader, strongest first; no two share a word.

        Args:
            values: what each word and pair of the paper adds, shape (readers, words).
        """
        topics: list[list[Topic]] = [[] for _ in values]
        if not self.phrases:
            return topics
        sums = np.add.reduceat(values[:, self.all_words.flat], self.all_words.starts, axis=1)
        weakest = np.minimum.reduceat(
            values[:, self.single_words.flat], self.single_words.starts, axis=1
        )
        strengths = sums * self.preference * np.where(weakest < _LITTLE * sums, _WEAK, 1)
        strengths[(sums <= 0) | (weakest <= 0)] = 0
        least = values.max(axis=1, initial=0) * _FIRST_SHARE
        readers = np.arange(len(values))
        for _ in range(MAX_TOPICS):
            best = self._pick(strengths)
            amounts = sums[readers, best]
            is_topic = strengths.any(axis=1) & (amounts >= least)
            for reader in np.flatnonzero(is_topic).tolist():
                phrase = int(best[reader])
                topic = Topic(
                    self.phrases[phrase].text, self.all_words.of(phrase), float(amounts[reader])
                )
                topics[reader].append(topic)
            strengths[self._shares_word[best] | self.is_single] = 0
            strengths[~is_topic] = 0
            least = amounts * _SECOND_SHARE
        return topics

    def _pick(self, strengths: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the most specific of the phrases that are about as strong as the strongest.

        Args:
            strengths: shape (readers, phrases).
        """
        as_strong = strengths >= _AS_STRONG * strengths.max(axis=1, keepdims=True)
        best: NDArray[np.int64] = np.where(as_strong, strengths * self.specificity, -1).argmax(
            axis=1
        )
        return best

    @cached_property
    def _shares_word(self) -> NDArray[np.bool_]:
        """Which phrases have a word among those of each phrase, shape (phrases, phrases)."""
        width = int(self.all_words.flat.max()) + 1
        return (self.all_words.mark(width) @ self.single_words.mark(width).T) > 0


@dataclass(frozen=True, slots=True, eq=False)
class _Positions:
    """Positions of several phrases, one after another."""

    flat: NDArray[np.int64]
    #: where those of each phrase begin, shape (phrases,)
    starts: NDArray[np.int64]

    def of(self, phrase: int) -> NDArray[np.int64]:
        end = self.starts[phrase + 1] if phrase + 1 < len(self.starts) else len(self.flat)
        return self.flat[self.starts[phrase] : end]

    def mark(self, width: int) -> NDArray[np.float32]:
        """Return 1 at the positions of each phrase, shape (phrases, width)."""
        marks = np.zeros((len(self.starts), width), np.float32)
        sizes = np.diff(self.starts, append=len(self.flat))
        marks[np.repeat(np.arange(len(self.starts)), sizes), self.flat] = 1
        return marks


def _find_positions(
    column_lists: list[tuple[int, ...]], positions: Mapping[int, int]
) -> _Positions:
    """Return the positions of the columns of each list, each once; none of the lists is empty."""
    found = [sorted({positions[c] for c in columns if c in positions}) for columns in column_lists]
    return _Positions(
        flat=np.array([position for row in found for position in row], dtype=np.int64),
        starts=np.cumsum([0, *(len(row) for row in found[:-1])], dtype=np.int64),
    )
