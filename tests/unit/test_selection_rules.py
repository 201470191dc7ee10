"""The rules of a digest.

Shares, pins, mutes, limits, near-duplicates and exploration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digest.model import Digest, Paper, Provenance, Quiet, QuietReason, Score, Subscriber
from digest.ranking import selection
from digest.ranking.selection import Rules
from digest.ranking.shares import allocate_places
from tests.examples import examples

TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, 7, tzinfo=UTC)
MADE = Provenance(model="thumbs", features="words1", at=NOW)
#: no two titles share a word
NAMES = tuple(
    f"{first}{second}"
    for first in "bdfgklmnprstvz"
    for second in ("orange", "umber", "ivory", "ebony", "azure", "olive", "amber")
)


def reader(size: int = 10, **more: object) -> Subscriber:
    return Subscriber(id=7, email="alice@example.org", size=size, created=NOW, **more)  # type: ignore[arg-type]


def paper(number: int, **more: object) -> Paper:
    return Paper(id=number, **{"title": (f"On {NAMES[number]}"), "first_seen": TODAY, **more})  # type: ignore[arg-type]


def choose(
    papers: Sequence[Paper],
    rules: Rules,
    subscriber: Subscriber | None = None,
    day: date = TODAY,
    names: Sequence[str] = (),
) -> Digest | Quiet:
    """Choose from papers that are given best first."""
    ranked = [
        Score(
            paper_id=paper.id,
            value=1 - place / 100,
            chance=max(99 - place, 0) / 100,
            interest=names[place] if names else "",
        )
        for place, paper in enumerate(papers)
    ]
    subscriber = subscriber or reader(strictness="always")
    return selection.choose(
        subscriber,
        day,
        ranked,
        {paper.id: paper for paper in papers},
        provenance=MADE,
        rules=replace(rules, line=selection.line_of(subscriber.strictness)),
    )


def ids(outcome: Digest | Quiet) -> list[int]:
    assert isinstance(outcome, Digest)
    return [item.score.paper_id for item in outcome.items]


PAPERS = [paper(number) for number in range(90)]

# ----------------------------------------------------------------------------------------------
# shares


def shares(**of: float) -> Rules:
    return Rules(shares=of)


@given(
    st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=80),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 20), min_size=2),
    st.integers(1, 30),
    st.booleans(),
)
@example(names=["a"] * 5 + ["b"], of={"a": 1, "b": 1}, size=6, explore=True)
def test_shares_are_kept_no_place_stays_empty_and_the_list_is_ranked(
    names: list[str], of: dict[str, int], size: int, explore: bool
) -> None:
    names = [name if name in of else "" for name in names]
    rules = Rules(shares=of, explore=explore)
    outcome = choose(PAPERS[: len(names)], rules, reader(size), names=names)
    if not names:
        assert isinstance(outcome, Quiet)
        return
    assert isinstance(outcome, Digest)
    assert len(outcome.items) == min(size, len(names))
    normal = [item for item in outcome.items if item.slot == "normal"]
    assert [item.score.paper_id for item in normal] == sorted(
        item.score.paper_id for item in normal
    )
    assert [item.position for item in outcome.items] == list(range(1, len(outcome.items) + 1))
    available = Counter(names)
    counts = Counter(item.score.interest for item in outcome.items)
    for name, places in allocate_places(
        size - 1 if explore and size >= 5 else size, of, available
    ).items():
        assert counts[name] >= places
    for name in of:
        # Within an interest the best ones come first.
        own = [
            paper_id
            for paper_id in ids(outcome)
            if names[paper_id] == name
            and outcome.items[ids(outcome).index(paper_id)].slot == "normal"
        ]
        assert own == [number for number, other in enumerate(names) if other == name][: len(own)]


def test_places_are_shared_by_largest_remainder_and_an_empty_interest_gives_its_away() -> None:
    names = ["a"] * 30 + ["b"] * 30
    assert Counter(
        names[paper_id] for paper_id in ids(choose(PAPERS[:60], shares(a=1, b=1, c=1), names=names))
    ) == {"a": 5, "b": 5}
    assert Counter(
        names[paper_id] for paper_id in ids(choose(PAPERS[:60], shares(a=1, b=3), names=names))
    ) == {"a": 3, "b": 7}


def test_pinned_papers_count_as_places_of_their_interest() -> None:
    names = ["a"] * 30 + ["b"] * 30
    rules = Rules(shares={"a": 1, "b": 1}, pinned={20, 21, 22})
    assert Counter(
        names[paper_id] for paper_id in ids(choose(PAPERS[:60], rules, names=names))
    ) == {
        "a": 5,
        "b": 5,
    }


# ----------------------------------------------------------------------------------------------
# pins and mutes


def test_pinned_papers_come_first_even_below_the_threshold() -> None:
    outcome = choose(PAPERS[:40], Rules(pinned={30, 7}), reader(5, strictness=95))
    assert ids(outcome) == [7, 30, 0, 1, 2]
    assert isinstance(outcome, Digest)
    assert [item.slot for item in outcome.items] == [
        "pinned",
        "pinned",
        "normal",
        "normal",
        "normal",
    ]


def test_more_pins_than_places_fill_the_digest_and_no_more() -> None:
    assert ids(choose(PAPERS[:40], Rules(pinned=set(range(40)), explore=True), reader(5))) == [
        0,
        1,
        2,
        3,
        4,
    ]


@given(st.sets(st.integers(0, 39)), st.sets(st.integers(0, 39)), st.booleans())
def test_muted_papers_are_never_listed(muted: set[int], pinned: set[int], explore: bool) -> None:
    outcome = choose(PAPERS[:40], Rules(muted=muted, pinned=pinned, explore=explore))
    if len(muted) == 40:
        assert isinstance(outcome, Quiet)
        assert outcome.reason is QuietReason.MUTED
    else:
        assert not muted & set(ids(outcome))
        assert len(ids(outcome)) == min(10, 40 - len(muted))


# ----------------------------------------------------------------------------------------------
# limits of authors and categories


def test_an_author_has_no_more_papers_than_the_limit_while_there_are_others() -> None:
    papers = [
        paper(
            number, authors=("Jane Doe", f"Other {number}") if number < 20 else (f"Other {number}",)
        )
        for number in range(30)
    ]
    assert ids(choose(papers, Rules(author_most=3))) == [0, 1, 2, 20, 21, 22, 23, 24, 25, 26]
    assert ids(choose(papers[:20], Rules(author_most=3))) == list(range(10))
    assert ids(choose(papers[:24], Rules(author_most=3))) == [0, 1, 2, 3, 4, 5, 20, 21, 22, 23]


def test_a_category_takes_no_more_than_the_limit_unless_it_is_followed() -> None:
    papers = [
        paper(number, categories=("cs.CV" if number < 20 else "cs.RO", "cs.LG"))
        for number in range(30)
    ]
    assert ids(choose(papers, Rules(category_most=70))) == [0, 1, 2, 3, 4, 5, 6, 20, 21, 22]
    for followed in ("cs.CV", "cs", "CS.*"):
        assert ids(choose(papers, Rules(category_most=70, followed={followed}))) == list(range(10))


def choose_by_category(tops: Sequence[tuple[str, float]], rules: Rules) -> list[int]:
    """Choose from papers given by category and chance in tenths.

    Jane Doe wrote those of cs.IT.
    """
    papers = [
        paper(number, categories=(category,), authors=("Jane Doe",) if category == "cs.IT" else ())
        for number, (category, _) in enumerate(tops)
    ]
    ranked = [
        Score(paper_id=number, value=tenths, chance=tenths / 10)
        for number, (_, tenths) in enumerate(tops)
    ]
    return ids(
        selection.choose(
            reader(),
            TODAY,
            ranked,
            {paper.id: paper for paper in papers},
            provenance=MADE,
            rules=rules,
        )
    )


def test_a_full_category_is_not_replaced_by_much_worse_papers() -> None:
    # A real day: a reader of coding theory got fetal ultrasound instead of polar codes.
    narrow = [("cs.IT", 9 - place / 4) for place in range(14)] + [
        ("cs.CV", 3.9),
        ("cs.CV", 2.5),
        ("cs.AI", 2.4),
    ]
    assert choose_by_category(narrow, Rules(category_most=70)) == list(range(10))
    near = [("cs.IT", 9 - place / 4) for place in range(9)] + [
        ("cs.CV", 6.5),
        ("cs.IT", 6.4),
        ("cs.CV", 6.3),
        ("cs.CV", 5.5),
        ("cs.AI", 5),
    ]
    assert choose_by_category(near, Rules(category_most=70)) == [0, 1, 2, 3, 4, 5, 6, 9, 11, 12]
    falling = [("cs.IT", 9 - place / 4) for place in range(9)] + [
        ("cs.CV", 6.5),
        ("cs.CV", 3.9),
        ("cs.CV", 2.5),
    ]
    assert choose_by_category(falling, Rules(category_most=70)) == list(range(10))
    assert choose_by_category(narrow, Rules(category_most=70, author_most=3)) == [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        14,
        15,
        16,
    ]
    assert choose_by_category(
        [("cs.IT", 0.0) for place in range(9)] + [("cs.CV", 0.0)] * 5, Rules(category_most=70)
    ) == [*range(7), 9, 10, 11]


# ----------------------------------------------------------------------------------------------
# near-duplicates


def test_a_paper_with_nearly_the_same_words_is_listed_once() -> None:
    def similar_words(paper_id: int) -> set[int]:
        return {0: {2}, 2: {0}}.get(paper_id, set())

    assert ids(choose(PAPERS[:4], Rules(similar_words=similar_words))) == [0, 1, 3]
    parts = [
        paper(0, title="The catalogue, part 1"),
        PAPERS[1],
        paper(2, title="The catalogue, part 2"),
    ]
    assert ids(choose(parts, Rules(similar_words=similar_words))) == [0, 1, 2]


def test_a_thousand_records_of_one_paper_are_listed_once() -> None:
    same = [paper(0, title="On amber")] + [
        Paper(id=number, title="On Amber!", first_seen=TODAY) for number in range(1, 1000)
    ]
    assert ids(choose(same, Rules(explore=True))) == [0]


@given(
    st.lists(st.lists(st.sampled_from([*"abcdefghijk12", "part", "ii"]), max_size=14), max_size=12)
)
@example([["a", "b"], ["b", "a"], ["a", "b", "c"], []])
@example([list("abcdefghij"), list("abcdefghijk"), list("abcdefghik")])
@settings(max_examples=examples(200))
def test_the_index_finds_the_same_near_duplicates_as_comparing_every_pair(
    titles: list[list[str]],
) -> None:
    papers = {number: paper(number, title=" ".join(words)) for number, words in enumerate(titles)}
    near_duplicates = selection.NearDuplicates()
    for paper_id in papers:
        own = set(titles[paper_id])
        expected = {
            other
            for other, words in enumerate(titles)
            if other != paper_id
            and own
            and len(own & set(words)) >= selection.TITLE_OVERLAP * len(own | set(words))
            and not (own ^ set(words)) & {"1", "2", "ii", "i"}
        }
        assert near_duplicates.of(paper_id, papers, lambda _: ()) == expected


@given(
    st.lists(st.integers(0, 29), min_size=1, max_size=40),
    st.frozensets(st.integers(0, 39), max_size=10),
    st.integers(1, 12),
    st.booleans(),
)
def test_no_near_duplicate_of_a_recently_listed_paper_is_listed(
    topics: list[int], listed: frozenset[int], size: int, explore: bool
) -> None:
    papers = [paper(number, title=f"On {NAMES[topic]}") for number, topic in enumerate(topics)]
    listed &= frozenset(range(len(papers)))
    ranked = [Score(paper_id=each.id, value=-each.id, chance=0.5) for each in papers]
    outcome = selection.choose(
        reader(size, strictness="always"),
        TODAY,
        [score for score in ranked if score.paper_id not in listed],
        {each.id: each for each in papers},
        provenance=MADE,
        rules=Rules(listed=listed, explore=explore),
    )
    chosen = [topics[number] for number in ids(outcome)] if isinstance(outcome, Digest) else []
    fresh = set(topics) - {topics[number] for number in listed}
    assert set(chosen) <= fresh
    assert len(chosen) == len(set(chosen)) == min(size, len(fresh))


def test_near_duplicates_of_one_day_are_not_used_on_another() -> None:
    rules = Rules()
    assert ids(choose([paper(0, title="On amber"), paper(1, title="On amber")], rules)) == [0]
    assert ids(choose([paper(0, title="On amber"), paper(1, title="On ivory")], rules)) == [0, 1]


# ----------------------------------------------------------------------------------------------
# exploration


def test_one_paper_from_just_below_the_line_is_listed_last_with_its_slot() -> None:
    # nine reach 91 in a hundred
    outcome = choose(PAPERS, Rules(explore=True), reader(strictness=91))
    assert isinstance(outcome, Digest)
    assert [item.slot for item in outcome.items] == ["normal"] * 9 + ["exploration"]
    assert ids(outcome)[:9] == list(range(9))
    assert 9 <= ids(outcome)[9] < 9 + selection.MAX_CANDIDATES
    assert 0 < outcome.items[9].probability < 1
    assert outcome == choose(PAPERS, Rules(explore=True), reader(strictness=91))


def test_no_paper_is_drawn_in_the_place_of_one_that_fits() -> None:
    outcome = choose(PAPERS, Rules(explore=True), reader(strictness=90))
    assert isinstance(outcome, Digest)
    assert [item.slot for item in outcome.items] == ["normal"] * 10


def test_papers_are_drawn_as_often_as_their_probability_says() -> None:
    drawn: Counter[int] = Counter()
    probabilities: dict[int, float] = {}
    days = 2000
    for step in range(days):
        outcome = choose(
            PAPERS[:12],
            Rules(explore=True),
            reader(6, strictness=95),
            TODAY + timedelta(days=step),
        )
        assert isinstance(outcome, Digest)
        drawn[outcome.items[5].score.paper_id] += 1
        probabilities[outcome.items[5].score.paper_id] = outcome.items[5].probability
    assert abs(sum(probabilities.values()) - 1) < 1e-9
    for paper_id, probability in probabilities.items():
        assert (
            abs(drawn[paper_id] / days - probability)
            < 4 * (probability * (1 - probability) / days) ** 0.5
        )


def test_papers_unlike_the_listed_ones_are_drawn_more_often() -> None:
    def cosines(ids: Sequence[int], paper_ids: Sequence[int]) -> NDArray[np.float64]:
        return np.array([[0.8 if paper_id % 2 else 0.0 for paper_id in paper_ids] for _ in ids])

    drawn = Counter(
        ids(
            choose(
                PAPERS[:40],
                Rules(explore=True, cosines=cosines),
                reader(strictness=91),
                TODAY + timedelta(days=step),
            )
        )[-1]
        % 2
        for step in range(200)
    )
    assert drawn[0] > 2 * drawn[1]


@pytest.mark.parametrize(
    ("papers", "subscriber", "listed"),
    [
        (PAPERS, reader(5), 5),
        (PAPERS[:10], reader(10), 10),
        # the first four reach 96 in a hundred
        (PAPERS, reader(10, strictness=96), 4),
    ],
)
def test_no_exploration_in_small_digests_nor_below_few_papers_nor_where_all_are_listed(
    papers: list[Paper], subscriber: Subscriber, listed: int
) -> None:
    outcome = choose(papers, Rules(explore=True), subscriber)
    assert isinstance(outcome, Digest)
    assert {item.slot for item in outcome.items} == {"normal"}
    assert len(outcome.items) == listed


def test_a_paper_is_drawn_from_below_the_line_beside_five_that_fit() -> None:
    outcome = choose(PAPERS, Rules(explore=True), reader(10, strictness=95))
    assert isinstance(outcome, Digest)
    assert [item.slot for item in outcome.items] == ["normal"] * 5 + ["exploration"]
    assert outcome.items[-1].score.chance < 0.95


# ----------------------------------------------------------------------------------------------
# the line, and typed keywords in titles


def choose_by_chance(
    chances: Sequence[float], titled: Collection[int], line: float, size: int = 10
) -> list[int]:
    """Choose from papers that come as `recipes.rank` gives them."""
    ranked = sorted(
        (
            Score(paper_id=number, value=chance, chance=chance, titled=number in titled)
            for number, chance in enumerate(chances)
        ),
        key=lambda score: (
            score.chance < line,
            score.chance < line and not score.titled,
            -score.chance,
        ),
    )
    return ids(
        selection.choose(
            reader(size),
            TODAY,
            ranked,
            {number: paper(number) for number in range(len(chances))},
            provenance=MADE,
            rules=Rules(line=line),
        )
    )


def test_what_does_not_fit_is_not_listed() -> None:
    assert choose_by_chance([0.9, 0.35, 0.349, 0.1], (), 0.35) == [0, 1]


def test_papers_at_the_line_are_listed_alike() -> None:
    assert choose_by_chance([0.35] * 8 + [0.34], (), 0.35) == list(range(8))


def test_a_typed_keyword_in_the_title_lists_a_paper_while_places_are_free() -> None:
    assert choose_by_chance([0.9, 0.2, 0.1, 0.05], {3}, 0.35) == [0, 3]
    assert choose_by_chance([0.9] * 10 + [0.2], {10}, 0.35) == list(range(10))


@given(
    chances=st.lists(st.floats(0.01, 0.99), max_size=30),
    titled=st.sets(st.integers(0, 29)),
    size=st.integers(1, 12),
    line=st.sampled_from([0.0, 0.2, 0.35, 0.6]),
)
def test_keywords_in_titles_take_half_of_the_places_at_most(
    chances: list[float], titled: set[int], size: int, line: float
) -> None:
    fitting = sum(chance >= line for chance in chances)
    if not any(chance >= line or place in titled for place, chance in enumerate(chances)):
        return
    listed = choose_by_chance(chances, titled, line, size)
    below = [number for number in listed if chances[number] < line]
    held = [number for number, chance in enumerate(chances) if chance < line and number in titled]
    assert len(listed) - len(below) == min(fitting, size)
    assert set(below) <= set(held)
    assert len(below) == min(len(held), max(size // 2, 1), max(size - fitting, 0))


def test_papers_of_many_days_are_ranked_as_one_list() -> None:
    papers = [paper(number, first_seen=TODAY - timedelta(days=number % 7)) for number in range(40)]
    assert ids(choose(papers, Rules())) == list(range(10))
