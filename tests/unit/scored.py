"""Papers of few words, readers' profiles, and the scores of one by the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import scipy.sparse as sp
from hypothesis import strategies as st
from numpy.typing import NDArray

from digest.model import Interest, Paper, Part, Score
from digest.ranking import features, profiles, scores

TODAY = date(2026, 5, 4)
_WORDS = (
    "robot grasping tactile sensing climate rainfall glacier poetry rhyme market auction price "
    "neural network survey"
)
WORDS = _WORDS.split()


def make_paper(number: int, title: str = "", abstract: str = "", **fields: object) -> Paper:
    fields = {"first_seen": TODAY, "title": title or f"Paper {number}", **fields}
    return Paper(id=number, abstract=abstract, **fields)  # type: ignore[arg-type]


def make_papers(number: int, start: int) -> list[Paper]:
    """Make papers of five neighbouring words each."""
    return [
        make_paper(
            start + place, " ".join((WORDS * 2)[place % 15 : place % 15 + 5]), f"case{place}"
        )
        for place in range(number)
    ]


def count_words(papers: Sequence[Paper]) -> sp.csr_matrix:
    return features.vectorize([features.text_of(paper.title, paper.abstract) for paper in papers])


def count_frequencies(papers: Sequence[Paper]) -> features.Frequencies:
    return features.Frequencies().add(count_words(papers))


PAPERS = make_papers(30, 1)
RECENT = make_papers(40, 101)
FREQUENCIES = count_frequencies([*PAPERS, *RECENT])


def make_rows(papers: Sequence[Paper]) -> sp.csr_matrix:
    return features.weigh(count_words(papers), FREQUENCIES)


def make_day(papers: Sequence[Paper], recent: Sequence[Paper] = ()) -> scores.Day:
    return scores.make_day(papers, make_rows(papers), recent, make_rows(recent))


BACKGROUND = profiles.Background.from_papers(RECENT, make_rows(RECENT))


def train_profile(
    interest: Interest | None = None, liked: Sequence[Paper] = (), disliked: Sequence[Paper] = ()
) -> profiles.Profile:
    interest = interest or Interest()
    return profiles.train(
        [interest],
        BACKGROUND,
        phrases=features.parse_keywords(interest.keywords, FREQUENCIES),
        liked=profiles.Rated.from_papers(liked, make_rows(liked)),
        disliked=profiles.Rated.from_papers(disliked, make_rows(disliked)),
    )


def explain(profile: profiles.Profile, day: scores.Day, **options: object) -> list[Score]:
    return list(scores.explain(profile, day, words_of=features.words_of, **options))  # type: ignore[arg-type]


def part_of(score: Score, kind: str) -> Part:
    (part,) = [part for part in score.parts if part.kind == kind]
    return part


# ----------------------------------------------------------------------------------------------
# strategies

PAPER_LISTS = st.lists(
    st.builds(
        lambda number, words, **fields: make_paper(number, " ".join(words), **fields),
        st.integers(1, 50),
        st.lists(st.sampled_from(WORDS), max_size=8),
        upvotes=st.integers(0, 500),
        picked=st.sampled_from([None, TODAY, TODAY - timedelta(days=9)]),
        rank=st.sampled_from([None, 1, 7]),
        categories=st.sampled_from([(), ("cs.RO",), ("cs.LG", "cs.RO"), ("stat.ML",)]),
        authors=st.sampled_from([(), ("Jane Doe",), ("J. Roe", "Doe, Jane")]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda paper: paper.id,
)
_KEYWORDS = ["tactile sensing", "-survey", "robot", "neural networks", "-climate rainfall", "+C++"]
INTERESTS = st.builds(
    Interest,
    keywords=st.lists(st.sampled_from(_KEYWORDS), max_size=4).map(tuple),
    categories=st.lists(st.sampled_from(["cs.RO", "-cs.LG", "cs", "stat.*"]), max_size=2).map(
        tuple
    ),
    authors=st.lists(st.sampled_from(["Jane Doe", "-J. Roe"]), max_size=2).map(tuple),
)


def has_title_keyword(profile: profiles.Profile, day: scores.Day) -> NDArray[np.bool_]:
    """Tell which competing papers have a typed keyword in the title that still counts."""
    (scored,) = scores.score_all([profile], day)
    return scores.has_title_keyword(scores.gather_evidence(profile, scored, profile, scored, day))
