"""Share pauses of mail servers and domains among senders and over restarts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

from digest import store
from digest.app import App
from digest.errors import StoreError
from digest.mail.mailer import Mailer
from digest.model import Pause
from digest.pipeline.steps.group_commit import GroupCommit

#: how often this sender stores its pauses, and how often it loads those of others
_SAVE_SECONDS, _LOAD_SECONDS = 1.0, 5.0
#: two times of one pause differ by less, read from two clocks
_SAME = timedelta(seconds=1)

#: kind and name of what pauses
_Key = tuple[str, str]


def _by_key(pauses: list[Pause]) -> dict[_Key, Pause]:
    return {(pause.kind, pause.name): pause for pause in pauses}


def _is_same(pause: Pause, other: Pause | None) -> bool:
    if other is None or pause.strikes != other.strikes:
        return False
    return abs(pause.until - other.until) < _SAME


class SharedPauses:
    """The pauses of one sender beside those in the store."""

    def __init__(self, app: App, mailer: Mailer, ledger: GroupCommit) -> None:
        self._app, self._mailer, self._ledger = app, mailer, ledger
        #: this sender's pauses as they were last saved
        self._saved: dict[_Key, Pause] = {}
        #: pauses of all senders as they were last loaded
        self._loaded: dict[_Key, Pause] = {}

    async def load(self) -> None:
        """Load the pauses that other senders, or an earlier one, were asked for."""
        self._loaded = _by_key(await asyncio.to_thread(self._read))
        self._mailer.import_pauses(self._loaded.values())
        # What was loaded need not be saved again, even if the mailer changed it.
        own = _by_key(list(self._mailer.pauses()))
        self._saved |= {key: pause for key, pause in own.items() if key in self._loaded}

    async def save(self) -> None:
        """Save the pauses that are new since the last call, and end those that are over."""
        own = _by_key(list(self._mailer.pauses()))
        new = [pause for key, pause in own.items() if not _is_same(pause, self._saved.get(key))]
        over = [
            self._loaded.get(key, pause) for key, pause in self._saved.items() if key not in own
        ]
        if new or over:
            await self._ledger.write(lambda tx: self._write(tx, new, over))
        self._saved = own

    async def synchronise(self) -> None:
        """Save and load until cancelled; a database that is away is tried again."""
        loaded_at = monotonic()
        while True:
            await asyncio.sleep(_SAVE_SECONDS)
            try:
                await self.save()
                if monotonic() - loaded_at > _LOAD_SECONDS:
                    await self.load()
                    loaded_at = monotonic()
            except StoreError:
                continue

    def _read(self) -> list[Pause]:
        with self._app.store.reading() as tx:
            return store.pauses.load_all(tx, clock=datetime.now(UTC))

    @staticmethod
    def _write(tx: store.Connection, new: list[Pause], over: list[Pause]) -> None:
        for pause in over:
            store.pauses.end(tx, pause, clock=datetime.now(UTC))
        for pause in new:
            store.pauses.save(tx, pause, clock=datetime.now(UTC))
