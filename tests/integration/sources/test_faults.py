"""Live sources at their worst: faults at every page, servers that ask for time, and the pace that they are owed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from digest.sources import KINDS, Harvested
from digest.sources.web import PACE, Web
from tests.conftest import NOON
from tests.fakes.source_server import SourceServer
from tests.integration.sources.conftest import ALL, Time, ids

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
