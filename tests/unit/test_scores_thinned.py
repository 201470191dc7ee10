"""A thinned score keeps its sentence, and what learning reads of it."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from digest.locales import use_language
from digest.model import Part, Score
from digest.ranking import scores
from digest.store.explanations import decode_evidence, decode_score, encode_score

_NAMES = st.sampled_from(["robot", "soft hands", "Jane Doe", "cs.RO", "9 June 2026, no. 3"])
_PARTS = st.builds(
    Part,
    kind=st.sampled_from(
        ("word", "topic", "keyword", "category", "author", "near", "readers", "upvotes", "recency")
    ),
    name=_NAMES,
    value=st.floats(-2, 2).map(lambda value: round(value, 7)),
)
_SCORES = st.builds(
    lambda parts, nearest, told, is_example: Score(
        paper_id=1,
        value=1.5,
        chance=0.9,
        evidence=(0.5, 2.0),
        parts=tuple(sorted(parts, key=lambda part: -abs(part.value))),
        nearest=nearest,
        nearest_is_example=is_example and nearest is not None,
        interest="robots",
        told=told,
    ),
    st.lists(_PARTS, max_size=8),
    st.one_of(st.none(), st.just(("Hands of robots", 0.4))),
    st.sampled_from(["", "Recommended by lab"]),
    st.booleans(),
)


@given(_SCORES)
def test_the_sentence_stays_in_every_language(score: Score) -> None:
    thinned = scores.thin_score(score)
    for language in ("en", "de", "fr"):
        with use_language(language):
            assert scores.write_reason(thinned) == scores.write_reason(score)


@given(_SCORES)
def test_what_learning_reads_stays(score: Score) -> None:
    row = SimpleNamespace(paper_id=1, score=1.5, standard=score.standard)
    text = encode_score(scores.thin_score(score))
    stored = decode_score(text, row)
    assert decode_evidence(text) == score.evidence
    names = ("interest", "chance", "percentile", "titled", "value", "standard")
    assert {name: getattr(stored, name) for name in names} == {
        name: getattr(score, name) for name in names
    }
    assert abs(sum(part.value for part in stored.parts) + stored.rest - 1.5) < 1e-6


@given(_SCORES)
def test_thinning_twice_changes_nothing_more(score: Score) -> None:
    once = scores.thin_score(score)
    assert scores.thin_score(once) == once
    assert set(once.parts) <= set(score.parts)


def test_only_what_the_sentence_names_is_left() -> None:
    named = Part(kind="keyword", name="grasp", value=0.9)
    others = tuple(Part(kind="word", name=name, value=0.2) for name in ("one", "two", "three"))
    score = Score(paper_id=1, value=2, chance=0.5, parts=(named, *others))
    assert scores.thin_score(score) == structs.replace(score, parts=(named,))
