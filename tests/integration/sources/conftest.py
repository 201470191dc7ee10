"""A server for the protocols of sources, a simulated clock, and a harvest."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from digest import config, sources
from digest.app import App
from digest.config import Config
from digest.sources import SourceReport, SourceSettings
from digest.sources.web import Web
from tests.conftest import NOON
from tests.fakes.source_server import SourceServer


class Time:
    """A clock that moves only during a sleep."""

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
def harvest(server: SourceServer, time: Time, tmp_path: Path) -> Callable[..., SourceReport]:
    """Return a function that fetches a source and keeps its state from call to call."""
    state: dict[str, Any] = {}

    def run(
        kind: str,
        path: str,
        *,
        now: datetime = NOON,
        client: dict[str, Any] | None = None,
        address: str = "",
        **more: Any,
    ) -> SourceReport:
        source_settings = SourceSettings(
            name="one", kind=kind, url=address or server.url(path), **more
        )
        agent = "digest (mailto:a@example.org)"
        web = Web(agent=agent, clock=time.clock, sleep=time.sleep, **(client or {}))
        try:
            return sources.harvest(
                source_settings, state, web=web, inbox=tmp_path, now=now, save=lambda *_: None
            )
        finally:
            web.close()

    run.state = state  # type: ignore[attr-defined]
    return run


def texts(report: SourceReport) -> str:
    return "".join(path.read_text() for path in report.files)


def ids(report: SourceReport) -> list[str]:
    return re.findall(r"<id>(.*?)</id>", texts(report))


ALL = [f"2606.{number:05}" for number in range(1, 26)]


def with_sources(tmp_path: Path, *entries: dict[str, Any], **settings: str) -> Config:
    text = "".join(
        "[[sources]]\n" + "".join(f"{key} = {config.toml(value)}\n" for key, value in entry.items())
        for entry in entries
    )
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
    for app in opened:
        app.close()
