"""SIGINT and SIGTERM end a command within seconds.

The command prints one line, never a traceback.

The signal raises an exception in the main thread, so transactions are rolled back and files closed.
If the main thread hangs in a library, such as in SQLite's wait for a lock, or waits for threads, a
watching thread ends the process. The stored data survives that in every command.
"""

from __future__ import annotations

import math
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

#: seconds for a command to end by itself
GRACE = 2.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class EndedBySignal(SystemExit):
    """A signal came.

    The exit code is the shell's, 130 or 143, unless another one is set.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code: int = _exit_code(number)
        self.name = signal.Signals(number).name


#: exit code after a signal; None = the shell's code for it
_code: int | None = None


def _exit_code(number: int) -> int:
    return 128 + number if _code is None else _code


#: set while a command may take as long as it needs to end
_no_time_limit = threading.Event()


@contextmanager
def end_on_signals(code: int | None = None) -> Iterator[None]:
    """Let signals end the block.

    This includes signals that a shell makes background jobs ignore.

    Args:
        code: exit code after a signal; None means 130 for SIGINT and 143 for SIGTERM.
    """
    global _code
    _code = code
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread gets signals
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    watching = threading.Thread(target=_watch, args=(read_end,), name="digest-signals", daemon=True)
    watching.start()
    old = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in SIGNALS:
        signal.signal(number, _end)
    try:
        yield
    except EndedBySignal:
        raise  # keep watching: threads may delay the end of the process
    except BaseException:
        _restore(before, old, write_end)
        raise
    else:
        _restore(before, old, write_end)


def _restore(before: Mapping[signal.Signals, Any], wakeup: int, write_end: int) -> None:
    signal.set_wakeup_fd(wakeup)
    for number, handler in before.items():
        signal.signal(number, handler)
    os.close(write_end)  # ends the watching thread


def _end(number: int, _frame: FrameType | None) -> None:
    for other in SIGNALS:
        signal.signal(other, signal.SIG_DFL)
    raise EndedBySignal(number)


def _watch(read_end: int) -> None:
    """End the process seconds after the first signal, at once after the second."""
    code, deadline = 0, math.inf
    with selectors.DefaultSelector() as selector:
        selector.register(read_end, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if not selector.select(None if left == math.inf else max(0.0, left)):
                os._exit(code)
            data = os.read(read_end, 1)
            if not data:
                break
            if data[0] in SIGNALS:
                if code:
                    os._exit(_exit_code(data[0]))
                code = _exit_code(data[0])
                deadline = math.inf if _no_time_limit.is_set() else time.monotonic() + GRACE
    os.close(read_end)


@contextmanager
def without_time_limit() -> Iterator[None]:
    """Let the block handle signals itself and take as long as it needs to end."""
    _no_time_limit.set()
    try:
        yield
    finally:
        _no_time_limit.clear()


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGTERM or SIGINT came.

    A second signal ends the process at once; the stored state of deliveries allows that.
    """
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    received: list[int] = []

    def note_signal(number: int, _frame: FrameType | None) -> None:
        for other in handlers:
            signal.signal(other, signal.SIG_DFL)
        received.append(number)

    for number in handlers:
        signal.signal(number, note_signal)
    try:
        with without_time_limit():
            yield lambda: bool(received)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def ignore_hangups() -> None:
    """Ignore SIGHUP until the service can read its config again: it has not read it yet."""
    if hasattr(signal, "SIGHUP"):  # not on Windows
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def wait_for_signal() -> NoReturn:
    """Wait until a signal raises `EndedBySignal`.

    Sleeps are short, because a signal that arrives just before a sleep starts is handled only when
    it ends.
    """
    while True:
        time.sleep(0.5)
