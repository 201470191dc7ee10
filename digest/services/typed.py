"""What readers typed that finds nothing yet: unknown categories and example papers.

Nothing is refused: a category may come with another source, and a paper with a later dump.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from digest import papers, store
from digest.locales import gettext, gettext_later
from digest.model import Interest
from digest.pipeline.steps.paper_names import look_up_all

#: papers whose categories are looked at, the newest ones
_NEWEST = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedWarning:
    """A typed value that finds no paper yet, and why."""

    #: name of the interest
    interest: str
    field: Literal["categories", "papers"]
    value: str
    #: without the value, as in "is unknown; did you mean cs.LG?"
    reason: str

    @property
    def json(self) -> dict[str, str]:
        return {
            "interest": self.interest,
            "field": self.field,
            "value": self.value,
            "text": self.sentence,
        }

    @property
    def sentence(self) -> str:
        """Say it in full, as in 'category "machine learning" is unknown; ...'."""
        message = (
            gettext_later('category "%(value)s" %(problem)s')
            if self.field == "categories"
            else gettext_later('example paper "%(value)s" %(problem)s')
        )
        return gettext(message, value=self.value, problem=self.reason)


def check_typed(
    tx: store.Connection, readers: Sequence[Sequence[Interest]]
) -> list[tuple[TypedWarning, ...]]:
    """Check the categories and example papers of each reader's interests, in order."""
    stored = _StoredCategories(tx)
    names = {name for interests in readers for interest in interests for name in interest.papers}
    ids_by_name = look_up_all(tx, sorted(names)) if names else {}
    missing = {name for name, ids in ids_by_name.items() if not ids}
    return [
        tuple(warning for interest in interests for warning in _check(interest, stored, missing))
        for interests in readers
    ]


def _check(
    interest: Interest, stored: _StoredCategories, missing: set[str]
) -> Iterator[TypedWarning]:
    for category in interest.categories:
        reason = _category_problem(category, stored)
        if reason:
            yield TypedWarning(
                interest=interest.name, field="categories", value=category, reason=reason
            )
    for name in interest.papers:
        if name in missing:
            yield TypedWarning(
                interest=interest.name, field="papers", value=name, reason=_paper_problem(name)
            )


def _category_problem(category: str, stored: _StoredCategories) -> str:
    """Return why a category finds nothing, and what to write; "" where it is known."""
    if papers.is_arxiv_category(category) or papers.is_known_category(category, stored.names):
        return ""
    suggested = papers.suggest_categories(category, stored.names)
    if not suggested:
        return gettext("is unknown: no stored paper has it")
    sign = "-" if category.strip().startswith("-") else ""
    listed = gettext(" or ").join(sign + papers.describe_category(code) for code in suggested)
    return gettext("is unknown; did you mean %(names)s?", names=listed)


def _paper_problem(name: str) -> str:
    if papers.parse_name(name) is None and not name.startswith("paper:"):
        return gettext("is not stored yet; until it comes, the words of its title are used")
    return gettext("is not stored yet; it is kept and used when it comes")


class _StoredCategories:
    """The categories of the stored papers, read when a typed one is in no table."""

    def __init__(self, tx: store.Connection) -> None:
        self._tx = tx

    @cached_property
    def names(self) -> frozenset[str]:
        return store.papers.load_categories(self._tx, _NEWEST)
