"""One source, window by window: ask, keep the answer as a file, note how far it came, go on.

The order makes a kill harmless at any moment: the answer is on disk under a hidden name before
anybody looks into it, in the inbox under its own name before the state moves past it. What is asked
twice is kept under a second name or is the same file; ingesting it twice changes nothing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from digest import private
from digest.errors import SourceError
from digest.sources.base import (
    Ask,
    Bad,
    Harvested,
    Later,
    Page,
    Position,
    State,
    Stopped,
    Then,
    Turn,
    Wanted,
    shown_url,
)
from digest.sources.kinds import KINDS

if TYPE_CHECKING:
    from digest.sources.web import Answer, Web

#: a folder that the inbox never reads, as its name begins with a dot
_ASIDE: Final = ".fetch"
#: answers that were none, kept for the operator to look at
_REFUSED_KEPT: Final = 5
#: records that changed while, or shortly after, the last window was read
_OVERLAP: Final = timedelta(days=1)
#: times that a window is begun again before the source has to wait for the next fetch
_RESTARTS: Final = 20
#: addresses whose ETag is remembered
_TAGS: Final = 20
#: seconds that a server may keep a source from being asked at all
_LONGEST: Final = 7 * 86_400
_OK: Final = 200


@dataclass(kw_only=True)
class _Run:
    """One source while it is fetched."""

    wanted: Wanted
    state: State
    web: Web
    inbox: Path
    now: datetime
    save: Callable[[State, list[Path]], None]
    found: Harvested
    agent: str = ""

    def __post_init__(self) -> None:
        self.kind = KINDS[self.wanted.kind]
        self.aside = self.inbox / _ASIDE
        self.folder = self.inbox / self.wanted.name
        for folder in (self.aside, self.folder):
            private.make_folder(folder)
        self.part = self.aside / f"{self.wanted.name}.part"

    def windows(self) -> None:
        """From where the last run stopped to today: what is left of its window, then the days
        since.
        """
        today = self.now.date()
        kept = False
        while True:
            if "position" not in self.state:
                done = self.state.get("until")
                since = (
                    date.fromisoformat(done) - _OVERLAP
                    if done
                    else today - timedelta(days=self.wanted.days)
                )
                self._open(min(since, today), today)
            kept = self._window() or kept
            if self.state["until"] >= today.isoformat():
                break
        self.found.outcome = "fetched" if kept else "unchanged"

    def _window(self) -> bool:
        """Whether it held anything."""
        position: Position | None = self.state["position"]
        kept = False
        while position is not None:
            turn, files = self._step(position)
            if turn.note and turn.note not in self.found.notes:
                self.found.notes.append(turn.note)
            kept = kept or bool(files)
            position = turn.next
            if position is None:
                self.state["until"] = self.state.pop("window")[1]
                del self.state["position"]
            else:
                self.state["position"] = position
            self.found.files += files
            self.save(self.state, files)
        return kept

    def _open(self, since: date, until: date) -> None:
        self.state["window"] = [since.isoformat(), until.isoformat()]
        self.state["position"] = self.kind.begin(self.wanted, since, until)

    def _step(self, position: Position) -> tuple[Turn, list[Path]]:
        """One question until it has an answer that is one."""
        attempt = 0
        while True:
            ask = self.kind.ask(self.wanted, position)
            answer = self._get(ask, attempt)
            if answer.page is None:
                return Turn(entries=False), []
            try:
                turn = self.kind.take(self.wanted, position, answer.page)
            except Bad as bad:
                self._refuse(answer.page)
                if answer.status != _OK and bad.then is not Then.RESTART:
                    raise SourceError(_unasked(ask, answer.status)) from bad
                attempt += 1
                if after := self._after(bad, attempt):
                    return after, []
                continue
            if answer.status != _OK:
                self._refuse(answer.page)
                raise SourceError(_unasked(ask, answer.status))
            return turn, self._keep(ask, answer, answer.page, turn)

    def _get(self, ask: Ask, attempt: int) -> Answer:
        tags = self.state.get("tags", {}).get(_key(ask), {}) if ask.conditional else {}
        return self.web.get(
            ask,
            self.part,
            agent=self.agent,
            etag=tags.get("etag", ""),
            modified=tags.get("modified", ""),
            attempt=attempt,
        )

    def _after(self, bad: Bad, attempt: int) -> Turn | None:
        """How to go on after an answer that is none: past it, or at the window's begin; None = ask
        again.
        """
        if bad.then is Then.GIVE_UP:
            raise SourceError(str(bad))
        # A token is asked with once more before the work of a whole window is thrown away.
        if bad.then is Then.RESTART and attempt > 1:
            if self.found.restarted >= _RESTARTS:
                raise SourceError(f"{bad}; the window was begun again {_RESTARTS} times")
            self.found.restarted += 1
            since, until = (date.fromisoformat(day) for day in self.state["window"])
            return Turn(next=self.kind.begin(self.wanted, since, until), entries=False)
        if attempt >= self.web.attempts:
            if bad.accept is not None:
                return bad.accept
            raise SourceError(f"{bad}, after {attempt} tries")
        self.web.wait(attempt)
        return None

    def _keep(self, ask: Ask, answer: Answer, page: Page, turn: Turn) -> list[Path]:
        sha = _sha(page.path)
        if ask.conditional:
            tags = self.state.setdefault("tags", {})
            known = tags.pop(_key(ask), {})
            tags[_key(ask)] = {"etag": answer.etag, "modified": answer.modified, "sha256": sha}
            self.state["tags"] = dict(list(tags.items())[-_TAGS:])
            if known.get("sha256") == sha:
                return []
        self.found.bytes += page.size
        if not turn.entries:
            return []
        return self._named(page, sha)

    def _named(self, page: Page, sha: str) -> list[Path]:
        """Into the inbox.

        A name that a killed run used already stays its own: with the same bytes it is this file,
        else another one.
        """
        before: list[Path] = []
        while True:
            number = self.state["number"] = self.state.get("number", 0) + 1
            target = (
                self.folder
                / f"{self.now:%Y-%m-%d}-{self.wanted.name}-{number:06}.{self.kind.suffix}"
            )
            if not target.exists():
                page.path.rename(target)
                _sync(self.folder)
                return [*before, target]
            before.append(target)
            if _sha(target) == sha:
                return before

    def _refuse(self, page: Page) -> None:
        """Keep the last few answers that were none, out of the inbox."""
        refused = sorted(self.aside.glob(f"{self.wanted.name}.refused-*"))
        for old in refused[: max(0, len(refused) - _REFUSED_KEPT + 1)]:
            old.unlink()
        number = int(refused[-1].name.rpartition("-")[2]) + 1 if refused else 1
        page.path.rename(self.aside / f"{self.wanted.name}.refused-{number:06}")


def harvest(
    wanted: Wanted,
    state: State,
    *,
    web: Web,
    inbox: Path,
    now: datetime,
    save: Callable[[State, list[Path]], None],
    agent: str = "",
) -> Harvested:
    """Fetch one source up to now.

    `state` is changed on the way and handed to `save` with the new files after each page.

    Returns its report in any case; `error` says why it ended early. What `save` or the client's
    `beat` raise, other than SourceError, goes through.
    """
    found = Harvested(name=wanted.name)
    requests, repeated = web.requests, web.repeated
    run = _Run(
        wanted=wanted,
        state=state,
        web=web,
        inbox=inbox,
        now=now,
        save=save,
        found=found,
        agent=agent,
    )
    try:
        run.windows()
    except Stopped:
        found.outcome = "stopped"
    except Later as later:
        found.outcome, found.error = "failed", str(later)
        state["not_before"] = (now + timedelta(seconds=min(later.seconds, _LONGEST))).isoformat()
    except SourceError as error:
        found.outcome, found.error = "failed", str(error)
    except OSError as error:
        found.outcome, found.error = (
            "failed",
            f"{inbox}: {error.strerror or error}. Check the inbox and the space on its disk",
        )
    finally:
        run.part.unlink(missing_ok=True)
        found.requests, found.repeated = web.requests - requests, web.repeated - repeated
    return found


def _unasked(ask: Ask, status: int) -> str:
    return f"{shown_url(ask.url)}: the server answers {status}. Check the settings of this source"


def _key(ask: Ask) -> str:
    """A key for an address that does not show it: it may hold a secret."""
    return hashlib.sha256(repr((ask.url, sorted(ask.params.items()))).encode()).hexdigest()[:16]


def _sha(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    """Make the new name survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
