"""Categories as people type them: known ones, and suggestions for the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.papers import describe_category, is_known_category, suggest_categories
from digest.papers.arxiv_categories import ARXIV_CATEGORIES, OTHER_NAMES, PREPRINT_SUBJECTS


@pytest.mark.parametrize(
    "text",
    ["cs.LG", "cs.lg", "-cs.CV", "q-bio", "q-bio.*", "cs", "hep-th", "astro-ph.GA", " eess "],
)
def test_categories_and_archives_are_known(text: str) -> None:
    assert is_known_category(text)
    assert is_known_category(text, ["cs.AI"])


@pytest.mark.parametrize("text", ["machine learning", "cs.XX", "q", "cs.L", "c*", "", "-"])
def test_other_texts_are_unknown(text: str) -> None:
    assert not is_known_category(text)


def test_what_stored_papers_have_is_known() -> None:
    stored = ["Neuroscience", "econ-theory.A"]
    assert is_known_category("neuroscience", stored)
    assert is_known_category("econ-theory", stored)
    assert not is_known_category("econ-the", stored)


def test_a_subject_of_biorxiv_is_known_until_papers_come_without_it() -> None:
    assert is_known_category("Neuroscience")
    assert not is_known_category("Neuroscience", ["cs.LG"])
    assert suggest_categories("Neuroscience", ["cs.LG"]) == ("q-bio.NC",)


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("machine learning", ("cs.LG", "stat.ML")),
        ("Machine Learing", ("cs.LG", "stat.ML")),
        ("-machine learning", ("cs.LG", "stat.ML")),
        ("computer vision", ("cs.CV",)),
        ("NLP", ("cs.CL",)),
        ("statistic", ("stat", "math.ST", "stat.OT")),
        ("cs.LGG", ("cs.LG",)),
        ("csLG", ("cs.LG",)),
        ("cs-lg", ("cs.LG",)),
        ("LG", ("cs.LG",)),
        ("NA", ("cs.NA", "math.NA")),
        ("cs.AI, cs.LG", ("cs.AI", "cs.LG")),
        ("neuroscienc", ("neuroscience",)),
        ("something else", ()),
        ("", ()),
    ],
)
def test_categories_are_suggested(text: str, suggested: tuple[str, ...]) -> None:
    assert suggest_categories(text, ["neuroscience"]) == suggested


@given(st.text(max_size=30))
def test_suggestions_are_known_categories(text: str) -> None:
    suggested = suggest_categories(text)
    assert len(suggested) <= 3
    assert all(map(is_known_category, suggested))


def test_the_tables_fit_together() -> None:
    assert len(ARXIV_CATEGORIES) > 150
    for code in ARXIV_CATEGORIES:
        assert code.partition(".")[0] in ARXIV_CATEGORIES
    assert {code for codes in OTHER_NAMES.values() for code in codes} <= set(ARXIV_CATEGORIES)
    assert all(subject == subject.lower() for subject in PREPRINT_SUBJECTS)
    assert describe_category("cs.LG") == "cs.LG (Machine Learning)"
    assert describe_category("zoology") == "zoology"
