"""Days that pass in seconds for a service whose parts are killed, one after the other.

Two schedulers, two processes with pages and three senders share a PostgreSQL. Each reader's digests
list every paper that competes, so the mails show what was lost.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from digest import config, subscriptions
from digest.app import App
from digest.demo.mail_sink import MailSink, ReceivedMail
from digest.demo.servers import free_port
from digest.subscriptions import SubscriptionRequest
from tests.proofs.chaos.aftermath import Aftermath
from tests.proofs.chaos.lag import Lag
from tests.proofs.chaos.processes import Supervised
from tests.proofs.chaos.thumbs import Pressers
from tests.proofs.faked_clocks import FakedClock
from tests.proofs.postgres_cluster import PostgresCluster

#: (time zone, hour) of the groups of readers, whose dates must be the same within a group
GROUPS = (
    ("UTC", 7),
    ("Asia/Kolkata", 7),
    ("America/Los_Angeles", 18),
    ("Pacific/Kiritimati", 0),
    ("Europe/Berlin", 2),
)
#: readers of a group
_EACH = 4
#: the clocks go on by so much ...
_STEP = timedelta(hours=2)
#: ... at every so many seconds, and by no more than the service keeps up with
_STEP_SECONDS = 1.5
#: hours that the service may be behind before the clocks wait for it
BEHIND = timedelta(hours=5)
#: seconds for which they wait, at most
_PATIENCE = 240
_START_PATIENCE = 300
#: processes that may be starting when the next act begins
_STARTING = 3
#: times the seconds that were asked for after which it ends, whatever has happened
_LONGEST = 6
_KILL, _STOP = "killed", "stopped"
#: kinds of rarer acts
_RARE = 6
_PAPERS_EVERY = timedelta(hours=6)
_HOUR = timedelta(hours=1)


@dataclass(kw_only=True)
class Report:
    """What was done and seen."""

    seconds: float = 0.0
    days: float = 0.0
    acts: Counter[str] = field(default_factory=Counter)
    papers: int = 0
    mails: int = 0
    states: Counter[str] = field(default_factory=Counter)
    thumbs: int = 0
    unanswered: int = 0
    wrong: list[str] = field(default_factory=list)


class Chaos:
    """A service in a folder, and what befalls it.

    Args:
        folder: for logs, mails and dumps.
        seconds: for which the service is disturbed; then it gets time to settle.
        days: that pass at least meanwhile; a busy machine takes longer for them.
        between: seconds between two acts, at most.
        kills: between two of the rarer acts.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seconds: float,
        days: float,
        between: float,
        kills: int,
        seed: int = 1,
        report_progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder, self.seconds, self.days = folder, seconds, days
        self.between, self.kills = between, kills
        self.random = random.Random(seed)
        self.report = Report()
        self.report_progress = report_progress
        self._clocks = {name: FakedClock(folder / f"clock-{name}") for name in "ab"}
        self._ahead = timedelta()
        self._ports = [free_port(), free_port()]
        self._smtp_port = free_port()
        #: mail servers that took mails, one after the other; the last one may run
        self._sinks: list[MailSink] = []
        self._over = threading.Event()
        self._next_paper = timedelta()
        self._skew: dict[str, timedelta] = {}

    def run(self) -> Report:
        began = time.monotonic()
        with PostgresCluster() as self._cluster:
            self._app = self._prepare()
            self._lag = Lag(self._cluster.url, BEHIND)
            self._processes = self._make_processes()
            self._start_mail_server()
            try:
                self._disturb()
                self._settle()
            finally:
                for process in self._processes:
                    process.end()
                self._sinks[-1].__exit__()
            self._check()
            self._app.close()
        self.report.seconds = time.monotonic() - began
        return self.report

    # ---------------------------------------------------------------------------------- preparation

    def _prepare(self) -> App:
        sections = {
            "store": f'url = "{self._cluster.url}"',
            "ingest": f'inbox = "{self.folder / "inbox"}"',
            "smtp": f'host = "127.0.0.1"\nport = {self._smtp_port}\ntls = "none"\nconnections = 4',
            "mail": 'sender = "digest@example.org"',
            "web": f'base_url = "http://127.0.0.1:{self._ports[0]}"',
            "digest": "explore = false",
            "schedule": "tick_seconds = 1",
        }
        path = self.folder / "config.toml"
        path.write_text("".join(f"[{name}]\n{lines}\n" for name, lines in sections.items()))
        app = App.open(config.load(path, {}))
        for number in range(len(GROUPS) * _EACH):
            zone, hour = GROUPS[number % len(GROUPS)]
            # A domain each: a connection that breaks is taken for a refusal of its recipient's.
            request = SubscriptionRequest(
                email=f"reader@r{number}.example.org",
                timezone=zone,
                hour=hour,
                size=100,
                strictness="always",
            )
            subscriptions.subscribe(app, request, origin="command")
        return app

    def _make_processes(self) -> list[Supervised]:
        def make(name: str, role: str, clock: str, **settings: str) -> Supervised:
            words = ("--only", role, "--config", str(self.folder / "config.toml"))
            environment = self._clocks[clock].environment() | settings
            return Supervised(name=name, words=words, environment=environment, folder=self.folder)

        pages = [
            make(f"web-{name}", "web", name, DIGEST_WEB__BIND=f"127.0.0.1:{port}")
            for name, port in zip("ab", self._ports, strict=True)
        ]
        schedulers = [make(f"scheduler-{name}", "scheduler", name) for name in "ab"]
        senders = [make(f"sender-{number}", "sender", name) for number, name in enumerate("aab", 1)]
        return [*pages, *schedulers, *senders]

    # ------------------------------------------------------------------------------------- the acts

    def _disturb(self) -> None:
        """Let days pass, with one act after the other."""
        for process in self._processes:
            process.start()
        self._step()
        self._wait_until_settled(_START_PATIENCE)
        clock = threading.Thread(target=self._run_clocks, daemon=True)
        clock.start()
        pages = [f"http://127.0.0.1:{port}" for port in self._ports]
        began, rare = time.monotonic(), 0
        with Pressers(self._mails, pages, self.random.randrange(2**32)) as self._pressers:
            for name, act in self._plan_acts():
                self._tend(self.random.uniform(self.between / 4, self.between))
                self.report.acts[name] += 1
                self.report_progress(f"{self._now():%Y-%m-%d %H:%M} {name}")
                act()
                rare += name not in (_KILL, _STOP)
                lasted = time.monotonic() - began
                over = lasted > self.seconds and self._days >= self.days and rare >= _RARE
                if over or lasted > _LONGEST * self.seconds:
                    break
            self._over.set()
            clock.join()

    @property
    def _days(self) -> float:
        return self._ahead / timedelta(days=1)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def _tend(self, seconds: float) -> None:
        """Start again what has ended, for a while and until most of it runs."""
        until = time.monotonic() + seconds
        latest = until + _PATIENCE
        while (now := time.monotonic()) < latest:
            for process in self._processes:
                process.tend()
            starting = sum(not process.is_up() for process in self._processes)
            if now >= until and starting <= _STARTING:
                return
            time.sleep(0.05)

    def _plan_acts(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield acts: kills and stops of any process, among them each of the rarer ones in turn."""
        rare = [
            ("database crashed", lambda: self._restart_database("immediate")),
            ("mail server down", self._take_mail_server_down),
            ("one machine's clock an hour ahead", lambda: self._shift_clocks("b", _HOUR)),
            ("database restarted", lambda: self._restart_database("fast")),
            ("clocks an hour ahead", lambda: self._shift_clocks("ab", _HOUR)),
            ("clocks an hour back", lambda: self._shift_clocks("ab", -_HOUR)),
        ]
        assert len(rare) == _RARE
        for name, act in itertools.cycle(rare):
            for _ in range(self.kills):
                process = self.random.choice(self._processes)
                kills = self.random.random() < 0.7
                yield (_KILL, process.kill) if kills else (_STOP, process.stop)
            yield name, act

    def _restart_database(self, mode: Literal["fast", "immediate"]) -> None:
        self._cluster.stop(mode)
        time.sleep(self.random.uniform(0, 2))
        self._cluster.start()

    def _take_mail_server_down(self) -> None:
        self._sinks[-1].__exit__()
        time.sleep(self.random.uniform(1, 4))
        self._start_mail_server()

    def _shift_clocks(self, names: str, by: timedelta) -> None:
        """Set clocks wrong for a while, and right again."""
        self._skew = dict.fromkeys(names, by)
        self._set_clocks()
        time.sleep(self.random.uniform(1, 3))
        self._skew = {}
        self._set_clocks()

    def _start_mail_server(self) -> None:
        self._sinks.append(MailSink(self.folder / "taken", self._smtp_port).__enter__())

    def _mails(self) -> list[ReceivedMail]:
        return [mail for sink in self._sinks for mail in tuple(sink.mails)]

    # ----------------------------------------------------------------------------------- the clocks

    def _run_clocks(self) -> None:
        waiting_since: float | None = None
        while not self._over.wait(_STEP_SECONDS):
            now = self._now()
            if self._lag.is_behind(now):
                waiting_since = waiting_since or time.monotonic()
                if time.monotonic() - waiting_since < _PATIENCE:
                    continue
                self.report.wrong.append(f"nothing went on for {_PATIENCE} s: {self._lag.why}")
            waiting_since = None
            self._step()

    def _step(self) -> None:
        self._ahead += _STEP
        self._set_clocks()
        if self._ahead >= self._next_paper:
            self._next_paper = self._ahead + _PAPERS_EVERY
            self._publish()

    def _set_clocks(self) -> None:
        for name, clock in self._clocks.items():
            clock.set(self._ahead + self._skew.get(name, timedelta()))

    def _publish(self) -> None:
        self.report.papers += 1
        number = self.report.papers
        row = {
            "arxiv": f"2612.{number:05}",
            "title": f"Paper {number} of p{number}p{number * 7919}",
            "abstract": f"About p{number * 104729} and q{number * 15485863}.",
            "categories": ["cs.RO"],
        }
        path = self.folder / "inbox" / f"{number:05}.jsonl"
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(row) + b"\n")
        part.replace(path)

    # ---------------------------------------------------------------------------------- the end

    def _settle(self) -> None:
        """Let everything run undisturbed until nothing waits; clocks go on for retries alone."""
        self.report.days = self._days
        self._wait_until_settled(_PATIENCE)

    def _wait_until_settled(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._lag.is_settled(self._now()):
            if time.monotonic() > until:
                self.report.wrong.append(f"it did not settle in {seconds:.0f} s: {self._lag.why}")
                return
            self._tend(0.5)
            next_try = self._lag.find_next_try()
            if next_try is not None and next_try > self._now():
                self._ahead += next_try - self._now() + timedelta(seconds=1)
                self._set_clocks()

    def _check(self) -> None:
        report = self.report
        for process in self._processes:
            process.check_log()
            report.wrong += process.wrong
            report.acts["failed starts"] += process.failures
        report.wrong += self._pressers.wrong
        report.thumbs, report.unanswered = (
            len(self._pressers.answered),
            self._pressers.unanswered,
        )
        aftermath = Aftermath(self._app, self._mails(), self._now(), groups=len(GROUPS))
        report.wrong += aftermath.check(self._pressers.answered, papers=report.papers)
        report.mails, report.states = aftermath.mails, aftermath.states
