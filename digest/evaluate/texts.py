"""The recommender on plain texts, through the same stages as the service and without a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest import features, profiles, scores
from digest.model import Interest, Paper

#: unrated papers that a profile is trained against
BACKGROUND = 1000
_DAY = date(2000, 1, 1)


@dataclass(kw_only=True)
class _Corpus:
    frequencies: features.Frequencies = field(default_factory=features.Frequencies)
    rows: sp.csr_matrix = field(default_factory=lambda: features.vectorize([]))
    papers: list[Paper] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    #: all of its papers, so that what a service does once a day is done once here too
    day: scores.Day | None = None


_corpus = _Corpus()


def prepare(all_texts: Sequence[str]) -> None:
    """Fit the features on a corpus; a text is title + ". " + abstract. `recommend` then looks its texts up, and takes others too."""
    texts = list(dict.fromkeys(all_texts))
    counts = features.vectorize(texts)
    _corpus.frequencies = features.Frequencies().add(counts)
    _corpus.rows = features.weigh(counts, _corpus.frequencies)
    _corpus.papers = [_paper(number + 1, text) for number, text in enumerate(texts)]
    _corpus.places = {text: number for number, text in enumerate(texts)}
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

    From liked and disliked texts, texts that nobody rated (the first 1,000 are used) and keywords.
    """
    interest = Interest(keywords=tuple(keywords))
    profile = profiles.train(
        [interest],
        profiles.background(*_look_up(unlabelled[:BACKGROUND])),
        phrases=features.phrases(interest.keywords, _corpus.frequencies),
        liked=profiles.rated(*_look_up(liked)),
        disliked=profiles.rated(*_look_up(disliked_texts)),
    )
    places = [_corpus.places.get(text, -1) for text in candidates]
    if _corpus.day is None or -1 in places:
        return scores.score(profile, scores.day(*_look_up(candidates)))
    return scores.score(profile, _corpus.day)[places]


def _look_up(texts: Sequence[str]) -> tuple[list[Paper], sp.csr_matrix]:
    places = [_corpus.places.get(text, -1) for text in texts]
    if -1 not in places:
        return [_corpus.papers[place] for place in places], _corpus.rows[places]
    papers = [_corpus.papers[place] if place >= 0 else _paper(-1 - number, texts[number]) for number, place in enumerate(places)]
    return papers, features.weigh(features.vectorize(texts), _corpus.frequencies)
