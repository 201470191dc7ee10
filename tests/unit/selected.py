"""Papers that are given best first, and the digest that is chosen of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from digest.model import Digest, Paper, Provenance, Quiet, Score, Subscriber
from digest.ranking import selection
from digest.ranking.selection import Rules

TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, 7, tzinfo=UTC)
MADE = Provenance(model="thumbs", features="words1", at=NOW)
#: no two titles share a word
NAMES = tuple(
    f"{first}{second}"
    for first in "bdfgklmnprstvz"
    for second in ("orange", "umber", "ivory", "ebony", "azure", "olive", "amber")
)


def reader(size: int = 10, **more: object) -> Subscriber:
    return Subscriber(id=7, email="alice@example.org", size=size, created=NOW, **more)  # type: ignore[arg-type]


def paper(number: int, **more: object) -> Paper:
    return Paper(id=number, **{"title": (f"On {NAMES[number]}"), "first_seen": TODAY, **more})  # type: ignore[arg-type]


def choose(
    papers: Sequence[Paper],
    rules: Rules,
    subscriber: Subscriber | None = None,
    day: date = TODAY,
    names: Sequence[str] = (),
) -> Digest | Quiet:
    """Choose from papers that are given best first."""
    ranked = [
        Score(
            paper_id=paper.id,
            value=1 - place / 100,
            chance=max(99 - place, 0) / 100,
            interest=names[place] if names else "",
        )
        for place, paper in enumerate(papers)
    ]
    subscriber = subscriber or reader(strictness="always")
    return selection.choose(
        subscriber,
        day,
        ranked,
        {paper.id: paper for paper in papers},
        provenance=MADE,
        rules=replace(rules, line=selection.line_of(subscriber.strictness)),
    )


def ids(outcome: Digest | Quiet) -> list[int]:
    assert isinstance(outcome, Digest)
    return [item.score.paper_id for item in outcome.items]


PAPERS = [paper(number) for number in range(90)]
