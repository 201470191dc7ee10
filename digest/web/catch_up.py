"""The page that shows a reader the best papers of the days they were away.

It is chosen in the small pool of a cache, for one reader at a time, and stores nothing. Thumbs and
saves are those of the page that rates a digest.
"""

from __future__ import annotations

from collections.abc import Hashable

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import BusyError
from digest.locales import gettext, ngettext
from digest.mail.messages import texts
from digest.model import Link, Purpose, Subscriber, SubscriberStatus
from digest.services import CatchUp, CatchUps
from digest.web.form_tokens import new_form_token
from digest.web.own_pages import own_places, read_paper_id
from digest.web.pages import FormBody, Pages, reader_label
from digest.web.rated_papers import NOTHING_PRESSED, Pressed, press_button, rated_values
from digest.web.single_flight import SingleFlightCache

_DAYS = ("7", "14", "30")
_SINCE, _DEFAULT = "since", "14"


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the page."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])
    page = _CatchUpPage(app, pages)

    @router.api_route("/m/{token}/catch-up", methods=["GET", "HEAD"])
    async def show_page(token: str, days: str = "") -> HTMLResponse:
        link = await run_in_threadpool(pipeline.read_link, app, token, Purpose.MANAGE)
        return await page.show(link, days, NOTHING_PRESSED)

    @router.post("/m/{token}/catch-up")
    async def press(token: str, form: FormBody, days: str = "") -> HTMLResponse:
        link = await run_in_threadpool(pipeline.read_link, app, token, Purpose.MANAGE)

        def act() -> Pressed:
            paper_id = read_paper_id(form)
            if paper_id is None:
                return NOTHING_PRESSED
            # Any paper of the public lists; the list may have changed since the page was shown.
            services.load_paper_page(app, paper_id)
            return press_button(app, link._replace(message_id=0), form, via="catch-up")

        return await page.show(link, days, await run_in_threadpool(act))

    return router


class _CatchUpPage:
    def __init__(self, app: App, pages: Pages) -> None:
        self._app, self._pages = app, pages
        self._catch_ups = CatchUps(app)
        self._cache: SingleFlightCache[CatchUp] = SingleFlightCache(
            workers=1, capacity=100, retry_after=10
        )

    async def show(self, link: Link, choice: str, pressed: Pressed) -> HTMLResponse:
        """Return the page for a choice of days, with what has just been pressed.

        Raises:
            NotFoundError: the reader is not stored.
            BusyError: too many such pages are being made.
        """
        reader, choice, days, version = await run_in_threadpool(self._look_up, link, choice)
        self._pages.speak_to(reader)
        try:
            catch_up = await self._cache.get(
                (reader.id, days), version, lambda: self._catch_ups.choose(reader, days)
            )
        except BusyError as error:
            if not pressed.state:
                raise
            text = ngettext(
                "Your press counts. The list can be looked at again in %(num)s second.",
                "Your press counts. The list can be looked at again in %(num)s seconds.",
                error.retry_after,
            )
            return self._pages.problem(200, gettext("Noted"), text)
        return await run_in_threadpool(self._render, link, reader, choice, catch_up, pressed)

    def _look_up(self, link: Link, choice: str) -> tuple[Subscriber, str, int, Hashable]:
        """Look up the reader, the days, and what the list depends on.

        Thumbs are not among it: a paper that was just rated stays until the hour is over, so that
        the thumb can be taken back.
        """
        reader = subscriptions.get(self._app, link.subscriber_id)
        choice = choice if choice in (*_DAYS, _SINCE) else _DEFAULT
        since = None
        if choice == _SINCE:
            since = services.count_days_since_last_digest(self._app, reader)
            choice = choice if since else _DEFAULT
        hour = self._app.now().replace(minute=0, second=0, microsecond=0)
        return reader, choice, since or int(choice), (reader, hour)

    def _render(
        self, link: Link, reader: Subscriber, choice: str, catch_up: CatchUp, pressed: Pressed
    ) -> HTMLResponse:
        app, pages = self._app, self._pages
        own = link._replace(message_id=0)
        here = pages.path(Purpose.MANAGE, link) + "/catch-up"
        items = services.add_ratings(
            app, reader.id, [(entry.item, entry.paper) for entry in catch_up.papers]
        )
        papers = rated_values(pages, own, items, pressed)
        for values, entry in zip(papers, catch_up.papers, strict=True):
            if entry.listed:
                values["listed"] = gettext(
                    "in your digest of %(day)s", day=texts.format_date(entry.listed)
                )
        has_since = services.count_days_since_last_digest(app, reader)
        names = (*_DAYS, _SINCE) if has_since else _DAYS
        return pages.render(
            "catch_up",
            whose=reader_label(reader),
            places=own_places(pages, link, "/catch-up"),
            choices=[(_name(name), f"{here}?days={name}", name == choice) for name in names],
            heading=_heading(choice),
            papers=papers,
            has_papers=catch_up.read > 0,
            read=ngettext("%(num)s paper", "%(num)s papers", catch_up.read),
            first=texts.format_date(catch_up.first),
            last=texts.format_date(catch_up.last),
            is_cut=catch_up.is_cut,
            left=reader.status is SubscriberStatus.LEFT,
            mark=new_form_token(app.now()),
            answers=pressed.answers,
            here=f"{here}?days={choice}",
            settings=pages.path(Purpose.MANAGE, link),
        )


def _name(choice: str) -> str:
    if choice == _SINCE:
        return gettext("Since your last digest")
    return ngettext("%(num)s day", "%(num)s days", int(choice))


def _heading(choice: str) -> str:
    if choice == _SINCE:
        return gettext("The best of the days since your last digest")
    return ngettext(
        "The best of the last %(num)s day", "The best of the last %(num)s days", int(choice)
    )
