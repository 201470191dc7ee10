"""Signals end every command in seconds, with one line and the usual exit code."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, build_sqlite_file

pytestmark = pytest.mark.slow

Start = Callable[..., subprocess.Popen[str]]
#: a machine that is busy with other things may need longer than the seconds that are promised
LONG = 60


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start Python code as the command `digest` would, in a folder with a database."""
    running: list[subprocess.Popen[str]] = []
    (tmp_path / "digest.sqlite").write_bytes(build_sqlite_file())
    (tmp_path / "config.toml").write_text("[web]\nbind = '127.0.0.1:0'\n", encoding="utf-8")

    def go(*words: str, before: str = "", ignored: bool = False) -> subprocess.Popen[str]:
        clean = {n: v for n, v in os.environ.items() if not n.startswith("DIGEST_")}
        code = f"import sys\nsys.argv = ['digest', *sys.argv[1:]]\n{before}\n"
        code += "from digest.__main__ import main\nmain()\n"
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", code, *words],
            cwd=tmp_path,
            env=clean | {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if ignored else None,
        )
        running.append(process)
        return process

    yield go
    for process in running:
        process.kill()
        process.communicate(timeout=LONG)


def until(process: subprocess.Popen[str], word: str) -> None:
    """Read the output up to a line with the word."""
    assert process.stdout is not None
    output = ""
    while word not in output:
        line = process.stdout.readline()
        assert line, output
        output += line


#: the verb says where it is, and then takes for ever
SLOW = """
import time
from digest import pipeline
def slow(*_, **__):
    print("begun", flush=True)
    while True:
        time.sleep(0.1)
pipeline.{verb} = slow
"""
#: ... without looking up, as a library in C may
DEAF = """
import sqlite3
from digest import pipeline
def deaf(app, *_, **__):
    print("begun", flush=True)
    other = sqlite3.connect("digest.sqlite", timeout=600, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
pipeline.{verb} = deaf
"""
#: ... or it waits for a thread that does
THREAD = """
import time
from concurrent.futures import ThreadPoolExecutor
from digest import pipeline
def wait(*_, **__):
    print("begun", flush=True)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(time.sleep, 600).result()
pipeline.{verb} = wait
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("program", [SLOW, DEAF, THREAD], ids=["slow", "deaf", "thread"])
def test_a_command_ends(start: Start, program: str, number: signal.Signals, tmp_path: Path) -> None:
    lock = sqlite3.connect(tmp_path / "digest.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    process = start("compose", before=program.format(verb="compose"), ignored=True)
    until(process, "begun")
    process.send_signal(number)
    _, err = process.communicate(timeout=LONG)
    lock.close()
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    if program == SLOW:
        assert err.splitlines()[-1] == f"digest: ended by {number.name}"


@pytest.mark.parametrize("program", [SLOW, THREAD], ids=["slow", "thread"])
def test_a_round_that_composes_ends(start: Start, program: str) -> None:
    process = start("run", before=program.format(verb="compose"))
    until(process, "begun")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=LONG)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in err


def test_a_signal_ends_a_command_during_imports(start: Start) -> None:
    late = (
        "import builtins\nreal = builtins.__import__\ndef slow(name, *rest):\n    if name == "
        "'typer':\n"
    )
    late += (
        "        import time; print('loading', flush=True); time.sleep(600)\n    return "
        "real(name, *rest)\nbuiltins.__import__ = slow"
    )
    process = start("status", before=late)
    until(process, "loading")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LONG)
    assert (process.returncode, err) == (130, "digest: ended by SIGINT\n")


def test_a_second_signal_ends_it_at_once(start: Start) -> None:
    hurry = "import digest.signals; digest.signals.GRACE = 3600\n"
    process = start("compose", before=hurry + THREAD.format(verb="compose"))
    until(process, "begun")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG) in (143, -signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_waiting_command_ends_with_success(start: Start, number: signal.Signals) -> None:
    process = start("dev-mail", "--port", "0", "--web-port", "0", "--folder", "mail", ignored=True)
    until(process, "Ctrl-C ends it")
    process.send_signal(number)
    out, err = process.communicate(timeout=LONG)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("0 mails received\n")


#: prints "begun" once signals are handled
BEGUN = """
from contextlib import contextmanager
@contextmanager
def announce(code):
    with real(code):
        print("begun", flush=True)
        yield
signals.end_on_signals = announce
"""


def test_an_ended_pipe_lets_the_mail_server_try_again(start: Start) -> None:
    late = "from digest import signals\nreal = signals.end_on_signals\n"
    process = start("bounce", before=late + BEGUN)
    until(process, "begun")
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONG) == 75


def test_serve_reads_its_config_again_on_a_hangup(start: Start, tmp_path: Path) -> None:
    process = start("serve")
    assert process.stderr is not None
    output = ""
    while "serve roles=" not in output:
        line = process.stderr.readline()
        assert line, output
        output += line
    process.send_signal(signal.SIGHUP)
    while "reload changed=-" not in output:
        line = process.stderr.readline()
        assert line, output
        output += line
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=LONG)
    assert process.returncode == 0
    assert "stop by=SIGTERM" in rest
