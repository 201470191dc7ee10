"""Entries become papers: repeats, versions, late identifiers, and removals."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import zstandard
from sqlalchemy import select

from digest import papers as rules
from digest import store as rows
from digest.model import Entry, Feedback, Identity, Subscriber
from digest.store import Store
from digest.store.arrivals import NewRecord
from digest.store.tables import records
from tests.conftest import build_sqlite_file
from tests.integration.arrivals import DAY, NOW, entry, get_content, ingest_entries, load_papers


def test_entries_that_are_read_again_are_duplicates(store: Store) -> None:
    entries = [entry("One", arxiv="2606.00001"), entry("Two")]
    assert ingest_entries(store, *entries).outcomes == ["new", "new"]
    assert ingest_entries(store, *entries, day=DAY + timedelta(days=1)).outcomes == [
        "duplicate",
        "duplicate",
    ]
    assert [paper.first_seen for paper in load_papers(store)] == [DAY, DAY]


def test_a_later_record_adds_where_a_paper_was_published(store: Store) -> None:
    first = entry("One", arxiv="2606.00001", journal_ref="J. Toys 3")
    later = entry("One", arxiv="2606.00001", code_url="https://github.com/a/b")
    ingest_entries(store, first)
    ingest_entries(store, later, day=DAY + timedelta(days=1))
    (paper,) = load_papers(store)
    assert (paper.journal_ref, paper.code_url) == ("J. Toys 3", "https://github.com/a/b")
    assert paper.project_url == ""


def test_keys_with_special_characters_are_found(store: Store) -> None:
    odd = [
        '"',
        "\\",
        "\\u0041",
        "'; --",
        "[]",
        "null",
        "1",
        "1.0",
        "🜁 𝔄",
        "a" * 3000,
        "%",
        "é",
        "é",
    ]
    entries = [entry(title, doi=f"10.1000/{number}{title[:9]}") for number, title in enumerate(odd)]
    assert ingest_entries(store, *entries).outcomes == ["new"] * len(odd)
    assert ingest_entries(store, *reversed(entries)).outcomes == ["duplicate"] * len(odd)


def test_the_raw_text_of_a_record_is_kept(store: Store) -> None:
    raw = '{"title": "Ünicode \ufffd 🜁",\r\n "x": "\x00"}'
    with store.writing() as tx:
        dump = rows.dumps.begin(
            tx, rows.dumps.DumpFile(name="x.jsonl", form="jsonl", sha256="0" * 64), day=DAY, now=NOW
        )
        rows.arrivals.add(tx, dump, [NewRecord(line=1, raw=raw, entry=entry("A"), day=DAY)], rules)
        packed = tx.execute(select(records.c.raw)).scalar_one()
    assert zstandard.decompress(packed).decode() == raw


def test_a_vector_is_stored_with_its_paper_and_replaced_with_its_text(store: Store) -> None:
    ingest_entries(store, entry("A", arxiv="2606.00001"), entry("B", arxiv="2606.00002"))
    with store.writing() as tx:
        rows.papers.save_vectors(tx, "v1", {1: b"a", 2: b"b"}, fresh={1, 2})
        rows.papers.save_vectors(tx, "v2", {2: b"c"})
        rows.papers.save_vectors(tx, "v1", {})
        assert rows.papers.load_vectors(tx, "v1", [1, 2]) == {1: b"a"}
        assert rows.papers.load_vectors(tx, "v2", [1, 2]) == {2: b"c"}


def test_a_repeat_inside_one_batch_is_a_duplicate(store: Store) -> None:
    assert ingest_entries(
        store, entry("One", arxiv="2606.00001"), entry("One", arxiv="2606.00001")
    ).outcomes == ["new", "duplicate"]
    assert len(load_papers(store)) == 1


def test_a_paper_from_a_page_gets_its_id_later_and_stays_one_paper(store: Store) -> None:
    ingest_entries(store, entry("One"))
    assert ingest_entries(store, entry("One", arxiv="2606.00001", abstract="Text.")).outcomes == [
        "updated"
    ]
    (paper,) = load_papers(store)
    assert (paper.id, paper.name, paper.abstract) == (1, "arxiv:2606.00001", "Text.")


def test_an_earlier_day_that_arrives_late_counts_as_first_seen(store: Store) -> None:
    ingest_entries(store, entry("One", arxiv="2606.00001"))
    earlier = DAY - timedelta(days=3)
    assert ingest_entries(store, entry("One", arxiv="2606.00001"), day=earlier).outcomes == [
        "updated"
    ]
    assert load_papers(store)[0].first_seen == earlier


def test_merged_papers_keep_votes_listings_and_links(store: Store) -> None:
    ingest_entries(store, entry("Preprint", arxiv="2606.00001"), entry("Article", doi="10.1/x"))
    with store.writing() as tx:
        reader = rows.subscribers.add(
            tx, Subscriber(id=0, email="a@example.org", created=NOW), origin="command", now=NOW
        )
        rows.feedback.save(tx, Feedback(subscriber_id=reader.id, paper_id=2, vote=1, at=NOW))
    ingest_entries(store, entry("Preprint", arxiv="2606.00001", doi="10.1/x"))
    (paper,) = load_papers(store)
    with store.reading() as tx:
        assert rows.papers.load(tx, [2])[2] == paper
        assert rows.papers.load(tx, [2], least=1)[2].upvotes == 1
        assert [v.paper_id for v in rows.feedback.load_votes(tx, [reader.id])[reader.id]] == [
            paper.id
        ]
    assert paper.upvotes == 0  # the other readers do not see this thumb


def test_a_record_without_id_splits_off_when_its_title_is_ambiguous(store: Store) -> None:
    ingest_entries(store, entry("Same", abstract="From a page."))
    ingest_entries(store, entry("Same", arxiv="2606.00001"))
    ingest_entries(store, entry("Same", arxiv="2606.00002"))
    assert sorted(paper.name for paper in load_papers(store)) == [
        "arxiv:2606.00001",
        "arxiv:2606.00002",
        "paper:2",
    ]
    assert {paper.name: paper.abstract for paper in load_papers(store)}["paper:2"] == "From a page."


def test_upvotes_never_fall(store: Store) -> None:
    assert ingest_entries(store, entry("One", arxiv="2606.00001", upvotes=5)).outcomes == ["new"]
    assert ingest_entries(store, entry("One", arxiv="2606.00001", upvotes=3)).outcomes == [
        "duplicate"
    ]
    assert ingest_entries(store, entry("One", arxiv="2606.00001", upvotes=9)).outcomes == [
        "updated"
    ]
    assert load_papers(store)[0].upvotes == 9


def _some_entries() -> list[Entry]:
    return [
        entry("Alpha"),
        entry("Alpha", arxiv="2606.00001", version=1, abstract="v1"),
        entry("Alpha, revised", arxiv="2606.00001", version=2, abstract="v2"),
        entry("Alpha in print", doi="10.1/a"),
        entry("Alpha, revised", arxiv="2606.00001", doi="10.1/a", version=2),
        entry("Beta", authors=("Jane Doe",)),
        entry("Beta", arxiv="2606.00002", authors=("J. Doe",)),
        entry("Beta", arxiv="2606.00003", authors=("R. Roe",)),
        entry("Gamma", doi="10.1/g"),
        entry("Gamma", arxiv="2606.00004", doi="10.1/g", withdrawn=True),
        entry("Gamma", arxiv="2606.00005", doi="10.1/g"),
        entry("Delta"),
        entry("Rivers that follow foxes uphill", arxiv="2606.00006", authors=("Jane Doe",)),
        entry("Rivers that follow foxes uphill", doi="10.2/r", authors=("Doe J", "Roe K")),
        entry("Rivers that follow foxes uphill", authors=("X Collaboration",)),
        entry("Rivers that follow foxes uphill", arxiv="2606.00007", authors=("Roe K",)),
        entry("Editorial", doi="10.3/book", authors=("Jane Doe",)),
        entry("Editorial", authors=("Doe J",), url="https://moss.example.org/1"),
        entry("Editorial", url="https://moss.example.org/2"),
        entry("Chapter on moss", doi="10.3/book", authors=("Kim Roe",)),
    ]


def test_papers_do_not_depend_on_order_or_batches(tmp_path: Path) -> None:
    entries = _some_entries()
    days = [DAY + timedelta(days=n % 4) for n in range(len(entries))]
    seen: set[tuple[object, ...]] = set()
    for seed in range(16):
        chance = random.Random(seed)
        order: Sequence[int] = chance.sample(range(len(entries)), len(entries))
        path = tmp_path / f"{seed}.sqlite"
        path.write_bytes(build_sqlite_file())
        store = Store(f"sqlite:///{path}")
        with store.writing() as tx:
            dump = rows.dumps.begin(
                tx, rows.dumps.DumpFile(name="x", form="jsonl", sha256="0" * 64), day=DAY, now=NOW
            )
        size = chance.choice([1, 2, 5, 20])
        for start in range(0, len(order), size):
            with store.writing() as tx:
                rows.arrivals.add(
                    tx,
                    dump,
                    [
                        NewRecord(line=n, raw="", entry=entries[n], day=days[n])
                        for n in order[start : start + size]
                    ],
                    rules,
                )
        seen.add(tuple(sorted(map(get_content, load_papers(store)), key=repr)))
        store.close()
    assert len(seen) == 1


def test_withdrawn_papers_are_not_candidates(store: Store) -> None:
    ingest_entries(
        store, entry("One", arxiv="2606.00001", withdrawn=True), entry("Two", arxiv="2606.00002")
    )
    with store.reading() as tx:
        assert rows.papers.list_seen_between(tx, DAY - timedelta(days=1), DAY) == [2]


def remove_paper(store: Store, kind: str, value: str) -> None:
    with store.writing() as tx:
        dump = rows.dumps.begin(
            tx, rows.dumps.DumpFile(name="x.xml", form="pubmed", sha256="0" * 64), day=DAY, now=NOW
        )
        rows.arrivals.remove(tx, dump, 1, [Identity(kind=kind, value=value)], "deleted")  # type: ignore[arg-type]


def test_a_removal_withdraws_earlier_and_later_papers(store: Store) -> None:
    ingest_entries(store, entry("Before", doi="10.1/before"), entry("Untouched", doi="10.1/other"))
    remove_paper(store, "doi", "10.1/before")
    remove_paper(store, "doi", "10.1/after")
    ingest_entries(store, entry("After", doi="10.1/after"))
    assert {paper.title: paper.withdrawn for paper in load_papers(store)} == {
        "Before": True,
        "Untouched": False,
        "After": True,
    }
    ingest_entries(store, entry("Before, revised", doi="10.1/before", version=2))
    assert {paper.title: paper.withdrawn for paper in load_papers(store)}["Before, revised"]


def test_an_abstract_and_its_paper_merge_in_either_order(
    store: Store,
) -> None:
    part = {"identities": (Identity(kind="s2", value="1"),), "abstract": "Text."}
    complete_entry = Entry(
        source="s2", title="One", title_key="one", identities=(Identity(kind="s2", value="1"),)
    )
    assert ingest_entries(
        store, Entry(source="s2", title="", title_key="", **part), day=DAY
    ).outcomes == ["waiting"]  # type: ignore[arg-type]
    with store.reading() as tx:
        assert rows.papers.list_seen_between(tx, DAY - timedelta(days=1), DAY) == []
        max_paper_id = rows.papers.find_max_id(tx)
    tomorrow = DAY + timedelta(days=1)
    assert ingest_entries(store, complete_entry, day=tomorrow).outcomes == ["new"]
    with store.reading() as tx:
        (ident,) = rows.papers.list_seen_between(tx, DAY - timedelta(days=1), tomorrow)
        paper = rows.papers.load(tx, [ident])[ident]
    assert (paper.title, paper.abstract, paper.first_seen) == ("One", "Text.", tomorrow)
    assert ident > max_paper_id  # a digest composed between the two does not list it
    other = Entry(
        source="s2", title="Two", title_key="two", identities=(Identity(kind="s2", value="2"),)
    )
    ingest_entries(store, other)
    late = Entry(
        source="s2",
        title="",
        title_key="",
        identities=(Identity(kind="s2", value="2"),),
        abstract="Late.",
    )
    assert ingest_entries(store, late).outcomes == ["updated"]
