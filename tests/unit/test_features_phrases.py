"""The noun phrases of a paper, and how it writes them in running text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.ranking import features
from tests.examples import examples

_PHRASE_WORDS = ["hive", "bee", "queen", "wax"]
_TEXTS = st.lists(
    st.sampled_from(
        [
            *_PHRASE_WORDS,
            "Bees:",
            "bees",
            "HIVE",
            "of",
            "(wax)",
            "queen-bee",
            "2x2",
            "é",
            "new",
            ".",
        ]
    ),
    max_size=12,
).map(" ".join)
quietly = settings(database=None, max_examples=examples(200))


def phrases(title: str, abstract: str = "") -> dict[str, features.NounPhrase]:
    return {phrase.text: phrase for phrase in features.noun_phrases(title, abstract)}


@pytest.mark.parametrize(
    ("title", "abstract", "text"),
    [
        # a title in capitals, and running text that shows how the words are written
        (
            "Sparse Autoencoders Reveal Circuits",
            "We use sparse autoencoders.",
            "sparse autoencoders",
        ),
        ("Sparse Autoencoders Reveal Circuits", "", "sparse autoencoders"),
        ("Sparse autoencoders reveal circuits", "", "sparse autoencoders"),
        ("Faster LLM Agents", "", "LLM agents"),
        ("Editing NeRF Scenes", "", "NeRF scenes"),
        ("Gaussian Splatting of Hives", "", "Gaussian splatting"),
        ("Gaussian Splatting of Hives", "In Gaussian Splatting, bees blur.", "Gaussian Splatting"),
        (
            "Gaussian Splatting of Hives",
            "With Gaussian splatting, bees blur.",
            "Gaussian splatting",
        ),
        # an acronym is spelled out with capitals that running text has not
        ("On bees", "We use a Hive Record Table (HRT) for bees.", "hive record table"),
        ("On bees", "We use an HRT (Hive Record Table) for bees.", "hive record table"),
        ("BEEKEEPING RECORDS OF LIND", "Good beekeeping records last.", "beekeeping records"),
        ("3D Hive Scans", "", "3D hive scans"),
        ("Multi-Agent Beekeeping", "", "multi-agent beekeeping"),
        ("Trust in a hive", "The agent Skill is a Skill of the agent.", "agent skill"),
        ("Novel View Synthesis", "", "novel view synthesis"),
        ("State space models", "", "state space models"),
        ("Schrödinger bridges", "", "schrödinger bridges"),
    ],
)
def test_a_phrase_is_written_as_in_running_text(title: str, abstract: str, text: str) -> None:
    assert text in phrases(title, abstract)


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("We propose robust hives", "propose robust hives"),
        ("Hives outperform boxes", "hives outperform boxes"),
        ("Hives, boxes", "hives boxes"),
        ("We stabilize hives", "stabilize hives"),
        ("A hive of the boxes", "hive boxes"),
        ("Boxes are hierarchical", "hierarchical"),
        ("Camera-based", "camera-based"),
        ("New methods and results", "methods"),
        ("A novel framework", "novel framework"),
        ("Really quickly growing hives", "quickly growing hives"),
        ("Bees (wasps) sting", "bees wasps"),
        ("A 2x2 grid", "2x2 grid"),
    ],
)
def test_other_words_are_no_phrase(text: str, absent: str) -> None:
    assert absent not in phrases(text)


def test_the_own_name_of_a_paper_is_no_topic() -> None:
    found = phrases("BeeCam2: Night Vision", "Bees of BeeCam2 dance.")
    assert "night vision" in found
    assert not any("BeeCam2" in text for text in found)


def test_a_phrase_that_a_neighbour_belongs_to_is_cut() -> None:
    found = phrases("Point cloud segmentation", "A point cloud is large. Segmentation is hard.")
    assert found["point cloud segmentation"].complete
    assert not found["cloud segmentation"].complete
    assert found["segmentation"].complete


def test_singular_and_plural_are_one_phrase_and_counted() -> None:
    found = phrases("Night cameras", "A night camera sees. The night cameras of the hive see.")
    assert found["night cameras"].count == 3
    assert found["night cameras"].in_title
    assert "night camera" not in found


def test_the_columns_of_a_phrase_are_those_of_its_words() -> None:
    text = "Self-supervised speech recognition"
    found = phrases(text)["self-supervised speech recognition"]
    assert set(found.words) | set(found.pairs) == set(features.vectorize([text]).indices.tolist())


@quietly
@given(
    st.text(alphabet="aB-. ,(é3漢s", max_size=60),
    st.lists(
        st.sampled_from(["We", "speech", "Speech", "LLMs", "model", "(ASR)", "of", ".", "3D"]),
        max_size=20,
    ).map(" ".join),
)
def test_every_phrase_stands_in_the_paper(title: str, abstract: str) -> None:
    for phrase in features.noun_phrases(title, abstract):
        assert phrase.text.lower() in f"{title}\n{abstract}".lower()
        assert 1 <= phrase.length <= 3
        assert phrase.count >= 1


@given(st.lists(st.tuples(_TEXTS, _TEXTS), min_size=1, max_size=6))
@quietly
def test_the_phrases_of_papers_are_the_same_alone_and_together(
    papers: list[tuple[str, str]],
) -> None:
    together = features.find_noun_phrases(papers)
    for number, paper in enumerate(papers):
        own = range(together.bounds[number], together.bounds[number + 1])
        assert [
            features.NounPhrase(
                words=together.words.of(place),
                pairs=together.pairs.of(place),
                length=int(together.length[place]),
                count=int(together.count[place]),
                in_title=bool(together.in_title[place]),
                complete=bool(together.complete[place]),
                text=together.text(place),
            )
            for place in own
        ] == [*features.noun_phrases(*paper)]


@given(st.lists(st.sampled_from([*_PHRASE_WORDS, "of"]), max_size=20))
@quietly
def test_a_phrase_counts_as_often_as_it_stands_there(written: list[str]) -> None:
    text = " ".join(written)
    for phrase in features.noun_phrases("", text):
        words = phrase.text.split()
        starts = range(len(written) - len(words) + 1)
        assert phrase.count == sum(written[n : n + len(words)] == words for n in starts)
