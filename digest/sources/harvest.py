"""Harvest of a source, window by window.

Requests a page, keeps it as a file, saves the position.

The process may be killed at any moment: a page is on disk under a hidden name before it is read,
and in the inbox under its final name before the state moves on. A page that is requested twice is
the same file or gets a second name, and ingesting it twice changes nothing.
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
    BadAnswer,
    Page,
    PageResult,
    Position,
    Recovery,
    Request,
    RetryLater,
    SourceReport,
    SourceSettings,
    State,
    Stopped,
    redact_url,
)
from digest.sources.kinds import KINDS

if TYPE_CHECKING:
    from digest.sources.web import Answer, Web

#: a folder that the inbox never reads, since its name begins with a dot
_HIDDEN_FOLDER: Final = ".fetch"
#: bad answers that are kept for the operator
_REJECTED_KEPT: Final = 5
#: covers records that changed while or shortly after the last window was read
_OVERLAP: Final = timedelta(days=1)
#: times that a window is begun again before the source waits for the next fetch
_RESTART_LIMIT: Final = 20
#: addresses whose ETag is kept
_TAG_LIMIT: Final = 20
#: seconds; the longest pause that a server may ask for
_LONGEST_PAUSE: Final = 7 * 86_400
_OK: Final = 200


@dataclass(kw_only=True)
class _Harvest:
    """The harvest of one source."""

    settings: SourceSettings
    state: State
    web: Web
    inbox: Path
    now: datetime
    save: Callable[[State, list[Path]], None]
    report: SourceReport
    agent: str = ""

    def __post_init__(self) -> None:
        self.kind = KINDS[self.settings.kind]
        self.hidden_folder = self.inbox / _HIDDEN_FOLDER
        self.folder = self.inbox / self.settings.name
        for folder in (self.hidden_folder, self.folder):
            private.make_folder(folder)
        self.partial_path = self.hidden_folder / f"{self.settings.name}.part"

    def read_windows(self) -> None:
        """Read to today from where the last run stopped: first the rest of its window."""
        today = self.now.date()
        has_files = False
        while True:
            if "position" not in self.state:
                read_until = self.state.get("until")
                since = (
                    date.fromisoformat(read_until) - _OVERLAP
                    if read_until
                    else today - timedelta(days=self.settings.days)
                )
                self._open_window(min(since, today), today)
            has_files = self._read_window() or has_files
            if self.state["until"] >= today.isoformat():
                break
        self.report.outcome = "fetched" if has_files else "unchanged"

    def _read_window(self) -> bool:
        """Read the current window and return whether it held files."""
        position: Position | None = self.state["position"]
        has_files = False
        while position is not None:
            result, files = self._request_page(position)
            if result.note and result.note not in self.report.notes:
                self.report.notes.append(result.note)
            has_files = has_files or bool(files)
            position = result.next
            if position is None:
                self.state["until"] = self.state.pop("window")[1]
                del self.state["position"]
            else:
                self.state["position"] = position
            self.report.files += files
            self.save(self.state, files)
            if result.error:
                raise SourceError(result.error)
        return has_files

    def _open_window(self, since: date, until: date) -> None:
        self.state["window"] = [since.isoformat(), until.isoformat()]
        self.state["position"] = self.kind.first_position(self.settings, since, until)

    def _request_page(self, position: Position) -> tuple[PageResult, list[Path]]:
        """Repeat a request until its answer is usable."""
        attempt = 0
        while True:
            request = self.kind.build_request(self.settings, position)
            answer = self._send(request, attempt)
            if answer.page is None:
                return PageResult(entries=False), []
            try:
                result = self.kind.read_page(self.settings, position, answer.page)
            except BadAnswer as bad:
                self._keep_rejected(answer.page)
                if answer.status != _OK and bad.recovery is not Recovery.RESTART:
                    raise SourceError(_describe_status(request, answer.status)) from bad
                attempt += 1
                if recovered := self._recover(bad, attempt):
                    return recovered, []
                continue
            if answer.status != _OK and not result.unknown:
                self._keep_rejected(answer.page)
                raise SourceError(_describe_status(request, answer.status))
            return result, self._keep_page(request, answer, answer.page, result)

    def _send(self, request: Request, attempt: int) -> Answer:
        validators = (
            self.state.get("tags", {}).get(_hash_address(request), {})
            if request.conditional
            else {}
        )
        return self.web.get(
            request,
            self.partial_path,
            agent=self.agent,
            etag=validators.get("etag", ""),
            modified=validators.get("modified", ""),
            attempt=attempt,
        )

    def _recover(self, bad: BadAnswer, attempt: int) -> PageResult | None:
        """Decide how to go on after a bad answer.

        Returns:
            A result that skips the page or begins the window again; None to repeat the request.

        Raises:
            SourceError: If nothing helps.
        """
        if bad.recovery is Recovery.GIVE_UP:
            raise SourceError(str(bad))
        # Try the token once more before the whole window is begun again.
        if bad.recovery is Recovery.RESTART and attempt > 1:
            if self.report.restarts >= _RESTART_LIMIT:
                raise SourceError(f"{bad}; the window was begun again {_RESTART_LIMIT} times")
            self.report.restarts += 1
            since, until = (date.fromisoformat(day) for day in self.state["window"])
            return PageResult(
                next=self.kind.first_position(self.settings, since, until), entries=False
            )
        if attempt >= self.web.attempts:
            if bad.fallback is not None:
                return bad.fallback
            raise SourceError(f"{bad}, after {attempt} tries")
        self.web.wait(attempt)
        return None

    def _keep_page(
        self, request: Request, answer: Answer, page: Page, result: PageResult
    ) -> list[Path]:
        sha = _hash_file(page.path)
        if request.conditional:
            tags = self.state.setdefault("tags", {})
            previous = tags.pop(_hash_address(request), {})
            tags[_hash_address(request)] = {
                "etag": answer.etag,
                "modified": answer.modified,
                "sha256": sha,
            }
            self.state["tags"] = dict(list(tags.items())[-_TAG_LIMIT:])
            if previous.get("sha256") == sha:
                return []
        self.report.bytes += page.size
        if not result.entries:
            return []
        return self._move_to_inbox(page, sha)

    def _move_to_inbox(self, page: Page, sha: str) -> list[Path]:
        """Move a page to the inbox.

        If a killed run has used the name: the same bytes are the same file, others get a new name.
        """
        earlier: list[Path] = []
        while True:
            number = self.state["number"] = self.state.get("number", 0) + 1
            target = (
                self.folder
                / f"{self.now:%Y-%m-%d}-{self.settings.name}-{number:06}.{self.kind.suffix}"
            )
            if not target.exists():
                page.path.rename(target)
                _sync_folder(self.folder)
                return [*earlier, target]
            earlier.append(target)
            if _hash_file(target) == sha:
                return earlier

    def _keep_rejected(self, page: Page) -> None:
        """Keep the last few bad answers outside of the inbox."""
        rejected = sorted(self.hidden_folder.glob(f"{self.settings.name}.refused-*"))
        for oldest in rejected[: max(0, len(rejected) - _REJECTED_KEPT + 1)]:
            oldest.unlink()
        number = int(rejected[-1].name.rpartition("-")[2]) + 1 if rejected else 1
        page.path.rename(self.hidden_folder / f"{self.settings.name}.refused-{number:06}")


def harvest(
    settings: SourceSettings,
    state: State,
    *,
    web: Web,
    inbox: Path,
    now: datetime,
    save: Callable[[State, list[Path]], None],
    agent: str = "",
) -> SourceReport:
    """Fetch one source up to now.

    Changes `state`, and gives it to `save` with the new files after each page.

    Returns:
        The report in any case; its `error` says why the harvest ended early. Exceptions of `save`
        or of the client's `beat`, except SourceError, are passed on.
    """
    report = SourceReport(name=settings.name)
    requests, retries = web.requests, web.retries
    run = _Harvest(
        settings=settings,
        state=state,
        web=web,
        inbox=inbox,
        now=now,
        save=save,
        report=report,
        agent=agent,
    )
    try:
        run.read_windows()
    except Stopped:
        report.outcome = "stopped"
    except RetryLater as later:
        report.outcome, report.error = "failed", str(later)
        state["not_before"] = (
            now + timedelta(seconds=min(later.seconds, _LONGEST_PAUSE))
        ).isoformat()
    except SourceError as error:
        report.outcome, report.error = "failed", str(error)
    except OSError as error:
        report.outcome, report.error = (
            "failed",
            f"{inbox}: {error.strerror or error}. Check the inbox and the space on its disk",
        )
    finally:
        run.partial_path.unlink(missing_ok=True)
        report.requests, report.retries = web.requests - requests, web.retries - retries
    return report


def _describe_status(request: Request, status: int) -> str:
    return (
        f"{redact_url(request.url)}: the server answers {status}. Check the settings of this source"
    )


def _hash_address(request: Request) -> str:
    """Hash an address, since it may hold a secret."""
    return hashlib.sha256(repr((request.url, sorted(request.params.items()))).encode()).hexdigest()[
        :16
    ]


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Write the folder to disk, so that the new name survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
