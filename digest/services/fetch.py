"""fetch: the configured sources into the inbox, then ingest what came.

One process at a time; a kill at any moment loses and doubles nothing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from digest import __version__, sources, store
from digest.app import App
from digest.config import SourceEntry
from digest.errors import InputError
from digest.model import SKEW
from digest.pipeline.ingest import Progress, ingest
from digest.pipeline.steps.ingest_report import IngestReport
from digest.redaction import redact
from digest.services.inbox import read_before
from digest.sources import SourceReport, SourceSettings, State
from digest.sources.calendar import list_announcements

if TYPE_CHECKING:
    from digest.sources.web import Web

#: called with the source's name and the pages kept so far
Told = Callable[[str, int], None]


@dataclass(kw_only=True, slots=True)
class FetchReport:
    """What the sources gave, and what ingest made of it."""

    sources: list[SourceReport] = field(default_factory=list)
    ingested: IngestReport = field(default_factory=IngestReport)
    #: another process is fetching: nothing was done
    busy: bool = False

    @property
    def failed(self) -> bool:
        return any(one.outcome == "failed" for one in self.sources) or self.ingested.failed

    @property
    def json(self) -> dict[str, object]:
        return {
            "busy": self.busy,
            "sources": [
                {
                    "name": one.name,
                    "outcome": one.outcome,
                    "requests": one.requests,
                    "repeated": one.repeated,
                    "restarted": one.restarted,
                    "bytes": one.bytes,
                    "files": [path.name for path in one.files],
                    "error": one.error,
                    "notes": one.notes,
                }
                for one in self.sources
            ],
            "ingested": self.ingested.json,
        }


def fetch(
    app: App,
    names: Sequence[str] = (),
    *,
    due: bool = False,
    reading: bool = True,
    stop: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.time,
    told: Told | None = None,
    progress: Progress | None = None,
) -> FetchReport:
    """Fetch the enabled sources, or those named, in the order of the config.

    Args:
        due: only those whose `every` has passed.
        reading: ingest what came; off where something else watches the inbox.
        stop: asked before each request; True ends the fetch there, and the next one goes on from
        it.

    Raises:
        InputError: a name that no source has.
        StoreError: the database is locked, full or gone; what was kept before stands.
    """
    report = FetchReport()
    wanted = _chosen(app.config.sources, names)
    if not wanted:
        return report
    owner = store.owners.identify_process(secrets.token_hex(4))
    with app.store.writing() as tx:
        mine, asked = store.sources.claim(tx, owner, app.now())
    if not mine:
        report.busy = True
        return report
    try:
        _fetch_all(app, wanted, report, owner, asked, due, reading, stop, sleep, clock, told)
    finally:
        with app.store.writing() as tx:
            store.sources.release(tx, owner, asked, app.now())
    if reading:
        report.ingested = _read(app, [entry.name for entry in wanted], progress)
    if any(one.outcome != "waiting" for one in report.sources):
        summary = {
            one.name: {"outcome": one.outcome, "files": len(one.files), "requests": one.requests}
            for one in report.sources
        }
        errors = "; ".join(f"{one.name}: {one.error}" for one in report.sources if one.error)
        with app.store.writing() as tx:
            store.rounds.record(tx, "fetch", at=app.now(), report=summary, error=errors[:2000])
    return report


def _chosen(entries: Sequence[SourceEntry], names: Sequence[str]) -> list[SourceEntry]:
    known = {entry.name: entry for entry in entries}
    for name in names:
        if name not in known:
            raise InputError(
                f"no source is called {name!r}. The config has: "
                f"{', '.join(known) or 'none; add [[sources]]'}"
            )
    return [entry for entry in entries if (entry.name in names if names else entry.enabled)]


def _fetch_all(
    app: App,
    entries: Iterable[SourceEntry],
    report: FetchReport,
    owner: str,
    asked: dict[str, float],
    due: bool,
    reading: bool,
    stop: Callable[[], bool],
    sleep: Callable[[float], object],
    clock: Callable[[], float],
    told: Told | None,
) -> None:
    from digest.sources.web import Web

    settings = app.config.fetch

    def beat() -> None:
        if stop():
            raise sources.Stopped("asked to stop")
        with app.store.writing() as tx:
            if not store.sources.renew(tx, owner, asked, app.now()):
                raise sources.Stopped("another process took over")

    wanted = {entry.name: as_wanted(entry) for entry in entries}
    web = Web(
        agent=_agent(settings.contact or app.config.mail.sender),
        attempts=settings.attempts,
        timeout=float(settings.timeout),
        cap=settings.max_mb * 1_000_000,
        clock=clock,
        sleep=sleep,
        last_requests=asked,
        beat=beat,
    )
    try:
        for entry in app.config.sources:
            if entry.name not in wanted:
                continue
            one = wanted[entry.name]
            with app.store.reading() as tx:
                state = one.restore_state(store.sources.load_state(tx, one.name))
            if waits := _waits(state, entry, app.now(), due):
                report.sources.append(SourceReport(name=one.name, outcome="waiting", notes=[waits]))
                continue
            report.sources.append(_fetch_one(app, one, state, web, reading, told))
            if report.sources[-1].outcome == "stopped":
                return
    finally:
        web.close()


def _fetch_one(
    app: App, one: SourceSettings, state: State, web: Web, reading: bool, told: Told | None
) -> SourceReport:
    pages = 0

    def save(state: State, files: list[Path]) -> None:
        nonlocal pages
        if reading:
            state["unread"] = [*state.get("unread", []), *(path.name for path in files)]
        with app.store.writing() as tx:
            store.sources.save_state(tx, one.name, state, app.now())
        pages += len(files)
        if told:
            told(one.name, pages)

    inbox = app.config.ingest.inbox
    state.pop("not_before", None)
    if one.kind == "folder":
        found = sources.copy_new_files(one, state, inbox=inbox, save=save)
    else:
        found = sources.harvest(
            one,
            state,
            web=web,
            inbox=inbox,
            now=app.now(),
            save=save,
            agent=_agent(one.contact) if one.contact else "",
        )
    found.error, found.notes = redact(found.error), [redact(note) for note in found.notes]
    if found.outcome != "stopped":
        state["asked_at"] = app.now().isoformat()
        state["error"] = found.error
        state["failing_since"] = (
            state.get("failing_since", state["asked_at"]) if found.error else None
        )
        if found.files:
            state["came_at"] = state["asked_at"]
        elif not found.error and sources.is_arxiv(one):
            found.notes += _missing(app, state)
        save(state, [])
    return found


def _missing(app: App, state: State) -> list[str]:
    """Nothing came: is that as it should be?"""
    last = state.get("came_at")
    if last is None or overdue(app, datetime.fromisoformat(last)):
        return []
    return ["nothing new, and no announcement is missing"]


def overdue(app: App, since: datetime) -> datetime | None:
    """The first announcement of arXiv after that time that should have come by now; a day's delay
    is nothing strange.
    """
    return next(list_announcements(since, app.now() - timedelta(days=1), holidays(app)), None)


def only_arxiv(app: App) -> bool:
    """Whether all that is fetched is arXiv's, so that its calendar alone says when silence is an
    alarm.
    """
    enabled = [
        as_wanted(entry) for entry in app.config.sources if entry.enabled and entry.kind != "folder"
    ]
    return bool(enabled) and all(sources.is_arxiv(one) for one in enabled)


def holidays(app: App) -> tuple[date, ...]:
    """Those that the operator adds to arXiv's own."""
    return tuple(date.fromisoformat(day) for day in app.config.fetch.holidays)


def as_wanted(entry: SourceEntry) -> SourceSettings:
    """The operator's entry as the sources see it."""
    return SourceSettings(
        name=entry.name,
        kind=entry.kind,
        url=entry.url,
        folder=entry.folder,
        categories=entry.categories,
        sets=entry.sets,
        prefix=entry.prefix,
        query=entry.query,
        contact=entry.contact,
        key=entry.key.get_secret_value(),
        days=entry.days,
    )


def _agent(contact: str) -> str:
    return f"digest/{__version__} (reads lists of new papers; mailto:{contact})"


def _waits(state: State, entry: SourceEntry, now: datetime, due: bool) -> str:
    """Why the source is not asked now, or ""."""
    before, last = state.get("not_before"), state.get("asked_at")
    if last and datetime.fromisoformat(last) > now + SKEW:
        return ""  # asked when the clock ran ahead: what was noted then is of no use
    if before and now < datetime.fromisoformat(before):
        return f"its server asked to be left alone until {before}"
    every = timedelta(minutes=entry.every or sources.default_interval(entry.kind))
    if due and last and now < datetime.fromisoformat(last) + every:
        return f"not due before {datetime.fromisoformat(last) + every:%Y-%m-%d %H:%M} UTC"
    return ""


def _read(app: App, names: Iterable[str], progress: Progress | None) -> IngestReport:
    """Ingest what came and was not read yet, in a fetch that was killed before this one too."""
    inbox = app.config.ingest.inbox
    waiting: dict[str, list[str]] = {}
    with app.store.reading() as tx:
        for name in names:
            waiting[name] = store.sources.load_state(tx, name).get("unread", [])
    paths = [
        inbox / name / file
        for name, files in waiting.items()
        for file in files
        if (inbox / name / file).is_file()
    ]
    new = [path for path in paths if not read_before(app, path)]
    report = ingest(app, new, progress=progress) if new else IngestReport()
    with app.store.writing() as tx:
        for name, files in waiting.items():
            if files:
                state = store.sources.load_state(tx, name)
                state["unread"] = [file for file in state.get("unread", []) if file not in files]
                store.sources.save_state(tx, name, state, app.now())
    return report
