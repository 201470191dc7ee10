"""Days that pass in seconds for a service whose parts are killed, one after the other.

Two schedulers, two processes with pages and three senders share a PostgreSQL. Each reader's digests
list every paper that competes, so the mails show what was lost.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from digest import config, subscriptions
from digest.app import App
from digest.demo.mail_sink import MailSink, ReceivedMail
from digest.subscriptions import SubscriptionRequest
from tests.proofs.chaos.aftermath import Aftermath
from tests.proofs.chaos.days import PATIENCE, Days
from tests.proofs.chaos.lag import Lag
from tests.proofs.chaos.processes import Supervised
from tests.proofs.chaos.thumbs import Pressers
from tests.proofs.ports import find_lasting_port
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
#: hours that the service may be behind before the clocks wait for it
BEHIND = timedelta(hours=5)
_ROLES = ("scheduler", "sender", "web")
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
        seconds: for which the service is disturbed at least; then it gets time to settle.
        days: that pass at least meanwhile; a busy machine takes longer for them.
        acts: that are done at least. Of eight each kind is one.
        between: seconds between two acts, at most.
        kills: of processes, between two of the rarer acts.
        processes: of each role.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seconds: float,
        days: float,
        acts: int,
        between: float,
        kills: int,
        processes: Mapping[str, int],
        seed: int = 1,
        report_progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder, self.seconds, self.days, self.acts = folder, seconds, days, acts
        self.between, self.kills, self.processes = between, kills, processes
        self.random = random.Random(seed)
        self.report = Report()
        self.report_progress = report_progress
        self._ports = [find_lasting_port() for _ in range(processes["web"])]
        self._smtp_port = find_lasting_port()
        #: mail servers that took mails, one after the other; the last one may run
        self._sinks: list[MailSink] = []

    def run(self) -> Report:
        began = time.monotonic()
        with PostgresCluster() as self._cluster:
            self._app = self._prepare()
            self._lag = Lag(self._cluster.url, BEHIND)
            self._days = Days(self.folder, self._lag)
            self._processes = self._make_processes()
            self._start_mail_server()
            try:
                self._disturb()
                self._settle()
            finally:
                for process in self._processes:
                    process.stop()
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
        processes = []
        for role in _ROLES:
            for number, clock in zip(range(self.processes[role]), itertools.cycle("ab")):
                environment = self._days.environment(clock)
                if role == "web":
                    environment["DIGEST_WEB__BIND"] = f"127.0.0.1:{self._ports[number]}"
                process = Supervised(
                    name=f"{role}-{number + 1}",
                    role=role,
                    config=self.folder / "config.toml",
                    environment=environment,
                    folder=self.folder,
                )
                processes.append(process)
        return processes

    # ------------------------------------------------------------------------------------- the acts

    def _disturb(self) -> None:
        """Let days pass, with one act after the other."""
        for process in self._processes:
            process.start()
        self._days.step()
        self._wait_until_settled()
        pages = [f"http://127.0.0.1:{port}" for port in self._ports]
        until = time.monotonic() + self.seconds
        self._pressers = Pressers(self._mails, pages, self.random.randrange(2**32))
        with self._pressers, self._days:
            for number, (name, act) in enumerate(self._plan_acts(), 1):
                self._tend(self.random.uniform(self.between / 4, self.between))
                self.report.acts[name] += 1
                self.report_progress(f"{self._days.now():%Y-%m-%d %H:%M} {name}")
                act()
                is_over = self._days.passed >= self.days and time.monotonic() > until
                if (number >= self.acts and is_over) or not self._days.is_running():
                    break

    def _tend(self, seconds: float) -> None:
        """Start again what has ended, for a while and until half of it runs."""
        until = time.monotonic() + seconds
        latest = until + PATIENCE
        while (now := time.monotonic()) < latest:
            for process in self._processes:
                process.tend()
            starting = sum(not process.is_up() for process in self._processes)
            if now >= until and starting <= len(self._processes) // 2:
                return
            time.sleep(0.05)

    def _wait_for(self, is_so: Callable[[], bool]) -> None:
        """Tend the processes until something is so."""
        until = time.monotonic() + PATIENCE
        while not is_so() and time.monotonic() < until:
            self._tend(0.1)

    def _plan_acts(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield acts: ends of processes, and among them each of the rarer ones in turn."""
        ends = self._plan_ends()
        rare = [
            ("mail server down", self._take_mail_server_down),
            ("database crashed", lambda: self._restart_database("immediate")),
            ("one machine's clock an hour ahead", lambda: self._shift_clocks("b", _HOUR)),
            ("clocks an hour back", lambda: self._shift_clocks("ab", -_HOUR)),
            ("database restarted", lambda: self._restart_database("fast")),
            ("clocks an hour ahead", lambda: self._shift_clocks("ab", _HOUR)),
        ]
        for name, act in itertools.cycle(rare):
            for _ in range(self.kills):
                yield next(ends)
            yield name, act

    def _plan_ends(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield ends of processes: a kill of each role and a stop, then any by chance."""
        for role in _ROLES:
            yield f"{role} killed", lambda role=role: self._choose_running(role).kill()
        yield "stopped", lambda: self._choose_running("").stop()
        while True:
            process = self.random.choice(self._processes)
            if self.random.random() < 0.7:
                yield f"{process.role} killed", process.kill
            else:
                yield "stopped", process.stop

    def _choose_running(self, role: str) -> Supervised:
        """Choose a process that serves, of a role or of any ("")."""
        ours = [process for process in self._processes if role in ("", process.role)]
        self._wait_for(lambda: any(process.is_up() for process in ours))
        return self.random.choice([process for process in ours if process.is_up()] or ours)

    def _restart_database(self, mode: Literal["fast", "immediate"]) -> None:
        self._cluster.stop(mode)
        time.sleep(self.random.uniform(0, 2))
        self._cluster.start()

    def _take_mail_server_down(self) -> None:
        """Take it down until a mail has waited for it."""
        self._sinks[-1].__exit__()
        time.sleep(self.random.uniform(0, 2))
        self._wait_for(lambda: self._lag.find_next_try() is not None)
        self._start_mail_server()

    def _shift_clocks(self, names: str, by: timedelta) -> None:
        """Set clocks wrong for a while, and right again."""
        self._days.skew(names, by)
        time.sleep(self.random.uniform(1, 3))
        self._days.skew("", by)

    def _start_mail_server(self) -> None:
        self._sinks.append(MailSink(self.folder / "taken", self._smtp_port).__enter__())

    def _mails(self) -> list[ReceivedMail]:
        return [mail for sink in self._sinks for mail in tuple(sink.mails)]

    # ---------------------------------------------------------------------------------- the end

    def _settle(self) -> None:
        """Let everything run undisturbed until nothing waits; clocks go on for retries alone."""
        self.report.days = self._days.passed
        self._wait_until_settled()

    def _wait_until_settled(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self._lag.is_settled(self._days.now()):
            if time.monotonic() > until:
                self.report.wrong.append(f"it did not settle in {PATIENCE} s: {self._lag.why}")
                return
            self._tend(0.5)
            self._days.go_to_next_try()

    def _check(self) -> None:
        report = self.report
        for process in self._processes:
            process.check_log()
            report.wrong += process.wrong
            report.acts["failed starts"] += process.failures
        report.wrong += self._pressers.wrong + self._days.wrong
        report.papers = self._days.papers
        report.thumbs, report.unanswered = (
            len(self._pressers.answered),
            self._pressers.unanswered,
        )
        aftermath = Aftermath(self._app, self._mails(), self._days.now(), groups=len(GROUPS))
        report.wrong += aftermath.check(self._pressers.answered, papers=report.papers)
        report.mails, report.states = aftermath.mails, aftermath.states
