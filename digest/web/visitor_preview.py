"""The page that shows what would come today, before an address is given."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from digest.app import App
from digest.errors import InputError
from digest.locales import gettext, ngettext
from digest.mail.messages import texts
from digest.model import Interest
from digest.ranking import scores
from digest.services import VisitorPreview, VisitorPreviews
from digest.web.form_timestamps import sign_timestamp
from digest.web.pages import OWN_SCRIPT, FormBody, Pages
from digest.web.public_pages import card_values
from digest.web.signup_form import add_library, form_values, read_signup_form
from digest.web.single_flight import SingleFlightCache


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the page."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])
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
        sent = await run_in_threadpool(add_library, app, read_signup_form(form), form)
        version = (app.now().date(), int(app.now().timestamp() // 600))
        key = (sent.interest, sent.strictness_word)
        try:
            preview = await cache.get(
                key, version, lambda: previews.choose([sent.interest], sent.strictness_word)
            )
        except (InputError, ValueError) as error:
            return pages.problem(422, gettext("This cannot be searched for"), str(error))
        response = pages.render(
            "preview",
            papers=[
                card_values(paper, pages.root) | {"reason": scores.write_reason(score)}
                for paper, score in preview.papers
            ],
            share=_name_share(len(preview.papers), preview.read),
            named=_name_wishes(sent.interest),
            stamp=sign_timestamp(app.keys()[-1], app.now()),
            **form_values(app, sent),
        )
        response.headers.update(OWN_SCRIPT)
        return response

    return router


def _name_wishes(interest: Interest) -> str:
    """Name what the papers were chosen for, "" for nothing."""
    return texts.join_names(
        [
            *interest.keywords,
            *interest.categories,
            *interest.authors,
            *([gettext("your own words")] if interest.text else []),
            *([_count_liked(len(interest.papers))] if interest.papers else []),
        ]
    )


def _count_liked(count: int) -> str:
    return ngettext("%(num)s paper you like", "%(num)s papers you like", count)


def _name_share(listed: int, read: int) -> str:
    """Say how many of the papers that were read are listed."""
    if not listed:
        return ngettext("None of %(num)s paper", "None of %(num)s papers", read)
    return ngettext(
        "%(listed)s of %(num)s paper", "%(listed)s of %(num)s papers", read, listed=listed
    )
