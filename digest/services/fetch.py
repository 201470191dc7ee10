"""Fetch the configured sources into the inbox, then ingest the new files.

One process fetches at a time; a kill at any moment neither loses nor doubles a record.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from digest import __version__, metrics, sources, store
from digest.app import App
from digest.config import SourceEntry
from digest.errors import InputError
from digest.mail_setup import open_source_mailbox
from digest.model import SKEW
from digest.pipeline.ingest import Progress, ingest
from digest.pipeline.steps.ingest_report import IngestReport
from digest.redaction import redact
from digest.services.inbox import read_before
from digest.services.lookups import look_up_accepted
from digest.sources import SourceReport, SourceSettings, State
from digest.sources.calendar import list_announcements

if TYPE_CHECKING:
    from digest.sources.web import Web

#: called with the source's name and the number of pages stored so far
PageProgress = Callable[[str, int], None]


@dataclass(kw_only=True, slots=True)
class FetchReport:
    """What the sources gave, and what was ingested of it."""

    sources: list[SourceReport] = field(default_factory=list)
    ingested: IngestReport = field(default_factory=IngestReport)
    #: another process is fetching: nothing was done
    busy: bool = False

    @property
    def failed(self) -> bool:
        return any(source.outcome == "failed" for source in self.sources) or self.ingested.failed

    @property
    def json(self) -> dict[str, object]:
        """The report as JSON; `busy` = another process was fetching, so nothing was done."""
        return {
            "busy": self.busy,
            "sources": [
                {
                    "name": source.name,
                    "outcome": source.outcome,
                    "requests": source.requests,
                    "repeated": source.retries,
                    "restarted": source.restarts,
                    "bytes": source.bytes,
                    "files": [path.name for path in source.files],
                    "error": source.error,
                    "notes": source.notes,
                }
                for source in self.sources
            ],
            "ingested": self.ingested.json,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchOptions:
    """Which sources are fetched, and how."""

    #: only sources whose interval has passed
    due: bool = False
    #: ingest the new files; off where something else watches the inbox
    reading: bool = True
    #: asked before each request. True: the fetch ends there, and the next one goes on
    stop: Callable[[], bool] = lambda: False
    sleep: Callable[[float], object] = time.sleep
    #: the time in seconds
    clock: Callable[[], float] = time.time
    #: called after each page
    on_page: PageProgress | None = None
    #: as for `ingest`
    progress: Progress | None = None


_DEFAULTS = FetchOptions()
#: until a source that failed is asked again, and at most, unless its interval is longer
_FIRST_BACKOFF, _LONGEST_BACKOFF = timedelta(minutes=5), timedelta(hours=1)
#: the papers liked last that Semantic Scholar is asked about in one fetch
_LIKED_LIMIT: Final = 50


def fetch(app: App, names: Sequence[str] = (), options: FetchOptions = _DEFAULTS) -> FetchReport:
    """Fetch the enabled sources, or those named, in the order of the config.

    Raises:
        InputError: a name that no source has.
        StoreError: the database is locked, full or gone; what was stored before stays.
    """
    report = FetchReport()
    entries = _select_entries(app.config.sources, names)
    if not entries:
        return report
    owner = store.owners.identify_process(secrets.token_hex(4))
    with app.store.writing() as tx:
        is_claimed, last_requests = store.sources.claim(tx, owner, app.now())
    if not is_claimed:
        report.busy = True
        return report
    try:
        _fetch_all(app, entries, report, owner, last_requests, options)
    finally:
        with app.store.writing() as tx:
            store.sources.release(tx, owner, last_requests, app.now())
    if options.reading:
        report.ingested = _ingest_unread(app, [entry.name for entry in entries], options.progress)
    if any(source.outcome != "waiting" for source in report.sources):
        _record_round(app, report)
    return report


def _record_round(app: App, report: FetchReport) -> None:
    summary = {
        source.name: {
            "outcome": source.outcome,
            "files": len(source.files),
            "requests": source.requests,
        }
        for source in report.sources
    }
    errors = [f"{source.name}: {source.error}" for source in report.sources if source.error]
    with app.store.writing() as tx:
        error = "; ".join(errors)[:2000]
        store.rounds.record(tx, "fetch", at=app.now(), report=summary, error=error)


def _select_entries(entries: Sequence[SourceEntry], names: Sequence[str]) -> list[SourceEntry]:
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
    last_requests: dict[str, float],
    options: FetchOptions,
) -> None:
    from digest.sources.web import Web

    settings = app.config.fetch

    def renew_claim() -> None:
        if options.stop():
            raise sources.Stopped("asked to stop")
        with app.store.writing() as tx:
            if not store.sources.renew(tx, owner, last_requests, app.now()):
                raise sources.Stopped("another process took over")

    settings_by_name = {entry.name: source_settings(entry) for entry in entries}
    web = Web(
        agent=_agent(settings.contact or app.config.mail.sender),
        attempts=settings.attempts,
        timeout=float(settings.timeout),
        cap=settings.max_mb * 1_000_000,
        clock=options.clock,
        sleep=options.sleep,
        last_requests=last_requests,
        beat=renew_claim,
    )
    try:
        for entry in app.config.sources:
            source = settings_by_name.get(entry.name)
            if source is None:
                continue
            with app.store.reading() as tx:
                state = source.restore_state(store.sources.load_state(tx, source.name))
            if reason := _reason_to_wait(state, entry, app.now(), options.due):
                waiting = SourceReport(name=source.name, outcome="waiting", notes=[reason])
                report.sources.append(waiting)
                continue
            began = time.monotonic()
            fetched = _fetch_source(app, entry, state, web, options, renew_claim)
            metrics.count_fetch(
                source.name,
                fetched.outcome,
                seconds=time.monotonic() - began,
                requests=fetched.requests,
                octets=fetched.bytes,
            )
            report.sources.append(fetched)
            if report.sources[-1].outcome == "stopped":
                return
        _look_up_suggestions(app, list(settings_by_name.values()), web, options)
    finally:
        web.close()


def _look_up_suggestions(
    app: App, settings: Sequence[SourceSettings], web: Web, options: FetchOptions
) -> None:
    """Ask the sources for the papers that readers suggested and the operator accepted."""

    def save(source: SourceSettings, file: Path) -> None:
        if not options.reading:
            return
        with app.store.writing() as tx:
            state = source.restore_state(store.sources.load_state(tx, source.name))
            state["unread"] = [*state.get("unread", []), file.name]
            store.sources.save_state(tx, source.name, state, app.now())

    # asked to stop: what is left is asked for by the next fetch
    with suppress(sources.Stopped):
        look_up_accepted(app, settings, web, save)


def _fetch_source(
    app: App,
    entry: SourceEntry,
    state: State,
    web: Web,
    options: FetchOptions,
    beat: Callable[[], None],
) -> SourceReport:
    source = source_settings(entry)
    if source.kind == "semantic-scholar":
        source = replace(source, papers=_name_liked_papers(app))
    pages = 0

    def save(state: State, files: list[Path]) -> None:
        nonlocal pages
        if options.reading:
            state["unread"] = [*state.get("unread", []), *(path.name for path in files)]
        with app.store.writing() as tx:
            store.sources.save_state(tx, source.name, state, app.now())
        pages += len(files)
        if options.on_page:
            options.on_page(source.name, pages)

    inbox = app.config.ingest.inbox
    state.pop("not_before", None)
    if source.kind == "folder":
        fetched = sources.copy_new_files(source, state, inbox=inbox, save=save)
    elif source.kind == "mailbox":
        fetched = sources.copy_new_mails(
            source,
            state,
            inbox=inbox,
            open_folder=lambda: open_source_mailbox(app.config, entry),
            save=save,
            today=app.now().date(),
            beat=beat,
        )
    elif source.kind == "semantic-scholar" and not source.papers and "position" not in state:
        note = "no reader has liked a paper with an arXiv id or a DOI yet"
        fetched = SourceReport(name=source.name, outcome="unchanged", notes=[note])
    else:
        fetched = sources.harvest(
            source,
            state,
            web=web,
            inbox=inbox,
            now=app.now(),
            save=save,
            agent=_agent(source.contact) if source.contact else "",
        )
    fetched.failed_before = state.get("failures", 0)
    fetched.error, fetched.notes = redact(fetched.error), [redact(note) for note in fetched.notes]
    if fetched.outcome != "stopped":
        state["asked_at"] = app.now().isoformat()
        state["error"] = fetched.error
        state["failures"] = fetched.failed_before + 1 if fetched.error else 0
        state["failing_since"] = (
            state.get("failing_since") or state["asked_at"] if fetched.error else None
        )
        if fetched.files:
            state["came_at"] = state["asked_at"]
        elif not fetched.error and sources.is_arxiv(source):
            fetched.notes += _note_of_silence(app, state)
        save(state, [])
    return fetched


def _name_liked_papers(app: App) -> tuple[str, ...]:
    """Name the papers that readers liked last, as Semantic Scholar does."""
    prefixes = {"arxiv": "ARXIV", "doi": "DOI"}
    with app.store.reading() as tx:
        liked = store.likes.load_newest_liked(tx, _LIKED_LIMIT)
    return tuple(f"{prefixes[identity.kind]}:{identity.value}" for identity in liked)


def _note_of_silence(app: App, state: State) -> list[str]:
    """A note where nothing came and arXiv's calendar did not expect anything."""
    last = state.get("came_at")
    if last is None or overdue(app, datetime.fromisoformat(last)):
        return []
    return ["nothing new, and no announcement is missing"]


def overdue(app: App, since: datetime) -> datetime | None:
    """Return arXiv's first announcement after that time if it is over a day late."""
    return next(list_announcements(since, app.now() - timedelta(days=1), holidays(app)), None)


def only_arxiv(app: App) -> bool:
    """Whether all enabled sources are arXiv's.

    Then its calendar tells when papers are late.
    """
    enabled = [
        source_settings(entry)
        for entry in app.config.sources
        if entry.enabled and entry.kind not in ("folder", "mailbox")
    ]
    return bool(enabled) and all(sources.is_arxiv(settings) for settings in enabled)


def holidays(app: App) -> tuple[date, ...]:
    """Return the holidays that the operator adds to arXiv's own."""
    return tuple(date.fromisoformat(day) for day in app.config.fetch.holidays)


def source_settings(entry: SourceEntry) -> SourceSettings:
    """Convert an entry of the config to the settings of a source."""
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


def _reason_to_wait(state: State, entry: SourceEntry, now: datetime, only_if_due: bool) -> str:
    """Return why the source must not be asked now; "" if it may be asked.

    Args:
        state: the stored state of the source, with the times of its last request.
        entry: the source in the config.
        now: the current time.
        only_if_due: wait also until the source's interval has passed.
    """
    not_before, last_asked = state.get("not_before"), state.get("asked_at")
    if last_asked and datetime.fromisoformat(last_asked) > now + SKEW:
        return ""  # noted while the clock ran ahead, so it does not count
    if not_before and now < datetime.fromisoformat(not_before):
        return f"its server asked to be left alone until {not_before}"
    interval = timedelta(minutes=entry.every or sources.default_interval(entry.kind))
    if failures := state.get("failures", 0):
        backoff = _FIRST_BACKOFF * 2.0 ** min(failures - 1, 20)
        interval = min(max(interval, _LONGEST_BACKOFF), backoff)
    if only_if_due and last_asked:
        next_time = datetime.fromisoformat(last_asked) + interval
        if now < next_time:
            return f"not due before {next_time:%Y-%m-%d %H:%M} UTC"
    return ""


def _ingest_unread(app: App, names: Iterable[str], progress: Progress | None) -> IngestReport:
    """Ingest fetched files that were not read yet.

    Those of a fetch that was killed are among them.
    """
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
