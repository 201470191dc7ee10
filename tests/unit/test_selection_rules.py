"""The rules of a digest: shares, pins, mutes, limits and near-duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.model import Digest, Paper, Quiet, QuietReason, Score
from digest.ranking import selection
from digest.ranking.selection import Rules
from digest.ranking.shares import allocate_places
from tests.examples import examples
from tests.unit.selected import MADE, NAMES, PAPERS, TODAY, choose, ids, paper, reader

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
