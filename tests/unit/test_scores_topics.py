"""The topics of a paper for a reader: phrases that say what lifts it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Interest, Paper, Part
from digest.ranking import scores
from tests.examples import examples
from tests.unit.scored import explain, make_day, make_paper, train_profile

quietly = settings(database=None, max_examples=examples(100))
WORDS = [
    "speech",
    "recognition",
    "noisy",
    "rooms",
    "bees",
    "hive",
    "dance",
    "camera",
    "night",
    "vision",
    "of",
    "the",
    "we",
    "propose",
]
texts = st.lists(st.sampled_from([*WORDS, "Speech", "Bees,", "."]), min_size=1, max_size=25).map(
    " ".join
)


def topics(title: str, abstract: str, liked: list[Paper]) -> list[Part]:
    (scored,) = explain(train_profile(liked=liked), make_day([make_paper(1, title, abstract)]))
    return [part for part in scored.parts if part.kind == "topic"]


@quietly
@given(texts, texts, st.lists(texts, min_size=1, max_size=3))
def test_a_topic_stands_in_the_text_and_its_words_lift_the_paper(
    title: str, abstract: str, liked_texts: list[str]
) -> None:
    liked = [make_paper(51 + number, text) for number, text in enumerate(liked_texts)]
    paper = make_paper(1, title, abstract)
    day, profile = make_day([paper]), train_profile(liked=liked)
    (scored,) = explain(profile, day, max_parts=1000)
    (plain,) = explain(profile, day, max_parts=1000, words_alone=True)
    word_values = {part.name.lower(): part.value for part in plain.parts if part.kind == "word"}
    strongest = max(word_values.values(), default=0)
    found = [part for part in scored.parts if part.kind == "topic"]
    assert len(found) <= scores.MAX_TOPICS
    for part in found:
        assert part.name.lower() in f"{title}\n{abstract}".lower()
        values = [word_values.get(word.lower(), 0) for word in part.name.split()]
        assert all(value > 0 for value in values)
    if found:
        # Among the strongest: no single word is far above the first topic.
        assert found[0].value >= 0.5 * strongest
    assert sum(part.value for part in scored.parts) + scored.rest == pytest.approx(
        scored.value, abs=1e-12
    )
    assert scored.rest == pytest.approx(plain.rest, abs=1e-6)


@pytest.mark.parametrize(
    ("title", "abstract", "liked", "expected"),
    [
        (
            "Listening at Night: Robust Speech Recognition",
            "We study speech recognition in noisy rooms. Speech recognition fails at night.",
            "Speech recognition in rooms",
            ["speech recognition"],
        ),
        (
            "The Waggle Dance, Filmed",
            "Bees dance. A night camera films the waggle dance of bees in the dark.",
            "The waggle dance of bees",
            ["waggle dance"],
        ),
        (
            "Watermarking",
            "A mark is put into a text.",
            "Watermarking",
            ["watermarking"],
        ),
        (
            "Which Circuits Do Sparse Autoencoders Find? A Study of Small Models",
            "What a network computes is hard to read. Sparse autoencoders split its activations "
            "into features. We trace feature circuits through four invented models, and find that "
            "sparse autoencoders miss half of what the feature circuits need.",
            "Feature circuits by sparse autoencoders",
            ["sparse autoencoders", "feature circuits"],
        ),
        (
            "HiveSplat: Gaussian Splatting for Crowded Beehives",
            "Beehives are crowded. We propose HiveSplat, which extends Gaussian splatting to "
            "moving wings. HiveSplat renders novel views of a beehive at night.",
            "Gaussian splatting with novel views",
            ["Gaussian splatting", "novel views"],
        ),
        (
            "LLM AGENTS THAT KEEP BOOKS",
            "LLM agents forget. We give LLM agents a ledger, and let them keep books for a year.",
            "Ledgers for LLM agents",
            ["LLM agents"],
        ),
        ("Glaciers", "Ice melts.", "Speech recognition", []),
    ],
)
def test_topics_of_papers(title: str, abstract: str, liked: str, expected: list[str]) -> None:
    found = topics(title, abstract, [make_paper(51, liked), make_paper(52, f"{liked} again")])
    assert [part.name for part in found] == expected


def test_a_specific_phrase_is_preferred_to_a_common_one_that_is_as_strong() -> None:
    """Every other paper of the day is about language models too."""
    paper = make_paper(
        1, "Language models and feature circuits", "Language models hold feature circuits."
    )
    others = [make_paper(number, f"Language models of case{number}") for number in range(2, 30)]
    liked = [make_paper(51, "Language models and feature circuits")]
    scored = explain(train_profile(liked=liked), make_day([paper, *others]), candidate_ids=[1])[0]
    first, *_ = [part.name for part in scored.parts if part.kind == "topic"]
    assert first == "feature circuits"


def test_no_two_topics_share_a_word() -> None:
    found = topics(
        "Speech recognition and speech translation",
        "Speech recognition, speech translation, and night vision.",
        [make_paper(51, "Speech recognition, speech translation, night vision")],
    )
    words = [word for part in found for word in part.name.split()]
    assert len(words) == len(set(words))


def test_words_of_keywords_that_the_paper_holds_are_no_topic() -> None:
    (scored,) = explain(
        train_profile(Interest(keywords=("speech recognition",))),
        make_day([make_paper(1, "Speech recognition at night")]),
    )
    assert scored.parts[0].kind == "keyword"
    assert "speech" not in " ".join(p.name for p in scored.parts if p.kind == "topic")
