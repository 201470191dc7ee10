"""Simulated readers with hidden tastes use the service for the demo's week."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from digest import evaluate, store
from digest.app import App
from digest.evaluate.replay import match_thumbs, replay
from digest.evaluate.report import Report
from digest.evaluate.reranking import ReplayedDigest
from digest.model import Strictness
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app
from tests.fakes.readers import FakeReader, holds, live

DAYS = sorted(
    (date.fromisoformat(Path(file.name).stem), Path(str(file)))
    for file in (resources.files("digest.demo") / "papers").iterdir()
)
CUT = 3
#: three readers, five days, and one digest that did not arrive
REACHED = 14


def reader(
    name: str,
    *likes: str,
    keywords: tuple[str, ...] = (),
    papers: tuple[str, ...] = (),
    size: int = 10,
    strictness: Strictness = "always",
) -> FakeReader:
    return FakeReader(
        request=SubscriptionRequest(
            email=f"{name}@example.org",
            keywords=keywords,
            papers=papers,
            size=size,
            strictness=strictness,
        ),
        likes=holds(*likes),
    )


CAST = (
    reader("robin", "robot", "grasp", "manipulation", keywords=("embodied",)),
    reader("mira", "mri", "patholog", "segment", "clinical", keywords=("medical",)),
    # an example paper that arrives on the second day, new to all other readers
    reader("toni", "speech", "translation", "multilingual", papers=("arxiv:2606.07626",), size=8),
)


@dataclass(frozen=True, kw_only=True)
class History:
    """The same history after three days and after five."""

    early: App
    late: App


def split_days(folder: Path) -> tuple[list[tuple[date, Path]], dict[date, Path]]:
    """Split each day's papers into two files, for the morning and the evening."""
    days, late = [], {}
    for day, dump in DAYS:
        records = dump.read_bytes().splitlines(keepends=True)
        early, after = folder / f"{day}.jsonl", folder / f"late-{day}.jsonl"
        early.write_bytes(b"".join(records[::2]))
        after.write_bytes(b"".join(records[1::2]))
        days.append((day, early))
        late[day] = after
    return days, late


@pytest.fixture(scope="package")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    folder = tmp_path_factory.mktemp("history")
    (folder / "early").mkdir()
    days, late = split_days(folder)
    # Without exploration and limits, the sent and the replayed digests must be equal.
    app = live(
        make_app(
            folder, digest__explore="false", digest__author_most="0", digest__category_most="0"
        ),
        CAST,
        days[:1],
        late=late,
    )
    with app.store.writing() as tx:  # mira's first digest bounced, so its papers compete again
        tx.exec_driver_sql("UPDATE messages SET state = 'rejected' WHERE subscriber_id = 2")
    app = live(app, CAST, days[1:CUT], late=late)
    with app.store.reading() as tx:
        tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(folder / "digest.sqlite", folder / "early" / "digest.sqlite")
    app = live(app, CAST, days[CUT:], late=late)
    early = make_app(folder / "early")
    yield History(early=early, late=app)
    early.close()
    app.close()


@pytest.fixture(scope="package")
def report(history: History) -> Report:
    return evaluate.evaluate(history.late)


def replay_all(app: App) -> list[ReplayedDigest]:
    with app.store.reading() as tx:
        idents = list(store.past.count_thumbs_by_reader(tx))
        past = store.past.load_digests(tx, idents)
        votes = store.feedback.load_votes(tx, idents)
    return replay(app, match_thumbs(past, votes), past, votes)
