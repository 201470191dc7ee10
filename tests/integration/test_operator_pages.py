"""The operator's pages on both databases: what they show, what their buttons do, hostile values."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.evaluate.recent import load_recent_rates
from digest.model import (
    Bounced,
    MessageState,
    Rejected,
    Subscriber,
    SubscriberStatus,
    Suppression,
    SuppressionReason,
)
from digest.services.operator_overview import find_next_digests
from digest.store.backups import closing
from digest.store.operator_pages import Schedule
from digest.subscriptions import SubscriptionRequest
from digest.web.operator import desk
from digest.web.operator.quality import ReportRun
from tests.conftest import HEAD, NOON, TODAY
from tests.integration.store.test_query_plans import explain, noted_queries
from tests.operator_client import OperatorClient

#: hostile texts: markup, template code, controls, right-to-left marks, a long word
XSS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 191 }}{% raw %}",
    "javascript:alert(1)",
    "</title></style></textarea><svg onload=alert(1)>",
    "\u202egnp.exe\u202c & \u0000 ￾",
    "W" * 3000,
)


class _Markup(HTMLParser):
    """Collects what would run or load something in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.live: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        runs = tag == "script" or any(name.startswith("on") for name in given)
        loads = given.get("src") == "x" or "javascript:" in (given.get("href") or "")
        if runs or loads:
            self.live.append(f"{tag} {given}")


def find_live(page: str) -> list[str]:
    """Find what must not be in a page, whatever was stored."""
    markup = _Markup()
    markup.feed(page)
    return markup.live + ["a template ran"] * ("1337" in page)


@pytest.fixture
def operator(any_app: App) -> OperatorClient:
    browser = OperatorClient(any_app)
    browser.log_in()
    return browser


@pytest.fixture
def readers(
    operator: OperatorClient, cast: Callable[[App], dict[str, Subscriber]]
) -> dict[str, Subscriber]:
    return cast(operator.app)


@pytest.fixture
def sent(
    operator: OperatorClient, readers: dict[str, Subscriber], dump: Callable[..., Path]
) -> dict[str, Subscriber]:
    """The readers, each with a digest of today that was accepted."""
    pipeline.ingest(operator.app, [dump(TODAY)], seen=TODAY)
    pipeline.compose(operator.app)
    pipeline.send(operator.app)
    return readers


def message_ids(app: App, reader: Subscriber) -> list[int]:
    with app.store.reading() as tx:
        rows = store.operator_pages.list_messages_of(tx, reader.id, limit=99)
    return [row["id"] for row in rows]


def set_state(app: App, message_id: int, state: MessageState) -> None:
    with app.store.writing() as tx:
        tx.exec_driver_sql(
            f"UPDATE messages SET state = '{state.value}' WHERE id = {int(message_id)}"
        )


# ------------------------------------------------------------------------------------- the pages


def test_the_overview_tells_alarms_rounds_and_counts(
    operator: OperatorClient, sent: dict[str, Subscriber]
) -> None:
    set_state(operator.app, message_ids(operator.app, sent["alice"])[0], MessageState.UNKNOWN)
    page = operator.get("/operator").text
    assert "1 message ended as unknown" in page
    assert "<code>digest deliveries --state unknown</code>" in page
    assert "accepted 3" in page  # the round of sending
    assert re.search(r"<strong>3</strong><span>active", page)
    assert re.search(r"<strong>1</strong><span>unknown", page)
    assert "Next digests: 10 June, 07:00 for 3 readers." in page
    assert "9 June: 16" in page  # the picture, in words for those who do not see it


def test_deliveries_are_filtered_and_turned_over_page_by_page(
    operator: OperatorClient, sent: dict[str, Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.web.operator.deliveries.ROWS", 2)
    for start in ("/operator/deliveries", "/operator/deliveries?state=accepted"):
        path, found = start, []
        while path:
            page = operator.get(path).text
            ids = re.findall(r"/operator/deliveries/(\d+)", page)
            assert len(ids) <= 2
            found += ids
            more = re.search(r'href="([^"]+)">Next page', page)
            path = more[1].replace("&amp;", "&") if more else ""
        assert sorted(map(int, found)) == [1, 2, 3]
    assert "No such mail" in operator.get("/operator/deliveries?state=rejected").text


@pytest.mark.parametrize(
    "query", ["state=nonsense", "before=x", "before=-1", f"before={2**63}", "before=" + "9" * 400]
)
def test_an_odd_address_is_no_error(operator: OperatorClient, query: str) -> None:
    for page in ("deliveries", "bounces", "dumps", "readers", "suppressed", "moderation"):
        assert operator.get(f"/operator/{page}?{query}").status_code == 200
    for page in ("deliveries", "dumps", "readers"):
        assert operator.get(f"/operator/{page}/{query[:20]}").status_code == 404
        assert operator.get(f"/operator/{page}/{2**63 - 1}").status_code == 404


def test_an_unknown_delivery_is_settled_after_a_question(
    operator: OperatorClient, sent: dict[str, Subscriber]
) -> None:
    (ident,) = message_ids(operator.app, sent["alice"])
    path, fields = f"/operator/deliveries/{ident}", {"state": "rejected"}
    operator.act(path, fields)
    assert "It was" not in operator.get(path).text  # it was accepted, which stands
    set_state(operator.app, ident, MessageState.UNKNOWN)
    question = operator.act(path, fields, sure=False)
    assert "Settle it as rejected?" in question.text
    assert "alice@example.org" in question.text
    assert operator.act(path, fields).status_code == 303
    page = operator.get(path).text
    assert "the operator" in page
    with operator.app.store.reading() as tx:
        assert store.deliveries.find_state(tx, ident) is MessageState.REJECTED
    assert operator.act(path, {"state": "sent"}).status_code == 422


def test_a_suppressed_address_is_found_and_released_after_a_question(
    operator: OperatorClient, sent: dict[str, Subscriber]
) -> None:
    app = operator.app
    subscriptions.suppress(
        app, [subscriptions.make_suppression(app, "alice@example.org", "asked by telephone")]
    )
    assert "asked by telephone" in operator.get("/operator/suppressed").text
    assert "asked by telephone" in operator.get("/operator/readers/1").text
    found = operator.get("/operator/suppressed?email=ALICE@example.org").text
    assert "asked by telephone" in found
    assert "not suppressed" in operator.get("/operator/suppressed?email=bob@example.org").text
    fields = {"address": "alice@example.org"}
    assert "Send mail there again?" in operator.act("/operator/suppressed", fields, sure=False).text
    assert subscriptions.get(app, 1).status is SubscriberStatus.SUPPRESSED
    assert operator.act("/operator/suppressed", fields).status_code == 303
    assert subscriptions.get(app, 1).status is SubscriberStatus.ACTIVE
    assert operator.act("/operator/suppressed", fields).status_code == 404


def test_suppressed_addresses_are_turned_over_page_by_page(
    operator: OperatorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.web.operator.addresses.ROWS", 2)
    addresses = [f"r{number}@example.org" for number in range(5)]
    subscriptions.suppress(
        operator.app,
        [
            Suppression(
                address=address,
                reason=SuppressionReason.HARD,
                # the first three at the same moment
                since=NOON + timedelta(microseconds=max(0, number - 2)),
            )
            for number, address in enumerate(addresses)
        ],
    )
    path, found = "/operator/suppressed", []
    while path:
        page = operator.get(path).text
        found += re.findall(r"<strong><bdi>([^<]+)", page)
        more = re.search(r'href="([^"]+)">Next page', page)
        path = more[1].replace("&amp;", "&") if more else ""
    assert found == addresses[:1:-1] + addresses[1::-1]


def test_a_dump_shows_each_reject_with_place_reason_and_remedy(
    operator: OperatorClient, tmp_path: Path
) -> None:
    path = tmp_path / "2026-06-09.jsonl"
    path.write_text('{"title": "Fine", "arxiv": "2606.00001"}\n{"nothing": 1}\n', "utf-8")
    pipeline.ingest(operator.app, [path], seen=TODAY)
    assert "1 record could not be used" in operator.get("/operator/dumps").text
    page = operator.get("/operator/dumps/1").text
    assert "Line 2:" in page
    assert "{&#34;nothing&#34;: 1}" in page
    assert "digest ingest --retry-rejected" in page


def test_a_reader_is_found_paused_and_resumed(
    operator: OperatorClient, sent: dict[str, Subscriber]
) -> None:
    answer = operator.get("/operator/readers?email=bob@example.org")
    assert (answer.status_code, answer.headers["location"]) == (303, "/operator/readers/2")
    assert "Nobody subscribes" in operator.get("/operator/readers?email=no@example.org").text
    services.rate(operator.app, sent["bob"], "paper:1", 1)
    page = operator.get("/operator/readers/2").text
    assert "1 up, 0 down" in page
    with operator.app.store.reading() as tx:
        title = store.papers.load(tx, [1])[1].title
    for private in (title, "tumour", "MRI"):
        assert private not in page
    for do, status in (("pause", "paused"), ("resume", "active")):
        question = operator.act("/operator/readers/2", {"do": do}, sure=False)
        assert "bob@example.org" in question.text
        other = {"paused": "active", "active": "paused"}[status]
        assert subscriptions.get(operator.app, 2).status == other
        assert operator.act("/operator/readers/2", {"do": do}).status_code == 303
        assert subscriptions.get(operator.app, 2).status == status
    assert operator.act("/operator/readers/2", {"do": "promote"}).status_code == 422


def test_a_confirmation_is_sent_again_at_most_once_a_day(operator: OperatorClient) -> None:
    app = operator.app
    request = SubscriptionRequest(email="dave@example.org", keywords=("robot",))
    dave = subscriptions.sign_up(app, request, origin="page").subscriber
    path = f"/operator/readers/{dave.id}"
    assert operator.act(path, {"do": "confirm"}).headers["location"].endswith("done=waiting")
    tomorrow = OperatorClient(replace(app, now=lambda: NOON + timedelta(days=1)))
    tomorrow.log_in()
    answer = tomorrow.act(path, {"do": "confirm"})
    assert answer.headers["location"].endswith("done=sent")
    assert "is on its way" in tomorrow.get(answer.headers["location"]).text
    assert len(message_ids(app, dave)) == 2
    subscriptions.confirm(app, dave.id)
    assert subscriptions.resend_confirmation(app, dave.id) is False


def test_a_reader_is_deleted_after_a_question(
    operator: OperatorClient, sent: dict[str, Subscriber]
) -> None:
    question = operator.act("/operator/readers/1", {"do": "forget"}, sure=False)
    assert "Delete this reader for good?" in question.text
    assert operator.get("/operator/readers/1").status_code == 200
    operator.act("/operator/readers/1", {"do": "forget"})
    assert operator.get("/operator/readers/1").status_code == 404
    assert [reader.id for reader in subscriptions.list_subscribers(operator.app)] == [2, 3]


# --------------------------------------------------------------------------------------- figures


def test_rates_by_position_week_and_match_are_those_of_the_thumbs(
    operator: OperatorClient, sent: dict[str, Subscriber]
) -> None:
    app = operator.app
    with app.store.reading() as tx:
        (past,) = store.past.load_digests(tx, [sent["alice"].id])
    first, second, *_ = past.items
    services.rate(app, sent["alice"], f"paper:{first.paper_id}", 1)
    services.rate(app, sent["alice"], f"paper:{second.paper_id}", -1)
    recent = load_recent_rates(replace(app, now=lambda: NOON + timedelta(hours=1)))
    # bob and carol gave no thumb, so theirs are not counted
    assert (recent.readers, recent.digests) == (1, 1)
    by_position = {rate.label: rate.estimate for rate in recent.positions}
    assert {label: rate.value for label, rate in by_position.items()} == {
        str(item.position): float(item is first) for item in past.items
    }
    assert [rate is None for _, rate in recent.weeks] == [True] * 11 + [False]
    (_, week) = recent.weeks[-1]
    assert week is not None
    assert (week.estimate.value, week.estimate.units) == (1 / len(past.items), len(past.items))
    later = load_recent_rates(replace(app, now=lambda: NOON + timedelta(days=8)))
    assert [rate is None for _, rate in later.weeks] == [True] * 10 + [False, True]


def test_thumbs_are_shown_as_pictures_and_tables(
    operator: OperatorClient, sent: dict[str, Subscriber]
) -> None:
    assert "No digest of the last" in operator.get("/operator/thumbs").text
    with operator.app.store.reading() as tx:
        (past,) = store.past.load_digests(tx, [sent["alice"].id])
    services.rate(operator.app, sent["alice"], f"paper:{past.items[0].paper_id}", 1)
    later = OperatorClient(replace(operator.app, now=lambda: NOON + timedelta(hours=1)))
    later.log_in()
    page = later.get("/operator/thumbs").text
    assert page.count('role="img"') == 3
    assert "<desc" in page
    assert re.search(r'<th scope="row">1</th><td>100 %</td>', page)


def test_thumbs_are_shown_where_there_are_too_few_to_draw(
    operator: OperatorClient, sent: dict[str, Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    with operator.app.store.reading() as tx:
        (past,) = store.past.load_digests(tx, [sent["alice"].id])
    services.rate(operator.app, sent["alice"], f"paper:{past.items[0].paper_id}", 1)
    monkeypatch.setattr("digest.evaluate.pages.draw_matches", lambda rates: None)
    later = OperatorClient(replace(operator.app, now=lambda: NOON + timedelta(hours=1)))
    later.log_in()
    answer = later.get("/operator/thumbs")
    assert answer.status_code == 200
    assert "Too few rated papers" in answer.text


def test_the_report_is_made_once_at_a_time_and_kept(
    operator: OperatorClient, sent: dict[str, Subscriber], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ReportRun(operator.app)
    waiting: list[Callable[[], None]] = []

    class Thread:
        def __init__(self, *, target: Callable[[], None], name: str, daemon: bool) -> None:
            self.start = lambda: waiting.append(target)

    monkeypatch.setattr("digest.web.operator.quality.threading.Thread", Thread)
    assert run.start()
    assert not run.start()
    (work,) = waiting
    work()
    assert run.state.report is not None
    assert "Too little to judge by" in run.state.report.verdict
    assert (run.state.running, run.state.made_at, run.state.problem) == (False, NOON, "")
    kept = run.state.report
    assert run.start()
    monkeypatch.setattr("digest.evaluate.evaluate", lambda *_, **__: 1 / 0)
    waiting[1]()
    assert run.state.report is kept
    assert "This is a bug" in run.state.problem
    assert run.start()


def test_the_report_is_started_by_a_press_and_shown(
    operator: OperatorClient, sent: dict[str, Subscriber]
) -> None:
    assert "Make the report" in operator.get("/operator/report").text
    assert operator.act("/operator/report").status_code == 303
    deadline = datetime.now(UTC) + timedelta(seconds=60)
    while "being made" in (page := operator.get("/operator/report").text):
        assert datetime.now(UTC) < deadline
    assert "Too little to judge by" in page
    assert "What this cannot say" in page


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # a Monday in winter and summer, and the day on which clocks change
        ("2026-01-05T05:59", [("2026-01-05T06:00", 3), ("2026-01-05T07:00", 5)]),
        ("2026-07-06T05:30", [("2026-07-06T07:00", 5), ("2026-07-07T05:00", 3)]),
        ("2026-07-06T07:00", [("2026-07-07T05:00", 3), ("2026-07-13T07:00", 5)]),
        ("2026-03-28T06:00", [("2026-03-29T05:00", 3), ("2026-03-30T07:00", 5)]),
    ],
)
def test_the_next_digests_are_those_of_local_hours_and_weekdays(
    now: str, expected: list[tuple[str, int]]
) -> None:
    schedules = [
        Schedule(timezone="Europe/Berlin", hour=7, days=(1, 2, 3, 4, 5, 6, 7), readers=3),
        Schedule(timezone="UTC", hour=7, days=(1,), readers=5),
        Schedule(timezone="Mars/Olympus", hour=7, days=(1,), readers=7),
        Schedule(timezone="UTC", hour=7, days=(), readers=9),
    ]
    found = find_next_digests(schedules, datetime.fromisoformat(now + "+00:00"), times=2)
    assert [(f"{at:%Y-%m-%dT%H:%M}", readers) for at, readers in found] == expected


# ------------------------------------------------------------------------------------- moderation


def test_suggestions_are_accepted_and_refused(
    operator: OperatorClient, sent: dict[str, Subscriber]
) -> None:
    app = operator.app
    for number, text in enumerate(("2606.77777", "10.1234/abc"), start=1):
        services.suggest(app, sent["alice"].id, text, title=f"A title {XSS[0]} {number}")
    assert "2 suggestions wait for you" in operator.get("/operator").text
    page = operator.get("/operator/moderation").text
    assert "Waiting (2)" in page
    assert find_live(page) == []
    for ident, do in (("1", "refuse"), ("2", "accept")):
        answer = operator.act("/operator/moderation", {"submission": ident, "do": do})
        assert answer.status_code == 303
    assert "Nothing waits for you" in operator.get("/operator/moderation").text
    states = {
        row.submission.id: row.submission.state for row in services.list_submissions(app, None)
    }
    assert states == {1: "refused", 2: "accepted"}
    again = operator.act("/operator/moderation", {"submission": "2", "do": "refuse"})
    assert again.status_code == 409
    assert "which stays" in again.text
    for fields in ({"submission": "2", "do": "x"}, {"submission": "", "do": "accept"}):
        assert operator.act("/operator/moderation", fields).status_code == 422
    missing = operator.act("/operator/moderation", {"submission": "99", "do": "accept"})
    assert missing.status_code == 404


def test_picks_and_votes_are_removed_after_a_question(
    operator: OperatorClient, sent: dict[str, Subscriber]
) -> None:
    app = operator.app
    curators = app.config.web.model_copy(update={"curators": ("alice@example.org",)})
    config = app.config.model_copy(update={"web": curators})
    alice = sent["alice"].id
    services.pick(replace(app, config=config), alice, 1, name=XSS[0], note=XSS[1])
    services.up_vote(app, alice, 2)
    cases = (
        ("/operator/moderation/picks", {"paper": "1", "reader": str(alice)}, "No paper is picked"),
        ("/operator/moderation/votes", {"reader": str(alice)}, "Nobody has up-voted"),
    )
    for path, fields, gone in cases:
        page = operator.get(path).text
        assert "alice@example.org" in page
        assert find_live(page) == []
        assert operator.act(path, fields, sure=False).status_code == 200
        assert gone not in operator.get(path).text
        assert operator.act(path, fields).status_code == 303
        assert gone in operator.get(path).text
        assert operator.act(path, fields).status_code == 303
        assert operator.act(path, {"reader": "x"}).status_code == 422


# ---------------------------------------------------------------------------------------- hostile


@pytest.mark.parametrize("text", XSS, ids=range(len(XSS)))
def test_no_stored_text_becomes_markup(
    operator: OperatorClient, sent: dict[str, Subscriber], text: str
) -> None:
    app, now = operator.app, operator.app.now()
    stored = text.replace("\x00", "")
    (ident,) = message_ids(app, sent["alice"])
    with app.store.writing() as tx:
        alice = replace(sent["alice"], name=stored[:200])
        store.subscribers.overwrite(tx, alice, now=now)
        tx.exec_driver_sql(f"UPDATE deliveries SET text = {_quote(stored)}, server = 'mx'")
        tx.exec_driver_sql(
            f"UPDATE messages SET evidence = {_quote(stored[:200])}, state='unknown'"
        )
        bounced = Bounced(fault="mailbox", enhanced=stored[:12], at=now)
        store.bounces.record(
            tx, bounced, message_id=ident, email=alice.email, text=stored, via="mail"
        )
        file = store.dumps.DumpFile(name=stored[:500], form="jsonl", sha256="0" * 64)
        dump_id = store.dumps.begin(tx, file, day=TODAY, now=now)
        store.dumps.add_rejects(tx, dump_id, [Rejected(line=1, raw=text, reason=stored)])
        store.dumps.finish(tx, dump_id, incomplete=stored, now=now)
        store.rounds.record(tx, "send", at=now, report={stored[:50]: 3}, error=stored)
        store.suppressions.add(
            tx,
            Suppression(
                address="eve@example.org",
                reason=SuppressionReason.OPERATOR,
                since=now,
                evidence=stored,
            ),
            now=now,
        )
    pages = (
        *("", "/deliveries", f"/deliveries/{ident}", "/bounces", "/suppressed", "/dumps"),
        *(f"/dumps/{dump_id}", "/readers", "/readers/1", "/sessions"),
    )
    shown = 0
    for page in pages:
        answer = operator.get(f"/operator{page}")
        assert answer.status_code == 200, page
        assert find_live(answer.text) == [], page
        shown += stored[:8] in html.unescape(answer.text)
    assert shown >= len(pages) - 2


@pytest.mark.parametrize("text", XSS, ids=range(len(XSS)))
def test_no_typed_text_becomes_markup(operator: OperatorClient, text: str) -> None:
    for page in ("readers", "suppressed"):
        answer = operator.request("GET", f"/operator/{page}", params={"email": text, "done": text})
        assert answer.status_code == 200
        assert find_live(answer.text) == []
    question = operator.act(
        "/operator/sessions", {"session": "all", text[:50]: text[:900]}, sure=False
    )
    assert find_live(question.text) == []


def _quote(text: str) -> str:
    quoted = text.replace("'", "''").replace("%", "%%")
    return f"'{quoted}'"


# ------------------------------------------------------------------------------------------ speed


def test_no_list_reads_a_large_table_whole(
    app: App, cast: Callable[[App], dict[str, Subscriber]], dump: Callable[..., Path]
) -> None:
    """SQLite has no statistics here, so a small store has the plans of a large one."""
    cast(app)
    pipeline.ingest(app, [dump(TODAY)], seen=TODAY)
    pipeline.compose(app)
    pipeline.send(app)
    large = "messages|deliveries|bounces|suppressions|rejects|subscribers|digests|digest_items"
    scan = re.compile(rf"SCAN (?:{large}|papers|feedback)\b")
    with app.store.reading() as tx:
        pages = store.operator_pages
        calls: list[Callable[[], object]] = [
            lambda: pages.count_papers_by_day(tx, since=TODAY),
            lambda: pages.count_messages(tx),
            lambda: pages.count_leases(tx, clock=NOON),
            lambda: pages.find_next_message(tx, after=NOON),
            lambda: pages.list_messages(tx, state=MessageState.ACCEPTED, before=2, limit=9),
            lambda: pages.list_messages_of(tx, 1, limit=9),
            lambda: pages.find_message(tx, 1),
            lambda: pages.list_rejects(tx, 1, after=3, limit=9),
            lambda: pages.count_feedback(tx, 1),
            lambda: pages.list_last_days(tx, 1, limit=9),
            lambda: pages.list_raters(tx, since=NOON, until=NOON, thumbs=9, readers=9),
            lambda: store.past.load_digests(tx, [1, 2], since=TODAY, until=TODAY),
            lambda: store.feedback.load_votes(tx, [1, 2], since=NOON),
        ]
        # from a place on, in the order of an index: what was left out is not read
        ordered: list[Callable[[], object]] = [
            lambda: pages.list_messages(tx, limit=9),
            lambda: pages.list_messages(tx, before=3, limit=9),
            lambda: pages.list_bounces(tx, before=9, limit=9),
            lambda: pages.list_suppressions(tx, limit=9),
            lambda: pages.list_suppressions(tx, before=(NOON, "x"), limit=9),
            lambda: pages.list_subscribers(tx, limit=9),
            lambda: pages.list_subscribers(tx, status=SubscriberStatus.PAUSED, before=9, limit=9),
        ]
        for call in (*calls, *ordered):
            with noted_queries(app) as queries:
                call()
            assert queries
            for statement, parameters in queries.items():
                steps = explain(tx, statement, parameters)
                if call in calls:
                    assert not [step for step in steps if scan.match(step)], statement
                if call in ordered:
                    assert not [step for step in steps if "TEMP B-TREE" in step], statement


def test_restoring_a_backup_ends_all_sessions(operator: OperatorClient) -> None:
    former = closing.Former()
    with operator.app.store.writing() as tx:
        closing.close(tx, before=HEAD, former=former, now=operator.app.now())
    assert operator.get("/operator").status_code == 403


def test_every_word_after_an_act_has_its_sentence() -> None:
    assert all(text.endswith(".") for text in desk.DONE.values())
