"""What a paper's value is made of: words, names and papers.

What the dense columns add is divided among a paper's words, since they come from these by a linear
map. An encoder's columns come from the whole text and are explained by the nearest liked paper.

First each reader's weights of the words of their papers are found, then the reasons for a paper for
all of its readers at once. A reader's reasons are the same alone and in any batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from digest.model import Part, PartKind, Score
from digest.ranking.profiles import Profile
from digest.ranking.scores.days import Day
from digest.ranking.scores.nearest import Nearest
from digest.ranking.scores.order import rank
from digest.ranking.scores.paper_words import PaperWords, WordsOf, words_of_paper
from digest.ranking.scores.reader_words import ReaderPaper, weigh_words
from digest.ranking.scores.sentences import trending_fact
from digest.ranking.scores.topics import Topic
from digest.ranking.scores.values import DECIMALS, Scored, score_all

#: parts that a Score names; the others are summed in its `rest`
MAX_PARTS = 8
#: share of what a paper's words add that those shared with the nearest paper add, if it is named
MIN_SHARED_LIFT = 0.3
#: papers that are explained at once, where one reader asks for them one by one
_BATCH_SIZE = 16


class Request(NamedTuple):
    """Papers whose reasons are asked for, as one profile sees them."""

    profile: Profile
    #: rows of competing papers
    rows: Sequence[int]


class Reasons(NamedTuple):
    """Why a paper is worth what it is to a reader."""

    #: the strongest parts of its value, strongest first
    parts: tuple[Part, ...]
    #: the liked paper that stands for it
    nearest: Nearest | None = None

    def add_to(self, score: Score) -> Score:
        """Return the score with these reasons; parts and rest add up to the value, to 1e-6."""
        return structs.replace(
            score,
            parts=self.parts,
            rest=score.value - sum([part.value for part in self.parts]),
            nearest=self.nearest and (self.nearest.title, round(min(self.nearest.cosine, 1.0), 4)),
            nearest_is_example=self.nearest is not None and self.nearest.is_example,
        )


def explain(
    profile: Profile,
    day: Day,
    *,
    words_of: WordsOf,
    candidate_ids: Collection[int] | None = None,
    max_parts: int = MAX_PARTS,
    scored: Scored | None = None,
    words_alone: bool = False,
) -> Iterator[Score]:
    """Yield scores as `rank`, with their reasons, each when it is asked for.

    `Score.chance` is left to `calibration`.

    Args:
        words_of: names the columns of a paper.
        candidate_ids: ids of the papers that compete for this reader; all of the day when left out.
        max_parts, words_alone: as of `find_reasons`.
        scored: what the profile makes of the day, where it is known already.
    """
    ranked = rank(scored or score_all([profile], day)[0], day, candidate_ids)
    while batch := list(islice(ranked, _BATCH_SIZE)):
        request = Request(profile, [day.row_of(score.paper_id) for score in batch])
        (reasons,) = find_reasons(
            [request], day, words_of=words_of, max_parts=max_parts, words_alone=words_alone
        )
        for score, own in zip(batch, reasons, strict=True):
            yield own.add_to(score)


def find_reasons(
    requests: Sequence[Request],
    day: Day,
    *,
    words_of: WordsOf,
    max_parts: int = MAX_PARTS,
    words_alone: bool = False,
) -> list[list[Reasons]]:
    """Find the reasons for the papers of each request, in its order.

    Args:
        requests: papers by profile.
        words_of: names the columns of a paper.
        max_parts: how many parts are named at most.
        words_alone: whether every word stands for itself, and neither a topic nor a keyword for
            what thumbs have taught of its words.
    """
    table = np.zeros(len(day.vocabulary) + 1)
    by_paper: dict[int, list[tuple[int, int, ReaderPaper]]] = defaultdict(list)
    for number, (profile, rows) in enumerate(requests):
        if not rows:
            continue
        papers = [words_of_paper(day, row, words_of) for row in rows]
        for place, own in enumerate(weigh_words(profile, day, rows, papers, table)):
            by_paper[rows[place]].append((number, place, own))
    found: list[list[Reasons]] = [[Reasons(())] * len(rows) for _, rows in requests]
    for row, readers in by_paper.items():
        paper = words_of_paper(day, row, words_of)
        explainer = _PaperExplainer(day, row, paper, max_parts, words_alone)
        for (number, place, _), reasons in zip(
            readers, explainer.explain([own for _, _, own in readers]), strict=True
        ):
            found[number][place] = reasons
    return found


class _PaperExplainer:
    """Explains the value of one paper for several readers."""

    def __init__(
        self, day: Day, row: int, paper: PaperWords, max_parts: int, words_alone: bool
    ) -> None:
        self._day, self._row, self._paper = day, row, paper
        self._max_parts, self._words_alone = max_parts, words_alone

    def explain(self, readers: Sequence[ReaderPaper]) -> Iterator[Reasons]:
        paper = self._paper
        #: what each word adds for each reader, shape (readers, words)
        values = paper.data * np.stack([reader.weights for reader in readers])
        if self._day.contributions is not None and len(paper.known):
            vectors = self._day.contributions.table.vectors[paper.vector_rows]
            for own_values, reader in zip(values, readers, strict=True):
                # One by one, so that no sum depends on the other readers.
                own_values[paper.known] += paper.shares * (vectors @ reader.vector_weights)
        nearest = [
            self._nearest_liked(reader.nearest, lifts)
            for reader, lifts in zip(readers, np.maximum(values, 0), strict=True)
        ]
        parts = [self._keyword_parts(reader, values[n]) for n, reader in enumerate(readers)]
        for number, reader in enumerate(readers):
            if encoded := self._explain_encoder(reader):
                part, nearest[number] = encoded
                parts[number].append(part)
        if not self._words_alone:
            for number, topics in enumerate(paper.phrases.find_topics(values)):
                for topic in topics:
                    parts[number].append(_name_topic(topic))
                    values[number, topic.entries] = 0
        trending = self._trending_parts()
        strongest = np.argsort(-np.abs(values), axis=1, kind="stable")[:, : self._max_parts]
        strengths = np.round(np.take_along_axis(values, strongest, axis=1), DECIMALS)
        for reader, own_parts, nearest_liked, places, amounts in zip(
            readers, parts, nearest, strongest.tolist(), strengths.tolist(), strict=True
        ):
            own_parts += [
                Part(kind="word", name=name, value=value)
                for place, value in zip(places, amounts, strict=True)
                if value and (name := paper.name(place))
            ]
            own_parts += reader.named_parts
            own_parts += trending
            own_parts.sort(key=_strongest_first)
            own_parts = [part for part in own_parts[: self._max_parts] if part.value]
            yield Reasons(tuple(own_parts), nearest_liked)

    def _nearest_liked(self, nearest: Nearest | None, lifts: NDArray[np.float64]) -> Nearest | None:
        """Return the nearest liked paper, if what it shares with the paper lifts it.

        Args:
            lifts: what each word of the paper adds, 0 where it takes away.
        """
        if nearest is None or not nearest.is_near:
            return None
        shared = lifts[self._paper.places_of(nearest.word_indices)].sum()
        return nearest if shared > 0 and shared >= MIN_SHARED_LIFT * lifts.sum() else None

    def _keyword_parts(self, reader: ReaderPaper, values: NDArray[np.float64]) -> list[Part]:
        """Return a part for each keyword that the paper holds.

        It stands for what thumbs have taught of its words too. These add nothing of their own any
        more: their `values` become 0.
        """
        parts = []
        for held in reader.keywords:
            value, phrase = held.value, held.keyword.phrase
            if not self._words_alone and not phrase.muted:
                places = self._paper.places_of(held.word_indices)
                value += float(values[places].sum())
                values[places] = 0
            parts.append(Part(kind="keyword", name=phrase.text, value=round(value, DECIMALS)))
        return parts

    def _explain_encoder(self, reader: ReaderPaper) -> tuple[Part, Nearest] | None:
        """Return what the encoder's columns add, and the liked paper nearest in these.

        None where they add nothing, or where no liked paper is near.
        """
        if self._day.contributions is None or not len(reader.encoder_weights):
            return None
        own = self._day.dense.shape[1] - len(reader.encoder_weights)
        value = float(self._day.dense[self._row, own:] @ reader.encoder_weights)
        if value <= 0:
            return None
        candidates = [liked.find_nearest_encoded(self._row, own) for liked in reader.liked]
        nearest = max(candidates, key=lambda candidate: candidate.cosine, default=None)
        if nearest is None or not nearest.is_near:
            return None
        return Part(kind="near", name=nearest.title, value=round(value, DECIMALS)), nearest

    def _trending_parts(self) -> list[Part]:
        kinds: tuple[PartKind, ...] = ("upvotes", "pick", "recency")
        paper = self._day.papers[self._row]
        return [
            Part(kind=kind, name=trending_fact(kind, paper), value=round(amount, DECIMALS))
            for kind, amount in zip(kinds, self._day.trending[:, self._row].tolist(), strict=True)
            if amount
        ]


def _name_topic(topic: Topic) -> Part:
    return Part(kind="topic", name=topic.text, value=round(topic.value, DECIMALS))


def _strongest_first(part: Part) -> tuple[float, str, str]:
    return -abs(part.value), part.kind, part.name
