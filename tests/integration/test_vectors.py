"""Word vectors of an install's own papers: trained, stored, in force, and out of force when they cannot be read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import update

from digest import features, pipeline, store
from digest.app import App
from digest.errors import InputError
from digest.pipeline import vectors
from digest.store.tables import word_vectors

WORDS = ("tentacle", "octopus", "mantle", "sucker", "squid", "arm", "reef", "ink", "siphon", "beak", "cuttlefish", "camouflage")


def _stored(app: App, tmp_path: Path, number: int) -> None:
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


def test_trained_vectors_are_in_force_and_know_the_installs_own_words(any_app: App, tmp_path: Path) -> None:
    assert pipeline.vectors_info(any_app).version == features.base().version
    _stored(any_app, tmp_path, 60)
    table = pipeline.train_vectors(any_app)
    found = pipeline.vectors_info(any_app)
    assert (found.version, found.own, found.stored) == (table.version, True, 60)
    assert found.papers == features.base().papers + 60
    assert set(features.base().columns) <= set(table.columns)
    with any_app.store.reading() as tx:
        assert vectors.word_vectors(tx).to_bytes() == table.to_bytes()


def test_training_again_replaces_what_was_trained_before(app: App, tmp_path: Path) -> None:
    _stored(app, tmp_path, 60)
    first = pipeline.train_vectors(app, seed=1)
    second = pipeline.train_vectors(app, seed=2)
    assert first.version != second.version == pipeline.vectors_info(app).version
    assert pipeline.train_vectors(app, from_nothing=True).papers == 60


def test_too_few_papers_are_refused_with_a_remedy(app: App, tmp_path: Path) -> None:
    _stored(app, tmp_path, 5)
    with pytest.raises(InputError, match=r"5 stored papers teach no word vectors.*digest ingest"):
        pipeline.train_vectors(app)
    assert not pipeline.vectors_info(app).own


def test_training_is_due_when_the_corpus_has_grown(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "ENOUGH", 60)
    assert not pipeline.vectors_due(app)
    _stored(app, tmp_path, 60)
    assert pipeline.vectors_due(app)
    pipeline.train_vectors(app)
    assert not pipeline.vectors_due(app)
    monkeypatch.setattr(vectors, "GROWN", 1.0)
    assert pipeline.vectors_due(app)


def test_stored_vectors_that_cannot_be_read_give_way_to_the_packages(
    any_app: App, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _stored(any_app, tmp_path, 60)
    blob = pipeline.train_vectors(any_app).to_bytes()
    with any_app.store.writing() as tx:
        tx.execute(update(word_vectors).values(data=blob[:-1], version="vectors1-cut"))
    with caplog.at_level(logging.WARNING, "digest.compose"):
        found = pipeline.vectors_info(any_app)
    assert (found.version, found.own) == (features.base().version, False)
    assert "cut off" in caplog.text
    with any_app.store.writing() as tx:
        old = store.vectors.Trained(version="vectors0", papers=1, made_at=datetime(2026, 4, 1, tzinfo=UTC), data=b"DGV0 of another day")
        store.vectors.put(tx, old)
    assert not pipeline.vectors_info(any_app).own


def test_a_round_ranks_by_trained_vectors_and_says_so(
    app: App, tmp_path: Path, cast: Callable[[App], object], dump: Callable[..., Path]
) -> None:
    cast(app)
    pipeline.ingest(app, [dump()])
    _stored(app, tmp_path, 60)
    table = pipeline.train_vectors(app)
    composed = pipeline.compose(app)
    assert composed.digests
    assert all(table.version in digest.made.features for _, digest in composed.digests)
