"""The whole round: ingest, compose, send, feedback, and learning the next day.

It runs on each kind of database where that matters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Update, update

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.due_dates import due_at
from digest.errors import NotFoundError
from digest.model import Digest, MessageState, Purpose, Quiet, QuietReason, Subscriber
from digest.store import tables
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY, make_app, read_mails
from tests.integration.rounds import at, list_titles

Cast = Callable[[App], dict[str, Subscriber]]
Dump = Callable[..., Path]
TOMORROW = TODAY + timedelta(days=1)


# -------------------------------------------------------------------------------- the normal course


def test_a_round_sends_everybody_a_digest_of_their_own(
    any_app: App, cast: Cast, dump: Dump
) -> None:
    people = cast(any_app)
    assert pipeline.ingest(any_app, [dump()]).count("new") == 16
    report = pipeline.round(any_app)
    assert report.sent.states == {MessageState.ACCEPTED: 3}
    assert all("robot" in title for title in list_titles(any_app, people["alice"], TODAY))
    assert all("tumour" in title for title in list_titles(any_app, people["bob"], TODAY))
    assert sorted(str(message["To"]) for message in read_mails(any_app).values()) == [
        "alice@example.org",
        "bob@example.org",
        "carol@example.org",
    ]


def test_a_second_run_on_the_same_day_sends_nobody_a_second_mail(
    any_app: App, cast: Cast, dump: Dump
) -> None:
    cast(any_app)
    pipeline.ingest(any_app, [dump()])
    pipeline.round(any_app)
    before = read_mails(any_app).keys()
    pipeline.ingest(any_app, [dump(TODAY, start=5)])
    again = pipeline.round(any_app)
    assert (again.sent.states, again.composed.planned) == ({}, [])
    assert {left.reason for left in again.composed.left_out} == {
        f"has a digest for {TODAY} already"
    }
    assert read_mails(any_app).keys() == before


def test_thumbs_teach_the_next_digest(any_app: App, cast: Cast, dump: Dump) -> None:
    carol = cast(any_app)["carol"]
    pipeline.ingest(any_app, [dump(per_topic=6)])
    pipeline.round(any_app)
    with any_app.store.reading() as tx:
        galaxies = [p for p in store.papers.load(tx, range(1, 30)).values() if "galaxy" in p.title][
            :3
        ]
        robots = [p for p in store.papers.load(tx, range(1, 30)).values() if "robot" in p.title][:2]
    for paper in galaxies:
        services.rate(any_app, carol, paper.name, 1)
    for paper in robots:
        services.rate(any_app, carol, paper.name, -1)
    tomorrow = at(any_app, TOMORROW)
    pipeline.ingest(tomorrow, [dump(TOMORROW)])
    pipeline.round(tomorrow)
    titles = list_titles(any_app, carol, TOMORROW)
    assert all("galaxy" in title for title in titles)
    digest, _ = services.sent_digest(any_app, carol, TOMORROW)
    assert (
        digest.provenance.model,
        digest.provenance.thumbs_up,
        digest.provenance.thumbs_down,
    ) == ("thumbs", 3, 2)


def test_the_links_of_a_mail_vote_for_its_reader_and_paper(
    app: App, cast: Cast, dump: Dump
) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    (message,) = [m for m in read_mails(app).values() if m["To"] == "alice@example.org"]
    body = message.get_body(("plain",))
    assert body is not None
    tokens = re.findall(r"/t/([a-z0-9]+)", body.get_content())
    digest, papers = services.sent_digest(app, alice, TODAY)
    named = [pipeline.read_link(app, token, Purpose.UP, Purpose.DOWN) for token in tokens]
    ids = [item.score.paper_id for item in digest.items]
    assert [(link.subscriber_id, link.paper_id, link.purpose) for link in named] == [
        (alice.id, ident, purpose) for ident in ids for purpose in (Purpose.UP, Purpose.DOWN)
    ]
    recorded = pipeline.record_feedback(
        app, named[0].subscriber_id, named[0].paper_id, 1, via="mail"
    )
    assert (recorded.vote, recorded.before, recorded.paper) == (1, 0, papers[ids[0]])
    assert (
        pipeline.record_feedback(
            app, named[0].subscriber_id, named[0].paper_id, 1, via="mail"
        ).before
        == 1
    )
    assert pipeline.current_vote(app, alice.id, ids[0]) == 1
    assert (
        pipeline.record_feedback(app, named[0].subscriber_id, named[0].paper_id, 0, via="page").vote
        == 0
    )
    assert pipeline.current_vote(app, alice.id, ids[0]) == 0


def test_no_paper_is_listed_twice_over_many_days(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    seen: list[str] = []
    for step in range(5):
        day = TODAY + timedelta(days=step)
        now = at(app, day)
        pipeline.ingest(now, [dump(day, per_topic=2)])
        pipeline.round(now)
        seen += list_titles(app, alice, day)
    assert len(seen) == len(set(seen)) == 15


def test_a_paper_that_was_rated_is_not_listed_any_more(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    first = services.preview(app, alice)
    best = next(iter(first.papers.values()))
    services.rate(app, alice, best.name, 1)
    assert best.id not in services.preview(app, alice).papers


def test_two_previews_are_equal_and_change_nothing(any_app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(any_app)["alice"]
    pipeline.ingest(any_app, [dump()])
    first, second = services.preview(any_app, alice), services.preview(any_app, alice)
    assert msgspec.json.encode(first.json) == msgspec.json.encode(second.json)
    assert first.message == second.message
    with pytest.raises(NotFoundError):
        services.sent_digest(any_app, alice, TODAY)


def test_the_whole_order_begins_with_what_is_listed(app: App, cast: Cast, dump: Dump) -> None:
    bob = cast(app)["bob"]
    pipeline.ingest(app, [dump()])
    listed = [paper["paper"] for paper in services.preview(app, bob).json["papers"]]
    whole = services.preview_all(app, bob).json["papers"]
    assert len(whole) == 16
    assert [paper["paper"] for paper in whole if paper["listed"]] == listed
    chances = [paper["match"] for paper in whole]
    assert chances == sorted(chances, reverse=True)


def test_a_preview_equals_the_sent_mail(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    outcome = services.preview(app, alice).outcome
    pipeline.round(app)
    digest, _ = services.sent_digest(app, alice, TODAY)
    assert isinstance(outcome, Digest)
    assert digest.items == outcome.items


def test_the_parts_shown_add_up_to_the_stored_score(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    digest, _ = services.sent_digest(app, alice, TODAY)
    for item in digest.items:
        assert sum(part.value for part in item.score.parts) + item.score.rest == pytest.approx(
            item.score.value, abs=1e-9
        )


def test_the_size_of_batches_changes_no_digest(tmp_path: Path, cast: Cast, dump: Dump) -> None:
    path = dump(per_topic=6)
    outcomes = []
    for number, (batch, kind) in enumerate([("1", "inline"), ("2", "threads"), ("200", "inline")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        app = make_app(folder, workers__batch=batch, workers__kind=kind)
        people = cast(app)
        pipeline.ingest(app, [path])
        report = pipeline.compose(app)
        assert len(report.planned) == len(people)
        outcomes.append(
            {name: services.sent_digest(app, who, TODAY)[0].items for name, who in people.items()}
        )
        app.close()
    assert outcomes[0] == outcomes[1] == outcomes[2]


# --------------------------------------------------------------------------------- readers left out


@pytest.mark.parametrize(
    ("spoilt", "expected"),
    [
        (
            update(tables.subscribers)
            .values(timezone="Mars/Olympus")
            .where(tables.subscribers.c.id == 3),
            "--timezone NAME",
        ),
        (
            update(tables.interests)
            .values(keywords=[5])
            .where(tables.interests.c.subscriber_id == 3),
            "a mistake of ours",
        ),
    ],
)
@pytest.mark.parametrize("day", [None, TODAY])
def test_a_reader_who_causes_an_error_stops_no_other(
    app: App, dump: Dump, spoilt: Update, expected: str, day: date | None
) -> None:
    pipeline.ingest(app, [dump()])
    for number in range(7):
        subscriptions.subscribe(
            app,
            SubscriptionRequest(email=f"r{number}@example.org", keywords=("robot",)),
            origin="command",
        )
    with app.store.writing() as tx:
        tx.execute(spoilt)
    report = pipeline.compose(app, day=day)
    assert len(report.planned) == 6
    (left,) = report.left_out
    assert left.email == "r2@example.org"
    assert expected in left.reason
    subscriptions.subscribe(
        app,
        SubscriptionRequest(email="r2@example.org", timezone="UTC", keywords=("robot",)),
        origin="command",
    )
    assert [digest.email for digest in pipeline.compose(app).planned] == ["r2@example.org"]


@pytest.mark.slow
@pytest.mark.slow
def test_it_is_an_error_when_every_reader_causes_one(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump()])
    for number in range(30):
        subscriptions.subscribe(
            app,
            SubscriptionRequest(email=f"r{number}@example.org", keywords=("robot",)),
            origin="command",
        )
    with app.store.writing() as tx:
        tx.execute(update(tables.interests).values(keywords=[5]))
    with pytest.raises(AttributeError):
        pipeline.compose(app)


def test_every_reader_who_is_left_out_has_a_reason(app: App, cast: Cast, dump: Dump) -> None:
    people = cast(app)
    pipeline.ingest(app, [dump()])
    subscriptions.pause(app, people["bob"].id, paused=True)
    subscriptions.change(app, people["carol"].id, SubscriptionRequest(email="", days=(1,)))
    report = pipeline.compose(app)
    assert [planned.email for planned in report.planned] == ["alice@example.org"]
    assert {left.email: left.reason for left in report.left_out} == {
        "bob@example.org": "paused",
        "carol@example.org": "Tuesday is none of their days",
    }


def test_by_hand_the_hour_does_not_matter_and_when_due_it_does(
    app: App, cast: Cast, dump: Dump
) -> None:
    people = cast(app)
    for who in people.values():
        subscriptions.change(app, who.id, SubscriptionRequest(email="", hour=18))
    pipeline.ingest(app, [dump()])
    assert {left.reason for left in pipeline.compose(app, due=True).left_out} == {
        "not before 18:00 UTC"
    }
    assert len(pipeline.compose(at(app, TODAY, 18), due=True).planned) == 3


def test_a_reader_far_east_gets_the_digest_of_their_own_date(app: App, dump: Dump) -> None:
    east = subscriptions.subscribe(
        app,
        SubscriptionRequest(email="e@example.org", timezone="Pacific/Auckland", hour=7),
        origin="command",
    ).subscriber
    pipeline.ingest(at(app, TODAY, 18), [dump()])
    report = pipeline.compose(at(app, TODAY, 20), due=True)  # 8:00 on the next day there
    assert [(planned.email, planned.local_date) for planned in report.planned] == [
        (east.email, TOMORROW)
    ]


def test_papers_of_the_next_utc_day_are_new_in_the_evening_of_the_west_and_not_again_the_day_after(
    app: App, dump: Dump
) -> None:
    subscriptions.subscribe(
        app,
        SubscriptionRequest(
            email="w@example.org", timezone="America/Los_Angeles", hour=18, size=100
        ),
        origin="command",
    )
    pipeline.ingest(at(app, TOMORROW, 1), [dump(TOMORROW)])
    (first,) = pipeline.round(
        at(app, TOMORROW, 2), due=True
    ).composed.planned  # 19:00 of TODAY there
    assert (first.local_date, first.papers) == (TODAY, 16)
    report = pipeline.compose(at(app, TOMORROW + timedelta(days=1), 2), due=True)
    assert [left.reason for left in report.left_out] == ["no new papers yet"]


@pytest.mark.parametrize(
    ("zone", "day", "hour", "instant"),
    [
        (
            "Europe/Berlin",
            date(2026, 3, 29),
            2,
            datetime(2026, 3, 29, 1, tzinfo=UTC),
        ),  # 2:00 does not exist: 3:00 is the first that does
        (
            "Europe/Berlin",
            date(2026, 10, 25),
            2,
            datetime(2026, 10, 25, 0, tzinfo=UTC),
        ),  # 2:00 exists twice: the first
        ("America/New_York", date(2026, 6, 9), 7, datetime(2026, 6, 9, 11, tzinfo=UTC)),
    ],
)
def test_the_hour_of_a_digest_survives_changes_of_the_clock(
    zone: str, day: date, hour: int, instant: datetime
) -> None:
    who = Subscriber(id=1, email="a@example.org", timezone=zone, hour=hour, created=NOON)
    assert due_at(who, day) == instant


def test_no_quiet_day_is_final_while_papers_may_still_come(
    app: App, cast: Cast, dump: Dump
) -> None:
    cast(app)
    assert {left.reason for left in pipeline.compose(app).left_out} == {"no new papers yet"}
    pipeline.ingest(app, [dump()])
    assert len(pipeline.compose(app).planned) == 3


def test_a_day_without_papers_ends_as_quiet_with_its_reason(app: App, cast: Cast) -> None:
    cast(app)
    late = at(app, TODAY, 23)  # due at 7:00, the window is 16 hours
    report = pipeline.compose(late)
    assert {quiet.reason for quiet in report.quiet} == {QuietReason.NO_NEW_PAPERS}
    assert {left.reason for left in pipeline.compose(late).left_out} == {
        f"has a digest for {TODAY} already"
    }


def test_nothing_above_the_threshold_is_a_quiet_day(app: App, dump: Dump) -> None:
    strict = subscriptions.subscribe(
        app,
        SubscriptionRequest(email="s@example.org", keywords=("beekeeping",), strictness=99),
        origin="command",
    ).subscriber
    pipeline.ingest(app, [dump()])
    outcome = services.preview(app, strict).outcome
    assert isinstance(outcome, Quiet)
    assert outcome.reason is QuietReason.BELOW_THRESHOLD


def test_a_reader_without_interests_still_gets_a_digest_with_true_reasons(
    app: App, cast: Cast, dump: Dump
) -> None:
    carol = cast(app)["carol"]
    pipeline.ingest(app, [dump()])
    preview = services.preview(app, carol).json
    assert preview["made"]["model"] == "trending"  # type: ignore[index]
    first = preview["papers"][0]  # type: ignore[index]
    assert first["authors"][0] == "Jane Doe"
    assert first["page"].startswith("https://arxiv.org/abs/")
    assert first["links"].keys() == {"PDF", "HTML"}
    assert (first["venue"], first["page_is_search"]) == ("", False)
    assert {paper["reason"] for paper in preview["papers"]} == {"New on 9 June."}  # type: ignore[index,attr-defined]
