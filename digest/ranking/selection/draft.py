"""The papers chosen for a digest so far, and whether one more fits beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from digest.model import Paper, Score
from digest.ranking.selection.rules import Rules


class Draft:
    """A digest while its papers are chosen."""

    def __init__(self, *, size: int, papers: Mapping[int, Paper], rules: Rules) -> None:
        self.scores: list[Score] = []
        self.size = size
        self._papers = papers
        self._rules = rules
        #: near-duplicates of the papers listed here, and some of those listed before
        self._duplicates: set[int] = set()
        self._author_counts: dict[str, int] = {}
        #: authors with as many papers as they may have
        self._full_authors: set[str] = set()
        self._category_counts: dict[str, int] = {}

    @property
    def room(self) -> int:
        return self.size - len(self.scores)

    def add(self, score: Score) -> bool:
        """List a paper.

        Returns:
            False where the digest is full, or where it or a recent one lists a near-duplicate.
        """
        if self.room <= 0 or score.paper_id in self._duplicates:
            return False
        paper, rules = self._papers[score.paper_id], self._rules
        duplicates = rules.near_duplicates.of(score.paper_id, self._papers, rules.similar_words)
        if not duplicates.isdisjoint(rules.listed):
            self._duplicates.add(score.paper_id)
            return False
        self.scores.append(score)
        self._duplicates.update(duplicates)
        for author in _casefold_authors(paper.authors) if rules.author_most else ():
            self._author_counts[author] = self._author_counts.get(author, 0) + 1
            if self._author_counts[author] >= rules.author_most:
                self._full_authors.add(author)
        for category in paper.categories[:1]:
            self._category_counts[category] = self._category_counts.get(category, 0) + 1
        return True

    def without_duplicates(self, scores: Iterable[Score]) -> Iterator[Score]:
        """Yield the scores of papers that are no near-duplicates of listed ones."""
        return (score for score in scores if score.paper_id not in self._duplicates)

    def exceeds_limits(self, score: Score) -> bool:
        """Return whether one author or category would take more than its part."""
        return self.exceeds_author_limit(score) or self.exceeds_category_limit(score)

    def exceeds_author_limit(self, score: Score) -> bool:
        """Return whether one author would have too many papers."""
        authors = self._papers[score.paper_id].authors
        return bool(self._full_authors) and not self._full_authors.isdisjoint(
            _casefold_authors(authors)
        )

    def exceeds_category_limit(self, score: Score) -> bool:
        """Return whether the paper's primary category would take more than its part."""
        percentage, categories = (
            self._rules.category_most,
            self._papers[score.paper_id].categories,
        )
        if not percentage or not categories:
            return False
        limit = -(-self.size * percentage // 100)
        if self._category_counts.get(categories[0], 0) < limit:
            return False
        return not _is_followed(categories[0], self._rules.followed)


@lru_cache(maxsize=1 << 14)
def _casefold_authors(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _is_followed(category: str, followed: Collection[str]) -> bool:
    if not followed:
        return False
    names = {
        name.strip().lower().removesuffix(".*").removesuffix("*").rstrip(".") for name in followed
    }
    parts = category.lower().split(".")
    return any(".".join(parts[:end]) in names for end in range(1, len(parts) + 1))
