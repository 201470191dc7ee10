"""The batch form of a score equals the plain form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Interest, Paper
from digest.ranking import features, profiles, scores
from tests.examples import examples
from tests.unit.scored import INTERESTS, PAPER_LISTS, PAPERS, RECENT


@pytest.fixture(scope="module", params=["words alone", "with word vectors"])
def space(request: pytest.FixtureRequest) -> features.Space:
    table = features.Table() if request.param == "words alone" else features.load_base_table()
    counts = _count([*PAPERS, *RECENT])
    return features.fit_space(table, features.Frequencies().add(counts), counts)


def _count(papers: list[Paper]) -> sp.csr_matrix:
    return features.vectorize([features.text_of(paper.title, paper.abstract) for paper in papers])


def _rate(papers: list[Paper], space: features.Space) -> profiles.Rated:
    return profiles.Rated.from_papers(papers, space.rows(_count(papers)))


@settings(max_examples=examples(60), deadline=None)
@given(
    papers=PAPER_LISTS,
    recent=st.lists(st.sampled_from(RECENT), max_size=5, unique_by=lambda paper: paper.id),
    interest=INTERESTS,
    liked=st.lists(st.sampled_from(PAPERS), max_size=4),
    disliked=st.lists(st.sampled_from(RECENT), max_size=3),
    boosts=st.lists(
        st.tuples(st.integers(1, 50), st.just("A liked paper"), st.floats(0, 0.1)), max_size=3
    ),
    thumbs=st.dictionaries(st.integers(1, 50), st.lists(st.floats(0, 9), max_size=4), max_size=5),
)
def test_the_batch_form_equals_the_plain_form(
    space: features.Space,
    papers: list[Paper],
    recent: list[Paper],
    interest: Interest,
    liked: list[Paper],
    disliked: list[Paper],
    boosts: list[tuple[int, str, float]],
    thumbs: dict[int, list[float]],
) -> None:
    rows, recent_rows = space.rows(_count(papers)), space.rows(_count(recent))
    profile = replace(
        profiles.train(
            [interest],
            profiles.Background.from_papers(RECENT, space.rows(_count(RECENT))),
            phrases=space.parse_keywords(interest.keywords),
            liked=_rate(liked, space),
            disliked=_rate(disliked, space),
        ),
        co_like_boosts=tuple(boosts),
    )
    day = scores.make_day(papers, rows, recent, recent_rows, thumbs=thumbs)
    # Score another reader too: their parts must not leak into these.
    other = profiles.train(
        [Interest(keywords=("robot",))],
        profiles.Background.from_papers([], rows[:0]),
        phrases=space.parse_keywords(("robot",)),
    )
    _, scored = scores.score_all([other, profile], day)
    plain = scores.score_plainly(profile, papers, rows, thumbs)
    assert np.allclose(scored.values, plain, rtol=0, atol=1e-6)


def test_the_example_of_the_package_runs() -> None:
    example = [
        line.removeprefix("    ")
        for line in (scores.__doc__ or "").splitlines()
        if line.startswith("    ")
    ]
    papers, recent = PAPERS, RECENT
    names = {
        "papers": papers,
        "recent": recent,
        "recent_blobs": features.pack(_count(recent)),
        "table": features.load_base_table(),
        "frequencies": features.Frequencies().add(_count(recent)),
        "features": features,
        "profiles": profiles,
        "scores": scores,
    }
    exec("\n".join(example), names)
    day = names["day"]
    assert isinstance(day, scores.Day)
    assert (day.competing, len(day.ids)) == (len(papers), len(papers) + len(recent))
