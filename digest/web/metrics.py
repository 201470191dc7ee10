"""The address that Prometheus reads, apart from the pages and on its own port."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from digest import metrics
from digest.app import App
from digest.metrics.counters import LOG_RECORDS
from digest.services.measurements import KEPT, DatabaseCollector
from digest.web.app_listener import AppListener
from digest.web.listener import Application

PATH = "/metrics"


class MetricsServer(AppListener):
    """Serves the metrics of this process at `[metrics] bind`, and counts its log records.

    Args:
        app: whose config names the address, and whose database is measured.
        roles: of this process.
        kept: seconds for which what was read of the database is shown again.
    """

    def __init__(self, app: App, roles: Collection[str], *, kept: float = KEPT) -> None:
        super().__init__(app, app.config.metrics.bind, key="metrics.bind")
        self._roles, self._kept, self._counter = roles, kept, _RecordCounter()

    def prepare(self, app: App) -> Application:
        return create(app, kept=self._kept)

    def start(self) -> str:
        """Start the server and return the address that Prometheus reads."""
        metrics.set_roles(self._roles)
        address = super().start()
        logging.getLogger().addHandler(self._counter)
        return f"{address}{PATH}"

    def stop(self) -> None:
        """Stop the server; does nothing if it was not started."""
        logging.getLogger().removeHandler(self._counter)
        super().stop()


def create(app: App, *, kept: float = KEPT) -> FastAPI:
    """Create the application that answers Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_OwnMetrics())
    registry.register(DatabaseCollector(app, kept=kept))
    web = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)

    @web.get(PATH)
    def show(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"Content-Type": content_type})

    return web


class _OwnMetrics(Collector):
    """All that this process counts itself."""

    def collect(self) -> Iterator[Metric]:
        yield from metrics.REGISTRY.collect()


class _RecordCounter(logging.Handler):
    """Counts the records that the log gets, by level."""

    def emit(self, record: logging.LogRecord) -> None:
        LOG_RECORDS.labels(logging.getLevelName(record.levelno).lower()).inc()
