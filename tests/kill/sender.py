"""A sender process that may be killed; it runs the package's own send.

SIGTERM and SIGINT stop it in order, as with `digest send`.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime, timedelta

from digest import config, pipeline
from digest.app import App
from digest.pipeline.steps import sender_processes
from digest.signals import stop_on_signals


def open_app(
    url: str, port: int, connections: int, ahead: timedelta = timedelta(), processes: int = 1
) -> App:
    values = {
        "DIGEST_STORE__URL": url,
        "DIGEST_SMTP__HOST": "127.0.0.1",
        "DIGEST_SMTP__PORT": str(port),
        "DIGEST_SMTP__TLS": "none",
        "DIGEST_SMTP__CONNECTIONS": str(connections),
        "DIGEST_SMTP__PROCESSES": str(processes),
        "DIGEST_MAIL__SENDER": "digest@example.org",
        "DIGEST_WEB__BASE_URL": "https://digest.example.org",
    }
    return App.open(config.load(None, values), now=lambda: datetime.now(UTC) + ahead)


def work(
    url: str,
    port: int,
    connections: int,
    lease: float,
    hours_ahead: float,
    log: str,
    processes: int = 1,
) -> None:
    """Send what is due by so many processes; the exit code is 1 after an error."""
    logging.basicConfig(level=logging.WARNING, filename=log, force=True)
    sender_processes.MESSAGES_PER_PROCESS = 1  # also for the few messages of a test
    app = open_app(url, port, connections, timedelta(hours=hours_ahead), processes)
    with stop_on_signals() as stop:
        report = pipeline.send(app, stop=stop, lease=timedelta(seconds=lease))
    app.close()
    sys.exit(1 if report.error else 0)
