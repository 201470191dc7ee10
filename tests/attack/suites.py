"""Attacks that are tests, run in their long form.

Damaged dumps, lives of readers, planted secrets, and signals.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.attack.place import Result
from tests.conftest import ROOT

#: seconds that one suite may take
_LONGEST = 1800


def run_suite(name: str, *paths: str, counted: str = "") -> Callable[[Path, str, int], Result]:
    """Return an attack that runs tests.

    Args:
        paths: Files of tests.
        counted: The variable that sets how long they run; "" = it is fixed.
    """

    def run(folder: Path, url: str, count: int) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *paths],
            cwd=ROOT,
            env=os.environ | ({counted: str(count)} if counted else {}),
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        lost = re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE)
        passed = re.search(r"(\d+) passed", done.stdout)
        if done.returncode and not lost:
            lost = [f"pytest ended with {done.returncode}: {done.stdout[-300:]}"]
        tests = int(passed[1]) if passed else done.stdout.count(".")
        said = f"{count} {'seconds' if 'SECONDS' in counted else 'examples'}" if counted else ""
        return Result(
            name=name, count=tests, lost=tuple(lost), remark=f"tests passed; {said}".rstrip("; ")
        )

    return run
