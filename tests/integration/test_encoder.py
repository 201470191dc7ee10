"""An operator's own encoder, from its folder to the reason in the mail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from digest import pipeline, serve, services, store, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.config import load
from digest.doctor.settings import check_settings
from digest.errors import ConfigError
from digest.evaluate.replay import match_thumbs, replay
from digest.evaluate.reranking import SENT
from digest.model import Digest, Feedback, MessageState
from digest.ranking import encoders
from digest.store.tables import messages
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY, make_app
from tests.fakes import encoder

Dump = Callable[..., Path]
#: words that nobody knows but the encoder: three of each topic are near one another
TOPICS = {
    "hands": ("glorp", "snarb", "fleem"),
    "stars": ("vrill", "zonda", "quisp"),
    "law": ("drobe", "murx", "talvo"),
}
WORDS = [word for words in TOPICS.values() for word in words]
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return encoder.save(tmp_path / "tiny", TOPICS)


@pytest.fixture
def encoder_app(tmp_path: Path, folder: Path, store_url: str) -> Iterator[App]:
    """An app with the encoder, on each kind of database."""
    app = make_app(tmp_path, store_url, features__encoder=str(folder))
    yield app
    app.close()


def papers(day: int, number: int = 45) -> list[dict[str, Any]]:
    return [
        {
            "arxiv": f"2606.{day:02}{n:03}",
            "title": f"{WORDS[n % 9]} {WORDS[(n + n // 9) % 9]} x{day}{n}",
            "abstract": f"{WORDS[n % 9]} y{n} z{n}",
            "authors": [f"Jo Doe {n}"],
        }
        for n in range(number)
    ]


def likes(app: App, word: str) -> Digest:
    """Let a reader like today's papers with a word; returns tomorrow's digest."""
    reader = subscriptions.subscribe(
        app, SubscriptionRequest(email="dana@example.org", size=12), origin="command"
    ).subscriber
    with app.store.writing() as tx:
        every = store.papers.load(tx, range(1, store.papers.find_max_id(tx) + 1))
        for paper in every.values():
            if paper.title.startswith(word):
                store.feedback.save(
                    tx, Feedback(subscriber_id=reader.id, paper_id=paper.id, vote=1, at=NOON)
                )
    return chosen(app)


def chosen(app: App) -> Digest:
    outcome = services.preview(
        app.at(NOON + timedelta(days=1)), subscriptions.find(app, "dana@example.org")
    ).outcome
    assert isinstance(outcome, Digest)
    return outcome


def two_days(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump(TODAY, papers(9))])
    pipeline.ingest(app.at(NOON + timedelta(days=1)), [dump(TOMORROW, papers(10))], seen=TOMORROW)


def titles(app: App, digest: Digest) -> list[str]:
    with app.store.reading() as tx:
        papers = store.papers.load(tx, [item.score.paper_id for item in digest.items])
    return [papers[item.score.paper_id].title.split()[0] for item in digest.items]


def test_papers_are_encoded_as_they_come_in_and_rank_by_what_they_mean(
    encoder_app: App, dump: Dump
) -> None:
    two_days(encoder_app, dump)
    info = services.encoder_info(encoder_app)
    assert info is not None
    assert (info.dimensions, info.encoded, info.stored) == (24, 90, 90)
    digest = likes(encoder_app, "glorp")
    chosen_titles = titles(encoder_app, digest)
    # The liked papers themselves were read and are not listed again.
    assert set(chosen_titles[:10]) == {"snarb", "fleem"}
    assert digest.provenance.features.split()[-1] == info.version
    other = digest.items[6].score
    assert any(part.kind == "near" and part.name.startswith("glorp") for part in other.parts)
    assert sum(part.value for part in other.parts) + other.rest == pytest.approx(
        other.value, abs=1e-6
    )


def test_the_mail_says_which_liked_paper_the_encoder_found_near(
    encoder_app: App, dump: Dump
) -> None:
    two_days(encoder_app, dump)
    likes(encoder_app, "glorp")
    preview = services.preview(
        encoder_app.at(NOON + timedelta(days=1)),
        subscriptions.find(encoder_app, "dana@example.org"),
    )
    assert preview.message is not None
    assert "Like “glorp " in " ".join(preview.message.text.split())


def test_without_an_encoder_nothing_of_it_is_stored_or_said(app: App, dump: Dump) -> None:
    two_days(app, dump)
    digest = likes(app, "glorp")
    assert not set(titles(app, digest)[:10]) <= {"snarb", "fleem"}
    assert services.encoder_info(app) is None
    assert services.encode(app) is None
    assert len(digest.provenance.features.split()) == 2
    assert {part.kind for item in digest.items for part in item.score.parts} <= {
        "topic",
        "word",
        "recency",
    }
    with app.store.reading() as tx:
        assert store.encodings.count_encoded(tx, "") == (0, 90)


def test_a_new_encoder_encodes_all_papers_again_while_digests_continue(
    tmp_path: Path, folder: Path, dump: Dump, app: App
) -> None:
    two_days(app, dump)
    likes(app, "glorp")
    plain = chosen(app)
    app.close()
    first = make_app(tmp_path, features__encoder=str(folder))
    assert chosen(first) == replace(plain, provenance=chosen(first).provenance)
    asked = iter([False, False, True])
    seen: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("digest.services.encodings.BATCH", 20)
        half = services.encode(
            first, progress=lambda done, every: seen.append((done, every)), stop=lambda: next(asked)
        )
    assert half is not None
    assert (half.encoded, seen) == (40, [(20, 90), (40, 90)])
    with first.store.reading() as tx:  # the newest came first
        assert sorted(store.encodings.load(tx, half.version, range(1, 91))) == list(range(51, 91))
    # Too few yet: nobody ranks low for not being encoded.
    assert len(chosen(first).provenance.features.split()) == 2
    whole = services.encode(first, progress=lambda done, every: seen.append((done, every)))
    assert whole is not None
    assert (whole.encoded, seen[-1]) == (90, (50, 50))
    assert chosen(first).provenance.features.endswith(whole.version)
    assert set(titles(first, chosen(first))[:10]) == {"snarb", "fleem"}
    first.close()

    other = encoder.save(tmp_path / "wide", TOPICS, dimensions=40)
    second = make_app(tmp_path, features__encoder=str(other))
    info = services.encoder_info(second)
    assert info is not None
    assert (info.version, info.encoded) == ("", 0)
    assert len(chosen(second).provenance.features.split()) == 2
    done = services.encode(second)
    assert done is not None
    assert (done.encoded, done.dimensions) == (90, 40)
    assert chosen(second).provenance.features.endswith(done.version)
    second.close()
    back = make_app(tmp_path)
    assert chosen(back) == replace(plain, provenance=chosen(back).provenance)
    back.close()


def test_a_paper_whose_text_changed_is_encoded_again(encoder_app: App, dump: Dump) -> None:
    pipeline.ingest(encoder_app, [dump(TODAY, papers(9))])

    def of_first() -> bytes:
        info = services.encoder_info(encoder_app)
        assert info is not None
        assert info.encoded == 45
        with encoder_app.store.reading() as tx:
            return store.encodings.load(tx, info.version, [1])[1]

    before = of_first()
    changed = papers(9)
    changed[0] |= {"title": "talvo x0", "abstract": "talvo y0", "version": 2}
    assert pipeline.ingest(encoder_app, [dump(TOMORROW, changed)]).count("updated") == 1
    assert of_first() != before


def test_a_changed_text_that_cannot_be_encoded_loses_its_old_vector(
    tmp_path: Path, encoder_app: App, dump: Dump
) -> None:
    pipeline.ingest(encoder_app, [dump(TODAY, papers(9))])
    (tmp_path / "tiny" / "model.safetensors").write_bytes(b"")
    encoders.load.cache_clear()
    changed = papers(9)
    changed[0] |= {"title": "talvo x0", "abstract": "talvo y0", "version": 2}
    assert pipeline.ingest(encoder_app, [dump(TOMORROW, changed)]).count("updated") == 1
    info = services.encoder_info(encoder_app)
    assert info is not None
    assert info.encoded == 44


def test_an_unreadable_encoder_does_not_stop_the_ingest(
    tmp_path: Path, dump: Dump, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(tmp_path, features__encoder=str(tmp_path / "nowhere"))
    with caplog.at_level(logging.WARNING, "digest.pipeline"):
        report = pipeline.ingest(app, [dump(TODAY, papers(9))])
    assert report.count("new") == 45
    assert "papers not encoded" in caplog.text
    assert "there is no such folder" in caplog.text
    with pytest.raises(ConfigError, match="there is no such folder"):
        services.encode(app)
    assert pipeline.compose(app).left_out == []
    (finding,) = [item for item in check_settings(app.config) if "features.encoder" in item.what]
    assert "there is no such folder" in finding.what
    app.close()
    encoder.save(tmp_path / "nowhere", TOPICS)
    later = make_app(tmp_path, features__encoder=str(tmp_path / "nowhere"))
    done = services.encode(later)
    assert done is not None
    assert done.encoded == 45
    assert any(
        "papers are encoded with nowhere-" in item.what for item in check_settings(later.config)
    )
    later.close()


def test_no_stored_vector_contains_nan(encoder_app: App, dump: Dump) -> None:
    rows = [*papers(9, 40), {"arxiv": "2606.99999", "title": "?!", "abstract": ""}]
    pipeline.ingest(encoder_app, [dump(TODAY, rows)])
    info = services.encoder_info(encoder_app)
    assert info is not None
    with encoder_app.store.reading() as tx:
        blobs = store.encodings.load(tx, info.version, range(1, 42))
    assert len(blobs) == 41
    assert all(np.isfinite(np.frombuffer(blob, "<f2")).all() for blob in blobs.values())


def test_a_text_of_an_interest_stands_beside_encoded_papers(encoder_app: App, dump: Dump) -> None:
    two_days(encoder_app, dump)
    subscriptions.subscribe(
        encoder_app,
        SubscriptionRequest(email="dana@example.org", text="a drobe and its murx", size=8),
        origin="command",
    )
    assert titles(encoder_app, chosen(encoder_app))[0] in ("drobe", "murx")


@pytest.mark.slow
def test_a_replay_ranks_with_the_encoder_too(encoder_app: App, dump: Dump) -> None:
    two_days(encoder_app, dump)
    tomorrow = encoder_app.at(NOON + timedelta(days=1))
    likes(encoder_app, "glorp")
    pipeline.compose(tomorrow)
    with encoder_app.store.writing() as tx:
        tx.execute(messages.update().values(state=MessageState.ACCEPTED.value))
        past = store.past.load_digests(tx, [1])
        store.feedback.save(
            tx,
            Feedback(
                subscriber_id=1,
                paper_id=past[0].items[0].paper_id,
                vote=1,
                at=NOON + timedelta(days=1, hours=1),
            ),
        )
        votes = store.feedback.load_votes(tx, [1])
    (replayed_digest,) = replay(tomorrow, match_thumbs(past, votes), past, votes)
    normal = [number for number, item in enumerate(past[0].items) if item.slot == "normal"]
    own, sent = (
        [replayed_digest.ranks[name][number] for number in normal] for name in ("learned", SENT)
    )
    assert sorted(own) == own
    assert sorted(sent) == sent


def test_serve_encodes_what_is_stored_by_itself(
    tmp_path: Path, folder: Path, app: App, dump: Dump
) -> None:
    pipeline.ingest(app, [dump(TODAY, papers(9))])
    serve_app = make_app(tmp_path, features__encoder=str(folder))
    service = serve.Service(app)
    (*_, encoding) = serve.scheduling(service)
    encoding.tick()
    assert services.encoder_info(serve_app).encoded == 0
    service.app = serve_app
    encoding.tick()
    info = services.encoder_info(serve_app)
    assert info is not None
    assert info.encoded == 45
    serve_app.close()


# ------------------------------------------------------------------------------------- the commands


def invoke(tmp_path: Path, *words: str, name: str = "") -> Result:
    variables = {
        "DIGEST_STORE__URL": f"sqlite:///{tmp_path / 'digest.sqlite'}",
        "DIGEST_FEATURES__ENCODER": name,
        "COLUMNS": "200",
    }
    return CliRunner().invoke(commands, ["vectors", *words], env=variables)


def test_the_commands_encode_and_tell_how_far_it_has_come(
    tmp_path: Path, folder: Path, app: App, dump: Dump
) -> None:
    pipeline.ingest(app, [dump(TODAY, papers(9))])
    refused = invoke(tmp_path, "encode")
    assert isinstance(refused.exception, ConfigError)
    assert "features.encoder: is not set" in str(refused.exception)
    assert "encoded" not in invoke(tmp_path, "info").output
    assert "has encoded nothing yet; `digest vectors encode` starts that" in invoke(
        tmp_path, "info", name=str(folder)
    ).output.replace("\n", " ")
    done = invoke(tmp_path, "encode", name=str(folder))
    assert done.exit_code == 0
    assert "45 of 45 papers are encoded, 24 numbers each." in done.output
    assert "45 of 45 papers are encoded" in invoke(tmp_path, "info", name=str(folder)).output
    assert '"encoded": 45' in invoke(tmp_path, "info", "--json", name=str(folder)).output


def test_a_folder_is_found_from_where_the_config_is(tmp_path: Path, folder: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[features]\nencoder = "tiny"\n')
    assert load(file, {}).features.encoder == str(folder)
    file.write_text('[features]\nencoder = "somebody/encoder"\n')
    assert load(file, {}).features.encoder == "somebody/encoder"
