"""Ask the configured sources for suggested papers that the operator has accepted.

The answers become files in the inbox, which are read like any other dump. Only `fetch` does this,
since it holds the rate limits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from digest import private, sources, store
from digest.app import App
from digest.model import Submission
from digest.services.paper_page import find_public
from digest.sources import Lookup, SourceError, SourceSettings, Stopped

if TYPE_CHECKING:
    from digest.sources.web import Web

log = logging.getLogger("digest.fetch")

#: until a source is asked again for a paper that none had
_AGAIN = timedelta(days=1)
#: papers that one fetch asks for
_BATCH_SIZE = 20
_OK = 200


def look_up_accepted(
    app: App,
    settings: Sequence[SourceSettings],
    web: Web,
    save: Callable[[SourceSettings, Path], None],
) -> None:
    """Ask for each accepted suggestion whose paper is not stored, at most once a day.

    Args:
        settings: the sources that may be asked, in order.
        save: called with the source and the new file in its folder of the inbox.

    Raises:
        Stopped: the fetch was asked to end.
    """
    with app.store.reading() as tx:
        pending = store.submissions.list_to_look_up(
            tx, asked_before=app.now() - _AGAIN, limit=_BATCH_SIZE
        )
    for submission in pending:
        with app.store.writing() as tx:
            paper_id = find_public(tx, submission.identity)
            if paper_id is not None:
                store.submissions.set_paper(tx, submission.id, paper_id)
                continue
        _look_up(app, submission, settings, web, save)
        with app.store.writing() as tx:
            store.submissions.set_looked_up(tx, submission.id, at=app.now())


def _look_up(
    app: App,
    submission: Submission,
    settings: Sequence[SourceSettings],
    web: Web,
    save: Callable[[SourceSettings, Path], None],
) -> None:
    """Ask one source after the other, until one has the paper."""
    assert submission.identity is not None  # noqa: S101  (only such are listed)
    for own in settings:
        lookup = sources.build_lookup(own, submission.identity)
        if lookup is None:
            continue
        try:
            file = _ask(app, submission, lookup, web)
        except Stopped:
            raise
        except SourceError as error:
            log.warning(
                "suggestion not looked up suggestion=%d source=%s: %s",
                submission.id,
                own.name,
                error,
            )
            continue
        if file is not None:
            save(own, file)
            return


def _ask(app: App, submission: Submission, lookup: Lookup, web: Web) -> Path | None:
    """Keep the answer of a source as a file of its folder; None where it has no such paper."""
    name = lookup.settings.name
    folder = app.config.ingest.inbox / name
    private.make_folder(folder)
    # a name that begins with a dot is never read
    partial = folder / f".suggestion-{submission.id}.part"
    try:
        answer = web.get(lookup.request, partial)
        if answer.page is None or answer.status != _OK or not lookup.has_paper(answer.page):
            return None
        file = f"{app.now():%Y-%m-%d}-{name}-suggestion-{submission.id}.{lookup.suffix}"
        return partial.rename(folder / file)
    finally:
        partial.unlink(missing_ok=True)
