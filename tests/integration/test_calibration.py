"""Calibration: from thumbs on listed papers to the number in the next mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.errors import ConfigError, InputError
from digest.model import (
    Digest,
    Feedback,
    MessageState,
    Subscriber,
)
from digest.pipeline import recalibrate
from digest.pipeline.steps.calibrations import load_calibrations
from digest.ranking.scores import EVIDENCE
from digest.store.tables import digest_items, messages
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY, make_app

pytestmark = pytest.mark.slow

Dump = Callable[..., Path]
TOMORROW = TODAY + timedelta(days=1)


def readers_of(app: App, number: int) -> list[Subscriber]:
    requests = [
        SubscriptionRequest(email=f"reader{n}@example.org", keywords=("galaxy",), size=16)
        for n in range(number)
    ]
    return [
        subscriptions.subscribe(app, request, origin="command").subscriber for request in requests
    ]


def rate_all(app: App, readers: list[Subscriber], only: int | None = None) -> int:
    """Let each reader like papers about galaxies; returns the number of ratings."""
    votes = []
    for reader in readers:
        digest, papers = services.sent_digest(app, reader, TODAY)
        votes += [
            Feedback(
                subscriber_id=reader.id,
                paper_id=ident,
                vote=1 if "galaxy" in papers[ident].title else -1,
                at=app.now(),
            )
            for ident in (item.score.paper_id for item in digest.items[:only])
        ]
    with app.store.writing() as tx:
        for vote in votes:
            store.feedback.save(tx, vote)
    return len(votes)


def compose_and_accept(app: App) -> None:
    pipeline.compose(app)
    with app.store.writing() as tx:
        tx.execute(messages.update().values(state=MessageState.ACCEPTED.value))


def run_day(
    app: App, dump: Dump, readers: int, only: int | None = None
) -> tuple[App, list[Subscriber]]:
    """Run a round and rate its papers; returns the app of the day after."""
    people = readers_of(app, readers)
    pipeline.ingest(app, [dump()])
    compose_and_accept(app)
    later = app.at(NOON + timedelta(minutes=5))
    rate_all(later, people, only)
    tomorrow = app.at(NOON + timedelta(days=1))
    pipeline.ingest(tomorrow, [dump(TOMORROW)])
    return tomorrow, people


def test_ratings_move_the_chances_of_all_readers(any_app: App, dump: Dump) -> None:
    tomorrow, (reader, *_) = run_day(any_app, dump, 14)
    before = services.preview(tomorrow, reader)
    assert isinstance(before.outcome, Digest)
    assert before.outcome.provenance.calibration == "from days that were judged in full"

    recalibrate(tomorrow)
    after = services.preview(tomorrow, reader)
    assert isinstance(after.outcome, Digest)
    matches = [item.score.match for item in after.outcome.items]
    assert matches == sorted(matches, reverse=True)

    def distance(preview: services.Preview) -> float:
        """Tell how far the chances are from what readers said: galaxies, and nothing else."""
        assert isinstance(preview.outcome, Digest)
        return sum(
            abs(item.score.chance - ("galaxy" in preview.papers[item.score.paper_id].title))
            for item in preview.outcome.items
        ) / len(preview.outcome.items)

    assert distance(after) < distance(before)
    assert after.outcome.provenance.calibration.startswith(
        "from days that were judged in full and 224 thumbs, off by "
    )


def test_status_counts_the_thumbs_that_chances_learned_from(app: App, dump: Dump) -> None:
    tomorrow, people = run_day(app, dump, 14, only=10)
    (progress,) = services.status(tomorrow).calibration_progress
    assert progress.summary == "chances from days that were judged in full"
    assert progress.json == {
        "recipe": "learned",
        "ratings": 0,
        "needed": 0,
        "numbers": True,
        "error": None,
    }
    recalibrate(tomorrow)
    (progress,) = services.status(tomorrow).calibration_progress
    assert progress.summary == "chances from days that were judged in full and 140 thumbs"
    rate_all(app.at(NOON + timedelta(days=1, minutes=1)), people)
    recalibrate(app.at(NOON + timedelta(days=1, minutes=2)))
    (progress,) = services.status(tomorrow).calibration_progress
    assert " and 224 thumbs, off by " in progress.summary
    assert progress.json["ratings"] == 224


def test_status_distinguishes_the_recipes_that_share_digests(tmp_path: Path, dump: Dump) -> None:
    app = make_app(tmp_path, evaluate__recipe_b="words", evaluate__share="100")
    run_day(app, dump, 6)
    recalibrate(app.at(NOON + timedelta(minutes=10)))
    own, other = services.status(app).calibration_progress
    assert (own.recipe, other.recipe) == ("learned", "words")
    assert 0 < own.calibration.ratings < 6 * 16
    assert own.calibration.ratings + other.calibration.ratings <= 6 * 16
    app.close()
    variables = {
        "DIGEST_STORE__URL": f"sqlite:///{tmp_path / 'digest.sqlite'}",
        "DIGEST_EVALUATE__RECIPE_B": "words",
        "COLUMNS": "160",
    }
    result = CliRunner().invoke(commands, ["status", "--date", TOMORROW.isoformat()], env=variables)
    assert f"matches of learned {own.summary}" in result.output


def test_composed_papers_are_stored_with_their_match(app: App, dump: Dump) -> None:
    tomorrow, (reader, *_) = run_day(app, dump, 14)
    pipeline.compose(tomorrow)
    digest, _ = services.sent_digest(tomorrow, reader, TOMORROW)
    with tomorrow.store.reading() as tx:
        rows = tx.execute(
            digest_items.select().where(
                digest_items.c.standard.is_not(None), digest_items.c.match.is_not(None)
            )
        ).all()
    assert digest.provenance.calibration
    assert {item.score.match for item in digest.items} <= {row.match for row in rows}


def test_a_strictness_is_a_chance(app: App, dump: Dump) -> None:
    tomorrow, (reader, *_) = run_day(app, dump, 14)
    recalibrate(tomorrow)
    full = replace(reader, strictness="always")
    ((_, everything),) = pipeline.compose(tomorrow, only=full, dry_run=True).digests
    for strictness, least in ((60, 0.6), (90, 0.9), ("few", 0.6)):
        strict = replace(reader, strictness=strictness)
        outcome = pipeline.compose(tomorrow, only=strict, dry_run=True).digests
        listed = [item.score for _, digest in outcome for item in digest.items]
        expected = [
            item.score.paper_id
            for item in everything.items
            if item.score.chance >= least or item.score.titled
        ]
        assert [score.paper_id for score in listed] == expected
        assert 0 < len(expected) < len(everything.items)


def test_only_what_was_shown_and_then_rated_counts(app: App, dump: Dump) -> None:
    people = readers_of(app, 4)
    pipeline.ingest(app, [dump()])
    compose_and_accept(app)
    pipeline.ingest(app, [dump(TOMORROW)])
    # Before the digest was made, so the reader found the paper elsewhere.
    rate_all(app.at(NOON - timedelta(hours=1)), people[:1])
    rate_all(app.at(NOON + timedelta(minutes=5)), people[1:])
    # Never listed.
    services.rate(app.at(NOON + timedelta(days=1)), people[1], "arxiv:2606.10001", 1)
    ident = {
        state: people[number].id
        for number, state in ((2, MessageState.REJECTED), (3, MessageState.UNKNOWN))
    }
    with app.store.writing() as tx:
        for state, reader in ident.items():
            tx.execute(
                messages.update()
                .where(messages.c.subscriber_id == reader)
                .values(state=state.value)
            )
    with app.store.reading() as tx:
        ratings = store.calibrations.load_ratings(tx, 5000)
        latest = store.calibrations.load_ratings(tx, 4)
    # Reader 1's mail was accepted. Reader 3's is unknown, and the thumb proves that it arrived.
    assert len(ratings) == 32
    assert {
        (rating.recipe, rating.slot, len(rating.evidence), rating.vote != 0) for rating in ratings
    } == {("learned", "normal", len(EVIDENCE), True)}
    assert sum(rating.vote != 0 for rating in latest) <= 4


def test_a_paper_without_a_thumb_counts_where_another_of_its_digest_got_one(
    app: App, dump: Dump
) -> None:
    one, nobody = readers_of(app, 2)
    pipeline.ingest(app, [dump()])
    compose_and_accept(app)
    digest, papers = services.sent_digest(app, one, TODAY)
    services.sent_digest(app, nobody, TODAY)
    rated = papers[digest.items[0].score.paper_id]
    services.rate(app.at(NOON + timedelta(minutes=5)), one, rated.name, 1)
    with app.store.reading() as tx:
        ratings = store.calibrations.load_ratings(tx, 5000)
    assert sorted(rating.vote for rating in ratings) == [0] * (len(digest.items) - 1) + [1]


def test_a_calibration_is_repeated_only_after_enough_new_thumbs(app: App, dump: Dump) -> None:
    tomorrow, people = run_day(app, dump, 14)
    recalibrate(tomorrow)

    def load_fit_time(service: App) -> object:
        with service.store.reading() as tx:
            return store.calibrations.load_all(tx)["learned"].fitted_at

    first = load_fit_time(tomorrow)
    later = app.at(NOON + timedelta(days=2))
    recalibrate(later)
    assert load_fit_time(later) == first  # nothing new
    digest, papers = services.sent_digest(app, people[0], TODAY)
    for item in digest.items[:12]:
        services.rate(
            app.at(NOON + timedelta(days=1, hours=1)),
            people[0],
            papers[item.score.paper_id].name,
            0,
        )
    recalibrate(app.at(NOON + timedelta(days=1, hours=2)))
    assert load_fit_time(app) == first  # too soon
    recalibrate(later)
    assert load_fit_time(later) == later.now()
    with later.store.reading() as tx:
        assert load_calibrations(tx)["learned"].ratings == 224 - 12


def test_a_calibration_of_another_version_is_replaced(app: App, dump: Dump) -> None:
    tomorrow, (reader, *_) = run_day(app, dump, 14)
    with app.store.writing() as tx:
        store.calibrations.save(tx, "learned", b'{"format": 0}', now=tomorrow.now())
    assert isinstance(services.preview(tomorrow, reader).outcome, Digest)
    recalibrate(tomorrow)
    with app.store.reading() as tx:
        assert load_calibrations(tx)["learned"].ratings == 224


@pytest.mark.parametrize("bad", ["great", "80 %", "-1", 101, -1])
def test_an_invalid_threshold_is_refused(app: App, bad: int | str) -> None:
    with pytest.raises(InputError, match=r"^threshold .* 0 to 100"):
        subscriptions.subscribe(
            app, SubscriptionRequest(email="r@example.org", threshold=bad), origin="command"
        )


def test_the_config_may_have_the_old_name_of_strictness(tmp_path: Path) -> None:
    app = make_app(tmp_path, digest__threshold="strong")
    assert (
        subscriptions.subscribe(
            app, SubscriptionRequest(email="r@example.org"), origin="command"
        ).subscriber.strictness
        == "few"
    )
    app.close()
    with pytest.raises(ConfigError, match=r"THRESHOLD.*good"):
        make_app(tmp_path, digest__threshold="great")
