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
    strictness_from_threshold,
)
from digest.pipeline import recalibrate
from digest.pipeline.steps.calibrations import load_calibrations
from digest.store.tables import digest_items, messages
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY, make_app

pytestmark = pytest.mark.slow

Dump = Callable[..., Path]
TOMORROW = TODAY + timedelta(days=1)
THRESHOLDS: tuple[int | str, ...] = (0, 60, 90, "strong")


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


def test_with_two_hundred_ratings_the_words_become_numbers(any_app: App, dump: Dump) -> None:
    tomorrow, (reader, *_) = run_day(any_app, dump, 14)
    before = services.preview(tomorrow, reader)
    assert isinstance(before.outcome, Digest)
    assert {item.score.match for item in before.outcome.items} == {None}
    assert before.outcome.provenance.calibration == ""
    assert before.message is not None
    assert "% match" not in before.message.text

    recalibrate(tomorrow)
    after = services.preview(tomorrow, reader)
    assert isinstance(after.outcome, Digest)
    assert after.message is not None
    matches = [item.score.match for item in after.outcome.items if item.score.match is not None]
    assert len(matches) == len(after.outcome.items)
    assert matches == sorted(matches, reverse=True)
    about = {
        "galaxy" in after.papers[item.score.paper_id].title: item.score.match or 0
        for item in after.outcome.items
    }
    assert about[True] > 60
    assert about[False] < 40
    assert after.outcome.provenance.calibration.startswith("from 224 ratings, off by ")
    assert f"{matches[0]} % match" in after.message.text
    assert "match from 224 ratings" in " ".join(after.message.text.split())
    papers = after.json["papers"]
    assert isinstance(papers, list)
    first = papers[0]
    assert (first["match"], first["match_word"]) == (
        matches[0],
        "strong match" if matches[0] >= 75 else "good match",
    )


def test_status_counts_the_ratings_until_matches_are_numbers(app: App, dump: Dump) -> None:
    tomorrow, people = run_day(app, dump, 14, only=10)
    (progress,) = services.status(tomorrow).calibration_progress
    assert progress.summary == "140 of 200 ratings; matches are told in words until then"
    assert progress.json == {
        "recipe": "learned",
        "ratings": 140,
        "needed": 200,
        "numbers": False,
        "error": None,
    }
    recalibrate(tomorrow)
    rate_all(app.at(NOON + timedelta(days=1, minutes=1)), people)
    (progress,) = services.status(tomorrow).calibration_progress
    assert (
        progress.summary == "224 of 200 ratings; matches are told in numbers from the next round on"
    )
    recalibrate(app.at(NOON + timedelta(days=1, minutes=2)))
    (progress,) = services.status(tomorrow).calibration_progress
    assert progress.summary.startswith("numbers, from 224 ratings, off by ")
    assert progress.json["numbers"] is True


def test_status_distinguishes_the_recipes_that_share_digests(tmp_path: Path, dump: Dump) -> None:
    app = make_app(tmp_path, evaluate__recipe_b="words")
    run_day(app, dump, 6)
    own, other = services.status(app).calibration_progress
    assert (own.recipe, other.recipe) == ("learned", "words")
    assert 0 < own.ratings < 6 * 16
    assert own.ratings + other.ratings <= 6 * 16
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


def test_below_two_hundred_ratings_words_stay_and_thresholds_refer_to_recent_papers(
    app: App, dump: Dump
) -> None:
    tomorrow, (reader, *_) = run_day(app, dump, 14, only=10)
    recalibrate(tomorrow)
    with tomorrow.store.reading() as tx:
        (calibration,) = load_calibrations(tx).values()
    assert calibration.ratings == 140
    listed = []
    for threshold in THRESHOLDS:
        outcome = pipeline.compose(
            tomorrow,
            only=replace(reader, strictness=strictness_from_threshold(threshold)),
            dry_run=True,
        ).digests
        scores = [item.score for _, digest in outcome for item in digest.items]
        listed.append(len(scores))
        assert {score.match for score in scores} <= {None}
        assert all(score.reaches(threshold) for score in scores)
        assert not isinstance(threshold, int) or all(
            score.percentile >= threshold for score in scores
        )
    assert listed[0] > listed[1] > 0
    assert listed[2] > 0


def test_with_enough_ratings_a_threshold_is_a_probability(app: App, dump: Dump) -> None:
    tomorrow, (reader, *_) = run_day(app, dump, 14)
    recalibrate(tomorrow)
    ((_, everything),) = pipeline.compose(tomorrow, only=reader, dry_run=True).digests
    for threshold in THRESHOLDS[1:2]:
        ((_, digest),) = pipeline.compose(
            tomorrow,
            only=replace(reader, strictness=strictness_from_threshold(threshold)),
            dry_run=True,
        ).digests
        expected = [
            item.score.paper_id
            for item in everything.items
            if (item.score.match or 0) >= (threshold if isinstance(threshold, int) else 50)
        ]
        assert [item.score.paper_id for item in digest.items] == expected
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
        (rating.recipe, rating.slot, rating.thumbs_up + rating.thumbs_down) for rating in ratings
    } == {("learned", "normal", 0)}
    assert len(latest) <= 4


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


@pytest.mark.parametrize("both", [False, True])
def test_in_a_shared_digest_numbers_do_not_tell_whose_pick_a_paper_is(
    tmp_path: Path, dump: Dump, both: bool
) -> None:
    first = make_app(tmp_path)
    tomorrow, (reader, *_) = run_day(first, dump, 14)
    recalibrate(tomorrow)
    if both:
        with first.store.writing() as tx:
            store.calibrations.save(
                tx, "words", store.calibrations.load_all(tx)["learned"].data, now=tomorrow.now()
            )
    first.close()
    shared = make_app(tmp_path, evaluate__recipe_b="words", evaluate__share="100").at(
        NOON + timedelta(days=1)
    )
    ((_, digest),) = pipeline.compose(shared, only=reader, dry_run=True).digests
    shared.close()
    assert {item.team for item in digest.items} >= {"learned", "words"}
    assert {item.score.match is not None for item in digest.items} == {both}
    assert bool(digest.provenance.calibration) == both


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
