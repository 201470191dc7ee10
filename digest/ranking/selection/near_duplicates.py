"""Which papers of a day are records of the same paper, by their titles and words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache

from digest.model import Paper

#: share of common words from which two titles are near-duplicates
TITLE_OVERLAP = 0.9


class NearDuplicates:
    """Finds the near-duplicates of a day's papers.

    Kept for all readers of a day, since the same papers are listed for many of them.
    """

    def __init__(self) -> None:
        self._papers: Mapping[int, Paper] = {}
        self._by_paper: dict[int, frozenset[int]] = {}
        self._by_title: dict[frozenset[str], list[int]] = {}
        self._papers_by_word: dict[str, list[int]] = {}

    def __reduce__(self) -> tuple[type[NearDuplicates], tuple[()]]:
        """Pickle without what was found, which takes less time than sending it."""
        return NearDuplicates, ()

    def of(
        self,
        paper_id: int,
        papers: Mapping[int, Paper],
        similar_words: Callable[[int], Collection[int]],
    ) -> frozenset[int]:
        """Return the ids of the other papers with nearly the same title or words.

        Parts of a series are not near-duplicates.

        Args:
            papers: the papers of the day, by id.
            similar_words: id -> ids of papers with nearly the same words and meaning.
        """
        if papers is not self._papers:
            self._by_paper, self._by_title = {}, {}
            self._papers_by_word = _index_title_words(papers)
            self._papers = papers
        cached = self._by_paper.get(paper_id)
        if cached is None:
            title = _title_words(papers[paper_id].title)
            by_words = [
                other
                for other in similar_words(paper_id)
                if other in papers and not _are_parts(title, _title_words(papers[other].title))
            ]
            duplicates = {*by_words, *self._with_similar_title(title, papers)}
            cached = self._by_paper[paper_id] = frozenset(duplicates) - {paper_id}
        return cached

    def _with_similar_title(self, title: frozenset[str], papers: Mapping[int, Paper]) -> list[int]:
        cached = self._by_title.get(title)
        if cached is None:
            # A title that lacks more than this many of the words has too few in common, so every
            # near-duplicate has one of the rarest `lacking + 1` words.
            lacking = int((1 - TITLE_OVERLAP) * len(title) + 1e-9)
            by_rarity = sorted(
                title, key=lambda word: (len(self._papers_by_word.get(word, ())), word)
            )
            candidates = {
                paper_id
                for word in by_rarity[: lacking + 1]
                for paper_id in self._papers_by_word.get(word, ())
            }
            cached = self._by_title[title] = [
                paper_id
                for paper_id in candidates
                if _are_similar(title, _title_words(papers[paper_id].title))
            ]
        return cached


def _index_title_words(papers: Mapping[int, Paper]) -> dict[str, list[int]]:
    papers_by_word: dict[str, list[int]] = {}
    for paper_id, paper in papers.items():
        for word in _title_words(paper.title):
            papers_by_word.setdefault(word, []).append(paper_id)
    return papers_by_word


@lru_cache(maxsize=1 << 14)
def _title_words(title: str) -> frozenset[str]:
    letters = (character if character.isalnum() else " " for character in title.casefold())
    return frozenset("".join(letters).split())


def _are_similar(left: frozenset[str], right: frozenset[str]) -> bool:
    # Most titles already differ too much in length.
    if not left or min(len(left), len(right)) < TITLE_OVERLAP * max(len(left), len(right)):
        return False
    overlap = len(left & right)
    return overlap >= TITLE_OVERLAP * len(left | right) and not _are_parts(left, right)


def _are_parts(left: frozenset[str], right: frozenset[str]) -> bool:
    """Return whether a number differs: "part i" and "part ii", "gpt 3" and "gpt 4"."""
    return any(word.isdigit() or not set(word) - set("ivx") for word in left ^ right)
