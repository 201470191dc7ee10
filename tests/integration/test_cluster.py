"""A round on the workers of a real Dask cluster: equal digests, no secrets, killed workers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from digest import config, pipeline
from digest.app import App
from digest.bench import fill
from digest.config import find_secrets
from digest.doctor.workers import check_workers
from digest.errors import ConfigError, WorkersError
from digest.store import tables
from digest.workers import Certificates, Cluster, Inline, Processes, Threads, Workers
from digest.workers import cluster as cluster_module
from tests.conftest import ROOT, make_app
from tests.fakes import certificates
from tests.fakes.dask_cluster import DaskCluster, run_dask_cluster
from tests.fakes.relay import Relay
from tests.fakes.tasks import add, end_process, fail_at_two, name_of_shared

pytest.importorskip("distributed")
#: of the newest papers of the demonstration
DAY = date(2026, 6, 12)
READERS, BATCH = 16, 4
#: seconds that a busy machine may take
LONG = 120


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler and two workers."""
    with run_dask_cluster(tmp_path_factory.mktemp("dask"), workers=2) as cluster:
        wait_for_workers(cluster, 2)
        yield cluster


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with readers, half of them with thumbs, and the papers of the demonstration."""
    folder = tmp_path_factory.mktemp("filled")
    app = make_app(folder)
    dumps = Path(str(resources.files("digest.demo") / "papers"))
    pipeline.ingest(app, sorted(dumps.glob("*.jsonl")), seen="name")
    fill.add_readers(app.store, READERS, day=DAY, seed=1)
    app.keys()
    app.close()
    return (folder / "digest.sqlite").read_bytes()


@pytest.fixture
def open_filled(tmp_path: Path, filled: bytes) -> Iterator[Callable[..., App]]:
    """A function that opens a copy of the database."""
    apps = []

    def open_copy(name: str = "copy", **settings: str) -> App:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "digest.sqlite").write_bytes(filled)
        app = make_app(folder, **{"workers__batch": str(BATCH), **settings})
        apps.append(app.at(datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)))
        return apps[-1]

    yield open_copy
    for app in apps:
        app.close()


def wait_for_workers(cluster: DaskCluster, count: int) -> None:
    deadline = time.monotonic() + LONG
    while cluster.log.count("Registered to") < count:
        assert time.monotonic() < deadline, cluster.log[-2000:]
        time.sleep(0.1)


def read_stored(app: App) -> list[Any]:
    """All that a compose stored, column by column."""
    with app.store.reading() as tx:
        return [
            [tuple(row) for row in tx.execute(select(table).order_by(*table.primary_key))]
            for table in (tables.digests, tables.digest_items, tables.messages)
        ]


def test_digests_are_equal_to_the_byte_wherever_they_are_computed(
    open_filled: Callable[..., App], cluster: DaskCluster
) -> None:
    kinds: dict[str, Workers] = {
        "inline": Inline(),
        "threads": Threads(2),
        "processes": Processes(2),
        "dask": Cluster(cluster.address),
    }
    stored = {}
    for name, workers in kinds.items():
        app = replace(open_filled(name), workers=workers)
        report = pipeline.compose(app)
        assert len(report.planned) + len(report.quiet) == READERS
        stored[name] = read_stored(app)
    assert len(stored["inline"][1]) > READERS, "papers are listed"
    for name in kinds:
        assert stored[name] == stored["inline"], name


def test_nothing_secret_and_no_address_travels_to_the_cluster(
    open_filled: Callable[..., App], cluster: DaskCluster
) -> None:
    secrets = {
        "smtp__password": "mail-Passwort-81",
        "mailbox__password": "imap-Passwort-82",
        "web__status_key": "status-key-83-0123456789",
        "ingest__inbox": "/private/inbox-84",
    }
    app = open_filled(**secrets)
    with Relay(int(cluster.address.rpartition(":")[2])) as relay:
        relayed = Cluster(f"tcp://127.0.0.1:{relay.port}")
        report = pipeline.compose(replace(app, workers=relayed))
        sent = relay.sent
    assert len(report.planned) + len(report.quiet) == READERS
    assert b"digest.pipeline.steps.reader_batches" in sent, "batches went this way"
    forbidden = {*secrets.values(), *find_secrets(app.config), app.config.store.url, "sqlite://"}
    forbidden |= {reader.email for reader in report.planned} | {"@example.org"}
    assert len(forbidden) > READERS / 2
    assert [text for text in forbidden if text and text.encode() in sent] == []
    assert [key.id for key in list(app.keys()) if key.secret in sent] == []


class Recording(Inline):
    """Keeps what it is handed as it would be pickled."""

    def __init__(self) -> None:
        self.pickled: list[bytes] = []

    def map(self, function: Any, work: Any) -> Any:
        import pickle

        def note() -> Iterator[Any]:
            for shared, item in work:
                self.pickled += [pickle.dumps(value) for value in (*shared, (function, item))]
                yield shared, item

        return super().map(function, note())


def test_nothing_secret_is_pickled_and_the_papers_of_a_date_only_once(
    open_filled: Callable[..., App],
) -> None:
    app = open_filled(smtp__password="mail-Passwort-81")
    recording = Recording()
    pipeline.compose(replace(app, workers=recording))
    everything = b"".join(recording.pickled)
    assert b"abstract" in everything or b"robot" in everything
    secrets = [*find_secrets(app.config), app.config.store.url, "@example.org", "sqlite"]
    assert [text for text in secrets if text and text.encode() in everything] == []
    assert [key.id for key in list(app.keys()) if key.secret in everything] == []
    contexts = {blob for blob in recording.pickled if b"BatchContext" in blob}
    assert len(contexts) == 1, "one date, one context"


def test_readers_whose_older_papers_compete_again_make_no_day_for_all(
    open_filled: Callable[..., App],
) -> None:
    """A digest that failed brings papers back that others do not have."""
    app = open_filled()
    pipeline.compose(app.at(app.now() - timedelta(days=3)))
    with app.store.writing() as tx:
        tx.execute(tables.messages.update().values(state="accepted"))
        failed = tx.execute(select(tables.messages.c.id).order_by(tables.messages.c.id)).first()
        assert failed is not None
        tx.execute(
            tables.messages.update()
            .where(tables.messages.c.id == failed.id)
            .values(state="unknown")
        )
        tx.execute(
            tables.papers.update()
            .where(tables.papers.c.first_seen <= DAY - timedelta(days=3))
            .values(first_seen=DAY - timedelta(days=20))
        )
    shared: list[tuple[int, int]] = []

    class Counting(Inline):
        def map(self, function: Any, work: Any) -> Any:
            def note() -> Iterator[Any]:
                for own, item in work:
                    shared.append((id(own[0]), len(item.readers)))
                    yield own, item

            return super().map(function, note())

    report = pipeline.compose(replace(app, workers=Counting()))
    assert len(report.planned) + len(report.quiet) == READERS
    assert len({context for context, _ in shared}) == 2
    assert shared[-1][1] == 1, "the reader whose digest failed comes last, alone"


# --------------------------------------------------------------------------- workers come and go


def test_a_killed_worker_costs_nobody_a_digest_and_new_workers_help(
    tmp_path: Path, open_filled: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = open_filled("plain")
    pipeline.compose(plain)
    app = open_filled("killed")
    with run_dask_cluster(tmp_path / "dask", workers=2, allowed_failures=1) as cluster:
        wait_for_workers(cluster, 2)
        victim = cluster.processes[1]

        def kill() -> bool:
            if victim.poll() is None:
                victim.kill()
                cluster.add_worker()
            return False

        workers = Cluster(cluster.address)
        report = pipeline.compose(replace(app, workers=workers), stop=kill)
        assert victim.wait(LONG) == -signal.SIGKILL
        assert len(report.planned) + len(report.quiet) == READERS
        assert read_stored(app) == read_stored(plain)
        again = pipeline.compose(replace(app, workers=workers))
        assert (again.planned, again.quiet) == ([], []), "nobody is composed for twice"

        # what ends each of the workers is given up, and said
        wait_for_workers(cluster, 3)
        results = workers.map(end_process, (((), number) for number in range(3, 7)))
        with pytest.raises(WorkersError, match="ended 2 workers one after the other") as caught:
            list(results)
        assert "--memory-limit" in str(caught.value)

        # now none is left
        monkeypatch.setattr(cluster_module, "_CONNECT_SECONDS", 3.0)
        impatient = Cluster(cluster.address, patience=1)
        with pytest.raises(WorkersError, match="has had no worker for") as caught:
            list(impatient.map(add, [((), 1), ((), 2)]))
        assert "dask worker tcp://" in str(caught.value)
        cluster.processes[0].kill()
        monkeypatch.setattr(cluster_module, "_CONNECT_SECONDS", 1.0)
        with pytest.raises(WorkersError, match="cannot be reached"):
            list(impatient.map(add, [((), 1), ((), 2)]))


def test_shared_values_do_not_travel_with_each_item_and_results_keep_their_order(
    cluster: DaskCluster,
) -> None:
    value = ["papers"]
    work = [((value,), number) for number in range(24)]
    results = list(Cluster(cluster.address).map(name_of_shared, iter(work)))
    assert [item for _, _, item in results] == list(range(24))
    processes = {pid for pid, _, _ in results}
    assert os.getpid() not in processes
    # a worker that has nothing to do for a moment may let its copy go
    assert len({(pid, place) for pid, place, _ in results}) <= 2 * len(processes)


def test_doctor_asks_the_cluster(tmp_path: Path, cluster: DaskCluster) -> None:
    def find(address: str) -> list[tuple[str, str]]:
        values = {
            "DIGEST_WORKERS__DASK": address,
            "DIGEST_STORE__URL": f"sqlite:///{tmp_path / 'digest.sqlite'}",
        }
        findings = check_workers(config.load(None, values))
        return [(finding.level, finding.what) for finding in findings]

    assert find(cluster.address) == [
        ("good", f"the Dask cluster at {cluster.address} has 2 workers of these versions")
    ]
    assert find("") == []


def test_the_error_of_a_function_is_told_and_the_cluster_lives_on(cluster: DaskCluster) -> None:
    workers = Cluster(cluster.address)
    results = workers.map(fail_at_two, (((), number) for number in range(5)))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(WorkersError, match="ZeroDivisionError: two"):
        next(results)
    assert list(workers.map(add, [((1,), 1), ((1,), 2)])) == [2, 3]


def test_a_worker_of_other_versions_is_refused_with_words(
    tmp_path: Path, cluster: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\nold = m.version\n"
        "m.version = lambda name: '1.26.4' if name == 'numpy' else old(name)\n"
    )
    before = cluster.log.count("Registered to")
    other = cluster.add_worker(environment={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    try:
        wait_for_workers(cluster, before + 1)
        workers = Cluster(cluster.address)
        with pytest.raises(WorkersError, match=r"numpy 1\.26\.4 where this process has") as caught:
            list(workers.map(add, [((), 1), ((), 2)]))
        assert "deploy/constraints.txt" in str(caught.value)
        # one that comes later is refused when it gets work
        monkeypatch.setattr(Cluster, "_require_same_versions", lambda *rest: None)
        with pytest.raises(WorkersError, match=r"numpy 1\.26\.4 where this process has"):
            list(workers.map(name_of_shared, ((((),), number) for number in range(200))))
    finally:
        other.kill()
        other.wait()


# ---------------------------------------------------------------------------------- the command


def run_digest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "digest", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_without_its_scheduler_compose_says_so_and_the_next_one_makes_up_for_it(
    open_filled: Callable[..., App],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    folder = open_filled("alone").config.ingest.inbox.parent
    (folder / "config.toml").write_text(
        '[store]\nurl = "sqlite:///digest.sqlite"\n[mail]\nsender = "digest@example.org"\n'
        f'[workers]\ndask = "{address}"\nbatch = {BATCH}\n'
    )
    failed = run_digest(folder, "compose", "--date", str(DAY))
    assert failed.returncode == 1
    assert f"the Dask scheduler at {address} cannot be reached" in " ".join(failed.stderr.split())
    assert "Traceback" not in failed.stderr
    (folder / "config.toml").write_text((folder / "config.toml").read_text().replace(address, ""))
    done = run_digest(folder, "compose", "--date", str(DAY), "--json")
    assert json.loads(done.stdout)["planned"] > READERS / 2


@pytest.mark.slow
def test_the_bench_runs_on_a_cluster(tmp_path: Path, cluster: DaskCluster) -> None:
    done = run_digest(tmp_path, "bench", "--subscribers", "4", "--json", "--dask", cluster.address)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["dask_workers"] >= 2
    assert report["settings"]["workers"] == {"dask": cluster.address}
    refused = run_digest(tmp_path, "bench", "--dask", "scheduler:8786")
    assert refused.returncode == 2
    assert "tcp://" in refused.stderr


@pytest.mark.slow
def test_a_cluster_under_tls_serves_those_who_have_a_certificate_of_its_ca(
    tmp_path: Path, open_filled: Callable[..., App]
) -> None:
    certificates.make(tmp_path)
    files = {name: tmp_path / name for name in ("ca.pem", "server.pem", "server.key")}
    options = ["--tls-ca-file", str(files["ca.pem"]), "--tls-cert", str(files["server.pem"])]
    options += ["--tls-key", str(files["server.key"])]
    folder = tmp_path / "dask"
    with run_dask_cluster(folder, workers=1, protocol="tls", options=options) as cluster:
        wait_for_workers(cluster, 1)
        assert cluster.address.startswith("tls://")
        keys = {"ca_file": "ca.pem", "cert_file": "server.pem", "key_file": "server.key"}
        settings = {f"workers__{key}": str(files[name]) for key, name in keys.items()}
        app = open_filled(workers__dask=cluster.address, **settings)
        assert pipeline.compose(app).planned
        other = tmp_path / "other"
        other.mkdir()
        certificates.make(other)
        stranger = Certificates(
            ca=other / "ca.pem", cert=other / "server.pem", key=other / "server.key"
        )
        with pytest.raises(WorkersError, match="cannot be reached"):
            list(Cluster(cluster.address, certificates=stranger).map(add, [((), 1), ((), 2)]))
        missing = replace(stranger, key=other / "none.pem")
        with pytest.raises(ConfigError, match=r"key_file = '.*none\.pem': cannot be read"):
            list(Cluster(cluster.address, certificates=missing).map(add, [((), 1), ((), 2)]))
