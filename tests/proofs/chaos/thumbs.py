"""Readers who press thumbs of the mails that a server took, on any of several pages."""

from __future__ import annotations

import random
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence

import httpx

from digest.demo.mail_sink import ReceivedMail

_THUMB = re.compile(r"https?://[^/\s]+(/t/\w+)")
#: seconds between two presses
_PAUSE = 0.15
#: tries of one press, as a person reloads a page that does not come
_TRIES = 3


class Pressers:
    """A thread that presses while it is entered.

    Args:
        mails: returns the mails that were taken so far.
        pages: addresses of the processes with pages.
    """

    def __init__(
        self, mails: Callable[[], Sequence[ReceivedMail]], pages: Sequence[str], seed: int
    ) -> None:
        self._mails, self._pages = mails, pages
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._press_all, daemon=True)
        self._pressed: set[str] = set()
        #: paths of thumbs that were answered by 200, in order
        self.answered: list[str] = []
        #: presses without an answer, by connection or by status
        self.unanswered = 0
        self.wrong: list[str] = []

    def __enter__(self) -> Pressers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _press_all(self) -> None:
        while not self._over.wait(_PAUSE):
            paths = self._next_paths()
            if paths:
                self._press(self._random.choice(paths))

    def _next_paths(self) -> list[str]:
        """Return the thumbs of one paper of a mail, up and down."""
        mails = self._mails()
        if not mails:
            return []
        text = self._random.choice(mails).part("plain")
        found = list(dict.fromkeys(_THUMB.findall(text)))
        pairs = [found[place : place + 2] for place in range(0, len(found) - 1, 2)]
        fresh = [pair for pair in pairs if not self._pressed.intersection(pair)]
        return self._random.choice(fresh) if fresh else []

    def _press(self, path: str) -> None:
        self._pressed.add(path)
        form = {"form": f"{int(time.time()):x}.{secrets.token_hex(8)}"}
        for _ in range(_TRIES):
            try:
                answer = httpx.post(self._random.choice(self._pages) + path, data=form, timeout=60)
            except httpx.TransportError:
                self.unanswered += 1
                if self._over.wait(_PAUSE):
                    return
                continue
            if answer.status_code == 200:
                self.answered.append(path)
                return
            self.unanswered += 1
            if answer.status_code != 503:
                self.wrong.append(f"POST {path} was answered by {answer.status_code}")
                return
