"""A paper that an operator split stays split, and its id keeps what hung on it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest import papers as rules
from digest import store as rows
from digest.model import Feedback, Subscriber
from digest.store import Store
from tests.integration.arrivals import DAY, NOW, entry, ingest_entries, load_papers

FOXES = "Foxes that follow the long river to its source"
JANE = ("Jane Doe",)
PREPRINT = entry(FOXES, arxiv="2606.00001", authors=JANE)
ARTICLE = entry(FOXES, doi="10.1000/a", authors=JANE)


def split(store: Store, paper_id: int, *numbers: int) -> rows.arrivals.Added:
    with store.writing() as tx:
        records = rows.arrivals.load_records(tx, paper_id)
        return rows.arrivals.split(tx, records, set(numbers), rules)


def names_of(store: Store) -> dict[int, str]:
    return {paper.id: paper.name for paper in load_papers(store)}


def test_a_preprint_and_its_article_join_in_any_order(store: Store) -> None:
    assert ingest_entries(store, ARTICLE).outcomes == ["new"]
    assert ingest_entries(store, PREPRINT).outcomes == ["updated"]
    (paper,) = load_papers(store)
    assert {name.value for name in paper.identities} == {"2606.00001", "10.1000/a"}


def test_what_leaves_gets_a_new_id_and_stays_apart(store: Store) -> None:
    ingest_entries(store, PREPRINT, ARTICLE)
    with store.writing() as tx:
        reader = rows.subscribers.add(
            tx, Subscriber(id=0, email="a@example.org", created=NOW), origin="command", now=NOW
        )
        rows.feedback.save(tx, Feedback(subscriber_id=reader.id, paper_id=1, vote=1, at=NOW))
    added = split(store, 1, 2)
    assert names_of(store) == {1: "arxiv:2606.00001", 2: "doi:10.1000/a"}
    assert (list(added.texts), added.fresh) == ([2], {2})
    again = ingest_entries(store, ARTICLE, PREPRINT, day=DAY + timedelta(days=1))
    assert again.outcomes == ["duplicate", "duplicate"]
    more = entry(FOXES, doi="10.1000/a", authors=JANE, abstract="Text.")
    version = entry(FOXES, arxiv="2606.00001", authors=JANE, version=2)
    both = entry(FOXES, arxiv="2606.00001", doi="10.1000/a", authors=JANE, version=3)
    for late in (more, version, both):
        assert ingest_entries(store, late).outcomes == ["updated"]
    papers = load_papers(store)
    assert [paper.abstract for paper in papers] == ["", "Text."]
    assert [paper.version for paper in papers] == [3, None]
    with store.reading() as tx:
        votes = rows.feedback.load_votes(tx, [reader.id])[reader.id]
    assert [vote.paper_id for vote in votes] == [1]


def test_the_first_record_can_leave_too(store: Store) -> None:
    ingest_entries(store, PREPRINT, ARTICLE)
    split(store, 1, 1)
    assert names_of(store) == {1: "doi:10.1000/a", 2: "arxiv:2606.00001"}


def test_records_with_one_identifier_can_be_split(store: Store) -> None:
    ingest_entries(
        store,
        entry("Foxes in June", doi="10.1000/a"),
        entry("Rivers in July", doi="10.1000/a"),
    )
    split(store, 1, 2)
    assert [paper.title for paper in load_papers(store)] == ["Foxes in June", "Rivers in July"]
    ingest_entries(store, entry("Rivers in July", doi="10.1000/a", abstract="Text."))
    ingest_entries(store, entry("Foxes in May", doi="10.1000/a", version=2))
    assert [(paper.title, paper.abstract) for paper in load_papers(store)] == [
        ("Foxes in May", ""),
        ("Rivers in July", "Text."),
    ]


def test_a_part_can_be_split_again(store: Store) -> None:
    third = entry(FOXES, authors=JANE, abstract="Text.")
    ingest_entries(store, PREPRINT, ARTICLE, third)
    split(store, 1, 2, 3)
    assert len(load_papers(store)) == 2
    split(store, 2, 3)
    assert [len(paper.identities) for paper in load_papers(store)] == [1, 1, 0]
    assert ingest_entries(store, third, ARTICLE, PREPRINT).outcomes == ["duplicate"] * 3


@pytest.mark.parametrize("title", ["Editorial", "Book review"])
def test_a_common_title_is_a_paper_each_time(store: Store, title: str) -> None:
    june = entry(title, abstract="On moss.", url="https://moss.example.org/1")
    july = entry(title, abstract="On frogs.", url="https://moss.example.org/2")
    assert ingest_entries(store, june, july).outcomes == ["new", "new"]
    assert ingest_entries(store, july, june).outcomes == ["duplicate", "duplicate"]
    assert len(load_papers(store)) == 2
