"""The real command, in a folder of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from digest.cli import main
from digest.demo.mail_sink import MailSink
from tests.conftest import TODAY, invent_papers

Run = Callable[..., "Done"]


@dataclass(frozen=True, kw_only=True)
class Done:
    stdout: str
    stderr: str


@pytest.fixture
def process(tmp_path: Path) -> Run:
    """Run `digest ...` as a process in tmp_path, without settings from outside."""

    def call(*words: str, **environment: str) -> Done:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")
        }
        done = subprocess.run(
            [sys.executable, "-m", "digest", *words],
            cwd=tmp_path,
            env=clean | {"COLUMNS": "200", "NO_COLOR": "1"} | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, (
            f"digest {' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
        return Done(stdout=done.stdout, stderr=done.stderr)

    return call


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run `digest ...` in this process, where modules are loaded only once."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, code: int = 0, stdin: str = "", **environment: str) -> Done:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["digest", *words])
            for place, hook in ((threading, "excepthook"), (sys, "unraisablehook")):
                patch.setattr(place, hook, getattr(place, hook))  # the command sets its own
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            for name, value in environment.items():
                patch.setenv(name, value)
            ended: int | str | None = 0
            try:
                main()
            except SystemExit as end:
                ended = end.code or 0
        output = capfd.readouterr()
        assert ended == code, (
            f"digest {' '.join(words)} ended with {ended}:\n{output.out}\n{output.err}"
        )
        return Done(stdout=output.out, stderr=output.err)

    return call


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / f"{TODAY}.jsonl").write_bytes(
        b"".join(msgspec.json.encode(row) + b"\n" for row in invent_papers(TODAY))
    )
    return folder


@pytest.fixture
def mail_sink(tmp_path: Path) -> Iterator[MailSink]:
    with MailSink(tmp_path / "caught") as listening:
        yield listening
