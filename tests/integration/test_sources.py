"""The live sources against a server on this machine that speaks their protocols and fails like real ones. No test waits: time is given."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from digest import config, pipeline, sources, store
from digest.app import App
from digest.cli import fetch as fetch_command
from digest.cli.base import app as commands
from digest.config import Config
from digest.errors import InputError
from digest.pipeline.fetch import Fetched, fetch
from digest.sources import KINDS, Harvested, Wanted, calendar
from digest.sources.web import PACE, Web
from digest.store import sources as states
from tests.conftest import NOON, ROOT
from tests.fakes.source_server import SourceServer

assert fetch_command  # registers the command


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = NOON.timestamp()
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[SourceServer]:
    with SourceServer() as running:
        yield running


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def harvest(server: SourceServer, time: Time, tmp_path: Path) -> Callable[..., Harvested]:
    """Fetches one source; the state lives on from call to call."""
    state: dict[str, Any] = {}

    def run(kind: str, path: str, *, now: datetime = NOON, client: dict[str, Any] | None = None, **more: Any) -> Harvested:
        wanted = Wanted(name="one", kind=kind, url=server.url(path), **more)
        web = Web(agent="digest (mailto:a@example.org)", hosts={"127.0.0.1"}, clock=time.clock, sleep=time.sleep, **(client or {}))
        try:
            return sources.harvest(wanted, state, web=web, inbox=tmp_path, now=now, save=lambda *_: None)
        finally:
            web.close()

    run.state = state  # type: ignore[attr-defined]
    return run


def texts(found: Harvested) -> str:
    return "".join(path.read_text() for path in found.files)


def ids(found: Harvested) -> list[str]:
    return re.findall(r"<id>(.*?)</id>", texts(found))


ALL = [f"2606.{number:05}" for number in range(1, 26)]

# ---------------------------------------------------------------------------------------------- each protocol


def test_oai_is_read_to_the_last_token_and_the_token_stands_alone(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    found = harvest("oai", "/oai", prefix="arXiv", days=2)
    assert (found.outcome, found.error, ids(found)) == ("fetched", "", ALL)
    first, *others = server.asked("/oai")
    assert first.query == {"verb": "ListRecords", "metadataPrefix": "arXiv", "from": "2026-06-07", "until": "2026-06-09"}
    assert [set(one.query) for one in others] == [{"verb", "resumptionToken"}] * 2
    assert [path.name for path in found.files] == [f"2026-06-09-one-00000{n}.xml" for n in (1, 2, 3)]


def test_each_set_is_asked_for_and_an_empty_one_is_no_failure(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    found = harvest("oai", "/oai", sets=("cs:cs:LG", "empty", "stat"))
    assert [one.query["set"] for one in server.asked("/oai") if "set" in one.query] == ["cs:cs:LG", "empty", "stat"]
    assert (found.outcome, sorted(set(ids(found)))) == ("fetched", ALL)


def test_the_next_window_begins_a_day_before_the_last_one_ended(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    harvest("oai", "/oai")
    harvest("oai", "/oai", now=NOON + timedelta(days=5))
    windows = [(one.query["from"], one.query["until"]) for one in server.asked("/oai") if "from" in one.query]
    assert windows == [("2026-06-06", "2026-06-09"), ("2026-06-08", "2026-06-14")]


def test_an_arxiv_feed_joins_its_categories_and_an_unchanged_one_is_not_kept_again(
    server: SourceServer, harvest: Callable[..., Harvested]
) -> None:
    assert harvest("arxiv-feed", "/rss", categories=("cs.AI", "q-bio.NC")).outcome == "fetched"
    again = harvest("arxiv-feed", "/rss", categories=("cs.AI", "q-bio.NC"))
    assert (again.outcome, again.files, again.error) == ("unchanged", [], "")
    assert [one.path for one in server.requests] == ["/rss/cs.AI+q-bio.NC"] * 2
    assert "If-None-Match" in server.requests[1].headers


def test_an_empty_feed_is_nothing_new(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    server.feed_items = 0
    assert harvest("arxiv-feed", "/rss", categories=("cs.AI",)).outcome == "unchanged"


def test_a_full_feed_is_told_of(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    server.feed_items = 2000
    assert "split the categories" in harvest("arxiv-feed", "/rss", categories=("cs.AI",)).notes[0]


def test_a_feed_that_is_an_error_message_is_not_asked_for_again(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    found = harvest("arxiv-feed", "/rss", categories=("Feed error for query",))
    assert found.outcome == "failed"
    assert len(server.requests) == 1


def test_hugging_face_is_asked_day_by_day_and_empty_weekends_are_not_kept(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    found = harvest("huggingface", "/daily", days=4)
    assert [one.query["date"] for one in server.requests] == [f"2026-06-0{n}" for n in (5, 6, 7, 8, 9)]
    assert [json.loads(path.read_text())[0]["paper"]["id"] for path in found.files] == ["2606.05001", "2606.08001", "2606.09001"]


@pytest.mark.parametrize("kind", ["biorxiv", "medrxiv"])
def test_preprints_are_paged_by_cursor(server: SourceServer, harvest: Callable[..., Harvested], kind: str) -> None:
    found = harvest(kind, "/details", days=1)
    assert [one.path for one in server.requests] == [f"/details/{kind}/2026-06-08/2026-06-09/{cursor}/json" for cursor in (0, 10, 20)]
    rows = [row for path in found.files for row in json.loads(path.read_text())["collection"]]
    assert len({row["doi"] for row in rows}) == 25


@pytest.mark.parametrize(("kind", "path", "count"), [("openalex", "/works", 230), ("crossref", "/crossref", 430)])
def test_lists_with_a_cursor_are_read_to_their_end(
    server: SourceServer, harvest: Callable[..., Harvested], kind: str, path: str, count: int
) -> None:
    server.records = count
    found = harvest(kind, path, query="type:article", contact="ops@example.org", key="secret" if kind == "openalex" else "")
    bodies = [json.loads(file.read_text()) for file in found.files]
    assert sum(len(body.get("results") or body["message"]["items"]) for body in bodies) == count
    first = server.requests[0].query
    assert (first["cursor"], first["mailto"]) == ("*", "ops@example.org")
    assert "2026-06-06" in first["filter"]
    assert first["filter"].endswith(",type:article")


def test_pubmed_is_searched_once_and_fetched_in_slices(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    server.records = 450
    found = harvest("pubmed", "/eutils", query="robot[ti]", contact="ops@example.org")
    assert [one.path.rpartition("/")[2] for one in server.requests] == ["esearch.fcgi", "efetch.fcgi", "efetch.fcgi", "efetch.fcgi"]
    assert server.requests[0].query["mindate"] == "2026/06/06"
    assert sorted(map(int, re.findall(r"<PMID.*?>(\d+)<", texts(found)))) == list(range(1, 451))


def test_a_search_with_more_than_the_server_hands_out_is_halved(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    server.records = 10_000
    found = harvest("pubmed", "/eutils", query="robot", days=1)
    assert [(one.query["mindate"], one.query["maxdate"]) for one in server.asked("/eutils/esearch")] == [
        ("2026/06/08", "2026/06/09"), ("2026/06/08", "2026/06/08"), ("2026/06/09", "2026/06/09"),
    ]  # fmt: skip
    assert "make the search narrower" in found.notes[0]


@pytest.mark.parametrize("path", ["/any.xml", "/oai", "/works?cursor=*&per-page=10"])
def test_any_address_is_kept_whole(harvest: Callable[..., Harvested], path: str) -> None:
    found = harvest("url", path)
    assert (found.outcome, found.error) == ("fetched", "")
    if path == "/oai":
        assert ids(found) == ALL


def test_an_address_may_name_the_days(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    harvest("url", "/any?from={since}&to={until}")
    assert server.requests[0].query == {"from": "2026-06-06", "to": "2026-06-09"}


# ---------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    "fault", ["429", "503", "503-date", "500", "cut", "cut-quietly", "html", "garbage", "empty", "bad-gzip", "hang-up", "bad-token"]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_harvest_outlives_every_fault_at_every_page(
    server: SourceServer, harvest: Callable[..., Harvested], fault: str, place: int
) -> None:
    server.fail("/oai", *["ok"] * place, fault)
    found = harvest("oai", "/oai")
    assert (found.outcome, found.error, ids(found)) == ("fetched", "", ALL)


@pytest.mark.parametrize(
    ("kind", "path"), [("huggingface", "/daily"), ("biorxiv", "/details"), ("openalex", "/works"), ("pubmed", "/eutils"), ("url", "/any")]
)
@pytest.mark.parametrize("fault", ["429", "503", "cut", "cut-quietly", "html", "bad-gzip", "hang-up"])
def test_every_kind_outlives_a_fault(server: SourceServer, harvest: Callable[..., Harvested], kind: str, path: str, fault: str) -> None:
    more = {"query": "robot"} if kind == "pubmed" else {}
    whole = len(harvest(kind, path, **more).files)
    harvest.state.clear()  # type: ignore[attr-defined]
    server.fail(path, "ok", fault) if kind != "url" else server.fail(path, fault)
    again = harvest(kind, path, **more)
    assert again.error == ""
    assert len(again.files) == whole


def test_retry_after_is_obeyed_in_seconds_and_as_a_date(server: SourceServer, harvest: Callable[..., Harvested], time: Time) -> None:
    server.fail("/any", "503", "503-date")
    started = time.now
    harvest("url", "/any")
    assert 11 <= time.slept[0] <= 12
    # the date is a minute after the clock's beginning
    assert 60 <= time.now - started <= 63


def test_back_off_grows_and_is_never_in_step(server: SourceServer, harvest: Callable[..., Harvested], time: Time) -> None:
    server.fail("/any", *["500"] * 9)
    found = harvest("url", "/any", client={"pace": {"127.0.0.1": 0.0}, "jitter": iter((0.0, 0.9, 0.1, 0.8, 0.3)).__next__})
    assert time.slept == pytest.approx([1.0, 3.8, 4.4, 14.4, 20.8])
    assert (found.outcome, found.requests) == ("failed", 6)
    assert "after 6 tries" in found.error


def test_a_server_that_asks_for_a_day_gets_it(server: SourceServer, harvest: Callable[..., Harvested], time: Time) -> None:
    server.fail("/oai", "ok", "503-long")
    found = harvest("oai", "/oai")
    assert (found.outcome, len(found.files), time.slept) == ("failed", 1, [1.0])
    assert harvest.state["not_before"] == "2026-06-10T12:00:00+00:00"  # type: ignore[attr-defined]


def test_a_token_that_is_gone_begins_the_window_again_and_none_is_lost(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    server.fail("/oai", "ok", "ok", "bad-token", "bad-token")
    found = harvest("oai", "/oai")
    assert (found.outcome, found.restarted, set(ids(found))) == ("fetched", 1, set(ALL))


def test_a_harvest_that_failed_goes_on_where_it_stopped(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    server.fail("/oai", "ok", *["500"] * 6)
    first = harvest("oai", "/oai")
    second = harvest("oai", "/oai", now=NOON + timedelta(days=1))
    assert (first.outcome, ids(first)) == ("failed", ALL[:10])
    # what was left, and then the days since
    assert (second.outcome, ids(second)) == ("fetched", ALL[10:] + ALL)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("loop", "redirects"),
        ("elsewhere", "elsewhere.example, which the settings do not name"),
        ("file", "redirects to file:"),
        ("huge", "larger than 1,000,000 bytes"),
        ("bomb", "larger than 1,000,000 bytes"),
        ("404", "answers 404"),
    ],
)
def test_what_would_not_get_better_is_told_at_once(server: SourceServer, harvest: Callable[..., Harvested], fault: str, told: str) -> None:
    server.fail("/any", *[fault] * 10)
    found = harvest("url", "/any", client={"cap": 1_000_000})
    assert (found.outcome, found.files) == ("failed", [])
    assert told in found.error
    assert found.repeated == 0


def test_a_server_that_does_not_answer_is_given_up_in_time(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    server.fail("/any", "slow", "slow")
    found = harvest("url", "/any", client={"timeout": 0.1, "attempts": 2})
    assert "no answer in time" in found.error


def test_what_was_refused_is_kept_out_of_the_inbox_but_kept(
    server: SourceServer, harvest: Callable[..., Harvested], tmp_path: Path
) -> None:
    server.fail("/any", *["html"] * 9)
    harvest("url", "/any", client={"attempts": 9})
    assert len(list((tmp_path / ".fetch").glob("one.refused-*"))) == 5
    assert list((tmp_path / "one").iterdir()) == []


def test_an_error_never_shows_the_key(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    server.fail("/works", *["500"] * 6)
    found = harvest("openalex", "/works", key="swordfish")
    assert server.requests[0].query["api_key"] == "swordfish"
    assert "swordfish" not in found.error + repr(harvest.state)  # type: ignore[attr-defined]


# ---------------------------------------------------------------------------------------------- pace


def test_all_sources_at_one_host_share_its_pace(server: SourceServer, harvest: Callable[..., Harvested], time: Time) -> None:
    asked: dict[str, float] = {}
    client = {"pace": {"127.0.0.1": 3.0}, "asked": asked}
    harvest("oai", "/oai", client=client)
    harvest("url", "/any", client=client)
    assert time.slept == [3.0, 3.0, 3.0]


def test_arxiv_hosts_have_three_seconds() -> None:
    web = Web(agent="a", hosts=(), clock=(time := Time()).clock, sleep=time.sleep)
    for host in ("rss.arxiv.org", "oaipmh.arxiv.org", "export.arxiv.org", "notarxiv.org"):
        web._in_pace(host)
    web.close()
    assert time.slept == [3.0, 3.0]
    assert PACE["ncbi.nlm.nih.gov"] * 3 >= 1


def test_the_user_agent_names_a_contact(server: SourceServer, harvest: Callable[..., Harvested]) -> None:
    harvest("url", "/any")
    assert "mailto:a@example.org" in server.requests[0].headers["User-Agent"]


def test_public_addresses_are_https() -> None:
    assert [kind.home for kind in KINDS.values() if kind.home and not kind.home.startswith("https://")] == []


# ---------------------------------------------------------------------------------------------- the verb


def with_sources(tmp_path: Path, *entries: dict[str, Any], **settings: str) -> Config:
    text = "".join("[[sources]]\n" + "".join(f"{key} = {config._toml(value)}\n" for key, value in entry.items()) for entry in entries)
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path, {"DIGEST_MAIL__SENDER": "ops@example.org", **settings})


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[..., App]]:
    opened: list[App] = []

    def make(*entries: dict[str, Any], now: datetime = NOON, **settings: str) -> App:
        opened.append(App.open(with_sources(tmp_path, *entries, **settings), now=lambda: now))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def run(app: App, time: Time, *names: str, **how: Any) -> Fetched:
    return fetch(app, names, sleep=time.sleep, clock=time.clock, **how)


def daily(server: SourceServer, **more: Any) -> dict[str, Any]:
    return {"name": "daily", "kind": "huggingface", "url": server.url("/daily"), "days": 1, **more}


def papers(app: App) -> int:
    with app.store.reading() as tx:
        return int(store.papers.totals(tx)["papers"])


def test_what_is_fetched_is_ingested_once(server: SourceServer, service: Callable[..., App], time: Time) -> None:
    app = service(daily(server))
    first, second = run(app, time), run(app, time)
    assert (first.failed, first.ingested.count("new"), papers(app)) == (False, 4, 4)
    assert (second.ingested.count("new"), papers(app)) == (0, 4)
    assert server.requests[0].headers["User-Agent"].endswith("mailto:ops@example.org)")
    with app.store.reading() as tx:
        assert store.rounds.latest(tx, "fetch") is not None


def test_only_due_sources_are_fetched_and_named_ones_always(server: SourceServer, service: Callable[..., App], time: Time) -> None:
    entry = daily(server, every=60)
    run(service(entry), time)
    asked = len(server.requests)
    waiting = run(service(entry, now=NOON + timedelta(minutes=59)), time, due=True)
    assert (waiting.sources[0].outcome, len(server.requests)) == ("waiting", asked)
    assert run(service(entry, now=NOON + timedelta(minutes=60)), time, due=True).sources[0].outcome != "waiting"
    assert run(service(entry, now=NOON + timedelta(minutes=61)), time, "daily").sources[0].outcome != "waiting"


def test_a_server_that_asked_for_time_is_left_alone_whoever_asks(server: SourceServer, service: Callable[..., App], time: Time) -> None:
    server.fail("/daily", "503-long")
    assert run(service(daily(server)), time).failed
    assert run(service(daily(server), now=NOON + timedelta(hours=23)), time, "daily").sources[0].outcome == "waiting"
    assert run(service(daily(server), now=NOON + timedelta(hours=25)), time, "daily").sources[0].outcome == "fetched"


def test_one_failing_source_does_not_stop_the_others_and_status_names_it(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    server.fail("/oai", "404")
    app = service({"name": "bad", "kind": "oai", "url": server.url("/oai")}, daily(server))
    report = run(app, time)
    assert [one.outcome for one in report.sources] == ["failed", "fetched"]
    assert any(alarm.what.startswith("Source bad fails: ") for alarm in pipeline.status(app).alarms)


def test_disabled_sources_are_not_contacted_and_unknown_names_are_refused(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    app = service(daily(server, enabled=False))
    assert run(app, time).sources == []
    assert server.requests == []
    with pytest.raises(InputError, match="no source is called 'nowhere'"):
        run(app, time, "nowhere")


def test_two_processes_do_not_fetch_at_once_and_a_dead_one_does_not_hold_the_others(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    app = service(daily(server))
    with app.store.writing() as tx:
        assert states.claim(tx, store.owners.me("other"), NOON)[0]
    assert run(app, time).busy
    dead = subprocess.run(
        [sys.executable, "-c", "from digest import store; print(store.owners.me('x'))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    with app.store.writing() as tx:
        states.put(tx, "*", {"owner": dead.stdout.strip(), "asked": {}}, NOON)
    assert not run(app, time).busy


def test_stopping_keeps_what_came_and_the_next_fetch_goes_on(server: SourceServer, service: Callable[..., App], time: Time) -> None:
    app = service({"name": "all", "kind": "oai", "url": server.url("/oai")})
    stopped = run(app, time, stop=lambda: len(server.requests) == 2, reading=False)
    assert (stopped.sources[0].outcome, len(stopped.sources[0].files)) == ("stopped", 2)
    rest = run(app, time, reading=False)
    assert (rest.sources[0].outcome, ids(rest.sources[0])) == ("fetched", ALL[20:])


class Killed(BaseException):
    """As good as SIGKILL: nobody catches it."""


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_kill_before_or_after_the_state_is_stored_loses_and_doubles_nothing(
    server: SourceServer, time: Time, tmp_path: Path, moment: int, stored: bool
) -> None:
    wanted = Wanted(name="all", kind="oai", url=server.url("/oai"))
    kept: dict[str, Any] = {}
    calls = iter(range(1, 100))

    def save(state: dict[str, Any], _files: list[Path]) -> None:
        now = next(calls)
        if now != moment or stored:
            kept.clear()
            kept.update(json.loads(json.dumps(state)))
        if now == moment:
            raise Killed

    web = Web(agent="a", hosts={"127.0.0.1"}, clock=time.clock, sleep=time.sleep)
    with pytest.raises(Killed):
        sources.harvest(wanted, {}, web=web, inbox=tmp_path, now=NOON, save=save)
    if not (moment == 3 and stored):  # then nothing was left to do
        assert sources.harvest(wanted, dict(kept), web=web, inbox=tmp_path, now=NOON, save=save).error == ""
    web.close()
    assert re.findall(r"<id>(.*?)</id>", "".join(path.read_text() for path in sorted((tmp_path / "all").iterdir()))) == ALL


def test_a_killed_process_is_followed_by_one_that_finishes_its_work(
    server: SourceServer, service: Callable[..., App], time: Time, tmp_path: Path
) -> None:
    app = service(daily(server, days=3))
    server.fail("/daily", "ok", "slow")
    program = "from digest.cli import fetch; from digest.cli.base import app; app()"
    command = [sys.executable, "-c", program, "fetch", "--config", str(tmp_path / "config.toml")]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"DIGEST_FETCH__TIMEOUT": "60"}) as process:
        server.wait_for(2)
        process.kill()
    # the day of the killed process is the real one, so that its window was another; what it kept is ingested all the same
    report = run(app, time)
    assert (report.busy, report.failed) == (False, False)
    kept = sorted(path.name for path in (tmp_path / "inbox" / "daily").iterdir())
    with app.store.reading() as tx:
        read = {dump["name"] for dump in store.dumps.latest(tx, 100)}
    assert set(kept) == read


def test_another_question_under_the_same_name_begins_anew(server: SourceServer, service: Callable[..., App], time: Time) -> None:
    run(service({"name": "all", "kind": "oai", "url": server.url("/oai"), "sets": ["a", "b"]}), time, reading=False)
    report = run(service({"name": "all", "kind": "oai", "url": server.url("/oai"), "sets": ["c"]}), time, reading=False)
    assert (report.sources[0].error, len(report.sources[0].files)) == ("", 3)
    assert server.requests[-3].query["from"] == "2026-06-06"


def test_a_watched_folder_is_copied_once(service: Callable[..., App], time: Time, tmp_path: Path, dump: Callable[..., Path]) -> None:
    made = dump()
    os.utime(made, (0, 0))
    app = service({"name": "drop", "kind": "folder", "folder": str(made.parent)})
    first = run(app, time)
    (made.parent / "copy.jsonl").write_bytes(made.read_bytes())
    os.utime(made.parent / "copy.jsonl", (0, 0))
    second = run(app, time)
    assert (len(first.sources[0].files), first.ingested.count("new")) == (1, 16)
    assert (second.sources[0].outcome, second.ingested.files) == ("unchanged", [])
    made.unlink()
    assert first.sources[0].files[0].is_file()


def test_a_folder_that_is_gone_is_told(service: Callable[..., App], time: Time, tmp_path: Path) -> None:
    report = run(service({"name": "drop", "kind": "folder", "folder": str(tmp_path / "gone")}), time)
    assert "is no folder" in report.sources[0].error


def test_the_command_reports_and_fails_where_a_source_did(server: SourceServer, tmp_path: Path) -> None:
    with_sources(tmp_path, daily(server, days=1))
    good = CliRunner().invoke(commands, ["fetch", "--json", "--config", str(tmp_path / "config.toml")])
    assert good.exit_code == 0, good.output
    assert json.loads(good.stdout)["sources"][0]["name"] == "daily"
    server.fail("/daily", "404")
    bad = CliRunner().invoke(commands, ["fetch", "--config", str(tmp_path / "config.toml")])
    assert bad.exit_code == 1
    assert "answers 404" in bad.output.replace("\n", " ")


# ---------------------------------------------------------------------------------------------- the calendar


@pytest.mark.parametrize(
    ("day", "announced"),
    [
        ("2026-06-07", True),  # Sunday
        ("2026-06-08", True),
        ("2026-06-11", True),  # Thursday
        ("2026-06-12", False),
        ("2026-06-13", False),
        ("2026-06-19", False),  # a Friday, and a holiday
        ("2026-06-21", False),  # the Sunday after it: nobody worked on what it would announce
        ("2026-06-22", True),
        ("2026-09-07", False),
        ("2026-12-31", False),
    ],
)
def test_arxiv_announces_on_its_days(day: str, announced: bool) -> None:
    assert calendar.expected(date.fromisoformat(day)) is announced


def test_the_operator_may_add_a_holiday() -> None:
    assert not calendar.expected(date(2026, 6, 8), [date(2026, 6, 8)])


def test_announcements_are_at_eight_in_the_evening_in_summer_and_winter() -> None:
    found = list(calendar.announcements(datetime(2026, 10, 29, tzinfo=UTC), datetime(2026, 11, 3, 12, tzinfo=UTC)))
    assert [at.astimezone(UTC).isoformat() for at in found] == ["2026-10-29T00:00:00+00:00", "2026-10-30T00:00:00+00:00", "2026-11-02T01:00:00+00:00",
                                                              "2026-11-03T01:00:00+00:00"][1:]  # fmt: skip


@pytest.mark.parametrize(
    ("last", "now", "alarm"),
    [
        ("2026-06-12T05:00", "2026-06-15T05:00", False),  # a weekend
        ("2026-06-19T05:00", "2026-06-23T05:00", False),  # a weekend after a holiday on Friday
        ("2026-06-09T05:00", "2026-06-11T05:00", True),  # Tuesday's announcement never came
    ],
)
def test_silence_of_arxiv_is_an_alarm_only_when_it_should_have_spoken(
    service: Callable[..., App], dump: Callable[..., Path], last: str, now: str, alarm: bool
) -> None:
    entry = {"name": "feed", "kind": "arxiv-feed", "categories": ["cs.LG"]}
    pipeline.ingest(service(entry, now=datetime.fromisoformat(f"{last}+00:00")), [dump()])
    alarms = pipeline.status(service(entry, now=datetime.fromisoformat(f"{now}+00:00"))).alarms
    assert any(one.kind == "dumps" for one in alarms) is alarm
