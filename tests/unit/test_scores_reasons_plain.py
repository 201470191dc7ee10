"""Reasons that are found for many pairs at once are those of the plain form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Interest
from digest.ranking import features, profiles, scores
from digest.ranking.scores import nearest, pairs
from tests.examples import examples
from tests.unit.plain_reasons import explain_plainly, read_parts
from tests.unit.scored import count_words, make_paper

_TEXT = """
    robots hands sparse autoencoders tactile sensing LLM agents touch neural networks glaciers melt
    of the and, we propose multi-agent memory. Books (keep) year 3D scans q-learning x"""
_WORDS = _TEXT.split()
_KEYWORDS = ("tactile sensing", "-glaciers", "agents", "memory", "LLM agents", "sparse touch")


def _make_day(seed: int) -> tuple[scores.Day, list[profiles.Profile]]:
    """Make a day and readers whose weights are drawn, so that no two parts are equally strong."""
    random = np.random.default_rng(seed)
    papers = [
        make_paper(
            number,
            " ".join(random.choice(_WORDS, random.integers(0, 6))),
            " ".join(random.choice(_WORDS, random.integers(0, 40))),
            categories=tuple(random.choice(["cs.RO", "cs.LG", "math.CO"], random.integers(0, 3))),
            upvotes=int(random.integers(0, 9)),
        )
        for number in range(1, 31)
    ]
    counts = count_words(papers)
    space = features.fit_space(
        features.load_base_table(), features.Frequencies().add(counts), counts
    )
    rows = space.rows(counts)
    day = scores.make_day(papers, rows, contributions=space.contributions(counts))
    background = profiles.Background.from_papers(papers, rows)
    shelf = profiles.RatedRows(rows)
    readers = []
    for likes in (0, 1, 4, 9):
        liked = random.choice(30, likes, replace=False).tolist()
        keywords = tuple(random.choice(_KEYWORDS, random.integers(0, 4), replace=False).tolist())
        profile = profiles.train(
            [Interest(keywords=keywords, categories=("cs.RO", "-math"))],
            background,
            phrases=space.parse_keywords(keywords),
            liked=profiles.Rated.from_shared_rows([papers[n] for n in liked], shelf, liked),
        )
        readers.append(
            replace(
                profile,
                word_weights=random.normal(0.02, 0.1, len(profile.indices)).astype(np.float32),
                co_like_boosts=((3, "Both like it", 0.04),),
            )
        )
    return day, readers


@given(st.integers(0, 10_000))
@settings(max_examples=examples(25), deadline=None)
def test_parts_are_those_of_the_plain_form(seed: int) -> None:
    day, readers = _make_day(seed)
    requests = [scores.Request(reader, range(12)) for reader in readers]
    together = scores.find_reasons(requests, day, words_of=features.words_of, max_parts=10_000)
    for reader, reasons in zip(readers, together, strict=True):
        for row, (own, found) in enumerate(zip(reasons, read_parts(reasons), strict=True)):
            plain, nearest_paper = explain_plainly(reader, day, row)
            expected = {(kind, name): value for kind, name, value in plain}
            assert {(kind, name): value for kind, name, value in found} == pytest.approx(
                expected, abs=1e-6
            )
            assert (own.nearest is None) == (nearest_paper is None)
            if own.nearest is not None and nearest_paper is not None:
                assert own.nearest.title == nearest_paper[0]
                assert own.nearest.cosine == pytest.approx(nearest_paper[1], abs=1e-5)


@pytest.mark.parametrize("number", [1, 3, 8])
def test_the_strongest_parts_are_named(number: int) -> None:
    day, readers = _make_day(5)
    (whole,), (cut,) = (
        scores.find_reasons(
            [scores.Request(readers[-1], range(30))],
            day,
            words_of=features.words_of,
            max_parts=most,
        )
        for most in (10_000, number)
    )
    assert read_parts(cut) == [parts[:number] for parts in read_parts(whole)]


def test_reasons_are_the_same_however_the_work_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    day, readers = _make_day(7)
    requests = [scores.Request(reader, range(30)) for reader in readers * 3]
    whole = scores.find_reasons(requests, day, words_of=features.words_of)
    day.explained.clear()
    for module, name, value in (
        (pairs, "_MOST_PAPERS", 7),
        (pairs, "_CHUNK", 40),
        (nearest, "_TOGETHER", 2),
    ):
        monkeypatch.setattr(module, name, value)
    assert scores.find_reasons(requests, day, words_of=features.words_of) == whole
    assert any(own.nearest is not None for reasons in whole for own in reasons)


def test_nobody_and_no_paper_give_no_reasons() -> None:
    day, readers = _make_day(1)
    assert scores.find_reasons([], day, words_of=features.words_of) == []
    nothing = [scores.Request(reader, ()) for reader in readers]
    assert scores.find_reasons(nothing, day, words_of=features.words_of) == [[], [], [], []]
