"""Deliver what is due by several processes.

They share the queue through the ledger, and pauses through the database. Of connections and rates
each has a fixed share, so that together they keep what is configured.
"""

from __future__ import annotations

import logging
import multiprocessing
import secrets
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TypeVar

from digest import logs, store
from digest.app import App
from digest.config import Config, Server
from digest.errors import DigestError
from digest.pipeline.steps.deliver_due import deliver_due
from digest.pipeline.steps.send_report import SendReport
from digest.pipeline.steps.sender import SendOptions
from digest.signals import SIGNALS, stop_on_signals

log = logging.getLogger("digest.send")

#: messages due for each process: starting one takes as much CPU as writing some 600
MESSAGES_PER_PROCESS = 1000
#: how often the first process asks whether to stop
_POLL_SECONDS = 0.2

# A forked process would inherit locks of other threads, so each begins anew.
_PROCESSES = multiprocessing.get_context("spawn")
AnyServer = TypeVar("AnyServer", bound=Server)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    """What one process gets."""

    config: Config
    #: of the app's clock before the real one
    ahead: timedelta
    lease: timedelta
    log_level: int


def count_processes(config: Config, due: int) -> int:
    """Count the processes that so many messages are worth; 1 = this one alone."""
    if not config.smtp.host:
        return 1
    return max(1, min(config.smtp.processes, due // MESSAGES_PER_PROCESS))


def cut_share(config: Config, number: int, processes: int) -> Config:
    """Return the settings of one of several processes; the shares add up to the whole."""

    def share(total: int) -> int:
        return total // processes + (number < total % processes)

    def cut(server: AnyServer) -> AnyServer:
        shares = {
            "connections": share(server.connections),
            "per_minute": share(server.per_minute),
        }
        return server.model_copy(update=shares)

    smtp = cut(config.smtp).model_copy(
        update={
            "domain_per_minute": share(config.smtp.domain_per_minute),
            "more": tuple(cut(server) for server in config.smtp.more),
        }
    )
    return config.model_copy(update={"smtp": smtp})


def deliver_by_processes(
    app: App, processes: int, *, stop: Callable[[], bool], lease: timedelta
) -> SendReport:
    """Deliver until nothing is due; the report is that of all processes together.

    A process that dies takes none with it; `recover_messages` tells what became of its messages.
    """
    running: dict[Connection, SpawnProcess] = {}
    for number in range(processes):
        task = _Task(
            config=cut_share(app.config, number, processes),
            ahead=app.now() - datetime.now(UTC),
            lease=lease,
            log_level=logging.getLogger().level,
        )
        own_end, other_end = _PROCESSES.Pipe()
        process = _PROCESSES.Process(
            target=_run, args=(task, other_end), name=f"digest-sender-{number}", daemon=True
        )
        # A signal that comes before the process is ready for it waits.
        with _signals_blocked():
            process.start()
        other_end.close()
        running[own_end] = process
    reports: list[SendReport] = []
    is_told = False
    while running:
        if not is_told and stop():
            is_told = True
            for pipe in running:
                # Not a signal: the terminal or systemd sends its own to all, and the second ends
                # a process at once.
                with suppress(OSError):
                    pipe.send("stop")
        ready = wait(list(running), timeout=_POLL_SECONDS)
        ended = [pipe for pipe in running if pipe in ready]
        reports += [_receive(pipe, running.pop(pipe)) for pipe in ended]
    return SendReport.add(reports)


def _receive(pipe: Connection, process: SpawnProcess) -> SendReport:
    """Return the report of a process that ends."""
    try:
        report: SendReport = pipe.recv()
    except (EOFError, OSError):
        report = SendReport()
    process.join()
    pipe.close()
    if process.exitcode:
        report.error = report.error or (
            f"a sending process ended with exit code {process.exitcode}, and the log may say why. "
            f"`digest send` sends what is left"
        )
        log.error("sending process ended: %s", report.error)
    return report


def _run(task: _Task, pipe: Connection) -> None:
    """Deliver in a process of its own, and send the report.

    It stops when it gets a signal, when it is told to, and when the process that started it is
    gone: then the pipe is at its end.
    """
    parent = select.poll()
    parent.register(pipe, select.POLLIN)
    with stop_on_signals() as is_signalled:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        logs.set_up(logging.getLevelName(task.log_level), task.config.log.format)
        report = SendReport()
        try:
            app = App.open(task.config, now=lambda: datetime.now(UTC) + task.ahead)
            try:
                options = SendOptions(
                    owner=store.owners.identify_process(secrets.token_hex(4)),
                    stop=lambda: is_signalled() or bool(parent.poll(0)),
                    lease=task.lease,
                )
                report = deliver_due(app, options)
            finally:
                app.close()
        except DigestError as error:
            report.error = str(error)
        except Exception as error:
            log.exception("sending process stopped: a bug")
            report.error = f"a sending process stopped because of a bug: {type(error).__name__}"
        with suppress(OSError):
            pipe.send(report)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
