"""Odd readers and odd days.

Each gets a digest or a stated reason, and every number is finite.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Digest, Interest, Paper, Provenance, Quiet, QuietReason, Subscriber
from digest.pipeline.steps.choose_digests import Candidates, choose_digests
from digest.pipeline.steps.corpus_view import BatchContext
from digest.pipeline.steps.trained_readers import RecipeSplit, TrainedReader, train_profiles
from digest.ranking import features, profiles, scores, selection
from digest.ranking.recipes import RECIPES
from tests.examples import examples

TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, 7, tzinfo=UTC)
TOPICS = (
    "robot grasping tactile fingers slip gripper contact objects",
    "climate rainfall oceans glaciers satellite drought monsoon ice",
    "metre rhyme medieval poetry manuscripts monasteries verse scribes",
)
SPLIT = RecipeSplit(recipe="learned")
RULES = selection.Rules(author_most=3, category_most=70, explore=True)


def paper(number: int, **more: object) -> Paper:
    words = TOPICS[number % 3].split()
    chosen_words = [words[(number * step + step) % 8] for step in range(1, 6)]
    title = f"{chosen_words[0]} {chosen_words[1]} and case{number} tried{number * 7}"
    values = {
        "title": title,
        "abstract": f"{' '.join(chosen_words)} item{number} thing{number * 3}",
        "categories": ("cs.RO",),
    } | more
    return Paper(id=number + 1, first_seen=TODAY, **values)  # type: ignore[arg-type]


class World:
    """A day of papers and its background, as a round would read them."""

    def __init__(
        self, papers: Sequence[Paper], recent: Sequence[Paper] = (), rated: Sequence[Paper] = ()
    ) -> None:
        all_papers = [*papers, *recent, *rated]
        counts = features.vectorize(
            [features.text_of(paper.title, paper.abstract) for paper in all_papers]
        )
        frequencies = features.Frequencies().add(counts)
        self.space = features.fit_space(
            features.load_base_table(), frequencies, counts[len(papers) :][:300]
        )
        rows = self.space.rows(counts)
        first, second = len(papers), len(papers) + len(recent)
        self.place = {paper.id: place for place, paper in enumerate(all_papers)}
        self.rows, self.papers = rows, {paper.id: paper for paper in all_papers}
        self.shared = BatchContext(
            day=scores.make_day(
                list(papers),
                rows[:first],
                list(recent),
                rows[first:second],
                contributions=self.space.contributions(counts[:first]),
            ),
            papers={paper.id: paper for paper in papers},
            background=profiles.Background.from_papers(list(recent), rows[first:second]),
            provenance=Provenance(model="", features="words1", candidates=len(papers), at=NOW),
            local_date=TODAY,
        )

    def rate(self, papers: Sequence[Paper]) -> profiles.Rated:
        return profiles.Rated.from_papers(
            list(papers), self.rows[[self.place[paper.id] for paper in papers]]
        )

    def choose(
        self,
        liked: Sequence[Paper] = (),
        disliked: Sequence[Paper] = (),
        interests: tuple[Interest, ...] = (),
        size: int = 10,
    ) -> Digest | Quiet:
        def make_training_data(interests: tuple[Interest, ...]) -> profiles.TrainingData:
            words = [word for interest in interests for word in interest.keywords]
            none = self.rate([])
            return profiles.TrainingData(
                interests=interests,
                phrases=self.space.parse_keywords(words),
                liked=none,
                disliked=none,
                examples=none,
            )

        whole = make_training_data(interests)
        reader = profiles.TrainingData(
            interests=interests,
            phrases=whole.phrases,
            liked=self.rate(liked),
            disliked=self.rate(disliked),
            examples=whole.examples,
            per_interest=tuple(make_training_data((interest,)) for interest in interests)
            if len(interests) > 1
            else (),
        )
        rated_ids = {paper.id for paper in (*liked, *disliked)}
        subscriber = Subscriber(
            id=7,
            email="alice@example.org",
            size=size,
            strictness="always",
            interests=interests,
            created=NOW,
        )
        (trained,) = train_profiles(
            SPLIT,
            self.shared.background,
            [TrainedReader(subscriber=subscriber, training_data=reader)],
        )
        paper_ids = frozenset(self.shared.papers.keys() - rated_ids)
        candidates = Candidates(reader=trained, paper_ids=paper_ids)
        (outcome,) = choose_digests(RULES, SPLIT, self.shared, [candidates])
        if isinstance(outcome, Digest):
            check_numbers(outcome)
        return outcome


def check_numbers(digest: Digest) -> None:
    """Check that all numbers are finite and that the parts add up."""
    for item in digest.items:
        score = item.score
        assert all(
            map(
                math.isfinite,
                (
                    score.value,
                    score.rest,
                    score.standard,
                    item.probability,
                    *(part.value for part in score.parts),
                ),
            )
        )
        assert 0 <= score.chance <= 1
        assert sum(part.value for part in score.parts) + score.rest == pytest.approx(
            score.value, abs=1e-6
        )
        assert score.nearest is None or math.isfinite(score.nearest[1])
        assert scores.write_reason(score)
    paper_ids = [item.score.paper_id for item in digest.items]
    assert len(paper_ids) == len(set(paper_ids))


DAY = [paper(number) for number in range(60)]
RECENT = [paper(number) for number in range(100, 220)]
RATED = [paper(number) for number in range(300, 360)]


@pytest.fixture(scope="module")
def world() -> World:
    odd = [
        paper(400, abstract=""),
        paper(403, abstract=""),
        paper(406, title="", abstract=""),
        paper(409, title="机器人 抓取", abstract="触觉 传感 机器人 手"),
        paper(412, title="Обучение роботов", abstract="захват объектов рукой робота"),
        paper(415, title="!!! ???", abstract="... --- ..."),
    ]
    return World(DAY, RECENT, [*RATED, *odd])


def papers_of(world: World, *idents: int) -> list[Paper]:
    return [world.papers[ident + 1] for ident in idents]


def check_full(outcome: Digest | Quiet, size: int = 10) -> None:
    assert isinstance(outcome, Digest)
    assert len(outcome.items) == size


# ---------------------------------------------------------------------------------------------- odd
# readers


@pytest.mark.parametrize("count", [1, 2, 12, 60])
def test_a_reader_who_likes_everything_or_nothing_gets_a_digest(world: World, count: int) -> None:
    check_full(world.choose(liked=RATED[:count]))
    check_full(world.choose(disliked=RATED[:count]))


def test_a_hundred_likes_of_one_paper_count_once(world: World) -> None:
    often, once = world.choose(liked=[RATED[0]] * 100), world.choose(liked=[RATED[0]])
    check_full(often)
    assert often == once


def test_a_thousand_contradictory_thumbs_give_a_full_digest(world: World) -> None:
    check_full(world.choose(liked=RATED * 9, disliked=RATED * 9))
    check_full(world.choose(liked=RATED[::2] * 20, disliked=RATED[1::2] * 20))


@pytest.mark.parametrize(
    "liked",
    [(400, 403), (406,), (409,), (412,), (415,), (400, 406, 409, 412, 415)],
    ids=["no abstract", "nothing", "zh", "ru", "signs", "all"],
)
def test_a_reader_who_likes_papers_of_few_words_gets_a_digest(
    world: World, liked: tuple[int, ...]
) -> None:
    check_full(world.choose(liked=papers_of(world, *liked)))
    check_full(world.choose(liked=papers_of(world, *liked) * 20, disliked=RATED[:3]))
    pair = (Interest(name="a", keywords=("robot",)), Interest(name="b", text="x"))
    check_full(world.choose(liked=papers_of(world, *liked), interests=pair))


ODD_WORDS = st.sampled_from(
    [
        "robot",
        "-robot",
        "+robot",
        "rhyme",
        "-",
        "+",
        "*",
        "the",
        "",
        "机器人",
        "grasp*",
        "-the",
        "x" * 600,
        "+-robot",
        "--ice",
    ]
)
INTERESTS = st.lists(
    st.builds(
        Interest,
        name=st.sampled_from("abcde"),
        share=st.integers(1, 100),
        keywords=st.lists(ODD_WORDS, max_size=4).map(tuple),
        categories=st.lists(st.sampled_from(["cs.RO", "cs", "-q-bio", "*", ""]), max_size=2).map(
            tuple
        ),
        authors=st.lists(st.sampled_from(["Jane Doe", "-Doe", ",", "J"]), max_size=2).map(tuple),
    ),
    max_size=4,
    unique_by=lambda interest: interest.name,
).map(tuple)


@given(
    INTERESTS,
    st.lists(st.integers(0, 59), max_size=30),
    st.lists(st.integers(0, 59), max_size=30),
    st.integers(1, 20),
)
@settings(max_examples=examples(25))
def test_any_reader_gets_a_digest_or_a_stated_reason(
    world: World, interests: tuple[Interest, ...], ups: list[int], downs: list[int], size: int
) -> None:
    outcome = world.choose([RATED[n] for n in ups], [RATED[n] for n in downs], interests, size)
    words = [word for interest in interests for word in interest.keywords]
    names_other = any("*" in interest.categories for interest in interests)
    if not names_other and not any(word.startswith("-") for word in words):
        check_full(outcome, size)
    elif isinstance(outcome, Quiet):
        assert outcome.reason in (QuietReason.MUTED, QuietReason.BELOW_THRESHOLD)


def test_who_names_only_a_category_without_papers_is_told_that_none_fits(world: World) -> None:
    outcome = world.choose(interests=(Interest(categories=("astro-ph",)),))
    assert isinstance(outcome, Quiet)
    assert outcome.reason is QuietReason.BELOW_THRESHOLD


@pytest.mark.parametrize("keywords", [("*",), ("*", "robot"), ("robot", "*"), ("-*", "robot")])
def test_a_keyword_without_a_word_stands_beside_others(
    world: World, keywords: tuple[str, ...]
) -> None:
    check_full(world.choose(interests=(Interest(keywords=keywords),)))


# ---------------------------------------------------------------------------------------------- odd
# days


def test_a_day_without_papers_says_so() -> None:
    outcome = World([], RECENT, RATED).choose(liked=RATED[:5])
    assert isinstance(outcome, Quiet)
    assert outcome.reason is QuietReason.NO_NEW_PAPERS


@pytest.mark.parametrize("recent", [RECENT, []], ids=["with others", "alone"])
@pytest.mark.parametrize("liked", [0, 1, 20])
def test_a_day_of_one_paper_lists_it(recent: list[Paper], liked: int) -> None:
    check_full(World(DAY[:1], recent, RATED).choose(liked=RATED[:liked]), 1)


def test_a_single_paper_is_listed_until_it_is_rated() -> None:
    only = World(DAY[:1])
    check_full(only.choose(), 1)
    rated = only.choose(liked=DAY[:1])
    assert isinstance(rated, Quiet)
    assert rated.reason is QuietReason.NO_NEW_PAPERS


def test_a_day_of_one_paper_under_many_numbers_lists_it_once() -> None:
    same = [
        Paper(
            id=number,
            title="Robots grasp things",
            abstract="The same in every way.",
            first_seen=TODAY,
        )
        for number in range(1, 300)
    ]
    for liked in ((), RATED[:20]):
        check_full(World(same, RECENT, RATED).choose(liked=liked), 1)


def test_a_day_of_papers_without_a_word_is_listed() -> None:
    empty = [Paper(id=number, title="", first_seen=TODAY) for number in range(1, 30)]
    check_full(World(empty, RECENT, RATED).choose(liked=RATED[:3]))


def test_a_day_of_very_many_papers() -> None:
    """50,000 papers with DIGEST_TEST_ALL, else as many as keep the suite fast."""
    count = 50_000 if os.environ.get("DIGEST_TEST_ALL") else 3000
    many = [
        Paper(id=number + 10_000, title=f"{paper(number).title} {number}", first_seen=TODAY)
        for number in range(count)
    ]
    pair = (
        Interest(name="a", keywords=("robot",)),
        Interest(name="b", keywords=("+rhyme",), share=3),
    )
    crowd = World(many, RECENT, RATED)
    check_full(crowd.choose(liked=RATED[:20]))
    check_full(crowd.choose(liked=RATED[:20], interests=pair), 10)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_gives_a_number_for_every_paper_of_an_odd_reader(
    world: World, name: str
) -> None:
    reader = profiles.TrainingData(
        interests=(),
        phrases=(),
        liked=world.rate(papers_of(world, 406, 415)),
        disliked=world.rate(RATED[:2]),
        examples=world.rate([]),
    )
    recipe = RECIPES[name]
    assert np.isfinite(
        recipe.score(recipe.train(reader, world.shared.background), world.shared.day)
    ).all()
