"""The store on SQLite and PostgreSQL: the same tests for both."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, select

from digest import papers as rules
from digest import store as rows
from digest.errors import StoreError
from digest.model import Entry, Feedback, Identity, Interest, Paper, Standing, Subscriber
from digest.papers import normalise_title
from digest.store import Connection, Store, schema
from digest.store.arrivals import Added, Arrival
from digest.store.tables import metadata, records, subscribers
from tests.conftest import migrated

NOW = datetime(2026, 6, 9, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
DAY = date(2026, 6, 9)


def entry(title: str, *, arxiv: str = "", doi: str = "", **more: object) -> Entry:
    identities = [Identity(kind=kind, value=value) for kind, value in (("arxiv", arxiv), ("doi", doi)) if value]  # type: ignore[arg-type]
    return Entry(source="jsonl", title=title, title_key=normalise_title(title), identities=tuple(identities), **more)  # type: ignore[arg-type]


def arrive(store: Store, *entries: Entry, day: date = DAY) -> Added:
    with store.writing() as tx:
        dump = rows.dumps.begin(tx, name="x.jsonl", form="jsonl", sha256="0" * 64, day=day, now=NOW)
        arrivals = [Arrival(line=n, raw="{}", entry=e, day=day) for n, e in enumerate(entries, 1)]
        return rows.arrivals.add(tx, dump, arrivals, rules)


def stored(store: Store) -> list[Paper]:
    with store.reading() as tx:
        found = rows.papers.by_ids(tx, range(1, 200))
        return [found[ident] for ident in sorted(found) if found[ident].id == ident]


def said(paper: Paper) -> tuple[object, ...]:
    return (paper.title, paper.abstract, paper.identities, paper.first_seen, paper.version, paper.withdrawn)


# ---------------------------------------------------------------------------------------------- schema


def test_the_migrations_make_what_the_tables_say(store: Store) -> None:
    with store.reading() as tx:
        differences = compare_metadata(MigrationContext.configure(tx, opts={"compare_type": True}), metadata)
    assert differences == []


def test_an_empty_database_gets_the_schema_from_the_first_command_or_by_upgrade(empty_url: str) -> None:
    store = Store(empty_url)
    assert schema.upgrade(store) == (None, schema.head())
    assert schema.upgrade(store) == (schema.head(), schema.head())
    schema.require(store)
    store.close()


def test_an_older_schema_is_refused_with_the_remedy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.store.schema.head", lambda: "9999")
    with pytest.raises(StoreError, match="digest db upgrade"):
        schema.require(store)


def test_a_schema_newer_than_this_version_is_refused(store: Store) -> None:
    with store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for verb in (schema.require, schema.upgrade):
        with pytest.raises(StoreError, match="newer than this version"):
            verb(store)


def test_a_database_of_somebody_else_is_left_alone(empty_url: str) -> None:
    other = Store(empty_url)
    with other.writing() as tx:
        tx.exec_driver_sql("CREATE TABLE strangers (id INTEGER)")
    with pytest.raises(StoreError, match="not ours"):
        schema.require(other)
    other.close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "no database URL"),
        ("mysql://x/y", "not supported|no database URL"),
        ("sqlite:////no/such/folder/x.sqlite", "does not exist"),
    ],
)
def test_a_bad_url_says_what_it_should_be(url: str, told: str) -> None:
    with pytest.raises(StoreError, match=told):
        Store(url)


@pytest.mark.parametrize(
    "url", ["postgres://reader:swordfish@db.example.org/digest", "mysql://reader:swordfish@x/y", "reader:swordfish@x/y"]
)
def test_a_url_that_is_refused_does_not_tell_its_password(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store(url)
    assert "swordfish" not in str(caught.value)
    assert "store.url" in str(caught.value)


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    down = Store("postgresql://someone:swordfish@127.0.0.1:1/nothing")
    with pytest.raises(StoreError) as caught, down.reading() as tx:
        tx.exec_driver_sql("SELECT 1")
    assert "127.0.0.1" in str(caught.value)
    assert "swordfish" not in str(caught.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"this is not a database, it is a text" * 100)
    with pytest.raises(StoreError, match="no SQLite database"):
        schema.require(Store(f"sqlite:///{tmp_path / 'x.sqlite'}"))


def test_a_locked_database_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    schema.require(Store(url))
    holder = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    hurried = Store(url, busy_ms=50)
    with pytest.raises(StoreError, match="locked by another process"), hurried.writing() as tx:
        rows.keys.ensure(tx, NOW)
    holder.execute("ROLLBACK")
    with hurried.reading() as tx:
        assert rows.keys.all_keys(tx) == []
    holder.close()


def test_a_full_disk_is_an_error_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'x.sqlite'}")
    schema.require(store)
    arrive(store, entry("Before", arxiv="2606.00001"))
    many = [entry(f"Paper {n}", arxiv=f"2606.{n:05d}", abstract="word " * 400) for n in range(2, 400)]
    with pytest.raises(StoreError, match="disk is full"), store.writing() as tx:  # noqa: PT012
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")  # what SQLite reports when the disk has no more room
        dump = rows.dumps.begin(tx, name="x", form="jsonl", sha256="0" * 64, day=DAY, now=NOW)
        rows.arrivals.add(tx, dump, [Arrival(line=n, raw="{}", entry=e, day=DAY) for n, e in enumerate(many)], rules)
    store.close()
    assert [paper.title for paper in stored(Store(f"sqlite:///{tmp_path / 'x.sqlite'}"))] == ["Before"]


# ---------------------------------------------------------------------------------------------- papers


def test_the_same_entries_again_are_duplicates(store: Store) -> None:
    some = [entry("One", arxiv="2606.00001"), entry("Two")]
    assert arrive(store, *some).outcomes == ["new", "new"]
    assert arrive(store, *some, day=DAY + timedelta(days=1)).outcomes == ["duplicate", "duplicate"]
    assert [paper.first_seen for paper in stored(store)] == [DAY, DAY]


def test_a_paper_is_found_again_whatever_signs_its_title_and_identifiers_have(store: Store) -> None:
    odd = ['"', "\\", "\\u0041", "'; --", "[]", "null", "1", "1.0", "🜁 𝔄", "a" * 3000, "%", "é", "é"]
    found = [entry(title, doi=f"10.1000/{number}{title[:9]}") for number, title in enumerate(odd)]
    assert arrive(store, *found).outcomes == ["new"] * len(odd)
    assert arrive(store, *reversed(found)).outcomes == ["duplicate"] * len(odd)


def test_a_record_can_be_read_again_as_it_stood_in_the_dump(store: Store) -> None:
    raw = '{"title": "Ünicode \ufffd 🜁",\r\n "x": "\x00"}'
    with store.writing() as tx:
        dump = rows.dumps.begin(tx, name="x.jsonl", form="jsonl", sha256="0" * 64, day=DAY, now=NOW)
        rows.arrivals.add(tx, dump, [Arrival(line=1, raw=raw, entry=entry("A"), day=DAY)], rules)
        packed = tx.execute(select(records.c.raw)).scalar_one()
    assert zstandard.decompress(packed).decode() == raw


def test_a_vector_is_stored_with_its_paper_and_replaced_with_its_text(store: Store) -> None:
    arrive(store, entry("A", arxiv="2606.00001"), entry("B", arxiv="2606.00002"))
    with store.writing() as tx:
        rows.papers.put_vectors(tx, "v1", {1: b"a", 2: b"b"}, fresh={1, 2})
        rows.papers.put_vectors(tx, "v2", {2: b"c"})
        rows.papers.put_vectors(tx, "v1", {})
        assert rows.papers.vectors_of(tx, "v1", [1, 2]) == {1: b"a"}
        assert rows.papers.vectors_of(tx, "v2", [1, 2]) == {2: b"c"}


def test_a_repeat_inside_one_batch_is_a_duplicate(store: Store) -> None:
    assert arrive(store, entry("One", arxiv="2606.00001"), entry("One", arxiv="2606.00001")).outcomes == ["new", "duplicate"]
    assert len(stored(store)) == 1


def test_a_paper_from_a_page_gets_its_id_later_and_stays_one_paper(store: Store) -> None:
    arrive(store, entry("One"))
    assert arrive(store, entry("One", arxiv="2606.00001", abstract="Text.")).outcomes == ["updated"]
    (paper,) = stored(store)
    assert (paper.id, paper.name, paper.abstract) == (1, "arxiv:2606.00001", "Text.")


def test_an_earlier_day_that_arrives_late_is_when_the_paper_was_first_seen(store: Store) -> None:
    arrive(store, entry("One", arxiv="2606.00001"))
    earlier = DAY - timedelta(days=3)
    assert arrive(store, entry("One", arxiv="2606.00001"), day=earlier).outcomes == ["updated"]
    assert stored(store)[0].first_seen == earlier


def test_two_papers_that_turn_out_to_be_one_keep_votes_listings_and_old_links(store: Store) -> None:
    arrive(store, entry("Preprint", arxiv="2606.00001"), entry("Article", doi="10.1/x"))
    with store.writing() as tx:
        reader = rows.subscribers.add(tx, Subscriber(id=0, email="a@example.org", created=NOW), origin="command", now=NOW)
        rows.feedback.put(tx, Feedback(subscriber_id=reader.id, paper_id=2, vote=1, at=NOW))
    arrive(store, entry("Preprint", arxiv="2606.00001", doi="10.1/x"))
    (paper,) = stored(store)
    with store.reading() as tx:
        assert rows.papers.by_ids(tx, [2])[2] == paper
        assert rows.papers.by_ids(tx, [2], least=1)[2].upvotes == 1
        assert [v.paper_id for v in rows.feedback.of_subscribers(tx, [reader.id])[reader.id]] == [paper.id]
    assert paper.upvotes == 0  # one reader's thumb is nobody else's business


def test_a_record_without_id_leaves_again_when_a_second_paper_has_its_title(store: Store) -> None:
    arrive(store, entry("Same", abstract="From a page."))
    arrive(store, entry("Same", arxiv="2606.00001"))
    arrive(store, entry("Same", arxiv="2606.00002"))
    assert sorted(paper.name for paper in stored(store)) == ["arxiv:2606.00001", "arxiv:2606.00002", "paper:2"]
    assert {paper.name: paper.abstract for paper in stored(store)}["paper:2"] == "From a page."


def test_votes_only_rise(store: Store) -> None:
    assert arrive(store, entry("One", arxiv="2606.00001", upvotes=5)).outcomes == ["new"]
    assert arrive(store, entry("One", arxiv="2606.00001", upvotes=3)).outcomes == ["duplicate"]
    assert arrive(store, entry("One", arxiv="2606.00001", upvotes=9)).outcomes == ["updated"]
    assert stored(store)[0].upvotes == 9


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
    ]


def test_the_order_of_arrival_and_the_cut_into_batches_change_no_paper(tmp_path: Path) -> None:
    entries = _some_entries()
    days = [DAY + timedelta(days=n % 4) for n in range(len(entries))]
    seen: set[tuple[object, ...]] = set()
    for seed in range(16):
        chance = random.Random(seed)
        order: Sequence[int] = chance.sample(range(len(entries)), len(entries))
        path = tmp_path / f"{seed}.sqlite"
        path.write_bytes(migrated())
        store = Store(f"sqlite:///{path}")
        with store.writing() as tx:
            dump = rows.dumps.begin(tx, name="x", form="jsonl", sha256="0" * 64, day=DAY, now=NOW)
        size = chance.choice([1, 2, 5, 12])
        for start in range(0, len(order), size):
            with store.writing() as tx:
                rows.arrivals.add(
                    tx, dump, [Arrival(line=n, raw="", entry=entries[n], day=days[n]) for n in order[start : start + size]], rules
                )
        seen.add(tuple(sorted(map(said, stored(store)), key=repr)))
        store.close()
    assert len(seen) == 1


def test_withdrawn_papers_do_not_compete(store: Store) -> None:
    arrive(store, entry("One", arxiv="2606.00001", withdrawn=True), entry("Two", arxiv="2606.00002"))
    with store.reading() as tx:
        assert rows.papers.seen_between(tx, DAY - timedelta(days=1), DAY) == [2]


# ---------------------------------------------------------------------------------------------- people


def subscriber(tx: Connection, email: str = "Alice@example.org", **more: object) -> Subscriber:
    made = Subscriber(id=0, email=email, created=NOW, **more)  # type: ignore[arg-type]
    return rows.subscribers.add(tx, made, origin="command", now=NOW)


def test_a_subscriber_comes_back_as_it_was_stored(store: Store) -> None:
    topic = Interest(
        name="main", keywords=("ночь", "-survey"), categories=("cs.LG",), authors=("Jane Doe",), papers=("2606.00001",), text="a text"
    )
    with store.writing() as tx:
        made = subscriber(tx, name="Al", timezone="Europe/Berlin", hour=5, days=(1, 3), size=7, threshold=80, interests=(topic,))
    with store.reading() as tx:
        assert rows.subscribers.by_id(tx, made.id) == made
        assert rows.subscribers.by_email(tx, "ALICE@EXAMPLE.ORG") == made
    assert (made.interests, made.days, made.created) == ((topic,), (1, 3), NOW)


def test_the_number_of_a_deleted_subscriber_is_given_to_nobody_else(store: Store) -> None:
    """Links in old mails name readers by it."""
    made = []
    for name in ("alice", "bob"):
        with store.writing() as tx:
            made.append(subscriber(tx, email=f"{name}@example.org").id)
            tx.execute(delete(subscribers))
    assert made[0] != made[1]


def test_a_vote_replaces_the_one_before_and_a_repeat_keeps_the_first_time(store: Store) -> None:
    arrive(store, entry("One", arxiv="2606.00001"))
    later = NOW + timedelta(hours=1)
    with store.writing() as tx:
        reader = subscriber(tx)
        votes = [(1, NOW), (1, later), (-1, later), (0, later)]
        before = [rows.feedback.put(tx, Feedback(subscriber_id=reader.id, paper_id=1, vote=vote, at=at)) for vote, at in votes[:2]]  # type: ignore[arg-type]
        assert rows.feedback.of_subscribers(tx, [reader.id])[reader.id][0].at == NOW
        before += [rows.feedback.put(tx, Feedback(subscriber_id=reader.id, paper_id=1, vote=vote, at=at)) for vote, at in votes[2:]]  # type: ignore[arg-type]
        assert before == [0, 1, 1, -1]
        assert rows.feedback.of_subscribers(tx, [reader.id]) == {}


def test_the_key_of_links_is_made_once(store: Store) -> None:
    with store.writing() as tx:
        first = rows.keys.ensure(tx, NOW)
    with store.writing() as tx:
        again = rows.keys.ensure(tx, NOW)
    assert [k.secret for k in first] == [k.secret for k in again]
    assert len(first[0].secret) == 32


def test_a_new_key_of_links_signs_and_the_old_ones_stay(store: Store) -> None:
    with store.writing() as tx:
        (first,) = rows.keys.ensure(tx, NOW)
    with store.writing() as tx:
        assert [key.id for key in rows.keys.rotate(tx, LATER)] == [1, 2]
    with store.reading() as tx:
        old, new = rows.keys.all_keys(tx)
        assert rows.keys.listed(tx) == [(1, NOW), (2, LATER)]
    assert old.secret == first.secret != new.secret
    with store.writing() as tx:
        for _ in range(253):
            rows.keys.rotate(tx, LATER)
        with pytest.raises(StoreError, match="255"):
            rows.keys.rotate(tx, LATER)


def test_standings_are_counted(store: Store) -> None:
    with store.writing() as tx:
        subscriber(tx)
        subscriber(tx, "bob@example.org", standing=Standing.PAUSED)
        assert rows.subscribers.count(tx) == {Standing.ACTIVE: 1, Standing.PAUSED: 1}


def removed(store: Store, kind: str, value: str) -> None:
    with store.writing() as tx:
        dump = rows.dumps.begin(tx, name="x.xml", form="pubmed", sha256="0" * 64, day=DAY, now=NOW)
        rows.arrivals.remove(tx, dump, 1, [Identity(kind=kind, value=value)], "deleted")  # type: ignore[arg-type]


def test_a_removal_marks_the_paper_whether_it_came_before_or_comes_later(store: Store) -> None:
    arrive(store, entry("Before", doi="10.1/before"), entry("Untouched", doi="10.1/other"))
    removed(store, "doi", "10.1/before")
    removed(store, "doi", "10.1/after")
    arrive(store, entry("After", doi="10.1/after"))
    assert {paper.title: paper.withdrawn for paper in stored(store)} == {"Before": True, "Untouched": False, "After": True}
    arrive(store, entry("Before, revised", doi="10.1/before", version=2))
    assert {paper.title: paper.withdrawn for paper in stored(store)}["Before, revised"]


def test_an_abstract_and_its_paper_join_in_either_order_and_only_the_whole_competes(store: Store) -> None:
    part = {"identities": (Identity(kind="s2", value="1"),), "abstract": "Text."}
    whole = Entry(source="s2", title="One", title_key="one", identities=(Identity(kind="s2", value="1"),))
    assert arrive(store, Entry(source="s2", title="", title_key="", **part), day=DAY).outcomes == ["waiting"]  # type: ignore[arg-type]
    with store.reading() as tx:
        assert rows.papers.seen_between(tx, DAY - timedelta(days=1), DAY) == []
        mark = rows.papers.highest_id(tx)
    tomorrow = DAY + timedelta(days=1)
    assert arrive(store, whole, day=tomorrow).outcomes == ["new"]
    with store.reading() as tx:
        (ident,) = rows.papers.seen_between(tx, DAY - timedelta(days=1), tomorrow)
        paper = rows.papers.by_ids(tx, [ident])[ident]
    assert (paper.title, paper.abstract, paper.first_seen) == ("One", "Text.", tomorrow)
    assert ident > mark  # a digest composed between the two has not seen it
    other = Entry(source="s2", title="Two", title_key="two", identities=(Identity(kind="s2", value="2"),))
    arrive(store, other)
    late = Entry(source="s2", title="", title_key="", identities=(Identity(kind="s2", value="2"),), abstract="Late.")
    assert arrive(store, late).outcomes == ["updated"]
