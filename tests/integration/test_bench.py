"""`digest bench`: its readers in real databases, and the whole command with few readers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

import digest.demo
from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.bench import fill
from digest.errors import InputError
from digest.subscriptions import SubscriptionRequest
from tests.conftest import postgres_url

#: the last day of the demonstration's papers
LAST = date(2026, 6, 12)


def demo_papers() -> list[Path]:
    return sorted((Path(digest.demo.__file__).parent / "papers").glob("*.jsonl"))


@pytest.fixture
def filled(any_app: App) -> App:
    """An app with papers of five days and 30 invented readers."""
    pipeline.ingest(any_app, demo_papers(), seen="name")
    assert fill.find_newest_day(any_app.store) == LAST
    added = fill.add_readers(any_app.store, 30, day=LAST, seed=1, size=4, strictness="always")
    assert added.readers == 30
    assert 15 * 10 <= added.thumbs_up + added.thumbs_down <= 15 * 60
    return any_app


def test_readers_are_stored_with_interests_and_thumbs(filled: App) -> None:
    with filled.store.reading() as tx:
        readers = store.subscribers.list_by_status(tx)
        votes = store.feedback.load_votes(tx, [reader.id for reader in readers])
    assert [reader.email for reader in readers] == [
        f"reader.{number}@example.net" for number in range(1, 31)
    ]
    assert all(len(reader.interests) == 1 for reader in readers)
    assert all(reader.size == 4 for reader in readers)
    assert sorted(votes) == [reader.id for reader in readers][::2]


def test_a_digest_of_an_invented_reader_chooses_from_the_usual_days(filled: App) -> None:
    reader = subscriptions.find(filled, "reader.2@example.net")
    shown = services.preview(filled, reader, day=LAST)
    # as for a reader who has been here for long, and not of the month that a newcomer gets
    with filled.store.reading() as tx:
        usual = store.papers.list_seen_between(tx, LAST - timedelta(days=7), LAST)
    assert shown.outcome.provenance.papers_read <= len(usual)
    assert shown.message is not None


def test_a_database_in_use_is_refused_and_an_empty_one_is_not(any_app: App, store_url: str) -> None:
    fill.require_unused(store_url)
    subscriptions.subscribe(
        any_app, SubscriptionRequest(email="alice@example.org"), origin="command"
    )
    with pytest.raises(InputError, match="holds 1 readers and 0 papers"):
        fill.require_unused(store_url)


def test_an_absent_database_is_not_made_by_looking(tmp_path: Path) -> None:
    fill.require_unused(f"sqlite:///{tmp_path / 'new.sqlite'}")
    assert not (tmp_path / "new.sqlite").exists()


def test_the_size_of_a_database_grows_with_what_it_holds(any_app: App) -> None:
    before = store.health.measure_size(any_app.store)
    pipeline.ingest(any_app, demo_papers(), seen="name")
    assert store.health.measure_size(any_app.store) > before > 0


# ----------------------------------------------------------------------------------------------
# the command


def run_bench(
    folder: Path, *words: str, code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "digest", "bench", *words],
        cwd=folder,
        env=clean | {"COLUMNS": "200", "NO_COLOR": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def test_the_whole_command_measures_every_step(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[store]\nurl = "sqlite:///mine.sqlite"\n[digest]\nstrictness = "always"\nsize = 5\n'
        '[smtp]\nhost = "mail.example.org"\nconnections = 3\n'
    )
    done = run_bench(
        tmp_path,
        *("--subscribers", "4,8", "--json", "--folder", "work", "--workers", "2"),
        DIGEST_STORE__URL="sqlite:///mine.sqlite",
    )
    assert not (tmp_path / "mine.sqlite").exists()
    assert "8 readers: compose" in done.stderr
    report = json.loads(done.stdout)
    assert (report["date"], report["connections"]) == ("2026-06-12", 3)
    assert report["settings"]["digest"] == {"size": 5, "strictness": "always"}
    assert report["settings"]["workers"] == {"kind": "threads", "count": 2}
    assert [measured["subscribers"] for measured in report["rounds"]] == [4, 8]
    for measured in report["rounds"]:
        assert measured["digests"] == measured["accepted"] == measured["subscribers"]
        assert measured["papers"] == 270
        assert set(measured["steps"]) == {"ingest", "send nothing", "preview", "compose", "send"}
        assert all(
            step["wall_s"] > 0 and step["cpu_s"] > 0 and step["memory_mb"] > 20
            for step in measured["steps"].values()
        )
        assert measured["mail_bytes"] > 5000
        sizes = measured["database_bytes"]
        assert sizes["before"] < sizes["composed"] <= sizes["sent"]
    assert set(report["growth"]) == {"compose", "send"}
    assert report["served"]["readers"] > 0
    assert b"DKIM-Signature:" in (tmp_path / "work" / "8.eml").read_bytes()


@pytest.mark.postgres
def test_on_postgresql_what_was_measured_stays_in_the_database(
    tmp_path: Path, postgres: str
) -> None:
    for url in postgres_url(postgres):
        words = ("--subscribers", "4", "--database", url)
        report = json.loads(run_bench(tmp_path, *words, "--json").stdout)
        assert report["machine"]["database"].startswith("PostgreSQL ")
        (measured,) = report["rounds"]
        assert measured["accepted"] > 0
        assert measured["database_bytes"]["before"] > 1_000_000
        assert "holds 4 readers and 270 papers" in run_bench(tmp_path, *words, code=2).stderr


def test_what_cannot_be_measured_is_refused_before_anything_runs(tmp_path: Path, app: App) -> None:
    subscriptions.subscribe(app, SubscriptionRequest(email="alice@example.org"), origin="command")
    url = f"sqlite:///{app.store.file}"
    done = run_bench(tmp_path, "--database", url, code=2)
    assert "holds 1 readers" in done.stderr
    assert run_bench(tmp_path, "--subscribers", "1,2", "--database", url, code=2)
    with app.store.reading() as tx:
        assert store.papers.count(tx) == 0
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert "is not empty" in run_bench(tmp_path, "--folder", "full", code=2).stderr
    assert "absent.jsonl" in run_bench(tmp_path, "absent.jsonl", code=2).stderr
