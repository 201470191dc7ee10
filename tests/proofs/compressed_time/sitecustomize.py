"""Let processes sleep under libfaketime, which misreads the absolute times of `time.sleep`.

Python sleeps until a time of the monotonic clock. libfaketime 0.9.10 takes that for a time of the
wall clock, and the call fails or never ends. This module is loaded by each Python process that has
its folder in PYTHONPATH; all that runs in it is otherwise unchanged.
"""

import select
import time


def _sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = _sleep
