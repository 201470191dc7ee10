"""The index of the search by meaning: followed, kept in a file, and never trusted blindly."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from digest import services, store
from digest.app import App
from digest.ranking import features
from digest.services import CorpusCache, vector_index
from digest.services.vector_index import LoadedIndex
from tests.conftest import TODAY, make_app
from tests.unit.web.test_lists import write_rows
from tests.webclient import Write, fill

YESTERDAY = TODAY - timedelta(days=1)
FIRST = ("Gaussian splatting for street scenes", "A survey of yeast genes")
SECOND = ("Splatting Gaussians on a telephone", "Müller cells of the zebrafish retina")


@pytest.fixture
def filled(any_app: App, dump: Write) -> App:
    fill(any_app, dump, day=YESTERDAY, rows=write_rows(YESTERDAY, *FIRST))
    return any_app


def load(app: App, cache: vector_index.VectorIndexCache | None = None) -> LoadedIndex:
    with app.store.reading() as tx:
        loaded = (cache or vector_index.VectorIndexCache()).load(app, tx)
    assert loaded is not None
    return loaded


def add_second(app: App, dump: Write) -> None:
    fill(app, dump, day=TODAY, rows=write_rows(TODAY, *SECOND))


def equal(left: LoadedIndex, right: LoadedIndex) -> bool:
    return np.array_equal(left.index.ids, right.index.ids) and np.array_equal(
        left.index.codes, right.index.codes
    )


def test_new_papers_join_it(filled: App, dump: Write) -> None:
    cache = vector_index.VectorIndexCache()
    before = load(filled, cache)
    assert len(before.index.ids) == 2
    assert load(filled, cache) is before
    add_second(filled, dump)
    after = load(filled, cache)
    assert len(after.index.ids) == 4
    assert after.index.last_record > before.index.last_record
    assert np.array_equal(after.index.codes[:, :2], before.index.codes)


def test_a_corrected_paper_gets_a_new_code(filled: App, dump: Write) -> None:
    cache = vector_index.VectorIndexCache()
    before = load(filled, cache).index
    row = write_rows(YESTERDAY, *FIRST)[1] | {"title": "Dark matter haloes", "version": 2}
    fill(filled, dump, day=TODAY, rows=[row])
    after = load(filled, cache).index
    assert after.ids.tolist() == before.ids.tolist()
    assert np.array_equal(after.codes[:, 0], before.codes[:, 0])
    assert not np.array_equal(after.codes[:, 1], before.codes[:, 1])


def test_the_file_is_used_and_followed(app: App, dump: Write) -> None:
    fill(app, dump, day=YESTERDAY, rows=write_rows(YESTERDAY, *FIRST))
    path = vector_index.find_index_file(app)
    assert path is not None
    assert not path.exists()
    first = load(app)
    assert path.stat().st_mode & 0o077 == 0
    again = load(app)
    assert equal(first, again)
    add_second(app, dump)
    assert len(load(app).index.ids) == 4
    assert not list(path.parent.glob("*.part"))


def test_postgresql_keeps_no_file(filled: App) -> None:
    load(filled)
    path = vector_index.find_index_file(filled)
    assert (path is None) == (filled.store.file is None)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "folder"])
def test_a_damaged_file_is_made_anew(
    app: App, dump: Write, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    fill(app, dump, day=YESTERDAY, rows=write_rows(YESTERDAY, *FIRST))
    sound, path = load(app), vector_index.find_index_file(app)
    assert path is not None
    blob = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        flipped = blob[:-3] + bytes([blob[-3] ^ 1]) + blob[-2:]
        path.write_bytes({"cut": blob[:-9], "flipped": flipped, "empty": b""}[damage])
    assert equal(load(app), sound)
    assert "made anew" in caplog.text
    if damage != "folder":
        assert path.read_bytes() == blob


def test_the_file_of_another_state_is_not_trusted(app: App, dump: Write, tmp_path: Path) -> None:
    fill(app, dump, day=YESTERDAY, rows=write_rows(YESTERDAY, *FIRST))
    backup = tmp_path / "backup.sqlite"
    app.store.close()
    shutil.copy(tmp_path / "digest.sqlite", backup)
    add_second(app, dump)
    load(app)
    app.close()
    # the backup is put back, and other papers get the same ids
    for ending in ("-wal", "-shm"):
        (tmp_path / f"digest.sqlite{ending}").unlink(missing_ok=True)
    shutil.copy(backup, tmp_path / "digest.sqlite")
    restored = make_app(tmp_path)
    assert len(load(restored).index.ids) == 2
    load(restored)
    rows = write_rows(TODAY, "Tau decays", "Foxes that follow the river")
    fill(restored, dump, day=TODAY, rows=rows)
    kept = load(restored)
    assert kept.index.ids.tolist() == [1, 2, 3, 4]
    with restored.store.reading() as tx:
        anew = vector_index.update_index(restored, tx, None)
    assert kept.index.ids.tolist() == anew.index.ids.tolist()
    restored.close()


def test_a_failure_to_write_costs_no_search(
    app: App, dump: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(app, dump, day=YESTERDAY, rows=write_rows(YESTERDAY, *FIRST))

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    assert len(load(app).index.ids) == 2
    assert "disk full" in caplog.text
    assert not list(app.store.file.parent.glob("*.part"))  # type: ignore[union-attr]


def test_other_word_vectors_make_it_anew(app: App, dump: Write) -> None:
    fill(app, dump, day=YESTERDAY, rows=write_rows(YESTERDAY, *FIRST))
    cache = vector_index.VectorIndexCache()
    before = load(app, cache)
    table = before.space.table
    assert table.steps is not None
    fewer = replace(
        table,
        columns=table.columns[:-1],
        document_counts=table.document_counts[:-1],
        vectors=table.vectors[:-1],
        steps=table.steps[:-1],
    ).to_bytes()
    version = features.Table.from_bytes(fewer).version
    with app.store.writing() as tx:
        trained = store.vectors.Trained(version=version, papers=2, made_at=app.now(), data=fewer)
        store.vectors.save(tx, trained)
    for kept in (cache, None):  # in memory, and in the file
        assert load(app, kept).index.version == f"{features.VERSION} {version}"
    assert before.index.version != f"{features.VERSION} {version}"


def test_many_new_papers_are_added_beside_the_search(
    app: App, dump: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_index, "_MOST_WAITED_FOR", 1)
    fill(app, dump, day=YESTERDAY, rows=write_rows(YESTERDAY, *FIRST))
    cache = vector_index.VectorIndexCache()
    started: list[object] = []

    class Thread:
        def __init__(self, target: object, args: tuple[object, ...], daemon: bool) -> None:
            self.run = lambda: target(*args)  # type: ignore[operator]

        def start(self) -> None:
            started.append(self)

    monkeypatch.setattr("threading.Thread", Thread)
    with app.store.reading() as tx:
        assert cache.load(app, tx) is None
        assert cache.load(app, tx) is None
    (thread,) = started
    thread.run()  # type: ignore[attr-defined]
    assert len(load(app, cache).index.ids) == 2
    add_second(app, dump)
    assert len(load(app, cache).index.ids) == 2
    started[1].run()  # type: ignore[attr-defined]
    assert len(load(app, cache).index.ids) == 4


def test_similar_papers_and_near_ones_come_from_all_papers(filled: App, dump: Write) -> None:
    add_second(filled, dump)
    corpora = CorpusCache()
    paper = services.load_paper_page(filled, 1).paper
    assert [other.title for other in services.find_similar(filled, paper, corpora)] == [SECOND[0]]
    request = services.SearchRequest(text="gaussian splatting nowhere", order="meaning")
    result = services.search(filled, request, corpora)
    assert {paper.title for paper in result.papers} == {FIRST[0], SECOND[0]}
    for more in ({"author": "nobody"}, {"category": "math"}, {"until": YESTERDAY - timedelta(9)}):
        none = services.SearchRequest(text="gaussian splatting", order="meaning", **more)  # type: ignore[arg-type]
        assert services.search(filled, none, corpora).papers == ()
    excluded = services.SearchRequest(text="gaussian splatting -telephone", order="meaning")
    assert [p.title for p in services.search(filled, excluded, corpora).papers] == [FIRST[0]]


def test_a_withdrawn_paper_is_near_nothing(filled: App) -> None:
    corpora = CorpusCache()
    request = services.SearchRequest(text="gaussian splatting", order="meaning")
    assert len(services.search(filled, request, corpora).papers) == 1
    with filled.store.writing() as tx:
        tx.exec_driver_sql("UPDATE papers SET withdrawn = true WHERE id = 1")
    assert services.search(filled, request, corpora).papers == ()
