"""The ledger under kill -9 and frozen processes, before Postfix's smtp-sink.

The short form; `python -m tests.kill` is the long one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.model import MessageState
from tests.conftest import postgres_url, skip_or_fail
from tests.kill.proof import Proof
from tests.kill.sink import program

# Forking one process for another is what these tests are about.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'digest.sqlite'}"
    else:
        yield from postgres_url(request.getfixturevalue("postgres"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "senders", "processes", "kills"),
    [
        ("sqlite", 1, 1, 9),
        ("sqlite", 1, 2, 2),
        pytest.param("postgres", 3, 1, 9, marks=pytest.mark.postgres),
    ],
    indirect=["database"],
)
def test_no_mail_is_sent_twice_or_lost_whichever_sender_is_killed(
    database: str, senders: int, processes: int, kills: int, tmp_path: Path
) -> None:
    if program() is None:
        skip_or_fail("no smtp-sink is installed (Debian's package postfix)")
    report = Proof(
        database, tmp_path, readers=140, kills=kills, senders=senders, processes=processes
    ).run()
    assert report.wrong == []
    assert report.kills >= kills
    assert sum(report.states.values()) == 140
    assert report.states[MessageState.ACCEPTED] > 70
