"""Names for the tastes in a reader's likes, from words of the liked titles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from digest.ranking import features

#: words in the name of a taste
NAME_WORDS = 2
_WORD = re.compile(r"[^\W\d_]{2,}")


def name_tastes(titles_by_taste: Sequence[Sequence[str]]) -> list[str]:
    """Name each taste by the two words most specific to its titles.

    It is "taste N" where there are none.
    """
    counts = [
        Counter(word for title in titles for word in _words_of_title(title))
        for titles in titles_by_taste
    ]
    names: list[str] = []
    for number in range(len(titles_by_taste)):
        name = ", ".join(_specific_words(number, counts, titles_by_taste))
        names.append(name if name and name not in names else f"taste {number + 1}")
    return names


def _specific_words(
    number: int, counts: Sequence[Counter[str]], titles_by_taste: Sequence[Sequence[str]]
) -> list[str]:
    """The words most specific to the titles of this taste.

    Their share of its titles, less their share of the others', is the largest.
    """
    specificity: dict[str, float] = {}
    best: list[str] = []
    for word, count in counts[number].most_common():
        share = count / len(titles_by_taste[number])
        # A word is at most as specific as its share, and the shares only fall from here on.
        if len(best) == NAME_WORDS and share < specificity[best[-1]]:
            break
        specificity[word] = share - sum(
            other[word] / len(titles_by_taste[position])
            for position, other in enumerate(counts)
            if position != number
        )
        if specificity[word] > 0:
            best = sorted((*best, word), key=lambda word: (-specificity[word], word))[:NAME_WORDS]
    return best


@lru_cache(maxsize=1 << 14)
def _words_of_title(title: str) -> frozenset[str]:
    return frozenset(_WORD.findall(title.lower())) - features.STOP_WORDS
