"""The search page and the feed of a search."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from digest import services
from digest.app import App
from digest.mail.messages import excerpts, texts
from digest.model import Paper
from digest.services import CorpusCache, SearchRequest, SearchResult
from digest.web.pages import Pages, clean
from digest.web.public_feeds import write_atom
from digest.web.public_pages import Answer, PublicAnswers, card_values

_WORD = re.compile(r"\w+")
#: letters by which words of one stem are known
_STEM = 5

Text = Annotated[str, Query(max_length=500)]


def routes(app: App, pages: Pages, answers: PublicAnswers, corpora: CorpusCache) -> APIRouter:
    """Build the routes of the search."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/search", methods=["GET", "HEAD"])
    async def show_search(
        request: Request, wanted: Annotated[SearchRequest, Depends(_read_request)]
    ) -> Response:
        def make() -> Answer:
            found = None if wanted.is_empty else services.search(app, wanted, corpora)
            return _render(pages, wanted, found)

        return await answers.get(request, ("search", wanted), make)

    @router.api_route("/search.atom", methods=["GET", "HEAD"])
    async def show_feed(
        request: Request, wanted: Annotated[SearchRequest, Depends(_read_newest)]
    ) -> Response:
        def make() -> Answer:
            papers = () if wanted.is_empty else services.search(app, wanted, corpora).papers
            title = f"{app.mailing.name}: {wanted.text or wanted.author or wanted.category}"
            return write_atom(app, title, "/search.atom" + _query(wanted), papers)

        return await answers.get(request, ("search feed", wanted), make)

    return router


def _read_request(
    q: Text = "",
    author: Text = "",
    category: Text = "",
    since: str = "",
    until: str = "",
    source: Text = "",
    order: Literal["relevance", "new"] = "relevance",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> SearchRequest:
    return SearchRequest(
        text=clean(q),
        author=clean(author),
        category=clean(category),
        since=_parse_day(since),
        until=_parse_day(until),
        source=clean(source),
        order=order,
        page=page,
    )


def _read_newest(
    q: Text = "", author: Text = "", category: Text = "", source: Text = ""
) -> SearchRequest:
    return _read_request(q, author, category, source=source, order="new")


def _parse_day(text: str) -> date | None:
    """Parse a day of a form; an empty or impossible one does not count."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _render(pages: Pages, wanted: SearchRequest, found: SearchResult | None) -> Answer:
    page = pages.render(
        "search",
        wanted=wanted,
        since=wanted.since.isoformat() if wanted.since else "",
        until=wanted.until.isoformat() if wanted.until else "",
        found=found,
        total=texts.plural(found.total, "paper") if found else "",
        papers=_cards(pages, found, near=False),
        near=_cards(pages, found, near=True),
        orders=[
            ("Best first", pages.root + "/search" + _query(wanted), wanted.order == "relevance"),
            (
                "Newest first",
                pages.root + "/search" + _query(wanted, order="new"),
                wanted.order == "new",
            ),
        ],
        earlier=_page_address(pages, wanted, wanted.page - 1) if wanted.page > 1 else "",
        later=_page_address(pages, wanted, wanted.page + 1)
        if found and wanted.page < found.pages
        else "",
        atom=f"{pages.root}/search.atom{_query(wanted)}",
        subscribe=f"{pages.root}/subscribe"
        + ("?" + urlencode({"keywords": wanted.text}) if wanted.text else ""),
    )
    return Answer(body=bytes(page.body), indexed=False)


def _cards(pages: Pages, found: SearchResult | None, *, near: bool) -> list[dict[str, object]]:
    if found is None:
        return []
    papers = [paper for paper in found.papers if (paper.id in found.near) is near]
    return [_card_values(paper, found.words, pages.root) for paper in papers]


def _page_address(pages: Pages, wanted: SearchRequest, page: int) -> str:
    return f"{pages.root}/search{_query(wanted, order=wanted.order, page=page)}"


def _query(wanted: SearchRequest, **more: str | int) -> str:
    values = {
        "q": wanted.text,
        "author": wanted.author,
        "category": wanted.category,
        "since": wanted.since.isoformat() if wanted.since else "",
        "until": wanted.until.isoformat() if wanted.until else "",
        "source": wanted.source,
    } | more
    kept = {
        name: value
        for name, value in values.items()
        if value and (name, value) not in (("order", "relevance"), ("page", 1))
    }
    return f"?{urlencode(kept)}" if kept else ""


def _card_values(paper: Paper, words: tuple[str, ...], root: str) -> dict[str, object]:
    """Return the values of a listed paper, with an excerpt that shows the words."""
    stems = {word.lower()[:_STEM] for phrase in words for word in _WORD.findall(phrase)}
    abstract = texts.one_line(paper.abstract)
    held = {word.lower() for word in _WORD.findall(abstract) if word.lower()[:_STEM] in stems}
    first = excerpts.find_most_words(abstract, held) if held else 0
    shown = excerpts.excerpt(abstract, first)
    values = card_values(paper, root)
    if held:
        values["excerpt"] = ""
    return values | {
        "title_pieces": _mark(paper.title, stems),
        "excerpt_pieces": _mark(shown, stems) if held else [],
    }


def _mark(text: str, stems: set[str]) -> list[tuple[str, bool]]:
    """Cut a text into pieces, and tell which of them are words that were looked for."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for match in _WORD.finditer(text):
        if match[0].lower()[:_STEM] in stems:
            pieces += [(text[end : match.start()], False), (match[0], True)]
            end = match.end()
    return [piece for piece in (*pieces, (text[end:], False)) if piece[0]]
