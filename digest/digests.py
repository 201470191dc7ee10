"""Scores -> the papers of a reader's digest, or why there is none.

Decides by the scores it is given, best first; reads no clock and remembers nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from digest.model import Digest, Item, Made, Paper, Quiet, QuietReason, Score, Subscriber

#: titles that share this much of their words are one paper in two guises
ALIKE = 0.9


def choose(
    subscriber: Subscriber,
    local_date: date,
    scores: Iterable[Score],
    papers: Mapping[int, Paper],
    *,
    made: Made,
    seen: Collection[int] = (),
    carried: Collection[int] = (),
) -> Digest | Quiet:
    """The reader's digest for a local date.

    `scores` come best first and are taken one by one until the digest is full. `papers` holds every paper that competed, by id.
    `seen` are ids listed or rated before: they are left out here, whether or not the scores still hold them. `carried` are ids that an
    earlier digest may already have shown: listed, with a mark. Withdrawn papers and near-copies of a title chosen already are left
    out; a paper below the reader's threshold ends the list.
    """
    items: list[Item] = []
    titles: list[frozenset[str]] = []
    for score in scores:
        paper = papers.get(score.paper_id)
        if paper is None or paper.withdrawn or paper.id in seen:
            continue
        if score.match < subscriber.threshold:
            break
        words = _words(paper.title)
        if any(_alike(words, other) for other in titles):
            continue
        titles.append(words)
        items.append(Item(position=len(items) + 1, score=score, seen_before=paper.id in carried))
        if len(items) >= subscriber.size:
            break
    if items:
        return Digest(subscriber_id=subscriber.id, local_date=local_date, items=tuple(items), made=made)
    return Quiet(subscriber_id=subscriber.id, local_date=local_date, reason=_reason(papers, seen), made=made)


def _reason(papers: Mapping[int, Paper], seen: Collection[int]) -> QuietReason:
    usable = [paper.id for paper in papers.values() if not paper.withdrawn]
    if not usable:
        return QuietReason.NO_NEW_PAPERS
    return QuietReason.ALL_SEEN if all(number in seen for number in usable) else QuietReason.BELOW_THRESHOLD


def _words(title: str) -> frozenset[str]:
    return frozenset("".join(sign if sign.isalnum() else " " for sign in title.casefold()).split())


def _alike(left: frozenset[str], right: frozenset[str]) -> bool:
    if not left or not right:
        return False
    # A number tells parts of a series apart: "part i" and "part ii", "gpt 3" and "gpt 4".
    if any(word.isdigit() or not set(word) - set("ivx") for word in left ^ right):
        return False
    return len(left & right) >= ALIKE * len(left | right)
