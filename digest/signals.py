"""How SIGINT and SIGTERM end a command: in a few seconds, with one line, never by a traceback.

The main thread leaves what it does by an exception, so that transactions are taken back and files
closed. It may hang in a library that knows no signals, such as SQLite's wait for a lock, or have
to wait for threads: then a thread of its own ends the process, which every command survives.
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
from typing import Any

#: seconds in which a command may end by itself
GRACE = 2.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ended(SystemExit):
    """A signal came. The code is the shell's for it, 130 or 143, where nothing else is set."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code: int = _code_of(number)
        self.name = signal.Signals(number).name


#: what the process ends with after a signal; None = the shell's code for it
_code: int | None = None


def _code_of(number: int) -> int:
    return 128 + number if _code is None else _code


#: set while a command takes the time that it needs to end
_unhurried = threading.Event()


@contextmanager
def ending(code: int | None = None) -> Iterator[None]:
    """Signals end what happens in the block. Also those that a shell ignores in the background.

    Args:
        code: that the process then ends with; None = 130 for SIGINT and 143 for SIGTERM.
    """
    global _code
    _code = code
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is told of signals
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    watching = threading.Thread(target=_watch, args=(ear,), name="digest-signals", daemon=True)
    watching.start()
    old = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    for number in SIGNALS:
        signal.signal(number, _end)
    try:
        yield
    except Ended:
        raise  # the watch goes on: threads may keep the process from ending
    except BaseException:
        _restore(before, old, mouth)
        raise
    else:
        _restore(before, old, mouth)


def _restore(before: Mapping[signal.Signals, Any], wakeup: int, mouth: int) -> None:
    signal.set_wakeup_fd(wakeup)
    for number, handler in before.items():
        signal.signal(number, handler)
    os.close(mouth)  # which ends the watch


def _end(number: int, _frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    raise Ended(number)


def _watch(ear: int) -> None:
    """End the process some seconds after a signal came, or at once after the second."""
    code, ends = 0, math.inf
    with selectors.DefaultSelector() as selector:
        selector.register(ear, selectors.EVENT_READ)
        while True:
            left = ends - time.monotonic()
            if not selector.select(None if left == math.inf else max(0.0, left)):
                os._exit(code)
            told = os.read(ear, 1)
            if not told:
                break
            if told[0] in SIGNALS:
                if code:
                    os._exit(_code_of(told[0]))
                code = _code_of(told[0])
                ends = math.inf if _unhurried.is_set() else time.monotonic() + GRACE
    os.close(ear)


@contextmanager
def unhurried() -> Iterator[None]:
    """What happens in the block takes signals itself, and the time that it needs to end."""
    _unhurried.set()
    try:
        yield
    finally:
        _unhurried.clear()


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Yields what tells whether SIGTERM or SIGINT came.

    A second signal ends the process at once; the ledger is made for that.
    """
    known = {number: signal.getsignal(number) for number in SIGNALS}
    came: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        for each in known:
            signal.signal(each, signal.SIG_DFL)
        came.append(number)

    for number in known:
        signal.signal(number, hear)
    try:
        with unhurried():
            yield lambda: bool(came)
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)


def wait_for_signal() -> None:
    """Do nothing until a signal raises `Ended`.

    In steps: a signal that comes just before a wait begins interrupts nothing, and is handled
    only when the wait ends.
    """
    while True:
        time.sleep(0.5)
