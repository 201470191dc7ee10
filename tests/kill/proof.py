"""Acts of sending under kills, and the promises to check at the end.

They are random but seeded, on any database, with any number of senders.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.context import ForkServerProcess as Process
from pathlib import Path

import msgspec

from digest import pipeline, store, subscriptions
from digest.app import App
from digest.demo.servers import free_port
from digest.model import Digest, Item, MessageKind, MessageState, Provenance, Score, Subscriber
from digest.store.digests import Window
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY, invent_papers
from tests.kill.sender import open_app, work
from tests.kill.sink import Sink, copies_in

S = MessageState
#: senders that are alive renew their claims every third of it
LEASE = 1.0
_PAPERS = 3
#: seconds without an accepted message after which senders are taken to wait
_STANDSTILL = 6.0
#: real processes, forked off one that has loaded the package: loading it anew for each would take
#: most of the time
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.kill.sender"])
_OVER = timedelta(hours=4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """How the mail server behaves, as options of smtp-sink."""

    name: str
    words: tuple[str, ...] = ()
    #: what its answer to the final dot means: taken, refused, or nobody knows
    body: str = "taken"


PLAIN = Mode(name="plain")
MODES = (
    PLAIN,
    Mode(name="slow", words=("-w", "1")),
    PLAIN,
    Mode(name="hangs up at the dot", words=("-q", "."), body="unknown"),
    PLAIN,
    Mode(name="hangs up at DATA", words=("-q", "DATA"), body="none"),
    PLAIN,
    Mode(name="later at RCPT", words=("-r", "RCPT"), body="none"),
    PLAIN,
    Mode(name="never at RCPT", words=("-f", "RCPT", "-B", "550 5.1.1 no such user"), body="none"),
    PLAIN,
    Mode(name="later at the dot", words=("-r", "."), body="refused"),
    PLAIN,
    Mode(
        name="never at the dot",
        words=("-f", ".", "-B", "554 5.6.0 not in this form"),
        body="refused",
    ),
)


@dataclass(kw_only=True, slots=True)
class Act:
    """The events of one act."""

    mode: Mode
    deed: str
    kills: int
    taken: int
    unknown: int


@dataclass(kw_only=True)
class Report:
    """All acts, and the promises that were broken."""

    acts: list[Act] = field(default_factory=list)
    states: Counter[MessageState] = field(default_factory=Counter)
    copies: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return sum(act.kills for act in self.acts)


class Proof:
    """Acts of sending with senders that are killed.

    Args:
        url: An empty database.
        folder: For the messages that the mail server accepts.
        readers: Number of readers; a part of them falls due in each act.
        kills: Number of senders to kill before the end.
        senders: Number of senders at a time.
        processes: Number of processes of each sender; with several, one of them is killed, or the
            one that started them.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        readers: int,
        kills: int,
        senders: int = 1,
        processes: int = 1,
        connections: int = 5,
        seed: int = 1,
        report_progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.url, self.folder = url, folder
        self.senders, self.connections, self.kills = senders, connections, kills
        self.processes = processes
        self.random = random.Random(seed)
        self.report_progress = report_progress
        self.port = free_port()
        self.app: App = open_app(url, self.port, connections)
        self.report = Report()
        self._readers = self._subscribe(readers)
        self._share = max(4 * senders, readers // (kills + kills // 4 + 4))
        #: folders of the messages that the servers kept, or may have kept
        self._kept: list[Path] = []

    def run(self) -> Report:
        started = time.monotonic()
        # Freeze and stop once in any case; then kill in each mode in turn, until it is enough.
        self._act(PLAIN, "freeze")
        self._act(PLAIN, "stop")
        turn = 0
        while self.report.kills < self.kills:
            deed = "freeze" if turn % 15 == 14 else "stop" if turn % 15 == 7 else "kill"
            self._act(MODES[turn % len(MODES)], deed)
            turn += 1
        self._plan(len(self._readers))
        self._drain()
        self._drain(hours_ahead=3)  # deferred messages are due again
        self._check()
        self.report.seconds = time.monotonic() - started
        self.app.close()
        return self.report

    # ---------------------------------------------------------------------------------- preparation

    def _subscribe(self, count: int) -> list[Subscriber]:
        dump = self.folder / f"{TODAY}.jsonl"
        dump.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in invent_papers(TODAY)))
        pipeline.ingest(self.app, [dump])
        requests = (
            SubscriptionRequest(email=f"r{number}@example.org", keywords=("robot",), size=_PAPERS)
            for number in range(count)
        )
        return [
            done.subscriber
            for done in subscriptions.subscribe_many(self.app, requests, origin="file")
            if not isinstance(done, tuple)
        ]

    def _plan(self, count: int) -> int:
        """Plan digests of the next readers, due at once."""
        now = self.app.now()
        readers, self._readers = self._readers[:count], self._readers[count:]
        provenance = Provenance(model="keywords", features="words1", candidates=16, at=now)
        with self.app.store.writing() as tx:
            max_paper_id = store.papers.find_max_id(tx)
            for reader in readers:
                papers = self.random.sample(range(1, max_paper_id + 1), _PAPERS)
                items = tuple(
                    Item(position=place, score=Score(paper_id=paper, value=1.0, chance=0.9))
                    for place, paper in enumerate(papers, 1)
                )
                digest = Digest(
                    subscriber_id=reader.id,
                    local_date=now.date(),
                    items=items,
                    provenance=provenance,
                )
                window = Window(
                    message_id=self.app.message_id(
                        MessageKind.DIGEST, now.date().isoformat(), reader.id
                    ),
                    not_before=now,
                    expires_at=now + _OVER,
                )
                store.digests.plan(tx, digest, max_paper_id=max_paper_id, window=window, now=now)
        return len(readers)

    @contextmanager
    def _at_work(self, count: int, hours_ahead: float = 0) -> Iterator[list[Process]]:
        words = (
            self.url,
            self.port,
            self.connections,
            LEASE,
            hours_ahead,
            str(self.folder / "senders.log"),
            self.processes,
        )
        processes = [_PROCESSES.Process(target=work, args=words) for _ in range(count)]
        try:
            for process in processes:
                process.start()
            yield processes
        finally:
            for process in processes:
                if process.is_alive():
                    _signal(process, signal.SIGCONT)
                    process.kill()
                process.join()

    # ----------------------------------------------------------------------------------------- acts

    def _forget_pauses(self) -> None:
        """Delete the pauses that the last server asked for.

        Otherwise the senders would wait instead of being killed at work.
        """
        with self.app.store.writing() as tx:
            clock = datetime.now(UTC)
            for pause in store.pauses.load_all(tx, clock=clock):
                store.pauses.end(tx, pause, clock=clock)

    def _act(self, mode: Mode, deed: str) -> None:
        self._forget_pauses()
        before = self._count()
        share = self._plan(self._share)
        folder = self.folder / f"act{len(self.report.acts)}"
        if mode.body in ("taken", "unknown"):
            self._kept.append(folder)
        with Sink(self.port, folder, *mode.words) as sink, self._at_work(self.senders) as senders:
            self._until_under_way(
                sink,
                before,
                senders,
                self.random.randrange(1, max(2, share)) if mode.body != "none" else 0,
            )
            killed = {"kill": self._kill, "freeze": self._freeze, "stop": self._stop}[deed](senders)
            taken = sink.taken()
        unknown = self._settled_unknown() - before[S.UNKNOWN]
        self.report.acts.append(
            Act(mode=mode, deed=deed, kills=killed, taken=taken, unknown=unknown)
        )
        self.report_progress(
            f"act {len(self.report.acts):>3}  {mode.name:<20} {deed:<7} kills {killed}  taken "
            f"{taken:>4}  unknown {unknown:>3}"
        )
        if mode.body != "unknown" and unknown > self.connections * self.senders:
            self.report.wrong.append(
                f"act {len(self.report.acts)}: {unknown} unknown of {self.senders} senders with "
                f"{self.connections} connections"
            )
        if deed == "stop" and mode.body != "unknown" and unknown:
            self.report.wrong.append(
                f"act {len(self.report.acts)}: {unknown} unknown though nobody died"
            )

    def _until_under_way(
        self, sink: Sink, before: Counter[MessageState], senders: list[Process], taken: int
    ) -> None:
        """Wait until so many messages were accepted, or nothing moves any more, or all is done.

        If the server accepts none, wait a moment after the first claim.
        """
        accepted, moved = 0, time.monotonic()
        while time.monotonic() < moved + _STANDSTILL and any(map(Process.is_alive, senders)):
            if sink.taken() > accepted:
                accepted, moved = sink.taken(), time.monotonic()
            if taken and accepted >= taken:
                time.sleep(self.random.uniform(0, 0.01))
                return
            if (
                not taken
                and (now := self._count())
                and now[S.PLANNED] < before[S.PLANNED] + self._share
            ):
                time.sleep(self.random.uniform(0, 0.1))
                return
            time.sleep(0.002)

    def _kill(self, senders: list[Process]) -> int:
        """Kill all senders with SIGKILL, or one of them."""
        victims = senders if self.random.random() < 0.5 else [self.random.choice(senders)]
        killed = 0
        for sender in victims:
            if not sender.is_alive():
                continue
            family = _family(sender)
            if (victim := self.random.choice(family)) == sender.pid:
                sender.kill()
                sender.join()
            else:
                _send_signal(victim, signal.SIGKILL)
            killed += 1
            self._wait([sender])
            self._wait_for_orphans(family)
        self._wait([sender for sender in senders if sender not in victims])
        return killed

    def _wait_for_orphans(self, pids: list[int]) -> None:
        """Wait until the processes of a dead sender have noticed, and ended."""
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            if time.monotonic() > deadline:
                self.report.wrong.append("a process outlived its sender by a minute")
                return
            time.sleep(0.02)

    def _freeze(self, senders: list[Process]) -> int:
        """Freeze a sender past its lease, let another take over, and wake it."""
        family = _family(senders[0])
        for pid in family:
            _send_signal(pid, signal.SIGSTOP)
        time.sleep(LEASE * 1.3)
        with self._at_work(1) as successors:
            # On SQLite the frozen sender may hold the lock; then no other can take over.
            deadline = time.monotonic() + 8
            while successors[0].is_alive() and time.monotonic() < deadline:
                time.sleep(0.02)
            for pid in family:
                _send_signal(pid, signal.SIGCONT)
            self._wait([*senders, *successors])
        return 0

    def _stop(self, senders: list[Process]) -> int:
        for sender in senders:
            sender.terminate()
        self._wait(senders)
        return 0

    def _wait(self, senders: list[Process]) -> None:
        for sender in senders:
            sender.join(timeout=120)
            if sender.is_alive():
                self.report.wrong.append("a sender did not end within two minutes")

    def _drain(self, hours_ahead: float = 0) -> None:
        """Send all that is due, with a good server and no kills."""
        self._forget_pauses()
        folder = self.folder / f"drain{hours_ahead}"
        self._kept.append(folder)
        with Sink(self.port, folder), self._at_work(self.senders, hours_ahead) as senders:
            self._wait(senders)
        if codes := [sender.exitcode for sender in senders if sender.exitcode]:
            self.report.wrong.append(f"the last senders ended with {codes}; see senders.log")

    # ------------------------------------------------------------------------------------- promises

    def _count(self) -> Counter[MessageState]:
        with self.app.store.reading() as tx:
            return Counter(store.deliveries.count_by_state(tx))

    def _settled_unknown(self) -> int:
        """Count unknown messages after those of dead senders were recovered."""
        now = datetime.now(UTC)
        with self.app.store.writing() as tx:
            store.ledger.recover(
                tx, dead=store.owners.find_dead(store.ledger.list_owners(tx)), now=now, clock=now
            )
        return self._count()[S.UNKNOWN]

    def _check(self) -> None:
        wrong = self.report.wrong
        copies: Counter[str] = Counter()
        for folder in self._kept:
            copies.update(copies_in(folder))
        self.report.copies = sum(copies.values())
        with self.app.store.reading() as tx:
            rows = store.deliveries.list_messages(tx, limit=1_000_000)
        self.report.states = Counter(MessageState(row["state"]) for row in rows)
        wrong += [f"{message_id} was taken {n} times" for message_id, n in copies.items() if n > 1]
        for row in rows:
            state, name = MessageState(row["state"]), row["message_id"]
            if state not in (S.ACCEPTED, S.DEFERRED, S.REJECTED, S.UNKNOWN):
                wrong.append(f"{name} is {state} at the end")
            if state is S.ACCEPTED and copies[name] != 1:
                wrong.append(f"{name} is accepted, but was taken {copies[name]} times")
            if state in (S.DEFERRED, S.REJECTED) and copies[name]:
                wrong.append(f"{name} is {state}, but was taken")
        if self.report.states[S.DEFERRED]:
            wrong.append(f"{self.report.states[S.DEFERRED]} deferred messages were not tried again")
        self._check_papers([row for row in rows if row["state"] in (S.REJECTED, S.UNKNOWN)])

    def _check_papers(self, failed: list[dict[str, object]]) -> None:
        """Check that papers of failed digests compete the next day.

        `compose` shows it for some readers, the history for all.
        """
        tomorrow = self.app.now() + timedelta(days=1)
        by_reader = {int(str(row["subscriber_id"])): row for row in failed}
        with self.app.store.reading() as tx:
            digests = store.digests.load_many(tx, [int(str(row["digest_id"])) for row in failed])
            cutoffs = store.history.load_last_cutoffs(tx, list(by_reader), tomorrow.date())
            past = store.history.load(tx, cutoffs, tomorrow.date(), since=TODAY)
        for reader, row in by_reader.items():
            papers = {item.score.paper_id for item in digests[int(str(row["digest_id"]))].items}
            maybe = papers if row["state"] == S.UNKNOWN else set()
            if not papers <= past[reader].carried or past[reader].maybe_seen != maybe:
                self.report.wrong.append(
                    f"papers of {row['message_id']} ({row['state']}) do not come back as they "
                    f"should"
                )
        people = [reader for reader, row in by_reader.items() if row["state"] == S.UNKNOWN]
        for reader in self.random.sample(people, min(3, len(people))):
            self._check_next_digest(
                reader,
                tomorrow,
                {
                    item.score.paper_id
                    for item in digests[int(str(by_reader[reader]["digest_id"]))].items
                },
            )

    def _check_next_digest(self, reader: int, tomorrow: datetime, papers: set[int]) -> None:
        later = self.app.at(tomorrow)
        who = subscriptions.get(later, reader)
        with later.store.writing() as tx:
            who = store.subscribers.overwrite(tx, replace(who, size=50), now=tomorrow)
        composed = pipeline.compose(later, day=tomorrow.date(), only=who)
        listed = {
            item.score.paper_id: item.seen_before
            for _, digest in composed.digests
            for item in digest.items
        }
        if not papers <= listed.keys() or not all(listed[paper] for paper in papers):
            self.report.wrong.append(
                f"the next digest of reader {reader} lists {listed}, not all of {papers} as "
                f"possibly seen"
            )


def _signal(process: Process, number: signal.Signals) -> None:
    if process.pid and process.is_alive():
        os.kill(process.pid, number)


def _send_signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _family(sender: Process) -> list[int]:
    """Return the ids of a sender and of the processes that send for it."""
    pid = sender.pid or 0
    pids = [pid]
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                pids.append(int(child))
    return pids
