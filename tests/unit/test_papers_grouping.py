"""Which titles, authors and links make one paper, and which make two."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Entry, Identity, IdentityKind
from digest.papers import cluster, normalise_title
from digest.papers.titles import is_generic, is_telling
from tests.examples import examples

FOXES = "Foxes that follow the long river to its source"
HILLS = "Hills that are lower than they look from afar"
BOTH = [[0, 1]]
TWO = [[0], [1]]
KINDS: tuple[IdentityKind, ...] = ("arxiv", "doi", "preprint", "pmid", "openalex")


def entry(title: str = FOXES, *authors: str, **more: Any) -> Entry:
    names = [(kind, more.pop(kind)) for kind in KINDS if kind in more]
    return Entry(
        source="jsonl",
        title=title,
        title_key=normalise_title(title),
        authors=authors,
        identities=tuple(Identity(kind=kind, value=value) for kind, value in names),
        **more,
    )


def group(*entries: Entry) -> list[list[int]]:
    groups = cluster(entries)
    last = len(entries) - 1
    backwards = cluster(entries[::-1])
    assert groups == sorted(sorted(last - place for place in members) for members in backwards)
    return groups


@pytest.mark.parametrize(
    "title",
    [
        "Editorial",
        "Editorial: June 2026",
        "Book review",
        "Book Reviews",
        "Preface to the second volume",
        "Erratum",
        "In memoriam",
        "Letter to the Editor",
        "Reply",
        "Index",
        "News",
        "Introduction to the special issue",
        "Obituary",
        "Part II",
    ],
)
def test_titles_of_common_words_are_generic(title: str) -> None:
    assert is_generic(normalise_title(title))
    one, other = entry(title), entry(title, abstract="Another.")
    assert group(one, other) == TWO
    assert group(one, entry(title, doi="10.1000/a")) == TWO


@pytest.mark.parametrize("title", ["Foxes", "Erratum: foxes and rivers", "GPT-7", "Notes on moss"])
def test_other_titles_are_not(title: str) -> None:
    assert not is_generic(normalise_title(title))


def test_four_rare_words_tell() -> None:
    assert is_telling(normalise_title(FOXES))
    assert is_telling(normalise_title("基于深度学习的狐狸识别"))
    assert not is_telling(normalise_title("A review of the introduction to the foxes of June"))
    assert not is_telling(normalise_title("Foxes and rivers"))


def test_a_generic_title_joins_by_authors_or_link_where_nothing_differs() -> None:
    june = entry("Editorial", "Jane Doe", journal_ref="Moss J 6")
    assert group(june, entry("Editorial", "J. Doe")) == BOTH
    assert group(june, entry("Editorial", "J. Doe", journal_ref="Moss J 7")) == TWO
    link = {"url": "https://moss.example.org/articles/1"}
    assert group(entry("Editorial", **link), entry("Editorial", abstract="More.", **link)) == BOTH
    home = {"url": "https://moss.example.org/"}
    assert group(entry("Editorial", **home), entry("Editorial", abstract="More.", **home)) == TWO


def test_different_links_on_one_host_are_two_papers() -> None:
    first = entry(FOXES, "Jane Doe", url="https://moss.example.org/a/1")
    second = entry(FOXES, "Jane Doe", url="http://www.moss.example.org/a/2")
    same = entry(FOXES, "Doe J", url="http://www.moss.example.org/a/1/?utm_source=feed")
    assert group(first, second) == TWO
    assert group(first, same) == BOTH
    assert group(first, entry(FOXES, "Jane Doe", url="https://frog.example.org/7")) == BOTH


def test_a_short_title_with_links_to_different_places_is_two_papers() -> None:
    here, there = (
        entry("Vorwort", url="https://a.example.org/1"),
        entry("Vorwort", url="https://b.example.org/1"),
    )
    assert group(here, there) == TWO
    assert group(entry("Vorwort", "Jane Doe", url=here.url), entry("Vorwort", "Doe J")) == BOTH


@pytest.mark.parametrize(
    "authors",
    [
        ("Jane Doe", "Kim Roe"),
        ("Doe J", "Roe K"),
        ("K. Roe", "J. Doe"),
        ("NIMBUS Collaboration", "Jane Doe", "Kim Roe"),
        ("NIMBUS Collaboration",),
        ("Jane Doe Jr.", "Kim Roe"),
        ("Jane Döe", "Kim Roe"),
    ],
)
@pytest.mark.parametrize("name", [{"doi": "10.1000/fox.1"}, {"pmid": "31"}, {}])
def test_a_preprint_and_its_article_are_one_paper(
    authors: tuple[str, ...], name: dict[str, str]
) -> None:
    preprint = entry(FOXES, "Jane Doe", "Kim Roe", arxiv="2606.09003")
    assert group(preprint, entry(FOXES.upper(), *authors, **name)) == BOTH


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"arxiv": "2606.00001"}, {"arxiv": "2606.00002"}),
        ({"doi": "10.1000/a"}, {"doi": "10.1000/b"}),
        ({"pmid": "1"}, {"pmid": "2"}),
        ({"arxiv": "2606.00001", "doi": "10.1000/a"}, {"doi": "10.1000/b"}),
        ({"preprint": "10.1101/123456"}, {"preprint": "10.1101/123457"}),
    ],
)
def test_identifiers_that_contradict_are_two_papers(
    left: dict[str, str], right: dict[str, str]
) -> None:
    assert group(entry(FOXES, "Jane Doe", **left), entry(FOXES, "Jane Doe", **right)) == TWO


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"doi": "10.1000/a"}, {"doi": "10.2000/a"}),
        ({"openalex": "W1"}, {"openalex": "W2"}),
        ({"preprint": "10.1101/123456"}, {"doi": "10.1101/gr.1"}),
        ({"preprint": "10.21203/rs.3.rs-1/v1"}, {"preprint": "10.21203/rs.3.rs-1/v2"}),
    ],
)
def test_identifiers_that_one_paper_can_have(left: dict[str, str], right: dict[str, str]) -> None:
    assert group(entry(FOXES, "Jane Doe", **left), entry(FOXES, "Jane Doe", **right)) == BOTH


@pytest.mark.parametrize(
    ("title", "authors"),
    [
        (FOXES, ("Max Poe",)),
        (FOXES, ()),
        (f"Erratum: {FOXES}", ("Jane Doe",)),
        (f"Comment on “{FOXES}”", ("Jane Doe",)),
        (f"{FOXES}. Part II", ("Jane Doe",)),
        (HILLS, ("Jane Doe",)),
    ],
)
def test_another_title_or_other_authors_are_another_paper(
    title: str, authors: tuple[str, ...]
) -> None:
    assert (
        group(entry(FOXES, "Jane Doe", arxiv="2606.00001"), entry(title, *authors, doi="10.1000/a"))
        == TWO
    )


def test_a_short_title_joins_no_identified_papers() -> None:
    assert (
        group(
            entry("Foxes", "Jane Doe", arxiv="2606.00001"), entry("Foxes", "Jane Doe", doi="10.1/a")
        )
        == TWO
    )


def test_an_article_joins_one_of_two_preprints_with_its_title() -> None:
    entries = [
        entry(FOXES, "Jane Doe", arxiv="2606.00002"),
        entry(FOXES, "Jane Doe", arxiv="2606.00001"),
        entry(FOXES, "Jane Doe", doi="10.1000/a"),
    ]
    assert group(*entries) == [[0], [1, 2]]


def test_chapters_with_their_books_doi_are_papers_of_their_own() -> None:
    chapters = [
        entry("Foxes in June", "Jane Doe", doi="10.1000/book"),
        entry("Rivers in July", "Kim Roe", doi="10.1000/book"),
        entry("Rivers in July", "Roe K", doi="10.1000/book"),
        entry("Hills", doi="10.1000/book", openalex="W4"),
    ]
    assert group(*chapters) == [[0], [1, 2], [3]]
    assert group(*chapters[:1], chapters[3]) == BOTH


@pytest.mark.parametrize("kind", ["arxiv", "doi", "pmid"])
def test_a_retitled_paper_stays_one(kind: str) -> None:
    value = {"arxiv": "2606.00001", "doi": "10.1000/a", "pmid": "1"}[kind]
    old = entry("Foxes in June", "Jane Doe", "Kim Roe", **{kind: value})
    assert group(old, entry("Rivers in July", "Roe K", "Max Poe", **{kind: value})) == BOTH
    assert group(old, entry("Foxes in June", "Max Poe", **{kind: value})) == BOTH
    assert group(old, entry("Rivers in July", "王伟", **{kind: value})) == BOTH


def test_an_arxiv_paper_with_other_title_and_authors_stays_one() -> None:
    assert (
        group(
            entry("Foxes in June", "Jane Doe", arxiv="2606.00001", doi="10.1000/a"),
            entry("Rivers in July", "Max Poe", arxiv="2606.00001", doi="10.1000/a"),
        )
        == BOTH
    )


def test_what_was_split_is_not_joined_again() -> None:
    entries = [
        entry(FOXES, "Jane Doe", arxiv="2606.00001", version=1),
        entry(FOXES, "Jane Doe", doi="10.1000/a"),
        entry(FOXES, "Jane Doe", arxiv="2606.00001", version=2),
        entry(FOXES, "Jane Doe", arxiv="2606.00001", doi="10.1000/a", version=3),
    ]
    assert cluster(entries) == [[0, 1, 2, 3]]
    assert cluster(entries, [{1: 0}, {1: 1}, {}, {}]) == [[0, 2, 3], [1]]
    same = [
        entry(FOXES, doi="10.1000/a"),
        entry(HILLS, doi="10.1000/a"),
        entry(HILLS, doi="10.1000/a", version=2),
    ]
    assert cluster(same, [{1: 0}, {1: 1}, {}]) == [[0], [1, 2]]
    bare = [entry(FOXES), entry(FOXES, abstract="More.")]
    assert cluster(bare) == BOTH
    assert cluster(bare, [{1: 0}, {1: 1}]) == TWO


def test_many_entries_of_one_title_are_grouped_in_time() -> None:
    entries = [
        entry(FOXES, f"A{number} Doe{number}", url=f"https://a{number}.example.org/1")
        for number in range(3000)
    ]
    assert len(cluster(entries)) == 3000
    named = [entry(FOXES, "Jane Doe", doi=f"10.1000/{number}") for number in range(3000)]
    assert len(cluster(named)) == 3000


_entries = st.builds(
    lambda title, authors, **more: entry(title, *authors, **{k: v for k, v in more.items() if v}),
    st.sampled_from([FOXES, HILLS, "Editorial", "Moss"]),
    st.sampled_from([(), ("Jane Doe",), ("Doe J",), ("Kim Doe",), ("Doe",), ("X Collaboration",)]),
    arxiv=st.sampled_from(["", "", "2606.00001", "2606.00002"]),
    doi=st.sampled_from(["", "", "10.1000/a", "10.1000/b", "10.2000/a"]),
    pmid=st.sampled_from(["", "", "", "1", "2"]),
    url=st.sampled_from(
        ["", "", "https://a.example/1", "https://a.example/2", "https://b.example/1"]
    ),
    journal_ref=st.sampled_from(["", "", "Moss J"]),
)


@settings(max_examples=examples(500))
@given(
    st.lists(st.tuples(_entries, st.sampled_from([None, None, None, 0, 1])), max_size=9),
    st.randoms(use_true_random=False),
)
def test_the_order_of_arrival_does_not_matter(
    marked: list[tuple[Entry, int | None]], chance: random.Random
) -> None:
    order = list(range(len(marked)))
    chance.shuffle(order)

    def group_in(positions: list[int]) -> list[list[int]]:
        groups = cluster(
            [marked[place][0] for place in positions],
            [{} if (part := marked[place][1]) is None else {1: part} for place in positions],
        )
        return sorted(sorted(positions[member] for member in members) for members in groups)

    groups = group_in(order)
    assert groups == group_in(list(range(len(marked))))
    assert sorted(place for members in groups for place in members) == sorted(order)
    for members in groups:
        assert len({marked[place][1] for place in members} - {None}) < 2
