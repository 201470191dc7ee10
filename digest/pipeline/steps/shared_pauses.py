"""What servers and domains asked for, shared among senders and kept over restarts: who asked for
quiet is not asked again by the next process.
"""

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

#: how often this sender tells what it was told, and how often it asks what others were
_TELL_SECONDS, _ASK_SECONDS = 1.0, 5.0
#: the same pause, said in two clocks
_SAME = timedelta(seconds=1)


_Key = tuple[str, str]


def _key(pause: Pause) -> _Key:
    return pause.kind, pause.name


def _same(pause: Pause, other: Pause | None) -> bool:
    return (
        other is not None
        and pause.strikes == other.strikes
        and abs(pause.until - other.until) < _SAME
    )


class SharedPauses:
    """The pauses of one sender beside those in the store."""

    def __init__(self, app: App, mailer: Mailer, ledger: GroupCommit) -> None:
        self._app, self._mailer, self._ledger = app, mailer, ledger
        #: this sender's as they were last told, and the store's as they were last heard
        self._told: dict[_Key, Pause] = {}
        self._heard: dict[_Key, Pause] = {}

    async def ask(self) -> None:
        """Keep what other senders, or an earlier one, were told."""
        self._heard = {_key(pause): pause for pause in await asyncio.to_thread(self._read)}
        self._mailer.import_pauses(self._heard.values())
        # What came from there need not go back, however this sender takes it.
        self._told |= {key: pause for key, pause in self._mine().items() if key in self._heard}

    async def tell(self) -> None:
        """Store what this sender was told since, and take back what is over."""
        mine = self._mine()
        news = [pause for key, pause in mine.items() if not _same(pause, self._told.get(key))]
        over = [self._heard.get(key, pause) for key, pause in self._told.items() if key not in mine]
        if news or over:
            await self._ledger.write(lambda tx: self._write(tx, news, over))
        self._told = mine

    async def keep(self) -> None:
        """Tell and ask until it is cancelled; a database that is away is asked again."""
        asked = monotonic()
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            try:
                await self.tell()
                if monotonic() - asked > _ASK_SECONDS:
                    await self.ask()
                    asked = monotonic()
            except StoreError:
                continue

    def _mine(self) -> dict[_Key, Pause]:
        return {_key(pause): pause for pause in self._mailer.pauses()}

    def _read(self) -> list[Pause]:
        with self._app.store.reading() as tx:
            return store.pauses.load_all(tx, clock=datetime.now(UTC))

    @staticmethod
    def _write(tx: store.Connection, news: list[Pause], over: list[Pause]) -> None:
        for pause in over:
            store.pauses.end(tx, pause, clock=datetime.now(UTC))
        for pause in news:
            store.pauses.save(tx, pause, clock=datetime.now(UTC))
