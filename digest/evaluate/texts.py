"""The recommender on plain texts, through the same stages as the service and without a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest import features, profiles, scores
from digest.model import Interest, Paper

_DAY = date(2000, 1, 1)


@dataclass(kw_only=True)
class _Corpus:
    space: features.Space = field(default_factory=lambda: features.space(features.base(), features.Frequencies(), features.vectorize([])))
    background: profiles.Background = field(default_factory=lambda: profiles.background([], sp.csr_matrix((0, features.WIDTH))))
    rows: sp.csr_matrix = field(default_factory=lambda: sp.csr_matrix((0, features.WIDTH)))
    papers: list[Paper] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    #: all of its papers, so that what a service does once a day is done once here too
    day: scores.Day | None = None


_corpus = _Corpus()


def prepare(all_texts: Sequence[str]) -> None:
    """Fit the features on a corpus; a text is title + ". " + abstract. `recommend` then looks its texts up, and takes others too.

    Word vectors go on from the base table where the corpus is large enough to teach them something.
    """
    texts = list(dict.fromkeys(all_texts))
    counts = features.vectorize(texts)
    frequencies = features.Frequencies().add(counts)
    table = features.base()
    if len(texts) >= features.ENOUGH:
        split = [text.partition(". ") for text in texts]
        titles = features.vectorize([title for title, _, _ in split])
        table = features.train(titles, features.vectorize([abstract for _, _, abstract in split]), start=table)
    _corpus.space = features.space(table, frequencies, counts)
    _corpus.rows = _corpus.space.rows(counts)
    _corpus.papers = [_paper(number + 1, text) for number, text in enumerate(texts)]
    _corpus.places = {text: number for number, text in enumerate(texts)}
    _corpus.background = profiles.background(_corpus.papers, _corpus.rows)
    _corpus.day = scores.day(_corpus.papers, _corpus.rows)


def _paper(number: int, text: str) -> Paper:
    title, _, abstract = text.partition(". ")
    return Paper(id=number, title=title, abstract=abstract, first_seen=_DAY)


def recommend(
    liked: Sequence[str],
    unlabelled: Sequence[str],
    candidates: Sequence[str],
    keywords: Sequence[str] = (),
    disliked_texts: Sequence[str] = (),
) -> NDArray[np.float64]:
    """Scores of the candidates for a reader, shape (len(candidates),), higher is better.

    From liked and disliked texts and keywords, against the mean of the texts that `prepare` saw; `unlabelled` are among those.
    """
    # What likes have drowned out need not be looked up; what is unwanted stays so.
    interest = Interest(keywords=tuple(word for word in keywords if profiles.fading(len(liked)) or word.startswith("-")))
    profile = profiles.train(
        [interest],
        _corpus.background,
        phrases=_corpus.space.phrases(interest.keywords),
        liked=profiles.rated(*_look_up(liked)),
        disliked=profiles.rated(*_look_up(disliked_texts)),
    )
    places = [_corpus.places.get(text, -1) for text in candidates]
    if _corpus.day is None or -1 in places:
        return scores.score(profile, scores.day(*_look_up(candidates)))
    return scores.score(profile, _of_day(_corpus.day, places))


def _of_day(day: scores.Day, places: list[int]) -> scores.Day:
    """Some of the papers of a day; plain texts have neither categories nor authors that would have to move along."""
    return replace(
        day,
        papers=tuple(day.papers[place] for place in places),
        competing=len(places),
        ids=day.ids[places],
        rows=day.rows[places],
        lengths=day.lengths[places],
        alike={},
        trending=day.trending[:, places],
    )


def _look_up(texts: Sequence[str]) -> tuple[list[Paper], sp.csr_matrix]:
    places = [_corpus.places.get(text, -1) for text in texts]
    if -1 not in places:
        return [_corpus.papers[place] for place in places], _corpus.rows[places]
    papers = [_corpus.papers[place] if place >= 0 else _paper(-1 - number, texts[number]) for number, place in enumerate(places)]
    return papers, _corpus.space.rows(features.vectorize(texts))
