"""The round as a story: dumps in, digests chosen, mails out, thumbs heard, the next day learned. On each kind of database where it matters."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest

from digest import features, pipeline, store, subscriptions
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import Digest, MessageState, Purpose, Quiet, QuietReason, Subscriber
from digest.pipeline.compose import due_at
from digest.subscriptions import Wish
from tests.conftest import NOON, TODAY, invented, make_app

Cast = Callable[[App], dict[str, Subscriber]]
Dump = Callable[..., Path]
TOMORROW = TODAY + timedelta(days=1)


def at(app: App, day: date, hour: int = 12) -> App:
    return app.at(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))


def mails(app: App) -> dict[str, EmailMessage]:
    """File name -> message, of everything that was delivered into the outbox."""
    found = {}
    for path in sorted(app.config.smtp.outbox.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found[path.name] = message
    return found


def listed(app: App, who: Subscriber, day: date) -> list[str]:
    digest, papers = pipeline.sent_digest(app, who, day)
    return [papers[item.score.paper_id].title for item in digest.items]


# ---------------------------------------------------------------------------------------------- the straight way


def test_a_round_sends_everybody_a_digest_of_their_own(any_app: App, cast: Cast, dump: Dump) -> None:
    people = cast(any_app)
    assert pipeline.ingest(any_app, [dump()]).count("new") == 16
    report = pipeline.round(any_app)
    assert report.sent.states == {MessageState.ACCEPTED: 3}
    assert all("robot" in title for title in listed(any_app, people["alice"], TODAY))
    assert all("tumour" in title for title in listed(any_app, people["bob"], TODAY))
    assert sorted(str(message["To"]) for message in mails(any_app).values()) == [
        "alice@example.org",
        "bob@example.org",
        "carol@example.org",
    ]


def test_a_second_run_on_the_same_day_sends_nobody_a_second_mail(any_app: App, cast: Cast, dump: Dump) -> None:
    cast(any_app)
    pipeline.ingest(any_app, [dump()])
    pipeline.round(any_app)
    before = mails(any_app).keys()
    pipeline.ingest(any_app, [dump(TODAY, start=5)])
    again = pipeline.round(any_app)
    assert (again.sent.states, again.composed.digests) == ({}, [])
    assert {left.reason for left in again.composed.left_out} == {f"has a digest for {TODAY} already"}
    assert mails(any_app).keys() == before


def test_thumbs_teach_the_next_digest(any_app: App, cast: Cast, dump: Dump) -> None:
    carol = cast(any_app)["carol"]
    pipeline.ingest(any_app, [dump(each=6)])
    pipeline.round(any_app)
    with any_app.store.reading() as tx:
        galaxies = [p for p in store.papers.by_ids(tx, range(1, 30)).values() if "galaxy" in p.title][:3]
        robots = [p for p in store.papers.by_ids(tx, range(1, 30)).values() if "robot" in p.title][:2]
    for paper in galaxies:
        pipeline.rate(any_app, carol, paper.name, 1)
    for paper in robots:
        pipeline.rate(any_app, carol, paper.name, -1)
    tomorrow = at(any_app, TOMORROW)
    pipeline.ingest(tomorrow, [dump(TOMORROW)])
    pipeline.round(tomorrow)
    titles = listed(any_app, carol, TOMORROW)
    assert all("galaxy" in title for title in titles)
    digest, _ = pipeline.sent_digest(any_app, carol, TOMORROW)
    assert (digest.made.model, digest.made.thumbs_up, digest.made.thumbs_down) == ("thumbs", 3, 2)


def test_the_links_of_a_mail_vote_for_its_reader_and_paper(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    (message,) = [m for m in mails(app).values() if m["To"] == "alice@example.org"]
    body = message.get_body(("plain",))
    assert body is not None
    tokens = re.findall(r"/t/([a-z0-9]+)", body.get_content())
    digest, papers = pipeline.sent_digest(app, alice, TODAY)
    named = [pipeline.read_link(app, token, Purpose.UP, Purpose.DOWN) for token in tokens]
    ids = [item.score.paper_id for item in digest.items]
    assert [(link.subscriber_id, link.paper_id, link.purpose) for link in named] == [
        (alice.id, ident, purpose) for ident in ids for purpose in (Purpose.UP, Purpose.DOWN)
    ]
    heard = pipeline.hear(app, named[0], 1, via="mail")
    assert (heard.vote, heard.before, heard.paper) == (1, 0, papers[ids[0]])
    assert pipeline.hear(app, named[0], 1, via="mail").before == 1
    assert pipeline.standing_vote(app, alice.id, ids[0]) == 1
    assert pipeline.hear(app, named[0], 0, via="page").vote == 0
    assert pipeline.standing_vote(app, alice.id, ids[0]) == 0


def test_no_paper_is_listed_twice_over_many_days(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    seen: list[str] = []
    for step in range(5):
        day = TODAY + timedelta(days=step)
        now = at(app, day)
        pipeline.ingest(now, [dump(day, each=2)])
        pipeline.round(now)
        seen += listed(app, alice, day)
    assert len(seen) == len(set(seen)) == 15


def test_a_paper_that_was_rated_is_not_listed_any_more(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    first = pipeline.preview(app, alice)
    best = next(iter(first.papers.values()))
    pipeline.rate(app, alice, best.name, 1)
    assert best.id not in pipeline.preview(app, alice).papers


def test_two_previews_are_equal_and_change_nothing(any_app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(any_app)["alice"]
    pipeline.ingest(any_app, [dump()])
    one, two = pipeline.preview(any_app, alice), pipeline.preview(any_app, alice)
    assert msgspec.json.encode(one.json) == msgspec.json.encode(two.json)
    assert one.message == two.message
    with pytest.raises(NotFoundError):
        pipeline.sent_digest(any_app, alice, TODAY)


def test_what_is_previewed_is_what_is_sent(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    outcome = pipeline.preview(app, alice).outcome
    pipeline.round(app)
    digest, _ = pipeline.sent_digest(app, alice, TODAY)
    assert isinstance(outcome, Digest)
    assert digest.items == outcome.items


def test_the_parts_shown_add_up_to_the_stored_score(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    digest, _ = pipeline.sent_digest(app, alice, TODAY)
    for item in digest.items:
        assert sum(part.value for part in item.score.parts) + item.score.rest == pytest.approx(item.score.value, abs=1e-9)


def test_the_cut_into_batches_changes_no_digest(tmp_path: Path, cast: Cast, dump: Dump) -> None:
    path = dump(each=6)
    outcomes = []
    for number, (batch, kind) in enumerate([("1", "inline"), ("2", "threads"), ("200", "inline")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        app = make_app(folder, workers__batch=batch, workers__kind=kind)
        people = cast(app)
        pipeline.ingest(app, [path])
        report = pipeline.compose(app)
        outcomes.append({s.email: d.items for s, d in report.digests})
        assert len(report.digests) == len(people)
        app.close()
    assert outcomes[0] == outcomes[1] == outcomes[2]


# ---------------------------------------------------------------------------------------------- who is left out, and why


def test_every_reader_who_is_left_out_has_a_reason(app: App, cast: Cast, dump: Dump) -> None:
    people = cast(app)
    pipeline.ingest(app, [dump()])
    subscriptions.pause(app, people["bob"].id, paused=True)
    subscriptions.change(app, people["carol"].id, Wish(email="", days=(1,)))
    report = pipeline.compose(app)
    assert [s.email for s, _ in report.digests] == ["alice@example.org"]
    assert {left.subscriber.email: left.reason for left in report.left_out} == {
        "bob@example.org": "paused",
        "carol@example.org": "Tuesday is none of their days",
    }


def test_by_hand_the_hour_does_not_matter_and_when_due_it_does(app: App, cast: Cast, dump: Dump) -> None:
    people = cast(app)
    for who in people.values():
        subscriptions.change(app, who.id, Wish(email="", hour=18))
    pipeline.ingest(app, [dump()])
    assert {left.reason for left in pipeline.compose(app, due=True).left_out} == {"not before 18:00 UTC"}
    assert len(pipeline.compose(at(app, TODAY, 18), due=True).digests) == 3


def test_a_reader_far_east_gets_the_digest_of_their_own_date(app: App, dump: Dump) -> None:
    east = subscriptions.subscribe(app, Wish(email="e@example.org", timezone="Pacific/Auckland", hour=7), origin="command").subscriber
    pipeline.ingest(at(app, TODAY, 18), [dump()])
    report = pipeline.compose(at(app, TODAY, 20), due=True)  # 8:00 on the next day there
    assert [(s.id, d.local_date) for s, d in report.digests] == [(east.id, TOMORROW)]


def test_papers_of_the_next_utc_day_are_new_in_the_evening_of_the_west_and_not_again_the_day_after(app: App, dump: Dump) -> None:
    subscriptions.subscribe(app, Wish(email="w@example.org", timezone="America/Los_Angeles", hour=18, size=100), origin="command")
    pipeline.ingest(at(app, TOMORROW, 1), [dump(TOMORROW)])
    (first,) = pipeline.round(at(app, TOMORROW, 2), due=True).composed.digests  # 19:00 of TODAY there
    assert (first[1].local_date, len(first[1].items)) == (TODAY, 16)
    report = pipeline.compose(at(app, TOMORROW + timedelta(days=1), 2), due=True)
    assert [left.reason for left in report.left_out] == ["no new papers yet"]


@pytest.mark.parametrize(
    ("zone", "day", "hour", "instant"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 2, datetime(2026, 3, 29, 1, tzinfo=UTC)),  # 2:00 does not exist: 3:00 is the first that does
        ("Europe/Berlin", date(2026, 10, 25), 2, datetime(2026, 10, 25, 0, tzinfo=UTC)),  # 2:00 exists twice: the first
        ("America/New_York", date(2026, 6, 9), 7, datetime(2026, 6, 9, 11, tzinfo=UTC)),
    ],
)
def test_the_hour_of_a_digest_survives_changes_of_the_clock(zone: str, day: date, hour: int, instant: datetime) -> None:
    who = Subscriber(id=1, email="a@example.org", timezone=zone, hour=hour, created=NOON)
    assert due_at(who, day) == instant


def test_while_there_is_time_for_papers_to_come_nothing_is_final(app: App, cast: Cast, dump: Dump) -> None:
    cast(app)
    assert {left.reason for left in pipeline.compose(app).left_out} == {"no new papers yet"}
    pipeline.ingest(app, [dump()])
    assert len(pipeline.compose(app).digests) == 3


def test_a_day_without_papers_ends_as_quiet_with_its_reason(app: App, cast: Cast) -> None:
    cast(app)
    late = at(app, TODAY, 23)  # due at 7:00, the window is 16 hours
    report = pipeline.compose(late)
    assert {quiet.reason for _, quiet in report.quiet} == {QuietReason.NO_NEW_PAPERS}
    assert {left.reason for left in pipeline.compose(late).left_out} == {f"has a digest for {TODAY} already"}


def test_nothing_above_the_threshold_is_a_quiet_day(app: App, dump: Dump) -> None:
    strict = subscriptions.subscribe(app, Wish(email="s@example.org", keywords=("beekeeping",), threshold=100), origin="command").subscriber
    pipeline.ingest(app, [dump()])
    outcome = pipeline.preview(app, strict).outcome
    assert isinstance(outcome, Quiet)
    assert outcome.reason is QuietReason.BELOW_THRESHOLD


def test_a_reader_without_interests_still_gets_a_digest_with_true_reasons(app: App, cast: Cast, dump: Dump) -> None:
    carol = cast(app)["carol"]
    pipeline.ingest(app, [dump()])
    shown = pipeline.preview(app, carol).json
    assert shown["made"]["model"] == "trending"  # type: ignore[index]
    assert {paper["reason"] for paper in shown["papers"]} == {"New on 9 Jun."}  # type: ignore[index,attr-defined]


# ---------------------------------------------------------------------------------------------- late, old, lost


def test_a_late_paper_is_new_for_the_next_digest(app: App, cast: Cast, dump: Dump) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    late = [dict(row, arxiv=f"2606.9{n:04d}", title=f"A late study of robot {n}") for n, row in enumerate(invented(TODAY)[:2])]
    pipeline.ingest(at(app, TODAY, 15), [dump(TODAY, rows=late)], seen=TODAY - timedelta(days=1))
    tomorrow = at(app, TOMORROW)
    pipeline.round(tomorrow)
    assert sorted(listed(app, alice, TOMORROW)) == ["A late study of robot 0", "A late study of robot 1"]


def test_a_backfill_is_new_to_nobody(app: App, cast: Cast, dump: Dump) -> None:
    cast(app)
    assert pipeline.ingest(app, [dump()], backfill=True).count("new") == 16
    assert {left.reason for left in pipeline.compose(app).left_out} == {"no new papers yet"}


def test_an_archive_that_is_ingested_as_new_warns(app: App, dump: Dump) -> None:
    rows = [dict(row, arxiv=f"1706.{n:05d}", title=f"Old {n}", submitted="2017-06-09") for n, row in enumerate(invented(TODAY, each=40), 1)]
    (file,) = pipeline.ingest(app, [dump(TODAY, rows=rows)]).files
    assert any("--backfill" in note for note in file.notes)


def test_the_day_of_a_file_comes_from_its_name(app: App, dump: Dump) -> None:
    pipeline.ingest(app, [dump(date(2026, 6, 5))], seen="name")
    with app.store.reading() as tx:
        assert {p.first_seen for p in store.papers.by_ids(tx, range(1, 20)).values()} == {date(2026, 6, 5)}


def test_when_the_mail_server_is_down_the_digests_wait_and_status_says_so(tmp_path: Path, cast: Cast, dump: Dump) -> None:
    app = make_app(tmp_path, smtp__host="127.0.0.1", smtp__port="1")
    cast(app)
    pipeline.ingest(app, [dump()])
    report = pipeline.round(app)
    assert "127.0.0.1:1" in report.sent.error
    assert (report.sent.waiting, report.sent.states) == (3, {})
    alarms = list(map(str, pipeline.status(app).alarms))
    assert any("last send stopped" in alarm and "127.0.0.1:1" in alarm for alarm in alarms)
    assert any("3 messages wait" in alarm for alarm in alarms)
    app.close()
    up = make_app(tmp_path)  # the same store, and mails into a folder
    assert pipeline.send(up).states == {MessageState.ACCEPTED: 3}
    assert not [alarm for alarm in pipeline.status(up).alarms if alarm.kind == "send"]
    up.close()


def test_a_broken_template_stops_no_other_mail_and_loses_no_digest(tmp_path: Path, cast: Cast, dump: Dump) -> None:
    folder = tmp_path / "mine" / "email" / "digest"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("{{ nobody.gave.this }}")
    app = make_app(tmp_path, mail__templates=str(tmp_path / "mine"))
    cast(app)
    subscriptions.ask(app, Wish(email="new@example.org"), origin="page")
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
    first = listed(app, alice, TODAY)
    app.close()
    up = make_app(tmp_path)
    tomorrow = at(up, TOMORROW, 20)
    report = pipeline.round(tomorrow)
    assert report.sent.states == {MessageState.ACCEPTED: 3}
    assert pipeline.status(up).messages == {"expired": 3, "accepted": 3}
    assert listed(up, alice, TOMORROW) == first
    up.close()


# ---------------------------------------------------------------------------------------------- bad input


def test_one_bad_file_and_one_bad_record_stop_nothing(app: App, dump: Dump, tmp_path: Path) -> None:
    good = dump()
    bad = tmp_path / "dumps" / "bad.jsonl"
    bad.write_text('{"title": "Fine", "arxiv": "2606.50001"}\nthis is no record\n{"title": ""}\n')
    (tmp_path / "dumps" / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (tmp_path / "dumps" / "empty.jsonl").write_bytes(b"")
    report = pipeline.ingest(app, [tmp_path / "dumps"])
    by_name = {file.name: file for file in report.files}
    assert by_name[good.name].counts["new"] == 16
    assert (by_name["bad.jsonl"].counts["new"], by_name["bad.jsonl"].counts["rejected"]) == (1, 2)
    assert [line for line, _ in by_name["bad.jsonl"].rejects] == [2, 3]
    assert by_name["picture.png"].refused
    assert by_name["empty.jsonl"].counts["read"] == 0
    assert report.failed
    kinds = ("new", "updated", "duplicate", "skipped", "rejected")
    assert report.count("read") == sum(report.count(kind) for kind in kinds)
    with app.store.reading() as tx:
        assert store.dumps.totals(tx)["rejected"] == 2


def test_an_empty_dump_alone_is_no_failure_and_says_nothing_new(app: App, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert not pipeline.ingest(app, [tmp_path / "empty.jsonl"]).failed


def test_a_file_that_gives_nothing_at_all_is_a_failure(app: App, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"title": ""}\n{"title": null, "abstract": "x"}\n')
    assert pipeline.ingest(app, [tmp_path / "x.jsonl"]).failed


def test_a_dump_cut_in_the_middle_keeps_what_came_before_and_goes_on_when_whole(app: App, dump: Dump, tmp_path: Path) -> None:
    whole = dump()
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (file,) = pipeline.ingest(app, [cut]).files
    assert file.incomplete
    kept = file.counts["new"]
    assert 0 < kept < 16
    assert pipeline.ingest(app, [whole]).count("new") == 16 - kept


def test_an_ingest_that_dies_between_batches_is_finished_by_the_next_one(app: App, dump: Dump) -> None:
    path = dump(each=10)

    class Killed(BaseException):
        pass

    def die(_path: Path, _done: int, _size: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        pipeline.ingest(app, [path], progress=die, batch=7)
    assert any("not read to its end" in alarm.what for alarm in pipeline.status(app).alarms)
    report = pipeline.ingest(app, [path])
    assert (report.count("new"), report.count("duplicate")) == (33, 7)
    with app.store.reading() as tx:
        stored = store.papers.frequencies_of(tx, features.VERSION)
        assert stored is not None
        assert features.Frequencies.from_bytes(stored).papers == store.papers.count_vectors(tx, features.VERSION) == 40


def test_hostile_titles_reach_the_mail_harmless(app: App, tmp_path: Path) -> None:
    titles = [
        "<script>alert(1)</script> & friends",
        "A title\nBcc: everybody@example.org",
        "On $x^2$ and \\'etale maps \U0001f600",
        "عنوان الورقة \u202e reversed",
    ]
    rows = [{"arxiv": f"2606.{n:05d}", "title": title, "abstract": "robot"} for n, title in enumerate(titles, 1)]
    (tmp_path / "hostile.jsonl").write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    subscriptions.subscribe(app, Wish(email="a@example.org", keywords=("robot",)), origin="command")
    assert pipeline.ingest(app, [tmp_path / "hostile.jsonl"]).count("new") == 4
    pipeline.round(app)
    (message,) = mails(app).values()
    assert "Bcc" not in message
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert "<script" not in html.get_content()
    assert "&lt;script&gt;" in html.get_content()
    assert "\u202e" not in html.get_content() + text.get_content() + str(message["Subject"])


@pytest.mark.parametrize("address", ["", "nobody", "a@b@c.example", "a b@example.org", "a@example", "a@-x.example", "a\n@example.org"])
def test_an_address_that_is_none_is_refused(app: App, address: str) -> None:
    with pytest.raises(ValueError, match="is no e-mail address"):
        subscriptions.subscribe(app, Wish(email=address), origin="command")
    assert subscriptions.everybody(app) == []


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Wish(email="a@example.org", timezone="Mars/Olympus"), "Europe/Berlin"),
        (Wish(email="a@example.org", hour=24), "0 to 23"),
        (Wish(email="a@example.org", size=0), "1 to 100"),
        (Wish(email="a@example.org", days=()), "Monday"),
        (Wish(email="a@example.org", days=(8,)), "Monday"),
    ],
)
def test_a_setting_out_of_range_is_refused_with_the_range(app: App, wish: Wish, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        subscriptions.subscribe(app, wish, origin="command")


def test_a_paper_that_is_not_stored_cannot_be_rated(app: App, cast: Cast) -> None:
    alice = cast(app)["alice"]
    for name in ("2606.99999", "doi:10.1/none", "No such title", "paper:7", ""):
        with pytest.raises(NotFoundError):
            pipeline.rate(app, alice, name, 1)


# ---------------------------------------------------------------------------------------------- the inbox


def test_the_inbox_is_read_once_a_file(app: App, dump: Dump) -> None:
    app.config.ingest.inbox.mkdir()
    dump().rename(app.config.ingest.inbox / "2026-06-09.jsonl")
    inbox = pipeline.Inbox()
    assert pipeline.ingest_inbox(app, inbox, settled=0).count("new") == 16
    assert pipeline.ingest_inbox(app, inbox, settled=0).files == []
    assert pipeline.ingest_inbox(app, pipeline.Inbox(), settled=0).files == []  # after a restart


def test_a_file_that_is_still_being_written_waits(app: App, dump: Dump) -> None:
    app.config.ingest.inbox.mkdir()
    dump().rename(app.config.ingest.inbox / "2026-06-09.jsonl")
    assert pipeline.ingest_inbox(app, pipeline.Inbox()).files == []


def test_a_dump_that_grows_is_read_from_where_it_stopped(app: App, dump: Dump) -> None:
    path = dump()
    pipeline.ingest(app, [path])
    more = [dict(row, arxiv=f"2606.8{n:04d}", title=f"More {n}") for n, row in enumerate(invented(TODAY)[:3])]
    with path.open("ab") as file:
        file.writelines(msgspec.json.encode(row) + b"\n" for row in more)
    report = pipeline.ingest(app, [path])
    assert (report.count("read"), report.count("new"), report.count("duplicate")) == (19, 3, 16)
    assert any("goes on after them" in note for note in report.files[0].notes)
    assert [d["read"] for d in pipeline.dumps_read(app)] == [19, 16]


def test_rejected_records_are_shown_and_tried_again(app: App, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"title": "Fine", "arxiv": "2606.50001"}\n{"title": "Broken", "arxiv": "2606.50002"\n')
    assert pipeline.ingest(app, [path]).count("rejected") == 1
    (shown,) = pipeline.rejected(app)
    assert (shown["line"], shown["raw"]) == (2, '{"title": "Broken", "arxiv": "2606.50002"')
    path.write_text('{"title": "Fine", "arxiv": "2606.50001"}\n{"title": "Broken", "arxiv": "2606.50002"}\n')
    report = pipeline.retry_rejected(app)
    assert (report.count("new"), report.count("rejected")) == (1, 0)
    assert pipeline.rejected(app) == []


def test_rejected_records_of_a_file_that_is_gone_stay(app: App, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("no record\n" + '{"title": "Fine"}\n')
    pipeline.ingest(app, [path])
    path.unlink()
    assert "the file is gone" in pipeline.retry_rejected(app).files[0].refused
    assert len(pipeline.rejected(app)) == 1


def test_a_withdrawn_paper_leaves_all_digests_and_who_liked_it_is_named(app: App, cast: Cast, dump: Dump, tmp_path: Path) -> None:
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    best = next(iter(pipeline.preview(app, alice).papers.values()))
    pipeline.rate(app, alice, best.name, 1)
    ident = best.identity("arxiv")
    row = {
        "id": ident,
        "title": best.title,
        "abs": f"https://arxiv.org/abs/{ident}",
        "summary": "x",
        "comment": "This paper has been withdrawn by the author",
    }
    (tmp_path / "w.jsonl").write_bytes(msgspec.json.encode(row))
    assert pipeline.ingest(app, [tmp_path / "w.jsonl"]).count("updated") == 1
    assert pipeline.withdrawn(app) == [{"paper": best.name, "title": best.title, "liked_by": ["alice@example.org"]}]
    carol = subscriptions.by_email(app, "carol@example.org")
    assert best.id not in pipeline.preview(app, carol).papers
