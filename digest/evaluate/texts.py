"""The recommender on plain texts, through the same stages as the service and without a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest.model import Interest, Paper
from digest.ranking import features, profiles, scores

_DAY = date(2000, 1, 1)


@dataclass(kw_only=True)
class _Corpus:
    space: features.Space = field(
        default_factory=lambda: features.fit_space(
            features.load_base_table(), features.Frequencies(), features.vectorize([])
        )
    )
    background: profiles.Background = field(
        default_factory=lambda: profiles.Background.from_papers(
            [], sp.csr_matrix((0, features.WIDTH))
        )
    )
    rated_rows: profiles.RatedRows = field(
        default_factory=lambda: profiles.RatedRows(sp.csr_matrix((0, features.WIDTH)))
    )
    papers: list[Paper] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    #: where the texts were given with what an encoder made of them
    encoding: features.Encoding | None = None
    #: all of its papers, so that what a service does once a day is done once here too
    day: scores.Day | None = None


@cache
def _corpus() -> _Corpus:
    # not when the module is read: every command would pay for the table, and none could start
    # without it
    return _Corpus()


def prepare(all_texts: Sequence[str], encoded: NDArray[np.float32] | None = None) -> None:
    """Fit the features on a corpus; a text is title + ".

    " + abstract. `recommend` then looks its texts up, and takes others too.

    Word vectors go on from the base table where the corpus is large enough to teach them something.
    `encoded` is what an encoder made of the texts, shape (len(all_texts), dimensions), to stand
    beside them; texts that are not among them have no such columns.
    """
    corpus = _corpus()
    first = {text: number for number, text in reversed(list(enumerate(all_texts)))}
    texts = list(dict.fromkeys(all_texts))
    counts = features.vectorize(texts)
    frequencies = features.Frequencies().add(counts)
    table = features.load_base_table()
    if len(texts) >= features.MIN_PAPERS:
        split = [text.partition(". ") for text in texts]
        titles = features.vectorize([title for title, _, _ in split])
        table = features.train(
            titles, features.vectorize([abstract for _, _, abstract in split]), start=table
        )
    corpus.space = features.fit_space(table, frequencies, counts)
    rows, corpus.encoding = corpus.space.rows(counts), None
    if encoded is not None and (found := features.fit_encoding("", encoded)) is not None:
        rows, corpus.encoding = (
            found.append_columns(rows, encoded[[first[text] for text in texts]]),
            found,
        )
    corpus.rated_rows = profiles.RatedRows(rows)
    _ = corpus.rated_rows.blocks  # once, and not within the first reader's time
    corpus.papers = [_paper(number + 1, text) for number, text in enumerate(texts)]
    corpus.places = {text: number for number, text in enumerate(texts)}
    corpus.background = profiles.Background.from_papers(corpus.papers, rows)
    corpus.day = scores.make_day(corpus.papers, rows)


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

    From liked and disliked texts and keywords, against the mean of the texts that `prepare` saw;
    `unlabelled` are among those.
    """
    corpus = _corpus()
    # What likes have drowned out need not be looked up.
    interest = Interest(
        keywords=tuple(
            word
            for word in keywords
            if profiles.keyword_fade(len(liked)) or profiles.has_several_words(word)
        )
    )
    profile = profiles.train(
        [interest],
        corpus.background,
        phrases=corpus.space.parse_keywords(interest.keywords),
        liked=_rated(liked),
        disliked=_rated(disliked_texts),
    )
    try:
        places = list(map(corpus.places.__getitem__, candidates))
    except KeyError:
        places = []
    if corpus.day is None or not places:
        return scores.score(profile, scores.make_day(*_look_up(candidates)))
    return scores.score(profile, corpus.day.take(places))


def _rated(texts: Sequence[str]) -> profiles.Rated:
    corpus = _corpus()
    places = [corpus.places.get(text, -1) for text in texts]
    if -1 not in places:
        return profiles.Rated.from_shared_rows(
            [corpus.papers[place] for place in places], corpus.rated_rows, places
        )
    return profiles.Rated.from_papers(*_look_up(texts))


def _look_up(texts: Sequence[str]) -> tuple[list[Paper], sp.csr_matrix]:
    corpus = _corpus()
    places = [corpus.places.get(text, -1) for text in texts]
    papers = [
        corpus.papers[place] if place >= 0 else _paper(-1 - number, texts[number])
        for number, place in enumerate(places)
    ]
    rows = corpus.space.rows(features.vectorize(texts))
    return papers, corpus.encoding.append_zeros(rows) if corpus.encoding else rows
