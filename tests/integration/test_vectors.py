"""Word vectors of an install's own papers: training, use, and damage.

Vectors that cannot be read are replaced by those of the package.
"""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.errors import InputError
from digest.model import Digest, Subscriber
from digest.pipeline.steps.corpus_view import load_word_vectors
from digest.ranking import features
from digest.store.tables import vectors as stored_words
from digest.store.tables import word_vectors
from digest.subscriptions import SubscriptionRequest

WORDS = (
    "tentacle",
    "octopus",
    "mantle",
    "sucker",
    "squid",
    "arm",
    "reef",
    "ink",
    "siphon",
    "beak",
    "cuttlefish",
    "camouflage",
)


def _store_papers(app: App, tmp_path: Path, number: int) -> None:
    rows = [
        {
            "arxiv": f"2604.9{n:04}",
            "title": f"{WORDS[n % 12]} of {WORDS[n % 5]} number{n}",
            "abstract": " ".join(WORDS[(n * k) % 12] for k in (1, 5, 7)),
            "authors": ["Jane Doe"],
            "categories": ["q-bio.NC"],
        }
        for n in range(1, number + 1)
    ]
    path = tmp_path / "octopus.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    assert pipeline.ingest(app, [path]).count("new") == number


def test_trained_vectors_are_in_force_and_know_the_installs_own_words(
    any_app: App, tmp_path: Path
) -> None:
    assert services.vectors_info(any_app).version == features.load_base_table().version
    _store_papers(any_app, tmp_path, 60)
    table = pipeline.train_word_vectors(any_app)
    info = services.vectors_info(any_app)
    assert (info.version, info.own, info.stored) == (table.version, True, 60)
    assert info.papers == features.load_base_table().papers + 60
    assert set(features.load_base_table().columns) <= set(table.columns)
    with any_app.store.reading() as tx:
        assert load_word_vectors(tx).to_bytes() == table.to_bytes()


def test_training_again_replaces_what_was_trained_before(app: App, tmp_path: Path) -> None:
    _store_papers(app, tmp_path, 60)
    first = pipeline.train_word_vectors(app, seed=1)
    second = pipeline.train_word_vectors(app, seed=2)
    assert first.version != second.version == services.vectors_info(app).version
    assert pipeline.train_word_vectors(app, from_nothing=True).papers == 60


def test_too_few_papers_are_refused_with_a_remedy(app: App, tmp_path: Path) -> None:
    _store_papers(app, tmp_path, 5)
    with pytest.raises(
        InputError, match=r"5 stored papers are too few to train word vectors.*digest ingest"
    ):
        pipeline.train_word_vectors(app)
    assert not services.vectors_info(app).own


def test_training_is_due_when_the_corpus_has_grown(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = importlib.import_module("digest.pipeline.learn")  # the command has the same name
    monkeypatch.setattr(learn, "MIN_CORPUS_PAPERS", 60)
    assert not pipeline.word_vectors_due(app)
    _store_papers(app, tmp_path, 60)
    assert pipeline.word_vectors_due(app)
    pipeline.train_word_vectors(app)
    assert not pipeline.word_vectors_due(app)
    monkeypatch.setattr(learn, "RETRAIN_GROWTH", 1.0)
    assert pipeline.word_vectors_due(app)


def test_stored_vectors_that_cannot_be_read_give_way_to_the_packages(
    any_app: App, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _store_papers(any_app, tmp_path, 60)
    blob = pipeline.train_word_vectors(any_app).to_bytes()
    with any_app.store.writing() as tx:
        tx.execute(update(word_vectors).values(data=blob[:-1], version="vectors1-cut"))
    with caplog.at_level(logging.WARNING, "digest.compose"):
        info = services.vectors_info(any_app)
    assert (info.version, info.own) == (features.load_base_table().version, False)
    assert "cut off" in caplog.text
    with any_app.store.writing() as tx:
        old = store.vectors.Trained(
            version="vectors0",
            papers=1,
            made_at=datetime(2026, 4, 1, tzinfo=UTC),
            data=b"DGV0 of another day",
        )
        store.vectors.save(tx, old)
    assert not services.vectors_info(any_app).own


def test_the_package_s_vectors_are_read_when_they_are_needed_and_damage_is_said_with_its_remedy(
    tmp_path: Path,
) -> None:
    asked = (
        "import digest.services; from digest.ranking import features; "
        "print(features.load_base_table.cache_info().currsize)"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", asked], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "0"
    )
    damaged = tmp_path / "package" / "digest"
    shutil.copytree(
        Path(features.__file__).parents[2],
        damaged,
        ignore=shutil.ignore_patterns("__pycache__", "demo"),
    )
    os.truncate(damaged / "data" / "vectors.bin", 200_000)
    words = [sys.executable, "-m", "digest", "vectors", "info"]
    environment = os.environ | {
        "PYTHONPATH": str(damaged.parent),
        "DIGEST_STORE__URL": f"sqlite:///{tmp_path / 'digest.sqlite'}",
    }
    process = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
    for word in ("vectors.bin", "cut off", "Install the package again"):
        assert word in process.stderr


def test_damaged_stored_words_are_counted_again(
    any_app: App, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _store_papers(any_app, tmp_path, 60)
    alice = subscriptions.subscribe(
        any_app,
        SubscriptionRequest(email="alice@example.org", keywords=("octopus",)),
        origin="command",
    ).subscriber
    whole = services.preview(any_app, alice).outcome
    with any_app.store.writing() as tx:
        tx.execute(
            update(stored_words).where(stored_words.c.paper_id % 2 == 0).values(data=b"\x01\x02")
        )
    with caplog.at_level(logging.WARNING, "digest.words"):
        outcome = services.preview(any_app, alice).outcome
    assert isinstance(outcome, Digest)
    assert any(item.score.paper_id % 2 == 0 for item in outcome.items)
    assert isinstance(whole, Digest)
    assert outcome.items == whole.items
    assert "damaged" in caplog.text


def test_a_round_ranks_by_trained_vectors_and_says_so(
    app: App,
    tmp_path: Path,
    cast: Callable[[App], dict[str, Subscriber]],
    dump: Callable[..., Path],
) -> None:
    people = cast(app)
    pipeline.ingest(app, [dump()])
    _store_papers(app, tmp_path, 60)
    table = pipeline.train_word_vectors(app)
    composed = pipeline.compose(app)
    assert len(composed.planned) == len(people)
    for planned_digest in composed.planned:
        digest, _ = services.sent_digest(
            app,
            next(who for who in people.values() if who.email == planned_digest.email),
            planned_digest.local_date,
        )
        assert table.version in digest.provenance.features


def test_the_command_makes_a_table_from_nothing_such_as_the_package_ships(
    app: App, tmp_path: Path
) -> None:
    _store_papers(app, tmp_path, 60)
    written = tmp_path / "vectors.bin"
    variables = {"DIGEST_STORE__URL": f"sqlite:///{tmp_path / 'digest.sqlite'}"}
    result = CliRunner().invoke(
        commands,
        ["vectors", "train", "--from-nothing", "--write", str(written), "--json"],
        env=variables,
    )
    assert result.exit_code == 0, result.output
    table = features.Table.from_bytes(written.read_bytes())
    assert (table.papers, table.version) == (60, services.vectors_info(app).version)
    with app.store.reading() as tx:
        assert load_word_vectors(tx).to_bytes() == written.read_bytes()


def test_the_readme_of_the_shipped_table_is_true() -> None:
    readme = (resources.files("digest.data") / "README.md").read_text(encoding="utf-8")
    table = features.load_base_table()
    assert table.version in readme
    assert f"{len(table.columns):,} words" in readme
    assert f"{table.papers:,} papers" in readme
