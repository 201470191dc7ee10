"""Keep a library of Zotero and the example papers of a reader's interest in step.

What is added there becomes an example paper here, once: a paper that the reader removes here stays
removed. What is removed there stays here, since people tidy a library without disliking its papers;
the reader removes it on the settings page, or `digest forget` does.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from digest import __version__, store
from digest.app import App
from digest.config.secret_files import read_first_line
from digest.model import Subscriber
from digest.redaction import register_secrets
from digest.services.library import ImportReport, choose_interest, import_library
from digest.sources.zotero import BASE_URL, check_library, fetch_items


def follow_zotero(
    app: App,
    subscriber: Subscriber,
    library: str,
    *,
    key_file: Path,
    interest: str = "",
    create: bool = False,
    base_url: str = "",
    sleep: Callable[[float], object] = time.sleep,
) -> ImportReport:
    """Make what is new in a library example papers of an interest.

    Can be repeated at any time, and goes on where it stopped. An item that was refused is read
    again once it changes.

    Args:
        app: The service.
        subscriber: The reader.
        library: "users/ID" or "groups/ID".
        key_file: Holds a key of the API on its first line.
        interest: Its name; "" = the reader's only one.
        create: Make the interest where the reader has none of that name.
        base_url: Of another server with this API; "" = Zotero's own.
        sleep: Waits for seconds.

    Raises:
        ConfigError: The key cannot be read.
        InputError: The name is of no library, or the interest would hold too many papers.
        SourceError: The server refuses or does not answer. What came before is kept.
        NotFoundError: The subscriber is gone, or has no interest of that name.
    """
    from digest.sources.web import Web

    library = check_library(library)
    key = read_first_line(key_file, "--key-file")
    register_secrets(key)
    interest = choose_interest(subscriber, interest, create=create)
    settings = app.config.fetch
    contact = settings.contact or app.config.mail.sender
    report = ImportReport(subscriber=subscriber, interest=interest, format="zotero")
    state = _load_state(app, subscriber, library, interest)
    latest = state["version"]
    web = Web(
        agent=f"digest/{__version__} (reads a library; mailto:{contact})",
        attempts=settings.attempts,
        timeout=float(settings.timeout),
        cap=settings.max_mb * 1_000_000,
        sleep=sleep,
    )
    try:
        with tempfile.TemporaryDirectory(prefix="digest-") as folder:
            pages = fetch_items(
                web,
                library,
                key=key,
                since=state["version"],
                into=Path(folder) / "page",
                base_url=base_url or BASE_URL,
            )
            for items in pages:
                latest = max(latest, *(item["version"] for item in items))
                _import_items(app, items, state, report, Path(folder) / "items.json")
                _save_state(app, report, library, state)
    finally:
        web.close()
    state["version"] = latest
    _save_state(app, report, library, state)
    return report


def _import_items(
    app: App,
    items: list[dict[str, Any]],
    state: dict[str, Any],
    report: ImportReport,
    path: Path,
) -> None:
    """Import the items that were not imported before, and note their keys in the state."""
    known = set(state["keys"])
    new = [item for item in items if item["key"] not in known]
    if not new:
        return
    path.write_text(json.dumps(new), encoding="utf-8")
    page = import_library(app, report.subscriber, path, interest=report.interest, create=True)
    report.subscriber, report.interest = page.subscriber, page.interest
    before = len(report.entries)
    report.entries += [replace(entry, line=before + entry.line) for entry in page.entries]
    state["keys"] += [
        new[entry.line - 1]["key"] for entry in page.entries if entry.outcome != "refused"
    ]


def _load_state(app: App, subscriber: Subscriber, library: str, interest: str) -> dict[str, Any]:
    """Load the version that was read last, and the keys of the items that were imported."""
    with app.store.reading() as tx:
        states = store.sources.load_libraries(tx, subscriber.id)
    state: dict[str, Any] = states.get(f"{library} {interest}", {"version": 0, "keys": []})
    return state


def _save_state(app: App, report: ImportReport, library: str, state: dict[str, Any]) -> None:
    with app.store.writing() as tx:
        states = store.sources.load_libraries(tx, report.subscriber.id)
        states[f"{library} {report.interest}"] = state
        store.sources.save_libraries(tx, report.subscriber.id, states, app.now())
