"""The folder deploy/, and what stands before and behind the proxies."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from digest import serve
from digest.demo.servers import free_port
from tests.conftest import ROOT, make_app, skip_or_fail

DEPLOY = ROOT / "deploy"
_PATIENCE = 15.0


def require_program(name: str) -> str:
    """Return the path of a program; skip the test where it is not installed."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        skip_or_fail(f"no {name} is installed")
    assert path is not None
    return path


def copy(name: str, target: Path, replacements: dict[str, str]) -> Path:
    """Copy a file of deploy/ with other ports and paths; each must occur in it."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for old, new in replacements.items():
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, new)
    target.write_text(text, encoding="utf-8")
    return target


def wait_for(is_done: Callable[[], bool], what: str) -> None:
    """Wait until something is done, or fail."""
    end = time.monotonic() + _PATIENCE
    while not is_done():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def is_open(port: int) -> bool:
    """Tell whether somebody listens at a local port."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(command: list[str], port: int, log: Path, **options: Any) -> Iterator[None]:
    """Run a server in the foreground until the end of the block."""
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, **options)
    try:
        wait_for(lambda: is_open(port) or process.poll() is not None, f"{command[0]} at {port}")
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield
    finally:
        process.terminate()
        process.wait(_PATIENCE)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of real pages, which readers reach below /digest."""
    port = free_port()
    app = make_app(
        tmp_path_factory.mktemp("pages"),
        web__bind=f"127.0.0.1:{port}",
        web__base_url="https://www.example.org/digest",
    )
    with serve.Background(app):
        yield port
    app.close()
