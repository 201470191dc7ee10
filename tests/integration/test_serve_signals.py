"""A real `digest serve` under a service manager: start, reload, watchdog, stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from digest import store
from digest.store import Store
from tests.conftest import ROOT, build_sqlite_file
from tests.integration.serving import LONG, Manager, Serving, find_free_port

Start = Callable[..., Serving]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `digest serve` in a folder with a database."""
    running: list[Serving] = []
    (tmp_path / "digest.sqlite").write_bytes(build_sqlite_file())

    def go(config: str, *words: str, **environ: str) -> Serving:
        (tmp_path / "config.toml").write_text(config, encoding="utf-8")
        serving = Serving(tmp_path, *words, **environ)
        running.append(serving)
        return serving

    yield go
    for serving in running:
        serving.kill()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    opened = Manager(tmp_path / "notify.sock")
    yield opened
    opened.close()


def write_config(folder: Path, text: str) -> None:
    (folder / "config.toml").write_text(text, encoding="utf-8")


def test_the_service_manager_hears_of_start_reload_and_stop(
    start: Start, manager: Manager, tmp_path: Path
) -> None:
    port = find_free_port()
    config = f'[web]\nbind = "127.0.0.1:{port}"\nsignup = true\n[mail]\nname = "Before"\n'
    serving = start(config, NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="1000000")
    manager.wait_for("READY")
    assert manager.datagrams[0]["STATUS"] == "roles scheduler, sender, web"
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["roles"]) == (200, ["scheduler", "sender", "web"])
        assert "Before" in client.get("/").text
        manager.wait_for("WATCHDOG", times=2)

        other = find_free_port()
        write_config(
            tmp_path,
            config.replace("Before", "After").replace(str(port), str(other))
            + "[digest]\nsize = 5\n[store]\nurl = 'sqlite:///elsewhere.sqlite'\n",
        )
        serving.hang_up()
        manager.wait_for("READY", times=2)
        assert "After" in client.get("/").text
        assert "reload changed=digest.size,mail.name\n" in serving.log
        assert (
            "reload: store.url and web.bind changes only when `digest serve` is started again"
            in serving.log
        )
        assert not (tmp_path / "elsewhere.sqlite").exists()

        write_config(tmp_path, config.replace("Before", "Broken") + "[smtp]\nport = 'many'\n")
        serving.hang_up()
        manager.wait_for("READY", times=3)
        assert "reload refused: nothing has changed: " in serving.log
        assert "smtp.port = 'many'" in serving.log
        assert "After" in client.get("/").text
    began = time.monotonic()
    assert serving.stop() == 0
    assert time.monotonic() - began < 20
    manager.receive(0.1)
    told = [key for datagram in manager.datagrams for key in datagram if key.isupper()]
    order = [key for key in told if key in ("READY", "RELOADING", "STOPPING")]
    assert order == ["READY", "RELOADING", "READY", "RELOADING", "READY", "STOPPING"]
    reloading = next(datagram for datagram in manager.datagrams if "RELOADING" in datagram)
    assert abs(int(reloading["MONOTONIC_USEC"]) - time.monotonic_ns() // 1000) < 600_000_000
    assert "Traceback" not in serving.log


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[mail]\ndkim_key_file = "gone.pem"\n', "mail.dkim_key_file"),
        ('[smtp]\nhost = "127.0.0.1"\npassword_file = "gone"\nusername = "a"\n', "gone"),
        ('[mailbox]\nhost = "127.0.0.1"\nusername = "a"\npassword_file = "gone"\n', "gone"),
        ('[digest]\nrecipe = "best"\n', "digest.recipe"),
        ("[digest]\nsize = \n", "is not TOML"),
        ('[mail]\ntemplates = "own"\n', "thumb.html"),
        ('[mail]\ntemplates = "gone"\n', "is not a folder"),
    ],
)
def test_a_config_that_cannot_work_is_refused_as_a_whole(
    tmp_path: Path, text: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    from digest import config, serve
    from digest.serve.reloading import reload
    from tests.conftest import make_app

    (tmp_path / "own" / "web").mkdir(parents=True)
    (tmp_path / "own" / "web" / "thumb.html").write_text("{% if %}", encoding="utf-8")
    app = make_app(tmp_path)
    service, pages = serve.Service(app), serve.Background(app)
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    assert not reload(service, lambda: config.load(path, {}), [pages])
    assert service.app is app
    assert reason in caplog.text
    app.close()


def test_health_checks_and_metrics_follow_a_reload(start: Start, tmp_path: Path) -> None:
    health, metrics = find_free_port(), find_free_port()
    config = (
        f'[serve]\nhealth_bind = "127.0.0.1:{health}"\n[metrics]\nbind = "127.0.0.1:{metrics}"\n'
    )
    key = "a-key-of-enough-octets"
    asked_at = datetime.now(UTC)
    database = Store(f"sqlite:///{tmp_path / 'digest.sqlite'}")
    with database.writing() as tx:
        state = {"asked_at": asked_at.isoformat()}
        store.sources.save_state(tx, "added", state, asked_at)
    database.close()
    serving = start(config, "--only", "sender")
    serving.wait_for("serve roles=sender")
    with httpx.Client(headers={"Authorization": f"Bearer {key}"}, trust_env=False) as client:

        def show_health() -> dict[str, Any]:
            return client.get(f"http://127.0.0.1:{health}/healthz").json()

        def show_metrics() -> str:
            return client.get(f"http://127.0.0.1:{metrics}/metrics").text

        assert show_health() == {"status": "ok"}
        assert 'source="added"' not in show_metrics()
        (tmp_path / "added").mkdir()
        added = '[[sources]]\nname = "added"\nkind = "folder"\nfolder = "added"\n'
        write_config(tmp_path, f'{config}[web]\nstatus_key = "{key}"\n{added}')
        serving.hang_up()
        serving.wait_for("reload changed=")
        assert show_health()["papers"] == 0
        assert 'source="added"' in show_metrics()
    assert serving.stop() == 0


def test_a_hangup_while_it_starts_is_no_reason_to_die(start: Start) -> None:
    serving = start("[web]\nbind = '127.0.0.1:0'\n", "--only", "sender")
    # The interpreter needs its first moments for itself.
    deadline = time.monotonic() + LONG
    status = Path(f"/proc/{serving.process.pid}/status")
    while int(status.read_text().partition("SigIgn:")[2].split()[0], 16) & 1 == 0:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    while "serve roles=" not in serving.log:
        serving.hang_up()
        time.sleep(0.02)
        assert serving.process.poll() is None, serving.log
    assert serving.stop() == 0


HANGING = """
import logging, sys, time
from pathlib import Path
from fastapi import APIRouter
from digest import config, serve
from digest.app import App

logging.basicConfig(level="INFO", stream=sys.stderr, format="%(name)s %(message)s")
router = APIRouter()

@router.post("/hang")
async def hang() -> dict:
    time.sleep(float(sys.argv[2]))  # blocks the loop of all pages
    return {}

app = App.open(config.load(Path(sys.argv[1]), {}))
serve.run(app, extra=[router], ready=lambda address: print(address, flush=True))
"""


def test_the_watchdog_hears_nothing_while_the_pages_hang(tmp_path: Path, manager: Manager) -> None:
    (tmp_path / "digest.sqlite").write_bytes(build_sqlite_file())
    health = find_free_port()
    write_config(
        tmp_path,
        f'[web]\nbind = "127.0.0.1:0"\n[serve]\nhealth_bind = "127.0.0.1:{health}"\n',
    )
    # As a short limit would take minutes, the loop of the pages has one of a second here.
    program = HANGING.replace(
        "app = App", "from digest.web import listener\nlistener.STALLED_AFTER = 1.8\napp = App"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "config.toml"), "5"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "NOTIFY_SOCKET": str(manager.path),
            "WATCHDOG_USEC": "400000",
        },
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        manager.wait_for("WATCHDOG", times=2)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/hang", timeout=2.5, trust_env=False)
        # The health checks have a loop of their own.
        answer = httpx.get(f"http://127.0.0.1:{health}/healthz", timeout=10, trust_env=False)
        assert (answer.status_code, answer.json()["reason"]) == (503, "stalled")
        assert "pages has not advanced for" in answer.json()["detail"]
        ready = httpx.get(f"http://127.0.0.1:{health}/readyz", timeout=10, trust_env=False)
        assert (ready.status_code, ready.json()["reason"]) == (503, "stalled")
        manager.receive(0.5)
        pings = manager.count("WATCHDOG")
        manager.receive(1.0)
        assert manager.count("WATCHDOG") == pings
        manager.wait_for("WATCHDOG", times=pings + 2)  # it hung for five seconds only
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=LONG)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert log.count("stalled loop=pages") == 1
    assert log.count("advances again loop=pages") == 1


def test_a_role_without_pages_answers_health_checks(start: Start, tmp_path: Path) -> None:
    port = find_free_port()
    serving = start(f'[serve]\nhealth_bind = "127.0.0.1:{port}"\n', "--only", "sender")
    serving.wait_for("serve roles=sender address=-")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/readyz").json() == {"status": "ok", "roles": ["sender"]}
        assert client.get("/").status_code == 404
        opened = Store(f"sqlite:///{tmp_path / 'digest.sqlite'}")
        with opened.writing() as tx:
            tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (503, "schema")
        assert client.get("/healthz").status_code == 200
        with opened.writing() as tx:
            head = store.schema.get_head_revision()
            tx.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{head}'")
        opened.close()
        assert client.get("/readyz").status_code == 200
    assert serving.stop() == 0
