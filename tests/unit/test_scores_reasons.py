"""The sentence that says why a paper is listed."""

from __future__ import annotations

from datetime import date

import pytest

from digest.model import Part, Score
from digest.ranking import scores
from tests.unit.scored import explain, make_day, make_paper, part_of, train_profile


def score(*parts: tuple[str, str, float], nearest: tuple[str, float] | None = None) -> Score:
    all_parts = tuple(Part(kind=kind, name=name, value=value) for kind, name, value in parts)  # type: ignore[arg-type]
    return Score(paper_id=1, value=1, match=90, parts=all_parts, nearest=nearest)


@pytest.mark.parametrize(
    ("scored", "sentence"),
    [
        (
            score(
                ("word", "tactile sensing", 0.2),
                ("word", "grasping", 0.1),
                nearest=("Soft hands", 0.4),
            ),
            'About "tactile sensing" and "grasping"; near "Soft hands", which you liked.',
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
        (
            score(("author", "Jane Doe", 0.3), ("keyword", "grasp", 0.2)),
            'By Jane Doe, whom you follow; matches your keyword "grasp".',
        ),
        (
            score(("keyword", "a", 0.3), ("keyword", "b", 0.2), ("word", "c", 0.01)),
            'Matches your keywords "a" and "b".',
        ),
        (score(("upvotes", "1", 0.003)), "1 upvote."),
        (score(("pick", "29 August", 0.02)), "On Hugging Face Daily Papers, 29 August."),
        (
            # as version 0.1.0 stored it
            score(("pick", "29 Aug at position 3", 0.02)),
            "On Hugging Face Daily Papers, 29 Aug at position 3.",
        ),
        (score(("recency", "4 May", 0.005)), "New on 4 May."),
        (
            score(("word", "tactile", 0.3), ("word", "tactile sensing", 0.2)),
            'About "tactile sensing".',
        ),
        (score(("word", "Shot", 0.3), ("word", "Zero-Shot", 0.2)), 'About "Zero-Shot".'),
        (
            score(("word", "agent", 0.3), ("word", "Agents", 0.2), ("word", "tool", 0.2)),
            'About "agent" and "tool".',
        ),
        (score(("keyword", "survey", -1.0)), 'A new paper, though "survey" speaks against it.'),
        (score(), "A new paper; nothing speaks for it or against it."),
    ],
)
def test_the_reason_names_the_strongest_positive_parts(scored: Score, sentence: str) -> None:
    assert scores.write_reason(scored) == sentence


NEAR = ("near", "Old favourite", 0.2)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (
            [NEAR, ("word", "robot", 0.05), ("word", "grasp", 0.04), ("word", "x", 0.01)],
            'About "robot" and "grasp"; near "Old favourite", which you liked.',
        ),
        (
            [NEAR, ("word", "robot", 0.03), ("word", "grasp", 0.03)],
            'Near "Old favourite", which you liked.',
        ),
        ([NEAR, ("recency", "9 Jun", 0.005)], 'Near "Old favourite", which you liked.'),
        ([("near", "Old favourite", 0.01), ("word", "robot", 0.05)], 'About "robot".'),
        (
            [("author", "Jane Doe", 0.3), NEAR],
            'By Jane Doe, whom you follow; near "Old favourite", which you liked.',
        ),
        ([NEAR], 'Near "Old favourite", which you liked.'),
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


def test_dates_are_in_english() -> None:
    (explained,) = explain(
        train_profile(),
        make_day([make_paper(1, picked=date(2026, 8, 29), rank=3, first_seen=date(2026, 8, 29))]),
    )
    assert part_of(explained, "pick").name == "29 August, no. 3"
    assert scores.write_reason(explained).startswith(
        "No. 3 on Hugging Face Daily Papers, 29 August"
    )
