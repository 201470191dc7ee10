"""Alarms for the operator, and which of them are urgent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Webhook
from digest.services.alarm_rules import find
from digest.services.alarms import Alarm, Disk, Facts, Failing, Kind
from digest.store.sending import Stop

NOW = datetime(2026, 6, 9, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def dump(
    ago: timedelta,
    *,
    finished: bool = True,
    new: int = 9,
    rejected: int = 0,
    form: str = "jsonl",
    sha256: str = "",
    path: str = "",
) -> dict[str, Any]:
    started = NOW - ago
    return {
        "name": f"{started:%Y-%m-%d}.jsonl",
        "format": form,
        "started_at": started,
        "finished_at": started if finished else None,
        "sha256": sha256 or f"{started}",
        "path": path,
        "new": new,
        "updated": 0,
        "duplicate": 0,
        "skipped": 0,
        "rejected": rejected,
    }


WELL = Facts(
    now=NOW,
    dumps=[dump(HOUR)],
    dump_missing=None,
    sources=[],
    active_readers=1,
    sent={"at": NOW, "report": {}, "error": ""},
    waiting=0,
    waiting_since=None,
    faults=[],
    returned=(0, ""),
    unknown=0,
    ended={"accepted": 1},
    mailbox=None,
    disks=[Disk(path="/var/lib/digest", free_mb=9000)],
    least_mb=500,
)


def make_webhook(**state: datetime) -> Webhook:
    return Webhook(
        id=1,
        url="https://example.org/",
        events=(),
        addresses=False,
        secret=b"s" * 32,
        created_at=NOW,
        error="the receiver answers 500",
        **state,
    )


def find_kinds(**change: Any) -> list[tuple[str, bool]]:
    return [(alarm.kind, alarm.urgent) for alarm in find(replace(WELL, **change))]


def test_a_healthy_service_has_no_alarms() -> None:
    assert find(WELL) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dumps": []}, [("dumps", False)]),
        ({"dumps": [dump(4 * DAY)]}, []),
        ({"dumps": [dump(6 * DAY)]}, [("dumps", True)]),
        ({"dumps": [dump(6 * DAY)], "dump_missing": False}, []),
        ({"dumps": [dump(2 * DAY)], "dump_missing": True}, [("dumps", True)]),
        ({"dumps": [dump(HOUR, new=0, rejected=5)]}, [("parsing", True)]),
        ({"dumps": [dump(HOUR), dump(3 * DAY, new=0, rejected=5)]}, [("parsing", False)]),
        ({"dumps": [dump(HOUR, new=0, form="empty")]}, []),
        ({"dumps": [dump(HOUR / 2, finished=False)]}, [("parsing", False)]),
        ({"dumps": [dump(2 * HOUR, finished=False)]}, [("parsing", True)]),
        (
            {"sources": [Failing(name="arxiv", error="timed out", since=NOW - DAY)]},
            [("source", False)],
        ),
        (
            {"sources": [Failing(name="arxiv", error="timed out", since=NOW - 3 * DAY)]},
            [("source", True)],
        ),
        ({"sources": [Failing(name="arxiv", error="timed out", since=None)]}, [("source", False)]),
        ({"active_readers": 0}, [("readers", False)]),
        ({"waiting": 3, "waiting_since": NOW - HOUR / 2}, [("send", False)]),
        ({"waiting": 3, "waiting_since": NOW - 2 * HOUR}, [("send", True)]),
        ({"sent": {"at": NOW, "report": {}, "error": "no route"}}, [("send", False)]),
        (
            {
                "sent": {"at": NOW, "report": {}, "error": "no route"},
                "waiting": 3,
                "waiting_since": NOW - 2 * HOUR,
            },
            [("send", True)] * 2,
        ),
        ({"sent": None}, []),
        ({"faults": [("ours", "550 5.7.1 policy", 4), ("busy", "421", 9)]}, [("refused", True)]),
        ({"returned": (3, "550 5.7.26 unauthenticated")}, [("refused", True)]),
        ({"unknown": 2}, [("unknown", False)]),
        ({"unknown": 2, "ended": {"accepted": 1, "unknown": 1}}, [("unknown", True)]),
        ({"ended": {"expired": 4}}, [("silence", True)]),
        ({"ended": {"expired": 4, "accepted": 1}}, []),
        ({"ended": {}}, []),
        (
            {"mailbox": Failing(name="INBOX", error="refused", since=NOW - HOUR)},
            [("mailbox", False)],
        ),
        ({"mailbox": Failing(name="INBOX", error="refused", since=NOW - DAY)}, [("mailbox", True)]),
        ({"mailbox": Failing(name="INBOX", error="refused", since=None)}, [("mailbox", True)]),
        ({"disks": [Disk(path="/a", free_mb=500), Disk(path="/b", free_mb=499)]}, [("disk", True)]),
    ],
)
def test_a_problem_is_an_alarm_and_a_lasting_one_is_urgent(
    change: dict[str, Any], expected: list[tuple[str, bool]]
) -> None:
    assert find_kinds(**change) == expected


changes = st.fixed_dictionaries(
    {},
    optional={
        "dumps": st.lists(
            st.builds(
                dump,
                st.integers(0, 10).map(lambda n: n * DAY),
                finished=st.booleans(),
                new=st.integers(0, 1),
            ),
            max_size=3,
        ),
        "dump_missing": st.none() | st.booleans(),
        "active_readers": st.integers(0, 1),
        "waiting": st.integers(0, 2),
        "waiting_since": st.none() | st.integers(0, 9).map(lambda n: NOW - n * HOUR),
        "unknown": st.integers(0, 2),
        "ended": st.dictionaries(
            st.sampled_from(["accepted", "expired", "rejected", "unknown"]), st.integers(1, 3)
        ),
        "disks": st.lists(
            st.builds(Disk, path=st.just("/a"), free_mb=st.integers(0, 1000)), max_size=2
        ),
    },
)


@given(changes)
def test_every_alarm_is_a_sentence_with_a_remedy(change: dict[str, Any]) -> None:
    for alarm in find(replace(WELL, **change)):
        assert isinstance(alarm, Alarm)
        assert alarm.what
        assert alarm.remedy
        assert not alarm.what.endswith(".")
        assert not alarm.remedy.endswith(".")
        assert "\n" not in str(alarm)


#: kind -> (what is wrong, what then makes it right): whatever raises an alarm, ends it
CAUSES: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "stopped": [({"stop": Stop(at=NOW, what="12 of the last 15 bounced")}, {"stop": None})],
    "dumps": [
        ({"dumps": []}, {"dumps": [dump(HOUR)]}),
        ({"dumps": [dump(6 * DAY)]}, {"dumps": [dump(HOUR), dump(6 * DAY)]}),
        ({"dump_missing": True}, {"dump_missing": False}),
    ],
    "parsing": [
        (
            {"dumps": [dump(2 * HOUR, finished=False, sha256="a")]},
            {"dumps": [dump(HOUR, sha256="a"), dump(2 * HOUR, finished=False, sha256="a")]},
        ),
        (  # the file has grown since
            {"dumps": [dump(2 * HOUR, finished=False, path="/x")]},
            {"dumps": [dump(HOUR, path="/x"), dump(2 * HOUR, finished=False, path="/x")]},
        ),
        (  # read again once its format is known
            {"dumps": [dump(2 * HOUR, new=0, rejected=5, path="/x")]},
            {"dumps": [dump(HOUR, path="/x"), dump(2 * HOUR, new=0, rejected=5, path="/x")]},
        ),
    ],
    "source": [
        ({"sources": [Failing(name="a", error="timed out", since=NOW - 3 * DAY)]}, {"sources": []})
    ],
    "send": [
        ({"sent": {"at": NOW, "report": {}, "error": "no route"}}, {"sent": WELL.sent}),
        (
            {"waiting": 3, "waiting_since": NOW - 2 * HOUR},
            {"waiting": 0, "waiting_since": None},
        ),
    ],
    "refused": [
        ({"faults": [("ours", "550 5.7.1 policy", 4)]}, {"faults": []}),
        ({"returned": (3, "550 5.7.26 unauthenticated")}, {"returned": (0, "")}),
    ],
    "unknown": [({"unknown": 2}, {"unknown": 0})],
    "silence": [({"ended": {"expired": 4}}, {"ended": {"expired": 4, "accepted": 1}})],
    "mailbox": [
        ({"mailbox": Failing(name="INBOX", error="refused", since=None)}, {"mailbox": None})
    ],
    "disk": [({"disks": [Disk(path="/a", free_mb=1)]}, {"disks": [Disk(path="/a", free_mb=9000)]})],
    "readers": [({"active_readers": 0}, {"active_readers": 1})],
    "signups": [({"signups": 9, "signups_max": 9}, {"signups": 8, "signups_max": 9})],
    "webhooks": [
        ({"webhooks": [make_webhook(disabled_at=NOW)]}, {"webhooks": []}),
        (
            {"webhooks": [make_webhook(failing_since=NOW - 7 * HOUR)]},
            {"webhooks": [make_webhook(failing_since=NOW - HOUR)]},
        ),
    ],
}


def test_every_kind_of_alarm_is_over_once_its_cause_is_gone() -> None:
    assert set(CAUSES) == set(get_args(Kind))
    for kind, pairs in CAUSES.items():
        for wrong, right in pairs:
            assert kind in {name for name, _ in find_kinds(**wrong)}, wrong
            assert find_kinds(**wrong | right) == [], right
