"""The command `fetch`: due sources, failing sources, and a kill at any moment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from digest import services, sources, store, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.errors import InputError
from digest.model import Feedback, Vote
from digest.services.fetch import FetchOptions, FetchReport, fetch
from digest.sources import SourceSettings
from digest.sources.web import Web
from digest.store import sources as states
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, ROOT
from tests.fakes.source_server import SourceServer
from tests.integration.sources.conftest import ALL, Time, ids, with_sources


def run(app: App, time: Time, *names: str, **how: Any) -> FetchReport:
    return fetch(app, names, FetchOptions(sleep=time.sleep, clock=time.clock, **how))


def daily(server: SourceServer, **more: Any) -> dict[str, Any]:
    return {"name": "daily", "kind": "huggingface", "url": server.url("/daily"), "days": 1, **more}


def papers(app: App) -> int:
    with app.store.reading() as tx:
        return int(store.papers.count_totals(tx)["papers"])


def test_fetched_files_are_ingested_once(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    app = service(daily(server))
    first, second = run(app, time), run(app, time)
    assert (first.failed, first.ingested.count("new"), papers(app)) == (False, 4, 4)
    assert (second.ingested.count("new"), papers(app)) == (0, 4)
    assert server.requests[0].headers["User-Agent"].endswith("mailto:ops@example.org)")
    with app.store.reading() as tx:
        assert store.rounds.load_latest(tx, "fetch") is not None


def test_only_due_sources_are_fetched_and_named_ones_always(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    entry = daily(server, every=60)
    run(service(entry), time)
    request_count = len(server.requests)
    waiting = run(service(entry, now=NOON + timedelta(minutes=59)), time, due=True)
    assert (waiting.sources[0].outcome, len(server.requests)) == ("waiting", request_count)
    assert (
        run(service(entry, now=NOON + timedelta(minutes=60)), time, due=True).sources[0].outcome
        != "waiting"
    )
    assert (
        run(service(entry, now=NOON + timedelta(minutes=61)), time, "daily").sources[0].outcome
        != "waiting"
    )


def test_semantic_scholar_is_asked_about_what_readers_like(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    similar = {
        "name": "similar",
        "kind": "semantic-scholar",
        "url": server.url("/recommendations/v1"),
    }
    app = service(daily(server), similar)
    first = run(app, time)
    assert "no reader has liked a paper" in first.sources[1].notes[0]
    readers = [
        subscriptions.subscribe(
            app, SubscriptionRequest(email=f"{name}@example.org"), origin="command"
        ).subscriber
        for name in ("a", "b")
    ]
    with app.store.reading() as tx:
        days = NOON.date() - timedelta(days=30), NOON.date()
        paper_ids = sorted(store.papers.list_seen_between(tx, *days))[:3]
    votes: list[tuple[int, int, Vote]] = [(0, 1, 1), (1, 0, 1), (0, 2, -1), (1, 1, 1)]
    with app.store.writing() as tx:
        for reader, paper, vote in votes:
            thumb = Feedback(
                subscriber_id=readers[reader].id,
                paper_id=paper_ids[paper],
                vote=vote,
                at=NOON,
            )
            store.feedback.save(tx, thumb)
    server.requests.clear()
    second = run(app, time, "similar")
    asked = [request.path.rpartition("/")[2] for request in server.requests]
    assert asked == sorted(asked)
    assert len(asked) == 2
    assert second.ingested.count("new") > 0
    assert (run(app, time, "similar").ingested.count("new")) == 0


@pytest.mark.slow
def test_every_process_obeys_a_server_that_asks_for_time(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    server.fail("/daily", "503-long")
    assert run(service(daily(server)), time).failed
    assert (
        run(service(daily(server), now=NOON + timedelta(hours=23)), time, "daily")
        .sources[0]
        .outcome
        == "waiting"
    )
    assert (
        run(service(daily(server), now=NOON + timedelta(hours=25)), time, "daily")
        .sources[0]
        .outcome
        == "fetched"
    )


def test_one_failing_source_does_not_stop_the_others_and_status_names_it(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    server.fail("/oai", "404")
    app = service({"name": "bad", "kind": "oai", "url": server.url("/oai")}, daily(server))
    report = run(app, time)
    assert [source_report.outcome for source_report in report.sources] == ["failed", "fetched"]
    assert any(alarm.what.startswith("Source bad fails: ") for alarm in services.status(app).alarms)


def test_disabled_sources_are_not_contacted_and_unknown_names_are_rejected(
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
        assert states.claim(tx, store.owners.identify_process("other"), NOON)[0]
    assert run(app, time).busy
    dead = subprocess.run(
        [
            sys.executable,
            "-c",
            "from digest import store; print(store.owners.identify_process('x'))",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    with app.store.writing() as tx:
        states.save_state(tx, "*", {"owner": dead.stdout.strip(), "asked": {}}, NOON)
    assert not run(app, time).busy


def test_stopping_keeps_what_came_and_the_next_fetch_goes_on(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    app = service({"name": "all", "kind": "oai", "url": server.url("/oai")})
    stopped = run(app, time, stop=lambda: len(server.requests) == 2, reading=False)
    assert (stopped.sources[0].outcome, len(stopped.sources[0].files)) == ("stopped", 2)
    rest = run(app, time, reading=False)
    assert (rest.sources[0].outcome, ids(rest.sources[0])) == ("fetched", ALL[20:])


class Killed(BaseException):
    """Stand-in for SIGKILL; no code catches it."""


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_kill_before_or_after_the_state_is_stored_loses_and_doubles_nothing(
    server: SourceServer, time: Time, tmp_path: Path, moment: int, stored: bool
) -> None:
    source_settings = SourceSettings(name="all", kind="oai", url=server.url("/oai"))
    saved: dict[str, Any] = {}
    calls = iter(range(1, 100))

    def save(state: dict[str, Any], _files: list[Path]) -> None:
        now = next(calls)
        if now != moment or stored:
            saved.clear()
            saved.update(json.loads(json.dumps(state)))
        if now == moment:
            raise Killed

    web = Web(agent="a", clock=time.clock, sleep=time.sleep)
    with pytest.raises(Killed):
        sources.harvest(source_settings, {}, web=web, inbox=tmp_path, now=NOON, save=save)
    if not (moment == 3 and stored):  # nothing was left to do
        assert (
            sources.harvest(
                source_settings, dict(saved), web=web, inbox=tmp_path, now=NOON, save=save
            ).error
            == ""
        )
    web.close()
    assert (
        re.findall(
            r"<id>(.*?)</id>",
            "".join(path.read_text() for path in sorted((tmp_path / "all").iterdir())),
        )
        == ALL
    )


@pytest.mark.slow
@pytest.mark.slow
def test_a_killed_process_is_followed_by_one_that_finishes_its_work(
    server: SourceServer, service: Callable[..., App], time: Time, tmp_path: Path
) -> None:
    app = service(daily(server, days=3))
    server.fail("/daily", "ok", "slow")
    program = "from digest.cli import app; app()"
    command = [sys.executable, "-c", program, "fetch", "--config", str(tmp_path / "config.toml")]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"DIGEST_FETCH__TIMEOUT": "60"}
    ) as process:
        server.wait_for(2)
        process.kill()
    # The killed process used the real day and so another window; its files are ingested all the
    # same.
    report = run(app, time)
    assert (report.busy, report.failed) == (False, False)
    names = sorted(path.name for path in (tmp_path / "inbox" / "daily").iterdir())
    with app.store.reading() as tx:
        read = {dump["name"] for dump in store.dumps.list_latest(tx, 100)}
    assert set(names) == read


def test_changed_settings_under_the_same_name_begin_anew(
    server: SourceServer, service: Callable[..., App], time: Time
) -> None:
    run(
        service({"name": "all", "kind": "oai", "url": server.url("/oai"), "sets": ["a", "b"]}),
        time,
        reading=False,
    )
    report = run(
        service({"name": "all", "kind": "oai", "url": server.url("/oai"), "sets": ["c"]}),
        time,
        reading=False,
    )
    assert (report.sources[0].error, len(report.sources[0].files)) == ("", 3)
    assert server.requests[-3].query["from"] == "2026-06-06"


def test_a_watched_folder_is_copied_once(
    service: Callable[..., App], time: Time, tmp_path: Path, dump: Callable[..., Path]
) -> None:
    file = dump()
    os.utime(file, (0, 0))
    app = service({"name": "drop", "kind": "folder", "folder": str(file.parent)})
    first = run(app, time)
    (file.parent / "copy.jsonl").write_bytes(file.read_bytes())
    os.utime(file.parent / "copy.jsonl", (0, 0))
    second = run(app, time)
    assert (len(first.sources[0].files), first.ingested.count("new")) == (1, 16)
    assert (second.sources[0].outcome, second.ingested.files) == ("unchanged", [])
    file.unlink()
    assert first.sources[0].files[0].is_file()


def test_a_missing_folder_is_reported(
    service: Callable[..., App], time: Time, tmp_path: Path
) -> None:
    report = run(
        service({"name": "drop", "kind": "folder", "folder": str(tmp_path / "gone")}), time
    )
    assert "is no folder" in report.sources[0].error


def test_the_command_reports_and_fails_where_a_source_did(
    server: SourceServer, tmp_path: Path
) -> None:
    with_sources(tmp_path, daily(server, days=1))
    good = CliRunner().invoke(
        commands, ["fetch", "--json", "--config", str(tmp_path / "config.toml")]
    )
    assert good.exit_code == 0, good.output
    assert json.loads(good.stdout)["sources"][0]["name"] == "daily"
    server.fail("/daily", "404")
    bad = CliRunner().invoke(commands, ["fetch", "--config", str(tmp_path / "config.toml")])
    assert bad.exit_code == 1
    assert "answers 404" in bad.output.replace("\n", " ")
