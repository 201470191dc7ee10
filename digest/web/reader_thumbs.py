"""Thumbs on pages of a reader: the first papers to rate, and the list of all thumbs.

Opening a page changes nothing; each press is answered by the page itself, with an undo.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import BusyError
from digest.locales import gettext, gettext_later, ngettext
from digest.mail.messages import texts
from digest.model import Link, Paper, Purpose, Subscriber, SubscriberStatus
from digest.web.form_tokens import new_form_token
from digest.web.own_pages import own_places
from digest.web.pages import FormBody, Pages, reader_label, rhythm
from digest.web.rated_papers import NOTHING_PRESSED, Pressed, press_thumb, thumb_values
from digest.web.single_flight import SingleFlightCache

log = logging.getLogger("digest.web")

#: ids that a posted page may say that it showed
_SHOWN_MAX = 30
_FirstIds = tuple[int, ...]


def parse_id(text: str) -> int:
    """Return the id that a field names, 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0


class FirstPapers:
    """The page of the first papers to rate."""

    def __init__(self, app: App, pages: Pages) -> None:
        self._app, self._pages = app, pages
        self._cache: SingleFlightCache[_FirstIds] = SingleFlightCache()

    async def show(
        self,
        link: Link,
        subscriber: Subscriber,
        *,
        shown: Sequence[int] = (),
        pressed: Pressed = NOTHING_PRESSED,
        confirmed: bool = False,
    ) -> HTMLResponse:
        """Return the page.

        Args:
            shown: ids of the papers that it showed before a press.
            pressed: the press that it answers.
            confirmed: the reader has confirmed the address a moment ago.
        """
        self._pages.speak_to(subscriber)
        ids = tuple(shown) or await self._choose(subscriber, hides_busy=confirmed)
        return await run_in_threadpool(self._render, link, subscriber, ids, pressed, confirmed)

    async def _choose(self, subscriber: Subscriber, *, hides_busy: bool) -> _FirstIds:
        def compute() -> _FirstIds:
            chosen = services.choose_first_papers(self._app, subscriber)
            return tuple(paper.id for paper in chosen)

        def version() -> Hashable:
            return services.profile_version(self._app, subscriber)

        try:
            return await self._cache.get(subscriber.id, await run_in_threadpool(version), compute)
        except BusyError:
            if not hides_busy:
                raise
            return ()

    def _render(
        self,
        link: Link,
        subscriber: Subscriber,
        ids: _FirstIds,
        pressed: Pressed,
        confirmed: bool,
    ) -> HTMLResponse:
        app, own = self._app, self._pages.path(Purpose.MANAGE, link)
        held = frozenset(paper.id for paper in pipeline.papers_with_held_thumbs(app, subscriber.id))
        rated = services.load_rated_papers(app, subscriber.id, ids)
        return self._pages.render(
            "first",
            whose=reader_label(subscriber),
            places=own_places(self._pages, link),
            confirmed=confirmed,
            left=subscriber.status is SubscriberStatus.LEFT,
            first_mail=self._describe_first_mail(subscriber) if confirmed else "",
            rhythm=rhythm(subscriber),
            size=subscriber.size,
            papers=[
                thumb_values(paper, vote, number, pressed, is_held=paper.id in held)
                for number, (paper, vote) in enumerate(rated, start=1)
            ],
            rated=sum(vote != 0 for _, vote in rated),
            mark=new_form_token(app.now()),
            answers=pressed.answers,
            fields={"shown": " ".join(map(str, ids))},
            here=f"{own}/first",
            settings=own,
        )

    def _describe_first_mail(self, subscriber: Subscriber) -> str:
        """Say when the next mail comes, "" if none does."""
        now = self._app.now()
        first = services.find_first_mail(subscriber, now)
        if first is None or subscriber.status is not SubscriberStatus.ACTIVE:
            return ""
        day, instant = first
        if instant == now:
            return gettext("as soon as today’s papers are read")
        date, hour = texts.format_date(day, weekday=True), f"{subscriber.hour:02d}:00"
        return gettext(
            "on %(day)s, after %(hour)s (%(timezone)s time)",
            day=date,
            hour=hour,
            timezone=subscriber.timezone,
        )


@dataclass(frozen=True)
class _ThumbsPage:
    """The list of all thumbs of a reader."""

    app: App
    pages: Pages

    def show(self, link: Link, page: int, pressed: Pressed = NOTHING_PRESSED) -> HTMLResponse:
        """Return a page of the list, with what has just been done."""
        app, own = self.app, self.pages.path(Purpose.MANAGE, link)
        subscriber = subscriptions.get(app, link.subscriber_id)
        self.pages.speak_to(subscriber)
        thumbs = services.load_thumbs(app, subscriber.id, page=page)
        here = f"{own}/thumbs"
        return self.pages.render(
            "thumbs",
            whose=reader_label(subscriber),
            places=own_places(self.pages, link),
            left=subscriber.status is SubscriberStatus.LEFT,
            told=pressed.paper and self._describe(pressed, pressed.paper),
            total=ngettext("%(num)s thumb", "%(num)s thumbs", thumbs.total) if thumbs.total else "",
            papers=[
                thumb_values(paper, given.vote, number, NOTHING_PRESSED)
                | {"given": texts.format_date(given.at.date(), year=True)}
                for number, (paper, given) in enumerate(thumbs.items, start=1)
            ],
            mark=new_form_token(app.now()),
            answers=pressed.answers,
            here=here if thumbs.page == 1 else f"{here}?page={thumbs.page}",
            newer=f"{here}?page={thumbs.page - 1}" if thumbs.page > 1 else "",
            older=f"{here}?page={thumbs.page + 1}" if thumbs.page < thumbs.pages else "",
            first=f"{own}/first",
            settings=own,
        )

    def _describe(self, pressed: Pressed, paper: Paper) -> dict[str, object]:
        """Say what a press did, and how it can be undone."""
        words = {
            1: gettext_later("More like this:"),
            -1: gettext_later("Less like this:"),
            0: gettext_later("Withdrawn:"),
        }
        text = {
            "counted": words[pressed.vote],
            "repeated": gettext_later("This page was sent before, so nothing changed:"),
            "outdated": gettext_later("This page was opened long ago, so please say it once more:"),
            "held": gettext_later(
                "Both thumbs were pressed within a minute, so neither counts until you press one "
                "again:"
            ),
        }.get(pressed.state, "")
        undo: dict[str, object] = {}
        if pressed.state == "counted" and pressed.vote != pressed.previous_vote:
            vote = pressed.vote or pressed.previous_vote
            undo = {
                "paper": paper.id,
                "vote": vote,
                "form": new_form_token(self.app.now()),
                "answers": pressed.answers,
            }
            if pressed.vote:  # else the thumb that was withdrawn is pressed again
                undo |= {"undo": 1, "before": pressed.previous_vote}
        return {"text": gettext(text) if text else "", "title": paper.title, "undo": undo}


def routes(app: App, pages: Pages, first: FirstPapers) -> APIRouter:
    """Build the routes of the first papers to rate, and of the list of all thumbs."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])
    _add_first_papers(router, app, first)
    page = _ThumbsPage(app, pages)

    @router.api_route("/m/{token}/thumbs", methods=["GET", "HEAD"])
    def show_thumbs(request: Request, token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        return page.show(link, parse_id(request.query_params.get("page", "")))

    @router.post("/m/{token}/thumbs")
    def press(request: Request, token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        pressed = press_thumb(app, link, form, via="own-page")
        return page.show(link, parse_id(request.query_params.get("page", "")), pressed)

    return router


def _add_first_papers(router: APIRouter, app: App, first: FirstPapers) -> None:
    def look_up(token: str) -> tuple[Link, Subscriber]:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        return link, subscriptions.get(app, link.subscriber_id)

    @router.api_route("/m/{token}/first", methods=["GET", "HEAD"])
    async def show_page(token: str) -> HTMLResponse:
        link, subscriber = await run_in_threadpool(look_up, token)
        return await first.show(link, subscriber)

    @router.post("/m/{token}/first")
    async def press(token: str, form: FormBody) -> HTMLResponse:
        link, subscriber = await run_in_threadpool(look_up, token)
        pressed = await run_in_threadpool(partial(press_thumb, app, link, form, via="own-page"))
        shown = [parse_id(text) for text in form.one("shown").split()[:_SHOWN_MAX]]
        return await first.show(link, subscriber, shown=list(filter(None, shown)), pressed=pressed)
