"""The same bytes are read once, unless another look at them could change something."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

import digest
from digest import pipeline, services, store
from digest.app import App
from digest.dumps import Dump
from digest.model import Subscriber
from digest.store.tables import identities, records, vectors
from digest.store.tables import papers as paper_rows
from tests.conftest import TODAY

Cast = Callable[[App], dict[str, Subscriber]]
WriteDump = Callable[..., Path]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose records are read, in order."""
    names: list[str] = []
    read = Dump.records

    def note(self: Dump) -> Iterator[Any]:
        names.append(self.name)
        return read(self)

    monkeypatch.setattr(Dump, "records", note)
    return names


def test_the_same_bytes_are_read_once(any_app: App, dump: WriteDump, reads: list[str]) -> None:
    path = dump()
    first = pipeline.ingest(any_app, [path])
    assert first.count("new") == 16
    for _ in range(2):
        again = pipeline.ingest(any_app, [path])
        (file,) = again.files
        assert (file.counts["read"], file.counts["duplicate"], again.failed) == (16, 16, False)
        assert file.notes == [f"read before, on {TODAY}; nothing to do (--again reads it anyway)"]
    assert reads == [path.name]
    with any_app.store.reading() as tx:
        rows = store.dumps.list_latest(tx)
    assert [(row["read"], row["new"], row["duplicate"]) for row in rows] == [
        (16, 0, 16),
        (16, 0, 16),
        (16, 16, 0),
    ]
    assert all(row["finished_at"] for row in rows)


def test_what_was_skipped_is_counted_again(app: App, reads: list[str]) -> None:
    path = Path(__file__).parents[1] / "data" / "dumps" / "openalex-page.json"
    first, second = pipeline.ingest(app, [path]), pipeline.ingest(app, [path])
    assert first.count("skipped") == second.count("skipped") > 0
    assert first.counts["skipped_why"] == second.counts["skipped_why"]
    assert reads == [path.name]


def test_again_reads_it_anyway(app: App, dump: WriteDump, reads: list[str]) -> None:
    path = dump()
    pipeline.ingest(app, [path])
    (file,) = pipeline.ingest(app, [path], again=True).files
    assert (file.counts["duplicate"], file.read_before) == (16, False)
    assert reads == [path.name] * 2


def test_an_earlier_day_and_another_way_to_count_days_read_it_again(
    app: App, dump: WriteDump, reads: list[str]
) -> None:
    path = dump()
    pipeline.ingest(app, [path])
    pipeline.ingest(app, [path], seen=TODAY + timedelta(days=1))
    assert len(reads) == 1
    assert pipeline.ingest(app, [path], seen=TODAY - timedelta(days=9)).count("updated") == 16
    assert len(reads) == 2
    pipeline.ingest(app, [path], seen="name")
    assert len(reads) == 3
    assert pipeline.ingest(app, [path], backfill=True).count("updated") == 16
    assert len(reads) == 4
    for options in ({}, {"seen": "name"}, {"backfill": True}):
        assert pipeline.ingest(app, [path], **options).files[0].read_before  # type: ignore[arg-type]


def test_a_file_that_was_cut_off_is_read_again(
    app: App, tmp_path: Path, dump: WriteDump, reads: list[str]
) -> None:
    packed = gzip.compress(dump().read_bytes())
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(packed[:-20])
    assert pipeline.ingest(app, [path]).files[0].incomplete
    assert pipeline.ingest(app, [path]).files[0].incomplete
    path.write_bytes(packed)
    assert not pipeline.ingest(app, [path]).files[0].incomplete
    assert len(reads) == 3
    assert pipeline.ingest(app, [path]).files[0].notes  # it went on where it had stopped
    assert pipeline.ingest(app, [path]).files[0].read_before


def test_an_ingest_that_was_stopped_goes_on(app: App, dump: WriteDump, reads: list[str]) -> None:
    path = dump()
    pipeline.ingest(app, [path], batch=5, stop=lambda: True)
    assert pipeline.ingest(app, [path], batch=5).count("new") == 11
    assert len(reads) == 2


def test_a_file_with_rejected_records_is_read_again(
    app: App, tmp_path: Path, reads: list[str]
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"title": "Fine", "arxiv": "2606.50001"}\n{"title": ""}\n')
    for _ in range(2):
        assert pipeline.ingest(app, [path]).count("rejected") == 1
    assert len(reads) == 2


def test_another_version_of_digest_reads_it_again(
    app: App, dump: WriteDump, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = dump()
    pipeline.ingest(app, [path])
    monkeypatch.setattr(digest, "__version__", "99.0.0")
    pipeline.ingest(app, [path])
    assert len(reads) == 2
    monkeypatch.setattr("digest.ranking.features.VERSION", "words99")
    pipeline.ingest(app, [path])
    assert len(reads) == 3


def test_papers_that_were_deleted_come_back(any_app: App, dump: WriteDump) -> None:
    path = dump()
    pipeline.ingest(any_app, [path])
    with any_app.store.writing() as tx:
        for table in (identities, records, vectors):
            tx.execute(delete(table).where(table.c.paper_id == 3))
        tx.execute(delete(paper_rows).where(paper_rows.c.id == 3))
    assert pipeline.ingest(any_app, [path]).count("new") == 1


def test_another_name_reads_it_again(app: App, dump: WriteDump, reads: list[str]) -> None:
    """A format may take the year from the name."""
    path = dump()
    pipeline.ingest(app, [path])
    pipeline.ingest(app, [path.rename(path.with_name("other.jsonl"))])
    assert len(reads) == 2


def test_the_library_of_a_reader_is_no_reading_of_a_dump(
    app: App, cast: Cast, tmp_path: Path
) -> None:
    path = tmp_path / "library.bib"
    path.write_text("@article{a, title={Robots that learn}, author={Doe, Jane}, year={2026}}\n")
    services.import_library(app, cast(app)["alice"], path)
    assert not services.inbox.read_before(app, path)
    assert pipeline.ingest(app, [path]).count("new") == 1
    assert services.inbox.read_before(app, path)
