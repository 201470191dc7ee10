"""Feeds of papers: Atom (RFC 4287) and JSON Feed 1.1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time

from digest.app import App
from digest.mail.messages.templates import render
from digest.model import Paper
from digest.papers import find_resources
from digest.web.public_pages import Answer


def write_atom(app: App, title: str, path: str, papers: Sequence[Paper]) -> Answer:
    """Write papers as an Atom feed.

    Args:
        path: where the feed is, with its query.
    """
    base = app.config.web.base_url
    entries = [
        {
            "id": f"{base}/p/{paper.id}",
            "title": paper.title,
            "updated": _instant(paper),
            "authors": paper.authors,
            "categories": paper.categories,
            "link": find_resources(paper).page,
            "summary": paper.abstract,
        }
        for paper in papers
    ]
    values = {
        "title": title,
        "id": base + path,
        "home": f"{base}/",
        "updated": max((str(entry["updated"]) for entry in entries), default=_write(app.now())),
        "entries": entries,
    }
    body = render("web/feed.xml", values, app.templates)
    return Answer(body=body.encode(), media_type="application/atom+xml")


def write_json_feed(app: App, title: str, path: str, papers: Sequence[Paper]) -> Answer:
    """Write papers as a JSON feed."""
    base = app.config.web.base_url
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": f"{base}/",
        "feed_url": base + path,
        "items": [
            {
                "id": f"{base}/p/{paper.id}",
                "url": f"{base}/p/{paper.id}",
                "external_url": find_resources(paper).page,
                "title": paper.title,
                "content_text": paper.abstract,
                "date_published": _instant(paper),
                "authors": [{"name": name} for name in paper.authors],
                "tags": list(paper.categories),
            }
            for paper in papers
        ],
    }
    body = json.dumps(feed, ensure_ascii=False)
    return Answer(body=body.encode(), media_type="application/feed+json")


def _instant(paper: Paper) -> str:
    return _write(datetime.combine(paper.first_seen, time(), UTC))


def _write(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
