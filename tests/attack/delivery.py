"""Attacks on delivery: kills, restored backups, wrong clocks, lost databases."""

from __future__ import annotations

import email
import email.policy
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from digest import pipeline
from digest.model import Purpose
from digest.store import tables
from tests.attack.links import text_of
from tests.attack.place import PATIENCE, Place, Result, run_digest
from tests.conftest import invent_papers
from tests.kill.proof import Proof
from tests.webclient import Client


def kill_senders(folder: Path, url: str, count: int) -> Result:
    """Kill, stop and freeze real senders at random moments (`python -m tests.kill`)."""
    proof = Proof(
        url or f"sqlite:///{folder / 'digest.sqlite'}",
        folder,
        readers=40 * count,
        kills=count,
        senders=3 if url else 1,
    )
    report = proof.run()
    states = ", ".join(f"{number} {state.value}" for state, number in sorted(report.states.items()))
    return Result(
        name="senders killed", count=report.kills, lost=tuple(report.wrong), remark=states
    )


def restore_after_round(place: Place, count: int) -> Result:
    """Restore the backup from before a round and run again, day after day.

    No date may be sent twice, and no paper may be lost.
    """
    readers = [place.subscribe(f"reader{number}", size=3) for number in range(6)]
    lost = []
    taken: Counter[str] = Counter()
    listed: dict[str, set[str]] = {reader.email: set() for reader in readers}
    days = [date(2026, 6, 1) + timedelta(days=number) for number in range(2 * count)]
    for number, day in enumerate(days):
        place.add_rows(invent_papers(day, 1), day)
        backup = place.folder / f"backup-{number}"
        if number % 2 == 0:
            lost += _run(place, "db", "backup", str(backup))
        lost += _run(place, "run", "--date", day.isoformat())
        _collect(place, taken, listed)
        if number % 2 == 0:
            place.close()  # a restore refuses while another process uses the database
            lost += _run(place, "db", "restore", str(backup), "--yes", "--date", day.isoformat())
            lost += _run(place, "run", "--date", day.isoformat())
            _collect(place, taken, listed)
    lost += [f"{name} was sent {copies} times" for name, copies in taken.items() if copies > 1]
    if len(taken) < len(days) * len(readers) // 2:
        lost.append(f"only {len(taken)} mails were sent on {len(days)} days")
    return Result(
        name="backups restored after the round",
        count=count,
        lost=tuple(lost),
        remark=f"{len(taken)} mails to {len(readers)} readers on {len(days)} days",
    )


def _run(place: Place, *words: str) -> list[str]:
    """Run a command; returns what went wrong."""
    done = run_digest(place, *words)
    return (
        [f"digest {' '.join(words)}: {done.returncode} {done.stderr[-300:]}"]
        if done.returncode
        else []
    )


def _collect(place: Place, taken: Counter[str], listed: dict[str, set[str]]) -> None:
    """Take the mails out of the outbox and count them by Message-ID."""
    for path in place.app.config.smtp.outbox.glob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        taken[str(mail["Message-ID"])] += 1
        listed.setdefault(str(mail["To"]), set()).add(path.name)
        path.unlink()


def step_clock(place: Place, count: int) -> Result:
    """Run rounds on a clock that jumps days forward and back (libfaketime).

    No date may be sent twice, and what waits must be sent.
    """
    library = find_faketime()
    if library is None:
        return Result(name="clock steps", count=0, lost=("libfaketime is not installed",))
    place.subscribe("alice", size=3)
    chance = random.Random(3)
    taken: Counter[str] = Counter()
    lost = []
    day = datetime(2026, 6, 1, 12, tzinfo=UTC)
    for number in range(count):
        today = day.date() + timedelta(days=number)
        place.add_rows(invent_papers(today, 1), today)
        step = 0 if number == count - 1 else chance.choice([-5, -1, 0, 1, 5])
        clock = (day + timedelta(days=number, hours=1) + timedelta(days=step)).strftime(
            "%Y-%m-%d %H:%M:%S"
        )
        jumped = {
            "LD_PRELOAD": library,
            "FAKETIME": f"@{clock}",
            "TZ": "UTC",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }
        done = run_digest(place, "run", **jumped)
        if done.returncode:
            lost.append(f"run at {clock}: {done.returncode} {done.stderr[-300:]}")
        _collect(place, taken, {})
    lost += [f"{name} was sent {copies} times" for name, copies in taken.items() if copies > 1]
    with place.app.store.reading() as tx:
        states = Counter(row.state for row in tx.execute(select(tables.messages.c.state)))
    lost += [
        f"{number} messages are {state}"
        for state, number in states.items()
        if state in ("claimed", "sending", "deferred")
    ]
    return Result(name="clock steps", count=count, lost=tuple(lost), remark=f"{len(taken)} mails")


def find_faketime() -> str | None:
    """Return the library of Debian's package faketime."""
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return str(libraries[0]) if libraries else None


def press_everything(place: Place, count: int) -> Result:
    """Open every link and press every button of a mail, as some scanners do.

    No thumb may count, and leaving must be obeyed.
    """
    place.add_papers()
    readers = [
        place.subscribe(f"reader{number}", keywords=("robot",), size=4) for number in range(count)
    ]
    pipeline.compose(place.app)
    pipeline.send(place.app)
    lost = []
    pressed = 0
    client = Client(place.app)
    for path in sorted(place.app.config.smtp.outbox.glob("*.eml")):
        links = re.findall(rf"{re.escape(place.base_url)}(/[tu]/\w+)", text_of(path.read_bytes()))
        for link in dict.fromkeys(links):
            page = client.get(link)
            for form in re.findall(r"<form.*?</form>", page.text, re.DOTALL):
                fields = dict(
                    re.findall(r'<input type="hidden" name="(\w[\w-]*)" value="([^"]*)"', form)
                )
                client.post(link, data=fields)
                pressed += 1
    with place.app.store.reading() as tx:
        votes = tx.execute(select(tables.feedback.c.vote).where(tables.feedback.c.vote != 0)).all()
        status = Counter(row.status for row in tx.execute(select(tables.subscribers.c.status)))
    if votes:
        lost.append(f"{len(votes)} thumbs of a robot count")
    if status["left"] != count:
        lost.append(f"of {count} readers {status['left']} have left")
    if place.count_messages("goodbye") != count:
        lost.append(
            f"{place.count_messages('goodbye')} mails offer the way back to {count} readers"
        )
    return Result(
        name="robots that press every button",
        count=pressed,
        lost=tuple(lost),
        remark=f"{len(readers)} readers",
    )


def take_database_away(place: Place, count: int) -> Result:
    """Take the database from a running service and give it back.

    Meanwhile the answer is 503; afterwards the service must recover by itself.
    """
    reader = place.subscribe("alice", keywords=("robot",))
    path = place.path(Purpose.MANAGE, reader)
    lost = []
    with place.serving():
        for _ in range(count):
            with database_gone(place):
                for asked in (path, "/readyz"):
                    status = place.get(asked).status_code
                    if status != 503:
                        lost.append(f"{asked} answers {status} without a database")
            deadline = time.monotonic() + PATIENCE
            while place.get("/readyz").status_code != 200 and time.monotonic() < deadline:
                time.sleep(0.2)
            if place.get(path).status_code != 200:
                lost.append("the page does not come back with the database")
    if "Traceback" in place.log.read_text(errors="replace"):
        lost.append("a traceback in the log")
    return Result(name="database taken away", count=count, lost=tuple(lost))


@contextmanager
def database_gone(place: Place) -> Iterator[None]:
    """Make the database unreachable.

    SQLite: the file is moved away. PostgreSQL: it refuses connections and ends the open ones.
    """
    if place.url.startswith("sqlite"):
        path = Path(place.url.removeprefix("sqlite:///"))
        aside = path.with_suffix(".aside")
        path.rename(aside)
        try:
            yield
        finally:
            aside.rename(path)
        return
    import psycopg

    base, _, name = place.url.rpartition("/")
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
            (name,),
        )
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
