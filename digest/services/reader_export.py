"""Everything that is stored about a reader, and their thumbs for reference managers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Literal

from digest import papers, store
from digest.app import App
from digest.model import Paper, Subscriber, Vote, address_key

ThumbFormat = Literal["bib", "ris"]
_WRITERS: Mapping[ThumbFormat, Callable[[Paper], str]] = {
    "bib": papers.to_bibtex,
    "ris": papers.to_ris,
}
_KEY = re.compile(r"\A(@\w+\{)([^,]*)")


def export_reader(app: App, subscriber: Subscriber) -> dict[str, Any]:
    """Collect every stored row about a reader as JSON values.

    Returns:
        The time, the name of the service, the rows by table, and the papers that they name.
    """
    with app.store.reading() as tx:
        tables = store.owned_rows.load(tx, subscriber.id, address_key(subscriber.email))
        ids = {
            row[column]
            for rows in tables.values()
            for row in rows
            for column in ("paper_id", "nearest_paper_id")
            if row.get(column)
        }
        named = store.papers.load(tx, ids)
    return {
        "exported": app.now().isoformat(),
        "service": app.mailing.name,
        "address": subscriber.email,
        "tables": {
            name: [{key: _to_json(value) for key, value in row.items()} for row in rows]
            for name, rows in tables.items()
        },
        "papers": {
            str(ident): {"name": named[ident].name, "title": named[ident].title}
            for ident in sorted(named)
        },
    }


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def export_thumbs(app: App, subscriber: Subscriber, vote: Vote, format: ThumbFormat) -> str:
    """Write the papers with such a thumb as BibTeX or RIS, the oldest thumb first."""
    with app.store.reading() as tx:
        votes = store.feedback.load_votes(tx, [subscriber.id]).get(subscriber.id, [])
        ids = [given.paper_id for given in votes if given.vote == vote]
        rated = store.papers.load(tx, ids)
    entries = [_WRITERS[format](rated[ident]) for ident in dict.fromkeys(ids) if ident in rated]
    return "\n".join(_make_keys_unique(entries) if format == "bib" else entries)


def _make_keys_unique(entries: list[str]) -> list[str]:
    """Number the citation keys that several entries share, from the second on."""
    seen: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        key = match[2]
        seen[key] = seen.get(key, 0) + 1
        return match[0] if seen[key] == 1 else f"{match[0]}-{seen[key]}"

    return [_KEY.sub(number, entry) for entry in entries]
