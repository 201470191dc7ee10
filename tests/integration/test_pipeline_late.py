"""Late, old and lost papers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import MessageState, Quiet, Subscriber
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY, invent_papers, make_app, read_mails
from tests.integration.rounds import at, list_titles

Cast = Callable[[App], dict[str, Subscriber]]
Dump = Callable[..., Path]
TOMORROW = TODAY + timedelta(days=1)


def test_a_late_paper_is_new_for_the_next_digest(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    late = [
        dict(row, arxiv=f"2606.9{n:04d}", title=f"A late study of robot {n}")
        for n, row in enumerate(invent_papers(TODAY)[:2])
    ]
    pipeline.ingest(at(app, TODAY, 15), [dump(TODAY, rows=late)], seen=TODAY - timedelta(days=1))
    tomorrow = at(app, TOMORROW)
    pipeline.round(tomorrow)
    late_titles = [title for title in list_titles(app, alice, TOMORROW) if "late" in title]
    assert sorted(late_titles) == ["A late study of robot 0", "A late study of robot 1"]


def test_what_found_no_place_competes_until_it_is_too_old(
    any_app: App, cast: Cast, dump: Dump
) -> None:
    """Six papers of one day fit alice, who reads three a day."""
    alice = cast(any_app)["alice"]
    pipeline.ingest(any_app, [dump(per_topic=6)])
    pipeline.round(any_app)
    first = services.sent_digest(any_app, alice, TODAY)[0]
    assert [item.from_day for item in first.items] == [None, None, None]
    tomorrow = at(any_app, TOMORROW)
    assert not pipeline.round(tomorrow).composed.planned  # nothing new came, so nothing is sent
    other = invent_papers(TOMORROW, per_topic=1)[1:]  # no robot among them
    pipeline.ingest(tomorrow, [dump(TOMORROW, rows=other)])
    assert {planned.papers for planned in pipeline.round(tomorrow).composed.planned} == {3}
    digest, papers = services.sent_digest(any_app, alice, TOMORROW)
    assert all("robot" in paper.title for paper in papers.values())
    assert [item.from_day for item in digest.items] == [TODAY] * 3
    assert digest.provenance.new_candidates == 3
    (mail,) = [
        mail
        for mail in read_mails(any_app).values()
        if mail["To"] == alice.email and f"{TOMORROW.day} June" in mail["Subject"]
    ]
    assert mail.get_body(("plain",)).get_content().count(f"from {TODAY:%A}") == 3  # type: ignore[union-attr]
    shown = services.preview(at(any_app, TODAY + timedelta(days=2)), alice).json
    assert shown["papers"] == []


def test_a_paper_that_is_left_over_for_too_long_comes_no_more(
    app: App, cast: Cast, dump: Dump
) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump(per_topic=8)])
    pipeline.round(app)
    for days, expected in ((6, 3), (7, 0)):
        day = TODAY + timedelta(days=days)
        later = at(app, day)
        pipeline.ingest(later, [dump(day, rows=invent_papers(day, per_topic=1)[2:3])])
        papers = services.preview(later, alice).json["papers"]
        assert isinstance(papers, list)
        assert [paper["from_day"] for paper in papers].count(TODAY.isoformat()) == expected


def test_another_record_of_a_paper_that_was_listed_yesterday_does_not_come(
    app: App, cast: Cast, dump: Dump
) -> None:
    alice = cast(app)["alice"]
    rows = invent_papers(TODAY, per_topic=3)
    pipeline.ingest(app, [dump(rows=rows)])
    pipeline.round(app)
    tomorrow = at(app, TOMORROW)
    again = [
        row | {"arxiv": f"2606.7{n:04}", "authors": [f"Someone Else {n}"]}
        for n, row in enumerate(rows)
    ]
    pipeline.ingest(tomorrow, [dump(TOMORROW, rows=again)])
    outcome = services.preview(tomorrow, alice).outcome
    listed = [] if isinstance(outcome, Quiet) else [item.score.paper_id for item in outcome.items]
    with app.store.reading() as tx:
        titles = [paper.title for paper in store.papers.load(tx, listed).values()]
    assert not [title for title in titles if "robot" in title]


def test_a_backfill_is_new_to_nobody(app: App, cast: Cast, dump: Dump) -> None:
    cast(app)
    assert pipeline.ingest(app, [dump()], backfill=True).count("new") == 16
    assert {left.reason for left in pipeline.compose(app).left_out} == {"no new papers yet"}


def test_an_archive_that_is_ingested_as_new_warns(app: App, dump: Dump) -> None:
    rows = [
        dict(row, arxiv=f"1706.{n:05d}", title=f"Old {n}", submitted="2017-06-09")
        for n, row in enumerate(invent_papers(TODAY, per_topic=40), 1)
    ]
    (file,) = pipeline.ingest(app, [dump(TODAY, rows=rows)]).files
    assert any("--backfill" in note for note in file.notes)


def test_the_day_of_a_file_comes_from_its_name(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump(date(2026, 6, 5))], seen="name")
    with app.store.reading() as tx:
        assert {p.first_seen for p in store.papers.load(tx, range(1, 20)).values()} == {
            date(2026, 6, 5)
        }


def test_when_the_mail_server_is_down_the_digests_wait_and_status_says_so(
    tmp_path: Path, cast: Cast, dump: Dump
) -> None:
    app = make_app(tmp_path, smtp__host="127.0.0.1", smtp__port="1")
    cast(app)
    pipeline.ingest(app, [dump()])
    report = pipeline.round(app)
    assert "127.0.0.1:1" in report.sent.error
    assert (report.sent.waiting, report.sent.states) == (3, {})
    alarms = list(map(str, services.status(app).alarms))
    assert any("last send stopped" in alarm and "127.0.0.1:1" in alarm for alarm in alarms)
    assert any("3 messages wait" in alarm for alarm in alarms)
    app.close()
    up = make_app(tmp_path)  # the same store, with mails into a folder
    assert pipeline.send(up).states == {MessageState.ACCEPTED: 3}
    assert not [alarm for alarm in services.status(up).alarms if alarm.kind == "send"]
    up.close()


def test_a_broken_template_stops_no_other_mail_and_loses_no_digest(
    tmp_path: Path, cast: Cast, dump: Dump
) -> None:
    folder = tmp_path / "mine" / "email" / "digest"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("{{ nobody.gave.this }}")
    app = make_app(tmp_path, mail__templates=str(tmp_path / "mine"))
    cast(app)
    subscriptions.sign_up(app, SubscriptionRequest(email="new@example.org"), origin="page")
    pipeline.ingest(app, [dump()])
    report = pipeline.round(app)
    assert report.sent.states == {MessageState.DEFERRED: 3, MessageState.ACCEPTED: 1}
    assert all("subject.txt" in reason for _, reason in report.sent.troubles)
    app.close()


def test_papers_of_an_expired_digest_compete_again(tmp_path: Path, cast: Cast, dump: Dump) -> None:
    app = make_app(tmp_path, smtp__host="127.0.0.1", smtp__port="1")
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    first = list_titles(app, alice, TODAY)
    app.close()
    up = make_app(tmp_path)
    tomorrow = at(up, TOMORROW, 20)
    report = pipeline.round(tomorrow)
    assert report.sent.states == {MessageState.ACCEPTED: 3}
    assert services.status(up).messages == {"expired": 3, "accepted": 3}
    assert list_titles(up, alice, TOMORROW) == first
    up.close()
