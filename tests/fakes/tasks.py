"""Functions for workers; processes import them in a moment."""

from __future__ import annotations

import os
import signal
import time
from typing import Any


def add(shared: tuple[int, ...], item: int) -> int:
    return sum(shared) + item


def name_of_shared(shared: tuple[Any, ...], item: int) -> tuple[int, int, int]:
    """Return the process, and where the shared value is in it."""
    time.sleep(0.02)
    return os.getpid(), id(shared[0]), item


def end_process(shared: tuple[()], item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def fail_at_two(shared: tuple[()], item: int) -> int:
    if item == 2:
        raise ZeroDivisionError("two")
    return item
