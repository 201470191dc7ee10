"""How a keyword is matched: as people expect it, and by nothing else."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from digest.ranking import features
from digest.ranking.features.inflections import ing_forms, number_forms
from tests.examples import examples
from tests.unit.scored import make_day, make_paper


def is_held(keyword: str, title: str, abstract: str = "") -> bool:
    """Return whether a day finds a keyword, as reading the paper does."""
    (phrase,) = features.parse_keywords([keyword], features.Frequencies())
    day = make_day([make_paper(1, title, abstract)], [])
    holds = bool(len(day.rows_holding(phrase.spelling)))
    assert holds is phrase.spelling.occurs_in(title, abstract)
    return holds


@pytest.mark.parametrize(
    ("keyword", "there", "not_there"),
    [
        (
            "jailbreak",
            [
                "Jailbreaks at scale",
                "JAILBREAK",
                "Jailbreaking models",
                "A Jail-Break",
                "jail break",
            ],
            ["A jailbroken model", "Breaking jails"],
        ),
        ("jailbreaks", ["A jailbreak of it"], []),
        ("robot", ["Robots", "A Robot's hand", "robot-aided", "(robot)"], ["Robotics", "robotic"]),
        (
            "red teaming",
            [
                "Red-Teaming models",
                "Redteaming",
                "Red‐teaming",
                "red–teaming",
                "A red team",
                "Red Teams",
            ],
            ["A team in red", "red, teaming", "Red. Teaming up", "bred teaming"],
        ),
        ("red-teaming", ["red teaming", "redteaming"], ["teaming"]),
        (
            "Gaussian splat",
            ["3D Gaussian Splatting", "Gaussian Splats", "Gaussian-Splatting"],
            ["Splats"],
        ),
        ("Gaussian splatting", ["Gaussian splats", "a Gaussian splat"], ["Gaussian splatter"]),
        ("3D reconstruction", ["3-D Reconstruction", "3D-reconstructions"], ["2D reconstruction"]),
        ("3-D", ["3D scenes", "3-D scenes"], ["D scenes", "3 scenes"]),
        ("multiagent", ["Multi-Agent systems", "multi agents"], ["an agent", "multi-user agent"]),
        ("multi-agent", ["Multiagent systems"], ["multi-user"]),
        ("reranking", ["Re-ranking passages"], ["ranking passages"]),
        ("few-shot learning", ["Few-Shot Learning", "few shot learning"], ["zero-shot learning"]),
        ("off-policy", ["Off-policy RL"], ["a policy", "on-policy RL", "policy off"]),
        (
            "MRI",
            ["Brain MRI", "two MRIs", "MRI-based", "mri segmentation of the brain"],
            ["Mrikal"],
        ),
        ("CT", ["Chest CT", "CTs", "PET/CT"], ["A fact", "CTX", "DCT", "Ct"]),
        (
            "RAG",
            ["RAG", "RAGs at work", "Agentic-RAG", "rag for all"],
            ["A rag doll", "Rags", "Drag"],
        ),
        ("rag", ["RAG systems", "A Rag doll"], ["drag", "GraphRAG"]),
        ("CLIP", ["CLIP models", "VIDEO CLIP RETRIEVAL"], ["Video Clip Retrieval", "Clips"]),
        ("NERF", ["NeRF in the dark", "NERF"], ["A Nerf gun"]),
        ("GPS", ["GPS traces"], ["GP regression"]),
        ("GP", ["GP regression", "Sparse GPs"], ["GPS traces"]),
        ("gps", ["GPS traces"], ["GP regression"]),
        ("news", ["Fake news"], ["A new method"]),
        ("logistics", ["Logistics of aid"], ["Logistic regression"]),
        ("bias", ["Biases of models", "A bias"], ["biased", "unbiased"]),
        ("lens", ["Lenses"], ["Len"]),
        ("mesh", ["Meshes"], ["meshing"]),
        ("analysis of cells", ["Analysis of cells", "analysis of cell"], ["cell analysis"]),
        ("train", ["Trains run late"], ["Training models"]),
        ("-reasoning", ["Reasoning models"], ["For this reason"]),
        ("language modeling", ["Language Modeling"], ["A language model"]),
        ("topic model", ["Topic modeling", "topic modelling", "Topic models"], []),
        ("image captioning", ["image captions", "Image-captioning"], ["image"]),
        ("Schrödinger", ["Schrodinger bridges", "Schro\u0308dinger"], []),
        ("Parkinson's disease", ["Parkinson disease", "Parkinson’s disease"], ["Parkinsonism"]),
        ("CO2", ["CO$_2$ capture", "CO₂ capture", "CO-2"], ["CO capture"]),
        ("COVID-19", ["COVID–19 cases", "Covid 19", "COVID19"], ["COVID"]),
        (
            "type 2 diabetes",
            ["Type-2 Diabetes", "type 2 diabetes"],
            ["type 1 diabetes", "diabetes"],
        ),
        ("speech recognition", ["\\emph{Speech} recognition", "speech\u00a0recognition"], []),
        ("state of the art", ["State-of-the-art search"], ["The state of art"]),
        ("the robot", ["A robot"], []),
        ("k-NN", ["k‑NN search", "k–NN search"], ["NN search"]),
        ("心臓", ["人の心臓病"], ["心と臓"]),
        ("grasp*", ["grasping", "Grasper", "grasps"], ["grass"]),
        ("St. Petersburg", ["In St. Petersburg"], []),
    ],
)
def test_a_keyword_is_found_as_people_expect(
    keyword: str, there: list[str], not_there: list[str]
) -> None:
    found = {text: is_held(keyword, text) for text in (*there, *not_there)}
    assert found == dict.fromkeys(there, True) | dict.fromkeys(not_there, False)


@pytest.mark.parametrize(
    "forms",
    [
        "robot robots",
        "bias biases",
        "lens lenses",
        "gas gases",
        "box boxes",
        "mesh meshes",
        "patch patches",
        "epoch epochs",
        "loss losses",
        "virus viruses",
        "analysis analyses",
        "hypothesis hypotheses",
        "matrix matrices",
        "index indices",
        "device devices",
        "axis axes",
        "ontology ontologies",
        "movie movies",
        "database databases",
        "hero heroes",
        "photo photos",
        "topic topics",
        "child children",
        "spectrum spectra",
        "formula formulas",
        "formula formulae",
        "area areas",
    ],
)
def test_singular_and_plural_find_each_other(forms: str) -> None:
    singular, plural = forms.split()
    assert plural in number_forms(singular)
    assert singular in number_forms(plural)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("news", "new"),
        ("dynamics", "dynamic"),
        ("planes", "plan"),
        ("doses", "dos"),
        ("cases", "cas"),
        ("gps", "gp"),
        ("glass", "glas"),
        ("basis", "basi"),
        ("status", "statu"),
    ],
)
def test_a_word_is_no_plural_of_another(word: str, other: str) -> None:
    assert other not in number_forms(word)


def test_a_lone_word_never_loses_its_ending() -> None:
    assert ing_forms("reasoning", in_phrase=False) == ()
    assert ing_forms("train", in_phrase=False) == ()
    assert "team" in ing_forms("teaming", in_phrase=True)


# ----------------------------------------------------------------------------------------------
# any text

_TEXTS = st.lists(
    st.sampled_from(
        [*"abqéßα心K-_.,'( \n–19", "heart", "Heart", "the", "q-learning", "\u0301", "RAG"]
    ),
    max_size=8,
).map("".join)


@settings(max_examples=examples(400), deadline=None)
@given(_TEXTS, _TEXTS, _TEXTS)
def test_the_search_by_columns_finds_what_reading_finds(
    keyword: str, title: str, abstract: str
) -> None:
    if features.parse_keywords([keyword], features.Frequencies()):
        is_held(keyword, title, abstract)


_WORDS = st.lists(
    st.sampled_from(
        [
            "graph",
            "neural",
            "networks",
            "re-ranking",
            "off",
            "policy",
            "3D",
            "covid-19",
            "MRI",
            "mesh",
            "of",
        ]
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=examples(200), deadline=None)
@given(_WORDS, st.sampled_from([" ", "-", "\u2010", "–", "  ", "\u00a0"]), st.booleans())
@example(["covid-19"], "–", True)
def test_blanks_hyphens_and_dashes_are_one(words: list[str], between: str, loud: bool) -> None:
    keyword = " ".join(words)
    assume(features.parse_keywords([keyword], features.Frequencies()))
    written = between.join(words)
    assert is_held(keyword, f"On {written.upper() if loud else written} here")
    assert is_held(keyword, "Title", f"On {written}, and more")
