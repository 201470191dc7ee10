"""Picks of curators, whom [web] curators names.

A pick may have a note, and the curator's name where they want it shown; their address never is.
"""

from __future__ import annotations

import re
from datetime import datetime

from digest import store
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.locales import gettext
from digest.model import NAME_MAX, CuratorPick, Paper, Subscriber, address_key
from digest.pipeline.steps.co_likes import least_readers
from digest.services.votes import load_public_paper, lock_participant

#: characters of a note
NOTE_MAX = 300
_ADDRESS = re.compile(r"\S@\S")


def is_curator(app: App, subscriber: Subscriber) -> bool:
    """Tell whether the config names a reader as a curator."""
    own = address_key(subscriber.email)
    return any(address_key(address) == own for address in app.config.web.curators)


def pick(app: App, subscriber_id: int, paper_id: int, *, name: str, note: str) -> CuratorPick:
    """Pick a public paper; picking it again changes the name and the note.

    Args:
        name: the name that everybody sees; "" = none.
        note: why it is worth reading; "" = no note.

    Raises:
        InputError: the name or the note is too long, or holds an address.
        NotFoundError: the reader is no curator, or the paper is not public.
    """
    name, note = (" ".join(text.split()) for text in (name, note))
    if len(note) > NOTE_MAX:
        raise InputError(
            "note: "
            + gettext(
                "%(count)s characters; shorten it to %(limit)s", count=len(note), limit=NOTE_MAX
            )
        )
    if len(name) > NAME_MAX:
        raise InputError(
            "name: "
            + gettext(
                "%(count)s characters; shorten it to %(limit)s", count=len(name), limit=NAME_MAX
            )
        )
    if _ADDRESS.search(name):
        raise InputError(
            "name: " + gettext("everybody sees it, so it must not be an e-mail address")
        )

    def record(tx: store.Connection) -> CuratorPick:
        _lock_curator(app, tx, subscriber_id)
        paper = load_public_paper(tx, paper_id)
        picked = CuratorPick(
            paper_id=paper.id, subscriber_id=subscriber_id, at=app.now(), name=name, note=note
        )
        store.curator_picks.save(tx, picked)
        return picked

    return app.store.commit(record)


def unpick(app: App, subscriber_id: int, paper_id: int) -> bool:
    """Take a curator's own pick back; return False where there is none.

    Raises:
        NotFoundError: as `pick` does.
    """

    def record(tx: store.Connection) -> bool:
        _lock_curator(app, tx, subscriber_id)
        paper = load_public_paper(tx, paper_id)
        return store.curator_picks.remove(tx, paper.id, subscriber_id)

    return app.store.commit(record)


def find_last_name(app: App, subscriber_id: int) -> str:
    """Find the name under which a curator picked last, to offer it again."""
    with app.store.reading() as tx:
        return store.curator_picks.find_last_name(tx, subscriber_id)


def load_picks(
    app: App, *, limit: int, after: tuple[datetime, int, int] | None = None
) -> list[tuple[CuratorPick, Paper]]:
    """Load the picks that everybody sees, newest first.

    Args:
        after: time, paper and curator of the pick behind which the list begins.
    """
    with app.store.reading() as tx:
        picks = store.curator_picks.list_newest(tx, limit=limit, after=after)
        ids = {picked.paper_id for picked in picks}
        papers = store.papers.load(tx, ids, least=least_readers(app, tx))
    return [(picked, papers[picked.paper_id]) for picked in picks]


def _lock_curator(app: App, tx: store.Connection, subscriber_id: int) -> None:
    if not is_curator(app, lock_participant(tx, subscriber_id)):
        raise NotFoundError("only curators pick papers")
