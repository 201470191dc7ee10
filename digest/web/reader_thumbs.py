"""Thumbs on pages of a reader: the first papers to rate, and the list of all thumbs.

Opening a page changes nothing; each press is answered by the page itself, with an undo.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import BusyError
from digest.mail.messages import texts
from digest.model import Link, Paper, Purpose, Subscriber, SubscriberStatus, Vote
from digest.web.form_tokens import is_expired, new_form_token
from digest.web.pages import Form, FormBody, Pages, paper_values, reader_label, rhythm
from digest.web.single_flight import SingleFlightCache
from digest.web.thumbs import read_press

log = logging.getLogger("digest.web")

_PURPOSES = {"1": Purpose.UP, "-1": Purpose.DOWN}
#: ids that a posted page may say that it showed
_SHOWN_MAX = 30
_FirstIds = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pressed:
    """The press that a page answers."""

    paper: Paper
    state: str
    vote: Vote = 0
    previous_vote: Vote = 0
    #: token of its form
    answers: str = ""


def record_thumb(app: App, link: Link, form: Form) -> Pressed | None:
    """Record the thumb that a form of such a page asks for; None if it asks for none.

    Raises:
        NotFoundError: the reader or the paper is not stored.
    """
    purpose, paper_id = _PURPOSES.get(form.one("vote")), parse_id(form.one("paper"))
    if purpose is None or not paper_id:
        return None
    if is_expired(form.one("form"), app.now()):
        return Pressed(paper=services.get_paper(app, paper_id), state="outdated")
    thumb, posted = Link(purpose, link.subscriber_id, paper_id), read_press(app, form)
    result = pipeline.record_press(app, thumb, posted)
    if result.outcome == "left":
        subscriptions.press_after_leaving(app, thumb, posted.form)
    else:
        log.info(
            "thumb subscriber=%d paper=%d vote=%d before=%d outcome=%s via=own-page",
            link.subscriber_id,
            result.paper_id,
            result.vote,
            result.previous_vote,
            result.outcome,
        )
    return Pressed(
        paper=services.get_paper(app, result.paper_id),
        state=result.outcome,
        vote=result.vote,
        previous_vote=result.previous_vote,
        answers=posted.form,
    )


def parse_id(text: str) -> int:
    """Return the id that a field names, 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0


def thumb_values(
    paper: Paper, vote: Vote, number: int, pressed: Pressed | None, held: frozenset[int]
) -> dict[str, object]:
    """Return what the template of a paper with thumbs needs."""
    is_pressed = pressed is not None and pressed.paper.id == paper.id
    before = pressed.previous_vote if pressed and is_pressed else 0
    return paper_values(paper) | {
        "id": paper.id,
        "number": number,
        "abstract": paper.abstract,
        "vote": vote,
        "held": paper.id in held,
        "told": pressed.state if pressed and is_pressed else "",
        "before": 0 if before == vote else before,
    }


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
        pressed: Pressed | None = None,
        confirmed: bool = False,
    ) -> HTMLResponse:
        """Return the page.

        Args:
            shown: ids of the papers that it showed before a press.
            pressed: the press that it answers.
            confirmed: the reader has confirmed the address a moment ago.
        """
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
        pressed: Pressed | None,
        confirmed: bool,
    ) -> HTMLResponse:
        app, own = self._app, self._pages.path(Purpose.MANAGE, link)
        held = frozenset(paper.id for paper in pipeline.papers_with_held_thumbs(app, subscriber.id))
        rated = services.load_rated_papers(app, subscriber.id, ids)
        return self._pages.render(
            "first",
            whose=reader_label(subscriber),
            confirmed=confirmed,
            left=subscriber.status is SubscriberStatus.LEFT,
            first_mail=self._describe_first_mail(subscriber) if confirmed else "",
            rhythm=rhythm(subscriber),
            size=subscriber.size,
            papers=[
                thumb_values(paper, vote, number, pressed, held)
                for number, (paper, vote) in enumerate(rated, start=1)
            ],
            rated=sum(vote != 0 for _, vote in rated),
            mark=new_form_token(app.now()),
            answers=pressed.answers if pressed else "",
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
            return "as soon as today’s papers are read"
        date = texts.format_date(day, weekday=True)
        return f"on {date}, after {subscriber.hour:02d}:00 ({subscriber.timezone} time)"


@dataclass(frozen=True)
class _ThumbsPage:
    """The list of all thumbs of a reader."""

    app: App
    pages: Pages

    def show(self, link: Link, page: int, pressed: Pressed | None = None) -> HTMLResponse:
        """Return a page of the list, with what has just been done."""
        app, own = self.app, self.pages.path(Purpose.MANAGE, link)
        subscriber = subscriptions.get(app, link.subscriber_id)
        thumbs = services.load_thumbs(app, subscriber.id, page=page)
        here = f"{own}/thumbs"
        return self.pages.render(
            "thumbs",
            whose=reader_label(subscriber),
            left=subscriber.status is SubscriberStatus.LEFT,
            told=pressed and self._describe(pressed),
            total=texts.plural(thumbs.total, "thumb") if thumbs.total else "",
            papers=[
                thumb_values(paper, given.vote, number, None, frozenset())
                | {"given": texts.format_date(given.at.date(), year=True)}
                for number, (paper, given) in enumerate(thumbs.items, start=1)
            ],
            mark=new_form_token(app.now()),
            answers=pressed.answers if pressed else "",
            here=here if thumbs.page == 1 else f"{here}?page={thumbs.page}",
            newer=f"{here}?page={thumbs.page - 1}" if thumbs.page > 1 else "",
            older=f"{here}?page={thumbs.page + 1}" if thumbs.page < thumbs.pages else "",
            first=f"{own}/first",
            settings=own,
        )

    def _describe(self, pressed: Pressed) -> dict[str, object]:
        """Say what a press did, and how it can be undone."""
        words = {1: "More like this:", -1: "Less like this:", 0: "Withdrawn:"}
        text = {
            "counted": words[pressed.vote],
            "repeated": "This page was sent before, so nothing changed:",
            "outdated": "This page was opened long ago, so please say it once more:",
            "held": "Both thumbs were pressed within a minute, so neither counts until you press "
            "one again:",
        }.get(pressed.state, "")
        undo: dict[str, object] = {}
        if pressed.state == "counted" and pressed.vote != pressed.previous_vote:
            vote = pressed.vote or pressed.previous_vote
            undo = {
                "paper": pressed.paper.id,
                "vote": vote,
                "form": new_form_token(self.app.now()),
                "answers": pressed.answers,
            }
            if pressed.vote:  # else the thumb that was withdrawn is pressed again
                undo |= {"undo": 1, "before": pressed.previous_vote}
        return {"text": text, "title": pressed.paper.title, "undo": undo}


def routes(app: App, pages: Pages, first: FirstPapers) -> APIRouter:
    """Build the routes of the first papers to rate, and of the list of all thumbs."""
    router = APIRouter(include_in_schema=False)
    _add_first_papers(router, app, first)
    page = _ThumbsPage(app, pages)

    @router.api_route("/m/{token}/thumbs", methods=["GET", "HEAD"])
    def show_thumbs(request: Request, token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        return page.show(link, parse_id(request.query_params.get("page", "")))

    @router.post("/m/{token}/thumbs")
    def press_thumb(request: Request, token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        pressed = record_thumb(app, link, form)
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
        pressed = await run_in_threadpool(partial(record_thumb, app, link, form))
        shown = [parse_id(text) for text in form.one("shown").split()[:_SHOWN_MAX]]
        return await first.show(link, subscriber, shown=list(filter(None, shown)), pressed=pressed)
