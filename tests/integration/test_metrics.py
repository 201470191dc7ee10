"""What Prometheus reads: real numbers of real work, bounded labels, and answers in trouble."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

from digest import config, metrics, pipeline, serve, services, store
from digest.app import App
from digest.errors import DigestError, StoreError
from digest.metrics.durations import Durations, DurationsCollector
from digest.model import MessageKind, Subscriber
from digest.pipeline.steps.send_report import SendReport
from digest.scheduler import Scheduler
from digest.services.measurements import DatabaseCollector
from digest.web.metrics import MetricsServer
from tests.conftest import NOON, TODAY, invent_papers, make_app, write_dump

Cast = Callable[[App], dict[str, Subscriber]]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def bind(app: App, **log: object) -> App:
    """Return the service with metrics and pages on free ports."""
    return replace(
        app,
        config=app.config.model_copy(
            update={
                "metrics": app.config.metrics.model_copy(update={"bind": "127.0.0.1:0"}),
                "web": app.config.web.model_copy(update={"bind": "127.0.0.1:0"}),
                "log": app.config.log.model_copy(update=log),
            }
        ),
    )


@pytest.fixture
def measured(app: App) -> Iterator[tuple[App, str]]:
    """A service, and the address of its metrics."""
    app = bind(app)
    with MetricsServer(app, ["scheduler"], kept=0) as address:
        yield app, address


def read(address: str) -> Samples:
    answer = httpx.get(address, trust_env=False)
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in read_text(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, /, **labels: str) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0.0)


def grown(after: Samples, before: Samples, name: str, /, **labels: str) -> float:
    return value(after, name, **labels) - value(before, name, **labels)


def test_a_round_is_counted_from_the_dump_to_the_mail(
    measured: tuple[App, str], cast: Cast, dump: Callable[..., Path], tmp_path: Path
) -> None:
    app, address = measured
    people = cast(app)
    before = read(address)
    pipeline.ingest(app, [dump()])
    report = pipeline.round(app)
    after = read(address)
    new = grown(after, before, "digest_records_total", source="other", outcome="new")
    assert new > 0
    assert grown(after, before, "digest_dumps_total", source="other", outcome="read") == 1
    composed = {
        outcome: grown(after, before, "digest_compose_readers_total", outcome=outcome)
        for outcome in ("planned", "quiet", "waiting", "failed")
    }
    assert composed["planned"] == len(report.composed.planned) > 0
    assert composed["quiet"] == len(report.composed.quiet)
    accepted = len(report.composed.planned)
    assert grown(after, before, "digest_messages_total", state="accepted") == accepted
    assert grown(after, before, "digest_send_latency_seconds_count") == accepted
    assert grown(after, before, "digest_delivery_seconds_count") == accepted
    assert grown(after, before, "digest_compose_seconds_count") == 1
    assert value(after, "digest_subscribers", status="active") == len(people)
    for verb in ("ingest", "compose", "send"):
        at = value(after, "digest_last_success_timestamp_seconds", verb=verb)
        assert at == NOON.timestamp()
    assert value(after, "digest_schema_version") == int(store.schema.get_head_revision())


def test_thumbs_bounces_and_complaints_are_counted(
    measured: tuple[App, str], cast: Cast, dump: Callable[..., Path]
) -> None:
    app, address = measured
    alice = cast(app)["alice"]
    pipeline.ingest(app, [dump()])
    before = read(address)
    for vote in (1, 1, -1, 0):
        pipeline.record_feedback(app, alice.id, 3, vote, via="api")
    metrics.count_bounce("reader", "mail")
    after = read(address)
    votes = [
        grown(after, before, "digest_thumbs_total", vote=vote, via="api")
        for vote in ("up", "down", "cleared")
    ]
    assert votes == [1, 1, 1], "a repeated thumb changes nothing"
    assert grown(after, before, "digest_bounces_total", fault="reader", via="mail") == 1


def test_records_of_a_source_are_counted_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    os.utime(write_dump(tmp_path / "drop", TODAY, invent_papers(TODAY)), (0, 0))  # it is complete
    app = make_app(tmp_path)
    source = '[[sources]]\nname = "drop"\nkind = "folder"\nfolder = "drop"\n'
    (tmp_path / "config.toml").write_text(source)
    app = bind(
        replace(
            app,
            config=config.load(tmp_path / "config.toml", {}).model_copy(
                update={"store": app.config.store, "ingest": app.config.ingest}
            ),
        )
    )
    with MetricsServer(app, [], kept=0) as address:
        before = read(address)
        report = services.fetch(app)
        after = read(address)
    app.close()
    assert [source.outcome for source in report.sources] == ["fetched"]
    assert grown(after, before, "digest_fetches_total", source="drop", outcome="fetched") == 1
    assert grown(after, before, "digest_fetch_seconds_count", source="drop") == 1
    assert grown(after, before, "digest_dumps_total", source="drop", outcome="read") == 1
    assert value(after, "digest_source_last_fetch_timestamp_seconds", source="drop") > 0


def test_the_state_of_queue_and_alarms_is_read_from_the_database(app: App) -> None:
    app = bind(app)
    with app.store.writing() as tx:
        store.ledger.plan(
            tx,
            kind=MessageKind.ALERT,
            subscriber_id=None,
            key="disk:2026-06-09",
            message_id="<x@example.org>",
            not_before=NOON - timedelta(minutes=10),
            expires_at=NOON + timedelta(days=1),
        )
    full = app.config.alerts.model_copy(update={"disk_mb": 10**9})
    services.watch(replace(app, config=app.config.model_copy(update={"alerts": full})))
    with MetricsServer(app, [], kept=0) as address:
        samples = read(address)
    assert value(samples, "digest_messages_waiting", when="due") == 1
    assert value(samples, "digest_queue_age_seconds") == 600
    assert value(samples, "digest_alarm_active", name="disk") == 1
    assert value(samples, "digest_alarm_active", name="silence") == 0
    assert value(samples, "digest_disk_free_bytes", path=str(app.config.ingest.inbox.parent)) > 1e6


def test_a_backup_is_dated(measured: tuple[App, str], tmp_path: Path) -> None:
    app, address = measured
    store.backups.back_up(app.store, tmp_path / "backup.sqlite", now=NOON)
    samples = read(address)
    at = value(samples, "digest_last_success_timestamp_seconds", verb="backup")
    assert at == NOON.timestamp()


def test_a_database_that_is_gone_is_a_metric_and_hides_no_other(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(store.deliveries, "count_waiting", fail)
    with MetricsServer(bind(app), ["web"]) as address:
        samples = read(address)
    assert value(samples, "digest_database_up") == 0
    assert ("digest_schema_version", ()) not in samples
    assert value(samples, "digest_role", role="web") == 1


def test_the_database_is_asked_once_in_ten_seconds_however_often_one_asks(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    real = store.deliveries.count_waiting
    monkeypatch.setattr(
        store.deliveries, "count_waiting", lambda *a, **k: calls.append(1) or real(*a, **k)
    )
    collector = DatabaseCollector(app)
    threads = [threading.Thread(target=lambda: list(collector.collect())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_requests_are_counted_and_logged_by_route_and_never_by_path(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    app = bind(app, requests=True)
    caplog.set_level("INFO")
    with (
        MetricsServer(app, []) as address,
        serve.Background(app) as pages,
        httpx.Client(base_url=pages, trust_env=False) as client,
    ):
        before = read(address)
        for number in range(20):
            client.get(f"/m/secret-token-{number}?email=eve@example.org")
            client.request(f"BREW{number}", f"/made-up/{number}")
        client.get(f"/?{'x' * 9000}")
        after = read(address)
    labels = {"method": "GET", "route": "/m/{token}", "status": "404"}
    assert grown(after, before, "digest_http_requests_total", **labels) == 20
    labels = {"method": "other", "route": "other", "status": "404"}
    assert grown(after, before, "digest_http_requests_total", **labels) == 20
    labels = {"method": "GET", "route": "other", "status": "414"}
    assert grown(after, before, "digest_http_requests_total", **labels) == 1
    assert len(after.keys() - before.keys()) < 40, "series do not grow with what clients send"
    lines = [r.getMessage() for r in caplog.records if r.name == "digest.web.requests"]
    assert len(lines) == 41
    assert lines[0].startswith("request method=GET route=/m/{token} status=404 seconds=")
    for private in ("secret-token", "eve", "made-up", "127.0.0.1"):
        assert private not in "".join(lines)


def test_a_job_that_fails_is_counted_and_its_last_success_stays() -> None:
    outcomes = iter([None, DigestError("locked"), ValueError("bug")])

    def wobble() -> None:
        if error := next(outcomes):
            raise error

    scheduler = Scheduler([wobble], seconds=3600)
    for _ in range(3):
        scheduler.tick()
    sample = metrics.REGISTRY.get_sample_value
    assert sample("digest_job_failures_total", {"name": "wobble"}) == 2
    assert sample("digest_job_seconds_count", {"name": "wobble"}) == 3
    assert sample("digest_job_last_success_timestamp_seconds", {"name": "wobble"})


def test_durations_of_several_processes_add_up() -> None:
    collector = DurationsCollector("x_seconds", "Some durations.")
    for seconds in ((0.005, 0.01, 2), (-3, 10**9)):
        durations = Durations()
        for one in seconds:
            durations.observe(one)
        collector.add(durations)
    (family,) = collector.collect()
    counts = {s.labels["le"]: s.value for s in family.samples if s.name == "x_seconds_bucket"}
    assert (counts["0.01"], counts["1.0"], counts["5.0"], counts["+Inf"]) == (3, 3, 4, 5)
    (total,) = (s.value for s in family.samples if s.name == "x_seconds_sum")
    assert total == pytest.approx(0.015 + 2 + 10**9)


def test_the_report_of_a_sending_process_brings_its_durations() -> None:
    reports = [SendReport(), SendReport()]
    for report in reports:
        report.latency.observe(30)
        report.deliveries.observe(0.2)
    total = SendReport.add([pickle.loads(pickle.dumps(report)) for report in reports])
    assert (sum(total.latency.counts), total.latency.total) == (2, 60)
    assert (sum(total.deliveries.counts), total.deliveries.total) == (2, pytest.approx(0.4))


def test_both_forms_of_the_answer_can_be_read(measured: tuple[App, str]) -> None:
    _, address = measured
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    answer = httpx.get(address, headers={"Accept": accept}, trust_env=False)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = {family.name for family in read_openmetrics(answer.text)}
    assert {"digest_messages", "digest_alarm_active", "process_open_fds"} <= families
    assert httpx.get(address.removesuffix("metrics"), trust_env=False).status_code == 404


def test_no_label_names_a_reader(
    measured: tuple[App, str], cast: Cast, dump: Callable[..., Path]
) -> None:
    app, address = measured
    cast(app)
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    text = httpx.get(address, trust_env=False).text
    assert "@" not in text
    assert "subscriber=" not in text


def test_a_port_that_is_taken_is_named_with_its_setting(app: App) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = app.config.metrics.model_copy(update={"bind": f"127.0.0.1:{port}"})
        busy = replace(app, config=app.config.model_copy(update={"metrics": settings}))
        with pytest.raises(DigestError, match=r"metrics\.bind = '127\.0\.0\.1:\d+': another"):
            MetricsServer(busy, []).start()


def test_a_command_does_not_load_the_library_before_it_works() -> None:
    code = "import sys, digest.cli, digest.logs; print('prometheus_client' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
