"""Which entries are one paper, in whatever order they arrive."""

from __future__ import annotations

import itertools
import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Entry, Identity, Seen
from digest.papers import cluster, merge, normalise_title
from tests.examples import examples


def entry(
    title: str = "A title",
    *,
    arxiv: str = "",
    doi: str = "",
    pmid: str = "",
    author: str = "",
    **more: object,
) -> Entry:
    identities = [
        Identity(kind=kind, value=value)
        for kind, value in (("arxiv", arxiv), ("doi", doi), ("pmid", pmid))
        if value
    ]  # type: ignore[arg-type]
    return Entry(
        source="jsonl",
        title=title,
        title_key=normalise_title(title),
        identities=tuple(identities),
        authors=(author,) if author else (),
        **more,
    )  # type: ignore[arg-type]


def cluster_entries(*entries: Entry) -> list[list[int]]:
    return cluster(entries)


def test_one_identifier_is_one_paper_whatever_the_title() -> None:
    assert cluster_entries(
        entry("Old title", arxiv="2606.00001"), entry("New title", arxiv="2606.00001")
    ) == [[0, 1]]


def test_two_arxiv_ids_are_two_papers_even_with_one_title() -> None:
    assert cluster_entries(entry(arxiv="2606.00001"), entry(arxiv="2606.00002")) == [[0], [1]]


def test_identifiers_link_transitively() -> None:
    assert cluster_entries(
        entry("a", arxiv="2606.00001"),
        entry("b", doi="10.1/x"),
        entry("c", arxiv="2606.00001", doi="10.1/x"),
    ) == [[0, 1, 2]]


def test_a_doi_claimed_by_two_preprints_joins_only_one_of_them() -> None:
    groups = cluster_entries(
        entry(arxiv="2606.00002", doi="10.1/x"),
        entry(arxiv="2606.00001", doi="10.1/x"),
        entry(doi="10.1/x"),
    )
    assert groups == [[0], [1, 2]]


def test_a_record_without_identifier_joins_the_one_paper_of_its_title() -> None:
    assert cluster_entries(entry("A  Title!"), entry("a title", arxiv="2606.00001")) == [[0, 1]]


def test_a_record_whose_title_several_papers_have_stays_by_itself() -> None:
    assert cluster_entries(entry(), entry(arxiv="2606.00001"), entry(arxiv="2606.00002")) == [
        [0],
        [1],
        [2],
    ]


def test_the_first_author_tells_papers_of_one_title_apart() -> None:
    assert cluster_entries(
        entry(author="Jane Doe"),
        entry(author="J. Doe", arxiv="2606.00001"),
        entry(author="R. Roe", arxiv="2606.00002"),
    ) == [
        [0, 1],
        [2],
    ]


def test_two_records_without_identifier_and_with_other_authors_are_two_papers() -> None:
    assert cluster_entries(entry(author="Jane Doe"), entry(author="Richard Roe")) == [[0], [1]]


def test_an_entry_that_joined_a_paper_by_title_does_not_decide_where_other_titles_go() -> None:
    """The paper PMID 1 has two titles and no author.

    "Alpha" is also the title of a DOI's paper.
    """
    entries = [
        entry("Alpha", doi="10.1/a"),
        entry("Alpha", author="Richard Roe"),
        entry("Alpha", pmid="1"),
        entry("Gamma", author="Jane Doe"),
        entry("Gamma", pmid="1"),
    ]
    for order in itertools.permutations(range(len(entries))):
        groups = cluster([entries[position] for position in order])
        by_entry = sorted(sorted(order[member] for member in group) for group in groups)
        assert by_entry == [[0], [1], [2, 3, 4]]


_entries = st.builds(
    entry,
    st.sampled_from(["Alpha", "Beta", "Gamma"]),
    arxiv=st.sampled_from(["", "", "2606.00001", "2606.00002", "2606.00003"]),
    doi=st.sampled_from(["", "", "10.1/a", "10.1/b"]),
    pmid=st.sampled_from(["", "", "", "1", "2"]),
    author=st.sampled_from(["", "Jane Doe", "Richard Roe"]),
    version=st.sampled_from([None, 1, 2]),
    abstract=st.sampled_from(["", "Short.", "Something longer."]),
    updated=st.sampled_from([None, date(2026, 6, 1), date(2026, 6, 2)]),
)


@settings(max_examples=examples(300))
@given(st.lists(_entries, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_neither_groups_nor_papers(
    entries: list[Entry], chance: random.Random
) -> None:
    order = list(range(len(entries)))
    chance.shuffle(order)
    days = {position: date(2026, 6, 1 + position % 3) for position in order}

    def papers(positions: list[int]) -> set[object]:
        groups = cluster([entries[p] for p in positions])
        return {
            merge([Seen(entry=entries[positions[m]], day=days[positions[m]]) for m in group])
            for group in groups
        }

    assert papers(list(range(len(entries)))) == papers(order)


@settings(max_examples=examples(300))
@given(st.lists(_entries, max_size=12))
def test_every_entry_is_in_one_group_and_no_group_holds_two_identifiers_of_a_kind(
    entries: list[Entry],
) -> None:
    groups = cluster(entries)
    assert sorted(m for group in groups for m in group) == list(range(len(entries)))
    best = {"arxiv": 0, "doi": 1, "pmid": 2}
    for group in groups:
        # An entry's own conflicting second identifier stays with it; what joins a group is its best
        # one.
        chosen = [
            min(entries[m].identities, key=lambda i: best[i.kind])
            for m in group
            if entries[m].identities
        ]
        for kind in best:
            assert len({i.value for i in chosen if i.kind == kind}) <= 1


def test_the_highest_version_leads_in_any_order() -> None:
    old = Seen(
        entry=entry("First", arxiv="2606.00001", version=1, abstract="Old."), day=date(2026, 6, 9)
    )
    new = Seen(
        entry=entry("Second", arxiv="2606.00001", version=2, abstract="New."), day=date(2026, 6, 1)
    )
    for order in ([old, new], [new, old]):
        paper = merge(order)
        assert (paper.title, paper.abstract, paper.version, paper.first_seen) == (
            "Second",
            "New.",
            2,
            date(2026, 6, 1),
        )


def test_fields_that_the_leading_record_lacks_come_from_the_others() -> None:
    paper = merge(
        [
            Seen(entry=entry(arxiv="2606.00001", version=2), day=date(2026, 6, 2)),
            Seen(
                entry=entry(
                    arxiv="2606.00001", abstract="Text.", author="Jane Doe", doi="10.1/x", version=1
                ),
                day=date(2026, 6, 1),
            ),
        ]
    )
    assert (paper.abstract, paper.authors, len(paper.identities)) == ("Text.", ("Jane Doe",), 2)


def test_a_title_from_a_page_does_not_overwrite_that_of_the_identified_record() -> None:
    page = Seen(entry=entry("a TITLE", abstract="From the page, and longer."), day=date(2026, 6, 9))
    arxiv = Seen(
        entry=entry("A title", arxiv="2606.00001", abstract="Short."), day=date(2026, 6, 1)
    )
    assert merge([page, arxiv]).title == "A title"


def test_the_latest_version_decides_whether_a_paper_is_withdrawn() -> None:
    fine = Seen(entry=entry(arxiv="2606.00001", version=1), day=date(2026, 6, 1))
    withdrawn = Seen(
        entry=entry(arxiv="2606.00001", version=2, withdrawn=True), day=date(2026, 6, 2)
    )
    back = Seen(entry=entry(arxiv="2606.00001", version=3), day=date(2026, 6, 3))
    assert [
        merge(entries).withdrawn
        for entries in ([fine], [fine, withdrawn], [withdrawn, fine], [fine, withdrawn, back])
    ] == [False, True, True, False]


@pytest.mark.parametrize("end", [" …", "…", "..."])
def test_an_excerpt_yields_to_a_whole_abstract_that_came_before(end: str) -> None:
    whole = Seen(
        entry=entry("A title", arxiv="2606.00001", abstract="All of it.", author="Jane Doe"),
        day=date(2026, 6, 8),
    )
    page = Seen(entry=entry("A title", abstract="All of it."), day=date(2026, 6, 7))
    excerpt = Seen(
        entry=entry("A t…", arxiv="2606.00001", abstract=f"A part{end}", author="J Doe"),
        day=date(2026, 6, 9),
    )
    paper = merge([excerpt, whole])
    assert (paper.title, paper.abstract, paper.authors) == ("A title", "All of it.", ("Jane Doe",))
    assert merge([excerpt, page]).abstract == "All of it."
    assert merge([excerpt]).abstract == f"A part{end}"
