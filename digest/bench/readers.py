"""Invent readers with interests and thumbs, from the words of real papers.

Pure, and reproducible: a seed and a reader's number decide all about the reader. So the first
1,000 of 10,000 readers are the same as 1,000 readers alone.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal

from digest.errors import InputError
from digest.model import Interest, Paper, Strictness, Subscriber

#: thumbs of a reader who rates
THUMBS = (10, 60)
#: share of the thumbs that are up; of those, and of the ones down, the share on papers that hold a
#: keyword of the reader
_UP, _UP_FITTING, _DOWN_FITTING = 0.6, 0.85, 0.25
#: shares of the readers who name categories, describe their interest in a text, mute a word
_WITH_CATEGORIES, _WITH_TEXT, _WITH_MUTED_WORD = 0.4, 0.25, 0.1
#: a keyword occurs in at least so many papers, and in at most this share of them
_LEAST_PAPERS, _MOST_PAPERS = 3, 0.03
#: a word of more papers is in no pair of words
_COMMON = 0.1
#: characters of an interest's text at most
_TEXT = 300
#: when a paper of a day is rated
_EVENING = time(18)
_WORD = re.compile(r"[a-z][a-z-]{2,}[a-z]")


@dataclass(frozen=True, kw_only=True, slots=True)
class InventedReader:
    """A reader without an id, and their thumbs: (paper id, vote, time)."""

    subscriber: Subscriber
    thumbs: tuple[tuple[int, Literal[-1, 1], datetime], ...]


def address_of(number: int) -> str:
    """Return the address of an invented reader, numbered from 1. Nobody can have it (RFC 2606)."""
    return f"reader.{number}@example.net"


class Invention:
    """Invents readers from papers.

    Args:
        papers: whose words become the readers' keywords.
        day: readers have rated papers first seen before this day.
        seed: another one gives other readers.
        size: papers in a digest at most.
        strictness: of every reader.

    Raises:
        InputError: the papers are too few, or none was first seen before the day.
    """

    def __init__(
        self,
        papers: Sequence[Paper],
        *,
        day: date,
        seed: int,
        size: int = 10,
        strictness: Strictness = "balanced",
    ) -> None:
        self._seed, self._size, self._strictness = seed, size, strictness
        in_text, self._in_title = _find_keywords(papers)
        self._topics = [paper for paper in papers if self._in_title[paper.id]]
        self._rated = [paper for paper in papers if paper.first_seen < day]
        if not self._topics:
            raise InputError(
                f"{len(papers)} papers are too few to take readers' keywords from. Name larger "
                "dumps"
            )
        if not self._rated:
            raise InputError(
                f"no paper was first seen before {day}, so readers can have rated none. Name "
                "dumps of several days, each with its day in the file's name"
            )
        self._first_day = min(paper.first_seen for paper in papers)
        self._fitting: dict[str, list[int]] = defaultdict(list)
        for place, paper in enumerate(self._rated):
            for keyword in in_text[paper.id]:
                self._fitting[keyword].append(place)

    def invent(self, count: int) -> Iterator[InventedReader]:
        """Invent so many readers; every second one has thumbs."""
        for number in range(1, count + 1):
            dice = random.Random(f"{self._seed} {number}")  # noqa: S311
            interest = self._invent_interest(dice)
            yield InventedReader(
                subscriber=Subscriber(
                    id=0,
                    email=address_of(number),
                    name=f"Reader {number}",
                    size=self._size,
                    strictness=self._strictness,
                    interests=(interest,),
                    created=datetime.combine(self._first_day - timedelta(days=1), _EVENING, UTC),
                ),
                thumbs=self._invent_thumbs(dice, interest) if number % 2 else (),
            )

    def _invent_interest(self, dice: random.Random) -> Interest:
        topics = dice.choices(self._topics, k=dice.choice((1, 1, 2, 3)))
        keywords = dict.fromkeys(
            keyword
            for paper in topics
            for keyword in dice.sample(
                self._in_title[paper.id], min(dice.randint(1, 3), len(self._in_title[paper.id]))
            )
        )
        if dice.random() < _WITH_MUTED_WORD:
            keywords.setdefault(f"-{dice.choice(self._in_title[dice.choice(self._topics).id])}")
        return Interest(
            keywords=tuple(keywords),
            categories=topics[0].categories[:2] if dice.random() < _WITH_CATEGORIES else (),
            text=_shorten(topics[0].abstract) if dice.random() < _WITH_TEXT else "",
        )

    def _invent_thumbs(
        self, dice: random.Random, interest: Interest
    ) -> tuple[tuple[int, Literal[-1, 1], datetime], ...]:
        fitting = [place for word in interest.keywords for place in self._fitting.get(word, ())]
        votes: dict[int, Literal[-1, 1]] = {}
        for _ in range(min(dice.randint(*THUMBS), len(self._rated))):
            is_up = dice.random() < _UP
            fits = dice.random() < (_UP_FITTING if is_up else _DOWN_FITTING)
            place = dice.choice(fitting) if fits and fitting else dice.randrange(len(self._rated))
            while place in votes:  # all of the fitting ones may be rated
                place = dice.randrange(len(self._rated))
            votes[place] = 1 if is_up else -1
        return tuple(
            (paper.id, vote, datetime.combine(paper.first_seen, _EVENING, UTC))
            for paper, vote in ((self._rated[place], vote) for place, vote in votes.items())
        )


def _find_keywords(
    papers: Sequence[Paper],
) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """Find the words and pairs of words that would do as keywords.

    Returns:
        Those in title and abstract of each paper, and those in its title.
    """
    titles = {paper.id: _list_words(paper.title) for paper in papers}
    texts = {paper.id: _list_words(f"{paper.title}\n{paper.abstract}") for paper in papers}
    in_titles = set().union(*titles.values())
    counts = Counter(word for words in texts.values() for word in words if word in in_titles)
    most = max(_LEAST_PAPERS, _MOST_PAPERS * len(papers))
    common = {word for word, count in counts.items() if count > _COMMON * len(papers)}
    usable = {
        word
        for word, count in counts.items()
        if _LEAST_PAPERS <= count <= most and common.isdisjoint(word.split())
    }
    in_text, in_title = (
        {ident: [word for word in words if word in usable] for ident, words in words_of.items()}
        for words_of in (texts, titles)
    )
    return in_text, in_title


def _list_words(text: str) -> dict[str, None]:
    """List the words of a text and the pairs of neighbours, each once, in order."""
    words = [match.group() for match in _WORD.finditer(text.lower())]
    return dict.fromkeys([*words, *(f"{first} {second}" for first, second in pairwise(words))])


def _shorten(text: str) -> str:
    """Return the beginning of a text, up to the end of a word."""
    return text if len(text) <= _TEXT else text[:_TEXT].rpartition(" ")[0]
