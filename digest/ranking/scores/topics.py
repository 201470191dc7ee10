"""Choose the phrases of a paper that say what lifts it: its topics for one reader.

A topic takes the place of its words among the parts of a value, so its value is their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from digest.ranking.features import NounPhrases
from digest.ranking.rows import ranges, reduce_ranges

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


@dataclass(frozen=True, slots=True, eq=False)
class PaperPhrases:
    """The phrases of one paper; the same for every reader."""

    found: NounPhrases
    #: which of these they are, shape (phrases,)
    numbers: NDArray[np.int64]
    #: positions of their words among the paper's, phrase by phrase, and how many each has, shape
    #: (phrases,); without pairs and with them
    single_words: NDArray[np.int64]
    single_sizes: NDArray[np.int64]
    all_words: NDArray[np.int64]
    all_sizes: NDArray[np.int64]
    #: how much a phrase is preferred, and how specific it is, shape (phrases,)
    preference: NDArray[np.float64]
    specificity: NDArray[np.float64]
    is_single: NDArray[np.bool_]
    _texts: dict[int, str] = field(default_factory=dict, repr=False)

    def text(self, phrase: int) -> str:
        """Return a phrase as the paper writes it in running text."""
        text = self._texts.get(phrase)
        if text is None:
            text = self._texts[phrase] = self.found.text(int(self.numbers[phrase]))
        return text


class _Places(NamedTuple):
    """Where the words of phrases stand, phrase by phrase; each phrase has some."""

    flat: NDArray[np.int64]
    #: where those of each phrase begin, and how many there are; shape (phrases,)
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def together(
        cls,
        starts: NDArray[np.int64],
        places: Sequence[NDArray[np.int64]],
        sizes: Sequence[NDArray[np.int64]],
    ) -> Self:
        """Put the phrases of papers together.

        Args:
            starts: where the words of each paper begin.
            places, sizes: positions among these, and how many each phrase has.
        """
        counts = np.array([len(own) for own in places], dtype=np.int64)
        all_sizes = np.concatenate(sizes)
        flat = np.concatenate(places) + np.repeat(starts, counts)
        return cls(flat, all_sizes.cumsum() - all_sizes, all_sizes)

    def places_of(self, phrases: slice) -> NDArray[np.int64]:
        starts = np.append(self.starts, len(self.flat))
        own: NDArray[np.int64] = self.flat[starts[phrases.start] : starts[phrases.stop]]
        return own

    def take(self, phrases: NDArray[np.int64]) -> _Places:
        sizes = self.sizes[phrases]
        flat = self.flat[ranges(self.starts[phrases], sizes)]
        return _Places(flat, sizes.cumsum() - sizes, sizes)

    def reduce(self, reduction: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        """Reduce the values of the words of each phrase."""
        if not len(self.starts):
            return np.empty(0, values.dtype)
        reduced: NDArray[Any] = reduction.reduceat(values[self.flat], self.starts)
        return reduced


class Topics(NamedTuple):
    """Phrases that lift a paper, each for one reader."""

    #: the paper among those that were asked for, shape (topics,)
    papers: NDArray[np.int64]
    #: the phrase among the paper's, shape (topics,)
    phrases: NDArray[np.int64]
    #: shape (topics,)
    values: NDArray[np.float64]
    #: where the words stand that topics are made of
    entries: NDArray[np.int64]


def place_phrases(
    found: NounPhrases,
    find_places: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]],
    bounds: NDArray[np.int64],
    paper_shares: NDArray[np.float64],
) -> list[PaperPhrases]:
    """Find where the words of phrases stand among those of their papers.

    A phrase with a word that its paper does not count is left out.

    Args:
        find_places: numbers of papers, feature columns -> where each stands among the words of
            these papers, -1 = it does not.
        bounds: where the words of each paper begin, shape (papers + 1,).
        paper_shares: in which share of the papers each word occurs, shape (words,).
    """
    number = len(found.length)
    papers = np.repeat(np.arange(len(bounds) - 1), np.diff(found.bounds))
    word_owners, pair_owners = found.words.owners, found.pairs.owners
    words = find_places(papers[word_owners], found.words.columns)
    pairs = find_places(papers[pair_owners], found.pairs.columns)
    pair_owners, pairs = pair_owners[pairs >= 0], pairs[pairs >= 0]
    has_words = np.bincount(word_owners, minlength=number) > 0
    has_words[word_owners[words < 0]] = False
    is_kept = has_words[word_owners]
    word_owners, words = word_owners[is_kept], words[is_kept]
    is_kept = has_words[pair_owners]
    pair_owners, pairs = pair_owners[is_kept], pairs[is_kept]
    # The rarest pair, or the rarest word, says how specific a phrase is.
    shares = np.full((2, number), np.inf)
    np.minimum.at(shares[0], pair_owners, paper_shares[pairs])
    np.minimum.at(shares[1], word_owners, paper_shares[words])
    rarest = np.where(np.isfinite(shares[0]), shares[0], shares[1])[has_words]
    papers = papers[has_words]
    least = reduce_ranges(np.minimum, paper_shares, bounds, 1.0)[papers]
    numbers = np.flatnonzero(has_words)
    is_single = found.length[numbers] == 1
    is_known = (found.count[numbers] > 1) | (rarest > least)
    preference = (
        np.where(is_known, 1, _UNKNOWN)
        * np.where(is_single, _SINGLE, 1)
        * np.where(found.complete[numbers], 1, _CUT)
        * np.where(found.in_title[numbers], _TITLE, 1)
    )
    specificity = -np.log(np.maximum(rarest, least))
    single = _sort_places(numbers, word_owners, words)
    both = _sort_places(
        numbers, np.concatenate((word_owners, pair_owners)), np.concatenate((words, pairs))
    )
    placed = []
    firsts = papers.searchsorted(np.arange(len(bounds)))
    for paper in range(len(bounds) - 1):
        own = slice(firsts[paper], firsts[paper + 1])
        placed.append(
            PaperPhrases(
                found=found,
                numbers=numbers[own],
                single_words=single.places_of(own) - bounds[paper],
                single_sizes=single.sizes[own],
                all_words=both.places_of(own) - bounds[paper],
                all_sizes=both.sizes[own],
                preference=preference[own],
                specificity=specificity[own],
                is_single=is_single[own],
            )
        )
    return placed


def _sort_places(
    numbers: NDArray[np.int64], owners: NDArray[np.int64], places: NDArray[np.int64]
) -> _Places:
    """Sort the places of each phrase, each once.

    Args:
        numbers: of the phrases, ascending.
        owners, places: the phrase of each place, one of these, and the place.
    """
    width = int(places.max(initial=0)) + 1
    sorted_owners, flat = np.divmod(np.unique(owners * width + places), width)
    starts = sorted_owners.searchsorted(numbers)
    return _Places(flat, starts, np.diff(starts, append=len(flat)))


def find_topics(
    values: NDArray[np.float64], bounds: NDArray[np.int64], phrases: Sequence[PaperPhrases]
) -> Topics:
    """Return the topics of papers, each for one reader; no two of a paper share a word.

    Args:
        values: what each word and pair of the papers adds, paper by paper.
        bounds: where those of each paper begin, shape (papers + 1,).
        phrases: of each paper.
    """
    starts = bounds[:-1]
    single_words = _Places.together(
        starts, [own.single_words for own in phrases], [own.single_sizes for own in phrases]
    )
    # Each word of a topic lifts the paper.
    weakest = single_words.reduce(np.minimum, values)
    lifting = np.flatnonzero(weakest > 0)
    if not len(lifting):
        none = np.empty(0, np.int64)
        return Topics(none, none, np.empty(0), none)
    weakest, single_words = weakest[lifting], single_words.take(lifting)
    words = _Places.together(
        starts, [own.all_words for own in phrases], [own.all_sizes for own in phrases]
    ).take(lifting)
    sums = words.reduce(np.add, values)
    strengths = sums * np.concatenate([own.preference for own in phrases])[lifting]
    strengths *= np.where(weakest < _LITTLE * sums, _WEAK, 1)
    strengths[sums <= 0] = 0
    specificity = np.concatenate([own.specificity for own in phrases])[lifting]
    is_single = np.concatenate([own.is_single for own in phrases])[lifting]
    counts = np.array([len(own.numbers) for own in phrases], dtype=np.int64)
    owners = np.repeat(np.arange(len(phrases)), counts)[lifting]
    numbers = lifting - (counts.cumsum() - counts)[owners]
    # From here on, papers are those with such a phrase.
    papers, firsts, sizes = np.unique(owners, return_index=True, return_counts=True)
    least = reduce_ranges(np.maximum, values, bounds, 0.0)[papers] * _FIRST_SHARE
    taken = np.zeros(len(values), dtype=np.bool_)
    found, entries = [], []
    for _ in range(MAX_TOPICS):
        strongest = np.maximum.reduceat(strengths, firsts)
        as_strong = strengths >= _AS_STRONG * np.repeat(strongest, sizes)
        best = _find_first_greatest(np.where(as_strong, strengths * specificity, -1), firsts, sizes)
        amounts = sums[best]
        is_topic = (strongest > 0) & (amounts >= least)
        chosen = best[is_topic]
        found.append((papers[is_topic], numbers[chosen], amounts[is_topic]))
        entries.append(words.take(chosen).flat)
        taken[entries[-1]] = True
        strengths[single_words.reduce(np.logical_or, taken) | is_single] = 0
        strengths[np.repeat(~is_topic, sizes)] = 0
        least = amounts * _SECOND_SHARE
    topic_papers, topic_phrases, topic_values = map(np.concatenate, zip(*found, strict=True))
    return Topics(topic_papers, topic_phrases, topic_values, np.concatenate(entries))


def _find_first_greatest(
    values: NDArray[np.float64], firsts: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return where the greatest value of each range stands first."""
    greatest = np.flatnonzero(values == np.repeat(np.maximum.reduceat(values, firsts), sizes))
    found: NDArray[np.int64] = greatest[greatest.searchsorted(firsts)]
    return found
