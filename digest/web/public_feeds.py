"""Feeds of papers: Atom (RFC 4287) and JSON Feed 1.1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from digest.app import App
from digest.mail.messages.templates import render
from digest.model import Paper
from digest.papers import find_resources
from digest.web.public_pages import Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedEntry:
    """A paper as a feed lists it."""

    paper: Paper
    #: when it joined the feed
    day: date
    summary: str


def write_atom(app: App, title: str, path: str, papers: Sequence[Paper]) -> Answer:
    """Write papers as an Atom feed, by the days on which they were first seen.

    Args:
        path: where the feed is, with its query.
    """
    return write_atom_entries(app, title, path, _make_entries(papers))


def write_json_feed(app: App, title: str, path: str, papers: Sequence[Paper]) -> Answer:
    """Write papers as a JSON feed, by the days on which they were first seen."""
    return write_json_entries(app, title, path, _make_entries(papers))


def _make_entries(papers: Sequence[Paper]) -> list[FeedEntry]:
    return [
        FeedEntry(paper=paper, day=paper.first_seen, summary=paper.abstract) for paper in papers
    ]


def write_atom_entries(app: App, title: str, path: str, entries: Sequence[FeedEntry]) -> Answer:
    """Write an Atom feed."""
    base = app.config.web.base_url
    rows = [
        {
            "id": f"{base}/p/{entry.paper.id}",
            "title": entry.paper.title,
            "updated": _instant(entry),
            "authors": entry.paper.authors,
            "categories": entry.paper.categories,
            "page": _page(app, entry.paper),
            "link": find_resources(entry.paper).page,
            "summary": entry.summary,
        }
        for entry in entries
    ]
    values = {
        "title": title,
        "id": base + path,
        "home": f"{base}/",
        "updated": max((str(row["updated"]) for row in rows), default=_write(app.now())),
        "entries": rows,
    }
    body = render("web/feed.xml", values, app.templates)
    return Answer(body=body.encode(), media_type="application/atom+xml")


def write_json_entries(app: App, title: str, path: str, entries: Sequence[FeedEntry]) -> Answer:
    """Write a JSON feed."""
    base = app.config.web.base_url
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": f"{base}/",
        "feed_url": base + path,
        "items": [
            {
                "id": f"{base}/p/{entry.paper.id}",
                "url": _page(app, entry.paper),
                "external_url": find_resources(entry.paper).page,
                "title": entry.paper.title,
                "content_text": entry.summary,
                "date_published": _instant(entry),
                "authors": [{"name": name} for name in entry.paper.authors],
                "tags": list(entry.paper.categories),
            }
            for entry in entries
        ],
    }
    body = json.dumps(feed, ensure_ascii=False)
    return Answer(body=body.encode(), media_type="application/feed+json")


def _page(app: App, paper: Paper) -> str:
    """Return the page of a paper: here, or where it is published if this service shows none."""
    here = f"{app.config.web.base_url}/p/{paper.id}"
    return here if app.config.web.papers else find_resources(paper).page


def _instant(entry: FeedEntry) -> str:
    return _write(datetime.combine(entry.day, time(), UTC))


def _write(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
