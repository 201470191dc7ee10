"""What the pages for everybody have in common: their cache, their headers and their cards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from fastapi import Request, Response

from digest.app import App
from digest.locales import gettext, ngettext, use_language
from digest.mail.messages import excerpts, texts
from digest.model import CuratorPick, Paper
from digest.web.pages import Pages, paper_values
from digest.web.single_flight import SingleFlightCache

#: seconds for which an answer serves everybody
FRESH = 60
#: answers that are kept
_KEPT = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A page, feed or file that is the same for everybody."""

    body: bytes
    media_type: str = "text/html"
    #: whether search engines may list it
    indexed: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{hashlib.blake2b(self.body, digest_size=12).hexdigest()}"'


class PublicAnswers:
    """Makes each answer once a minute, however many ask for it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._cache: SingleFlightCache[Answer] = SingleFlightCache(
            queue_size=64, capacity=_KEPT, retry_after=2
        )

    async def get(self, request: Request, key: object, make: Callable[[], Answer]) -> Response:
        """Return the answer for a key; 304 where the client has it already.

        Raises:
            BusyError: too many answers are being made.
        """
        minute = int(self._app.now().timestamp() // FRESH)
        answer = await self._cache.get(key, minute, make)
        headers = {
            "Cache-Control": f"public, max-age={FRESH}",
            "ETag": answer.etag,
            **answer.headers,
        }
        if answer.indexed:
            headers["X-Robots-Tag"] = "index, follow"
        known = request.headers.get("if-none-match", "")
        if answer.etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(answer.body, media_type=answer.media_type, headers=headers)

    async def get_page(self, request: Request, key: object, make: Callable[[], Answer]) -> Response:
        """Return the page for a key in the browser's language, else the service's.

        Raises:
            BusyError: too many answers are being made.
        """
        language = Pages.browser_language(request, self._app.config.digest.language)

        def make_translated() -> Answer:
            with use_language(language):
                return make()

        response = await self.get(request, (key, language), make_translated)
        response.headers["Content-Language"] = language
        response.headers["Vary"] = "Accept-Language"
        return response


def card_values(
    paper: Paper, place: str, picks: Sequence[CuratorPick] = (), *, has_excerpt: bool = True
) -> dict[str, object]:
    """Return what the template of a listed paper needs.

    Args:
        place: where its page is: the root of the service, or the place of one reader.
        has_excerpt: False where the page chooses another excerpt; choosing takes a millisecond.
    """
    excerpt = ""
    if has_excerpt:
        title, abstract = texts.one_line(paper.title), texts.one_line(paper.abstract)
        first = excerpts.find_contribution(title, abstract) or 0
        excerpt = excerpts.excerpt(abstract, first)
    return paper_values(paper) | {
        "id": paper.id,
        "page": f"{place}/p/{paper.id}",
        "reason": "",
        "title_pieces": [],
        "excerpt_pieces": [],
        "excerpt": excerpt,
        "votes": ngettext("%(num)s upvote", "%(num)s upvotes", paper.upvotes)
        if paper.upvotes
        else "",
        "picked": ""
        if paper.picked is None
        else gettext("Picked %(day)s", day=day_name(paper.picked)),
        "curated": [{"name": pick.name, "note": pick.note} for pick in picks],
    }


def day_name(day: date) -> str:
    return texts.format_date(day, year=True)


def count_papers(count: int) -> str:
    return ngettext("%(num)s paper", "%(num)s papers", count)
