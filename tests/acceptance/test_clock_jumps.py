"""The real commands on a clock that runs five days ahead and is set right again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from digest import config, subscriptions
from digest.app import App
from digest.model import PAUSE_MAX
from digest.store import tables
from digest.subscriptions import SubscriptionRequest
from tests.conftest import invent_papers, skip_or_fail
from tests.fakes.smtp_server import Act, HostileSmtp, serving

pytestmark = pytest.mark.slow

#: `days` from now, the words of a command -> its report
Command = Callable[..., Any]
TODAY = datetime.now(UTC)


@pytest.fixture
def server() -> Iterator[HostileSmtp]:
    """A server that defers the second mail and accepts all others."""
    with serving(
        HostileSmtp({"RCPT": [Act.reply("250 2.1.5 ok"), Act.reply("451 4.7.1 too fast")]})
    ) as listening:
        yield listening


@pytest.fixture
def command(tmp_path: Path, server: HostileSmtp) -> Command:
    faketime = shutil.which("faketime")
    if faketime is None:
        skip_or_fail("faketime (a package of Debian) is not installed")
    lines = [
        "[mail]",
        'sender = "digest@example.org"',
        "[smtp]",
        'host = "127.0.0.1"',
        f"port = {server.port}",
        'tls = "none"',
    ]
    (tmp_path / "config.toml").write_text("\n".join(lines) + "\n")
    # Only the wall clock is wrong: the monotonic clock and the times of files are right.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    settings = {
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        "NO_FAKE_STAT": "1",
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }

    def call(days: int, *words: str) -> Any:
        jump = [str(faketime), "-m", "-f", f"{days:+d}d"] if days else []
        done = subprocess.run(
            [*jump, sys.executable, "-m", "digest", *words],
            cwd=tmp_path,
            env=clean | settings,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, (
            f"digest {' '.join(words)}, {days} days on, ended with "
            f"{done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
        return msgspec.json.decode(done.stdout) if "--json" in words else None

    return call


def put_dump(folder: Path, days: int) -> None:
    """Write a dump of that day, with a file time as if written then."""
    at = TODAY + timedelta(days=days)
    path = folder / "inbox" / f"{at:%Y-%m-%d}.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(
        b"".join(msgspec.json.encode(row) + b"\n" for row in invent_papers(at.date(), per_topic=2))
    )
    os.utime(path, ((at - timedelta(minutes=1)).timestamp(),) * 2)


def test_five_days_forward_and_back(command: Command, server: HostileSmtp, tmp_path: Path) -> None:
    request = SubscriptionRequest(email="alice@example.org", hour=0, keywords=("robot",), size=2)
    app = App.open(config.load(tmp_path / "config.toml", {}))
    subscriptions.subscribe(app, request, origin="command")
    store = app.store
    put_dump(tmp_path, 0)
    assert command(0, "run", "--json")["send"]["accepted"] == 1

    # The clock runs ahead, and the pause that a server asks for is stored by it.
    put_dump(tmp_path, 5)
    assert command(5, "run", "--json")["send"]["deferred"] == 1
    with store.reading() as tx:
        (until,) = tx.execute(select(tables.pauses.c.until)).scalars()
    assert until > TODAY + timedelta(days=4)

    # It is set right: the message goes out, nobody gets a second digest of the day, and a file of
    # days ahead is read.
    put_dump(tmp_path, 4)
    back = command(0, "run", "--json")
    assert back["ingest"]["new"] == 8
    assert (back["compose"]["planned"], back["send"]["accepted"]) == (0, 1)
    with store.reading() as tx:
        assert all(
            until <= TODAY + PAUSE_MAX
            for until in tx.execute(select(tables.pauses.c.until)).scalars()
        )

    # The days go on: the next has its digest, and the one composed ahead is not composed again.
    put_dump(tmp_path, 1)
    assert command(1, "run", "--json")["send"]["accepted"] == 1
    assert command(5, "run", "--json")["compose"]["planned"] == 0
    sent = [message_from_bytes(mail.data)["Message-ID"] for mail in server.got if mail.promised]
    assert len(sent) == len(set(sent)) == 3
    with store.reading() as tx:
        listed_ids = list(tx.execute(select(tables.digest_items.c.paper_id)).scalars())
        states = set(tx.execute(select(tables.messages.c.state)).scalars())
    assert len(listed_ids) == len(set(listed_ids)) == 6, "no paper twice"
    assert states == {"accepted"}
    app.close()
