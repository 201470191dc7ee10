"""A sender process that may be killed; it runs the package's own send.

SIGTERM and SIGINT stop it in order, as with `digest send`.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime, timedelta

from digest import config, pipeline
from digest.app import App
from digest.signals import stop_on_signals


def open_app(url: str, port: int, connections: int, ahead: timedelta = timedelta()) -> App:
    values = {
        "DIGEST_STORE__URL": url,
        "DIGEST_SMTP__HOST": "127.0.0.1",
        "DIGEST_SMTP__PORT": str(port),
        "DIGEST_SMTP__TLS": "none",
        "DIGEST_SMTP__CONNECTIONS": str(connections),
        "DIGEST_MAIL__SENDER": "digest@example.org",
        "DIGEST_WEB__BASE_URL": "https://digest.example.org",
    }
    return App.open(config.load(None, values), now=lambda: datetime.now(UTC) + ahead)


def work(url: str, port: int, connections: int, lease: float, hours_ahead: float, log: str) -> None:
    """Send what is due; the exit code is 1 after an error."""
    logging.basicConfig(level=logging.WARNING, filename=log, force=True)
    app = open_app(url, port, connections, timedelta(hours=hours_ahead))
    with stop_on_signals() as stop:
        report = pipeline.send(app, stop=stop, lease=timedelta(seconds=lease))
    app.close()
    sys.exit(1 if report.error else 0)
