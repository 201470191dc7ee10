"""Signals and the end of the pages, as events that the main thread waits for."""

from __future__ import annotations

import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: event: the pages ended by themselves
PAGES_ENDED = "web"
#: event: read the config again
HANGUP = "SIGHUP"

#: It is a SimpleQueue because a signal handler may only use a queue without locks.
Events = queue.SimpleQueue[str]


@contextmanager
def note_hangups(events: Events) -> Iterator[None]:
    """Note SIGHUP, which would end the process; from the first moment of a service on."""
    number = getattr(signal, HANGUP, None)
    if number is None:  # Windows
        yield
        return
    before = signal.signal(number, lambda *_: events.put(HANGUP))
    try:
        yield
    finally:
        signal.signal(number, before)


@contextmanager
def note_stop_signals(events: Events) -> Iterator[None]:
    """Note the first SIGTERM or SIGINT; a second one ends the process at once."""
    previous_handlers = {
        number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)
    }

    def handle(number: int, _frame: FrameType | None) -> None:
        for stop_signal in previous_handlers:
            signal.signal(stop_signal, signal.SIG_DFL)
        events.put(signal.Signals(number).name)

    for number in previous_handlers:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
