"""The page that shows what would come today, before an address is given."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from digest.app import App
from digest.errors import InputError
from digest.mail.messages import texts
from digest.model import Interest
from digest.services import VisitorPreview, VisitorPreviews
from digest.subscriptions import split_words
from digest.web.form_timestamps import sign_timestamp
from digest.web.pages import FormBody, Pages
from digest.web.public_pages import card_values
from digest.web.single_flight import SingleFlightCache

#: characters of a field, and words of it, that count
_MOST_TYPED, _MOST_WORDS = 2000, 30


@dataclass(frozen=True, slots=True)
class _Typed:
    keywords: tuple[str, ...]
    categories: tuple[str, ...]


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the page."""
    router = APIRouter(include_in_schema=False)
    previews = VisitorPreviews(app)
    cache: SingleFlightCache[VisitorPreview] = SingleFlightCache(
        workers=1, capacity=200, retry_after=5
    )

    @router.api_route("/preview", methods=["GET", "HEAD"])
    def show_form() -> RedirectResponse:
        return RedirectResponse(f"{pages.root}/subscribe", status_code=302)

    @router.post("/preview")
    async def show_preview(form: FormBody) -> HTMLResponse:
        """Choose a digest for what was typed; the address stays with the visitor."""
        typed = _Typed(
            split_words(form.one("keywords")[:_MOST_TYPED])[:_MOST_WORDS],
            split_words(form.one("categories")[:_MOST_TYPED])[:_MOST_WORDS],
        )
        version = (app.now().date(), int(app.now().timestamp() // 600))
        try:
            interest = Interest(keywords=typed.keywords, categories=typed.categories)
            preview = await cache.get(typed, version, lambda: previews.choose([interest]))
        except (InputError, ValueError) as error:
            return pages.problem(422, "This cannot be searched for", str(error))
        return pages.render(
            "preview",
            papers=[
                card_values(paper, pages.root) | {"reason": reason}
                for paper, reason in preview.papers
            ],
            read=texts.plural(preview.read, "paper"),
            email=form.one("email").strip()[:320],
            keywords="\n".join(typed.keywords),
            categories="\n".join(typed.categories),
            named=texts.join_names([*typed.keywords, *typed.categories]),
            stamp=sign_timestamp(app.keys()[-1], app.now()),
        )

    return router
