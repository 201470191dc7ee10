"""Run a command as an operator does, and measure it from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digest.config import PREFIX
from digest.errors import DigestError

_TIMED = Path(__file__).with_name("timed.py")


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a command used: seconds on the clock and of CPU, and bytes of memory at most."""

    wall: float
    cpu: float
    memory: int

    @property
    def json(self) -> dict[str, float]:
        return {
            "wall_s": round(self.wall, 3),
            "cpu_s": round(self.cpu, 3),
            "memory_mb": round(self.memory / 1e6, 1),
        }


def run_digest(config: Path, *words: str) -> tuple[Usage, Any]:
    """Run `digest WORDS --json` with a settings file alone; return its report, too.

    Raises:
        DigestError: the command failed.
    """
    command = [sys.executable, "-m", "digest", *words, "--json", "--config", str(config)]
    usage, output = run_command(command)
    return usage, json.loads(output)


def run_command(command: Sequence[str]) -> tuple[Usage, bytes]:
    """Run a command, without settings from the environment; return its standard output, too.

    Raises:
        DigestError: the command failed.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as figures_file:
        # in a session of its own, so that all of it can be ended
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-S", str(_TIMED), str(writing), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=without_settings(os.environ),
            pass_fds=(writing,),
            start_new_session=True,
        )
        os.close(writing)
        try:
            output, errors = process.communicate()
        except BaseException:
            # at once: what it works on is the bench's own
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        figures = json.loads(figures_file.read() or b'{"code": null}')
    if figures.pop("code") != 0:
        said = (errors.strip() or output.strip()).decode(errors="replace")
        raise DigestError(
            f"the bench stopped, since a command failed: {' '.join(command)}\n{said[-2000:]}"
        )
    return Usage(**figures), output


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without settings, which would win over the bench's own."""
    return {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
