"""The sentence that says why a paper is listed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from msgspec import structs

from digest.model import Interest, Part, Score
from digest.ranking import profiles, scores
from tests.unit.scored import (
    BACKGROUND,
    explain,
    make_day,
    make_paper,
    make_rows,
    part_of,
    train_profile,
)


def score(*parts: tuple[str, str, float], nearest: tuple[str, float] | None = None) -> Score:
    strongest_first = sorted(parts, key=lambda part: -abs(part[2]))
    all_parts = tuple(
        Part(kind=kind, name=name, value=value)  # type: ignore[arg-type]
        for kind, name, value in strongest_first
    )
    return Score(paper_id=1, value=1, chance=0.9, parts=all_parts, nearest=nearest)


@pytest.mark.parametrize(
    ("scored", "sentence"),
    [
        (
            score(
                ("author", "Jane Doe", 0.1), ("keyword", "grasp", 0.1), ("topic", "soft hands", 0.9)
            ),
            "By Jane Doe, whom you follow.",
        ),
        (
            score(("author", "Jane Doe", 0.3), ("keyword", "grasp", 0.2)),
            "By Jane Doe, whom you follow; matches your keyword grasp.",
        ),
        (
            score(("keyword", "MRI", 0.1), ("topic", "soft hands", 0.3), nearest=("Hands", 0.4)),
            "Matches your keyword MRI.",
        ),
        (
            score(("keyword", "MRI", 0.01), ("topic", "soft hands", 0.3)),
            "About soft hands.",
        ),
        (
            score(("keyword", "a", 0.3), ("keyword", "b", 0.2), ("topic", "c", 0.01)),
            "Matches your keywords a and b.",
        ),
        (
            score(("topic", "tactile sensing", 0.2), ("word", "hand", 0.1), nearest=("Hands", 0.4)),
            "Like “Hands”, which you liked.",
        ),
        (
            score(("category", "cs.RO", 0.2), ("topic", "tactile sensing", 0.01), nearest=("H", 1)),
            "In cs.RO, which you follow.",
        ),
        (
            score(("topic", "sparse autoencoders", 0.2), ("topic", "feature circuits", 0.1)),
            "About sparse autoencoders and feature circuits.",
        ),
        (
            score(("topic", "LLM agents", 0.2), ("category", "cs.RO", 0.1), ("word", "x", 0.1)),
            "About LLM agents.",
        ),
        (
            score(("category", "cs.RO", 0.06), ("recency", "4 May", 0.005)),
            "In cs.RO, which you follow.",
        ),
        (
            score(
                ("pick", "29 August, no. 3", 0.02),
                ("upvotes", "41", 0.015),
                ("recency", "29 August", 0.01),
            ),
            "No. 3 on Hugging Face Daily Papers, 29 August; 41 upvotes.",
        ),
        (score(("upvotes", "1", 0.003)), "1 upvote."),
        (score(("pick", "29 August", 0.02)), "On Hugging Face Daily Papers, 29 August."),
        (score(("recency", "4 May", 0.005)), "New on 4 May."),
        (
            score(("word", "Gaussian", 0.3), ("word", "splat", 0.2)),
            "Mentions “Gaussian”.",
        ),
        (score(("keyword", "survey", -1.0)), "A new paper, though “survey” speaks against it."),
        (score(), "A new paper; nothing speaks for it or against it."),
    ],
)
def test_the_reason_is_the_first_that_a_person_would_give(scored: Score, sentence: str) -> None:
    assert scores.write_reason(scored) == sentence


def test_an_example_paper_is_not_called_liked() -> None:
    scored = score(("topic", "tactile sensing", 0.2), nearest=("Hands", 0.4))
    assert (
        scores.write_reason(structs.replace(scored, nearest_is_example=True))
        == "Like “Hands”, one of your examples."
    )


@pytest.mark.parametrize(
    ("scored", "sentence"),
    [
        (
            score(
                ("word", "tactile sensing", 0.2),
                ("word", "grasping", 0.1),
                nearest=("Soft hands", 0.4),
            ),
            "Like “Soft hands”, which you liked.",
        ),
        (
            score(("word", "tactile", 0.3), ("word", "tactile sensing", 0.2)),
            "About tactile sensing.",
        ),
        (score(("word", "Agents", 0.3), ("word", "tool", 0.2)), "Mentions “Agents”."),
        (score(("word", "LLM", 0.3), ("word", "tool", 0.2)), "Mentions “LLM”."),
        (
            # as version 0.1.0 stored it
            score(("pick", "29 Aug at position 3", 0.02)),
            "On Hugging Face Daily Papers, 29 Aug at position 3.",
        ),
    ],
)
def test_an_explanation_stored_by_an_older_version_gives_a_sentence(
    scored: Score, sentence: str
) -> None:
    assert scores.write_reason(scored) == sentence


NEAR = ("near", "Old favourite", 0.2)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ([NEAR, ("topic", "soft hands", 0.1)], "Like “Old favourite”, which you liked."),
        ([NEAR, ("recency", "9 Jun", 0.005)], "Like “Old favourite”, which you liked."),
        ([("near", "Old favourite", 0.01), ("topic", "soft hands", 0.05)], "About soft hands."),
        ([("keyword", "grasp", 0.1), NEAR], "Matches your keyword grasp."),
        ([("author", "Jane Doe", 0.3), NEAR], "By Jane Doe, whom you follow."),
        ([("author", "Jane Doe", 0.03), NEAR], "By Jane Doe, whom you follow."),
        ([NEAR], "Like “Old favourite”, which you liked."),
    ],
)
def test_an_encoder_part_is_compared_with_all_words_together(
    parts: list[tuple[str, str, float]], sentence: str
) -> None:
    assert scores.write_reason(score(*parts)) == sentence


def test_a_muted_keyword_is_never_given_as_a_reason() -> None:
    assert "survey" not in scores.write_reason(
        score(("keyword", "survey", -1.0), ("word", "robot", 0.1))
    )


def test_the_words_that_lift_a_paper_are_named_strongest_first() -> None:
    scored = score(
        ("topic", "soft hands", 0.3), ("category", "cs.RO", 0.2), ("word", "grasp", -0.1), NEAR
    )
    assert scores.lifting_words(scored) == ("soft hands",)


# ----------------------------------------------------------------------------------------------
# what explanations name


LIKED = [
    make_paper(51, "Tactile sensing for robot hands", "We sense touch with tactile skin."),
    make_paper(52, "Soft robot hands", "Soft robot hands with tactile sensing of objects."),
]


def test_a_liked_paper_is_named_only_where_what_it_shares_lifts_the_paper() -> None:
    """Both share words with the liked paper, but those of the second lower it."""
    alike = make_paper(1, "Tactile sensing of robot hands on glaciers")
    profile = train_profile(liked=LIKED)
    (scored,) = explain(profile, make_day([alike]))
    assert scored.nearest is not None
    assert scores.write_reason(scored).startswith("Like “")
    lowered = replace(profile, word_weights=-profile.word_weights)
    (scored,) = explain(lowered, make_day([alike]))
    assert scored.nearest is None


def test_an_example_that_is_also_liked_counts_as_liked() -> None:
    paper = make_paper(1, "Tactile sensing of robot hands")
    examples_, liked = (
        profiles.Rated.from_papers(LIKED, make_rows(LIKED)),
        profiles.Rated.from_papers(LIKED[:1], make_rows(LIKED[:1])),
    )
    for ratings, is_example in (
        ({"examples": examples_}, True),
        ({"examples": examples_, "liked": liked}, False),
    ):
        profile = profiles.train([Interest()], BACKGROUND, **ratings)
        (scored,) = explain(profile, make_day([paper]))
        assert scored.nearest is not None
        assert scored.nearest_is_example is is_example


def test_what_thumbs_taught_of_a_keyword_counts_for_the_keyword() -> None:
    """Many likes fade the keyword itself; then its part is what they taught of its word."""
    more = [make_paper(number, f"Tactile sensing {number}") for number in range(53, 60)]
    profile = train_profile(Interest(keywords=("tactile",)), liked=[*LIKED, *more])
    (keyword,) = profile.keywords
    assert (keyword.weight, keyword.bonus) == (0, 0)
    (scored,) = explain(profile, make_day([make_paper(1, "Tactile glaciers")]))
    assert part_of(scored, "keyword").value > 0
    assert scores.write_reason(scored) == "Matches your keyword tactile."
    assert "tactile" not in {part.name.lower() for part in scored.parts if part.kind == "word"}


def test_dates_are_in_english() -> None:
    (explained,) = explain(
        train_profile(),
        make_day([make_paper(1, picked=date(2026, 8, 29), rank=3, first_seen=date(2026, 8, 29))]),
    )
    assert part_of(explained, "pick").name == "29 August, no. 3"
    assert scores.write_reason(explained).startswith(
        "No. 3 on Hugging Face Daily Papers, 29 August"
    )
