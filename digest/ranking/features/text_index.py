"""Which of some papers hold a keyword, found by the words that they have."""

from __future__ import annotations

from collections.abc import Sequence

from digest.ranking.features.spellings import lower_units
from digest.ranking.rows import Spelling


class TextIndex:
    """Looks keywords up in the titles and abstracts of papers.

    Args:
        texts: title and abstract of each paper.
    """

    def __init__(self, texts: Sequence[tuple[str, str]]) -> None:
        self._texts = texts
        self._units = [lower_units(title, abstract) for title, abstract in texts]
        self._titles = [lower_units(title, "") for title, _ in texts]
        #: word -> the papers that have it, ascending
        self._papers: dict[str, list[int]] = {}
        for number, units in enumerate(self._units):
            for word in set(units.split()):
                self._papers.setdefault(word, []).append(number)

    def find(self, spelling: Spelling, *, in_title: bool = False) -> list[int]:
        """Return the numbers of the papers that hold a keyword, ascending.

        Args:
            in_title: whether it has to be in the title.
        """
        if spelling.variants is None:
            return self._read(range(len(self._texts)), spelling, in_title)
        texts = self._titles if in_title else self._units
        found: set[int] = set()
        for variant in spelling.variants:
            words = variant.split()
            rarest = min((self._papers.get(word, []) for word in words), key=len)
            if len(words) == 1 and not in_title:
                found.update(rarest)
            else:
                found.update([number for number in rarest if variant in texts[number]])
        numbers = sorted(found)
        return numbers if spelling.is_exact else self._read(numbers, spelling, in_title)

    def _read(self, numbers: Sequence[int], spelling: Spelling, in_title: bool) -> list[int]:
        return [
            number
            for number in numbers
            if spelling.occurs_in(
                self._texts[number][0], "" if in_title else self._texts[number][1]
            )
        ]
