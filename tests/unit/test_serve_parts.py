"""Parts of `serve`: the pulse of its loops, datagrams to systemd, changes of the config."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from digest import config
from digest.serve.notify import Notifier
from digest.serve.pulse import Pulse
from digest.serve.reloading import FIXED, keep_fixed, list_changes


def test_a_loop_that_is_overdue_is_stalled_until_it_is_heard_of() -> None:
    now = 100.0
    pulse = Pulse(("sender",), clock=lambda: now)
    send, pages = pulse.add_loop("send"), pulse.add_loop("pages")
    assert pulse.describe().reason == "starting"
    pulse.state = "running"
    assert pulse.describe().reason == ""  # nothing was promised yet
    send(10.0)
    pages(100.0)
    now = 110.0
    assert pulse.find_stalled() == {}
    now = 111.5
    assert pulse.find_stalled() == {"send": 11.5}
    condition = pulse.describe()
    assert (condition.reason, condition.roles) == ("stalled", ("sender",))
    assert condition.detail == "send has not advanced for 12 s"
    send(10.0)
    assert pulse.describe().reason == ""
    pulse.state = "stopping"
    assert pulse.describe().reason == "stopping"


def test_without_a_service_manager_nothing_is_sent() -> None:
    notifier = Notifier({})
    notifier.ready("all")
    notifier.ping()
    assert notifier.ping_seconds == 0


def test_an_address_that_is_gone_does_no_harm(tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1000"})
    notifier.ready("all")
    notifier.reloading()
    notifier.ping()
    notifier.stopping()


def test_an_abstract_address_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0digest-test-{os.getpid()}")
        manager.settimeout(10)
        Notifier({"NOTIFY_SOCKET": f"@digest-test-{os.getpid()}"}).ready("roles web")
        assert manager.recv(1000) == b"READY=1\nSTATUS=roles web"


def test_pings_come_twice_in_the_time_allowed_and_not_more_often(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "n"))
        manager.setblocking(False)
        environ = {"NOTIFY_SOCKET": str(tmp_path / "n"), "WATCHDOG_USEC": "400000"}
        notifier = Notifier(environ | {"WATCHDOG_PID": str(os.getpid())})
        assert notifier.ping_seconds == 0.2
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            notifier.ping()
        pings = []
        with suppress(BlockingIOError):
            while True:
                pings.append(manager.recv(100))
        assert 1 <= len(pings) <= 3
        assert set(pings) == {b"WATCHDOG=1"}
        assert Notifier(environ | {"WATCHDOG_PID": "1"}).ping_seconds == 0


def test_changes_are_named_and_what_cannot_change_is_kept() -> None:
    old = config.load(None, {})
    new = config.load(
        None,
        {
            "DIGEST_SMTP__HOST": "mail.example.org",
            "DIGEST_SMTP__PASSWORD": "secret",
            "DIGEST_WEB__BIND": "127.0.0.1:1",
            "DIGEST_STORE__URL": "sqlite:////elsewhere",
            "DIGEST_SERVE__HEALTH_BIND": "127.0.0.1:2",
            "DIGEST_METRICS__BIND": "127.0.0.1:3",
        },
    )
    changes = set(list_changes(old, new))
    assert changes == {*FIXED, "smtp.host", "smtp.password"}
    kept = keep_fixed(new, old)
    assert set(list_changes(old, kept)) == {"smtp.host", "smtp.password"}
    assert list(list_changes(new, new)) == []


def test_every_key_that_cannot_change_exists() -> None:
    for name in FIXED:
        section, _, key = name.partition(".")
        assert key in type(getattr(config.load(None, {}), section)).model_fields
