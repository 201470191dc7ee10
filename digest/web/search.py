"""The search page and the feed of a search."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from digest import services
from digest.app import App
from digest.locales import gettext, gettext_later
from digest.mail.messages import excerpts, texts
from digest.model import Paper
from digest.services import CorpusCache, SearchRequest, SearchResult
from digest.web.pages import Pages, clean
from digest.web.public_feeds import write_atom
from digest.web.public_pages import Answer, PublicAnswers, card_values, count_papers

_WORD = re.compile(r"\w+")
_ORDERS = {
    "relevance": gettext_later("Best first"),
    "meaning": gettext_later("Nearest in meaning"),
    "new": gettext_later("Newest first"),
}
#: letters by which words of one stem are known
_STEM = 5

Text = Annotated[str, Query(max_length=500)]
#: a whole abstract may be pasted
LongText = Annotated[str, Query(max_length=2000)]


def routes(app: App, pages: Pages, answers: PublicAnswers, corpora: CorpusCache) -> APIRouter:
    """Build the routes of the search."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/search", methods=["GET", "HEAD"])
    async def show_search(
        request: Request, query: Annotated[SearchRequest, Depends(read_request)]
    ) -> Response:
        def make() -> Answer:
            result = None if query.is_empty else services.search(app, query, corpora)
            body = bytes(pages.render("search", **template_values(pages, query, result, "")).body)
            return Answer(body=body, indexed=False)

        return await answers.get_page(request, ("search", query), make)

    @router.api_route("/search.atom", methods=["GET", "HEAD"])
    async def show_feed(
        request: Request, query: Annotated[SearchRequest, Depends(_read_newest)]
    ) -> Response:
        def make() -> Answer:
            papers = () if query.is_empty else services.search(app, query, corpora).papers
            title = f"{app.mailing.name}: {query.text or query.author or query.category}"
            return write_atom(app, title, "/search.atom" + _query(query), papers)

        return await answers.get(request, ("search feed", query), make)

    return router


def read_request(
    q: LongText = "",
    author: Text = "",
    category: Text = "",
    since: str = "",
    until: str = "",
    source: Text = "",
    order: Literal["relevance", "meaning", "new"] = "relevance",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> SearchRequest:
    """Read what is asked for from the query of an address; a dependency of routes."""
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
    q: LongText = "", author: Text = "", category: Text = "", source: Text = ""
) -> SearchRequest:
    return read_request(q, author, category, source=source, order="new")


def _parse_day(text: str) -> date | None:
    """Parse a day of a form; an empty or impossible one does not count."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def template_values(
    pages: Pages, query: SearchRequest, result: SearchResult | None, place: str
) -> dict[str, Any]:
    """Return what the template of the search needs.

    Args:
        place: where the search and the papers are: "" for everybody, or the place of one reader.
    """
    place = place or pages.root
    return {
        "place": place,
        "reader": None,
        "voted": (),
        "query": query,
        "since": query.since.isoformat() if query.since else "",
        "until": query.until.isoformat() if query.until else "",
        "result": result,
        "total": count_papers(result.total) if result else "",
        "papers": _cards(place, result, near=False),
        "near": _cards(place, result, near=True),
        "orders": [
            (
                gettext(label),
                f"{place}/search{_query(query, order=order)}",
                query.order == order,
            )
            for order, label in _ORDERS.items()
            if query.text or order != "meaning"
        ],
        "by_meaning": query.order == "meaning",
        "earlier": search_address(query, place, page=query.page - 1) if query.page > 1 else "",
        "later": search_address(query, place, page=query.page + 1)
        if result and query.page < result.pages
        else "",
        "atom": f"{pages.root}/search.atom{_query(query)}",
        "interest": _interest_fields(query),
    }


def search_address(query: SearchRequest, place: str, *, page: int) -> str:
    """Return the address of a page of a search below a place."""
    return f"{place}/search{_query(query, order=query.order, page=page)}"


def _interest_fields(query: SearchRequest) -> dict[str, str]:
    """Return the fields that the sign-up form fills in for new papers like these."""
    interest = query.interest
    fields = {
        "keywords": "\n".join(interest.keywords),
        "categories": "\n".join(interest.categories),
        "authors": "\n".join(interest.authors),
        "text": interest.text,
    }
    return {name: value for name, value in fields.items() if value}


def _cards(place: str, result: SearchResult | None, *, near: bool) -> list[dict[str, object]]:
    if result is None:
        return []
    papers = [paper for paper in result.papers if (paper.id in result.near) is near]
    wanted = _compile_words(result.words)
    return [_card_values(paper, wanted, place) for paper in papers]


def _compile_words(phrases: Sequence[str]) -> re.Pattern[str]:
    """Compile a pattern that finds the words with the stems of some phrases."""
    stems = {word.lower()[:_STEM] for phrase in phrases for word in _WORD.findall(phrase)}
    endings = [re.escape(stem) + (r"\w*" if len(stem) == _STEM else "") for stem in sorted(stems)]
    # Without words it finds nothing.
    found = "|".join(endings) if endings else r"(?!)"
    return re.compile(rf"\b(?:{found})\b", re.IGNORECASE)


def _query(query: SearchRequest, **more: str | int) -> str:
    values = {
        "q": query.text,
        "author": query.author,
        "category": query.category,
        "since": query.since.isoformat() if query.since else "",
        "until": query.until.isoformat() if query.until else "",
        "source": query.source,
    } | more
    kept = {
        name: value
        for name, value in values.items()
        if value and (name, value) not in (("order", "relevance"), ("page", 1))
    }
    return f"?{urlencode(kept)}" if kept else ""


def _card_values(paper: Paper, wanted: re.Pattern[str], place: str) -> dict[str, object]:
    """Return the values of a listed paper, with an excerpt that shows the words."""
    abstract = texts.one_line(paper.abstract)
    held = {match[0].lower() for match in wanted.finditer(abstract)}
    excerpt = excerpts.excerpt(abstract, excerpts.find_most_words(abstract, held)) if held else ""
    return card_values(paper, place, has_excerpt=not held) | {
        "title_pieces": _mark(paper.title, wanted),
        "excerpt_pieces": _mark(excerpt, wanted),
    }


def _mark(text: str, wanted: re.Pattern[str]) -> list[tuple[str, bool]]:
    """Cut a text into pieces, and tell which of them are words that were looked for."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for match in wanted.finditer(text):
        pieces += [(text[end : match.start()], False), (match[0], True)]
        end = match.end()
    return [piece for piece in (*pieces, (text[end:], False)) if piece[0]]
