"""Readers: the list, one of them, and what an operator may do for them.

What readers wish for and what they rated is not shown: none of these acts needs it.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from digest import services, store, subscriptions
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import Subscriber, SubscriberStatus
from digest.services.operator_readers import ReaderOverview
from digest.web.operator.desk import ROWS, Desk, parse_id
from digest.web.pages import FormBody, clean, rhythm


@dataclass(frozen=True, kw_only=True, slots=True)
class _Act:
    """Something that an operator does for a reader, and the question before it."""

    question: str
    detail: str
    button: str
    #: of these states alone
    possible: tuple[SubscriberStatus, ...] = tuple(SubscriberStatus)


_ACTS = {
    "pause": _Act(
        question="Pause this reader?",
        detail="{email} gets no digest until you or they resume it. Mails that wait are dropped.",
        button="Pause",
        possible=(SubscriberStatus.ACTIVE,),
    ),
    "resume": _Act(
        question="Resume this reader?",
        detail="{email} gets digests again. Resume only who asked for it.",
        button="Resume",
        possible=(SubscriberStatus.PAUSED,),
    ),
    "confirm": _Act(
        question="Send the confirmation again?",
        detail="{email} gets the mail with the link to confirm once more, at most once a day.",
        button="Send it again",
        possible=(SubscriberStatus.PENDING,),
    ),
    "forget": _Act(
        question="Delete this reader for good?",
        detail="The address {email}, settings, thumbs and the record of mails are deleted at "
        "once, without a mail. This cannot be undone. A suppression of the address stays.",
        button="Delete everything",
    ),
}


def routes(app: App, desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/readers")

    @router.api_route("", methods=["GET", "HEAD"])
    def show_list(request: Request) -> HTMLResponse:
        query = request.query_params
        status = next((each for each in SubscriberStatus if each == query.get("status")), None)
        typed = clean(query.get("email", "")).strip()[:320]
        if typed:
            try:
                reader = subscriptions.find(app, typed)
            except NotFoundError:
                rows = []
            else:
                return _lead_to(reader)
        else:
            with app.store.reading() as tx:
                rows = store.operator_pages.list_subscribers(
                    tx, status=status, before=parse_id(query.get("before")), limit=ROWS + 1
                )
        more = len(rows) > ROWS
        return desk.show(
            request,
            "readers",
            rows=rows[:ROWS],
            typed=typed,
            status_filter=status,
            statuses=list(SubscriberStatus),
            later=desk.path("/readers", status=status, before=rows[ROWS - 1]["id"]) if more else "",
            first=desk.path("/readers", status=status) if query.get("before") else "",
        )

    def _lead_to(reader: Subscriber) -> HTMLResponse:
        # the address stays out of the history of the browser from here on
        return desk.go(f"/readers/{reader.id}")  # type: ignore[return-value]

    _add_reader(router, app, desk)
    return router


def _add_reader(router: APIRouter, app: App, desk: Desk) -> None:
    """Add the page of one reader, and the acts on it."""

    @router.api_route("/{ident}", methods=["GET", "HEAD"])
    def show_one(request: Request, ident: str) -> HTMLResponse:
        return page(request, services.load_reader(app, _require_id(ident)))

    @router.post("/{ident}")
    def act(request: Request, ident: str, form: FormBody) -> Response:
        reader = subscriptions.get(app, _require_id(ident))
        here, name = f"/readers/{reader.id}", form.one("do")
        chosen = _ACTS.get(name)
        if chosen is None:
            raise HTTPException(422)
        if reader.status not in chosen.possible:  # it changed since the page was shown
            return desk.go(here)
        question = desk.ask(
            request,
            form,
            question=chosen.question,
            detail=chosen.detail.format(email=reader.email),
            button=chosen.button,
            back=desk.path(here),
        )
        if question is not None:
            return question
        desk.record(request, name, subscriber=reader.id)
        if name == "forget":
            try:
                subscriptions.delete(app, reader.id)
            except InputError as error:
                overview = services.load_reader(app, reader.id)
                return page(request, overview, status=409, problem=str(error))
            return desk.go("/readers", done="forgotten")
        if name == "confirm":
            planned = subscriptions.resend_confirmation(app, reader.id)
            return desk.go(here, done="sent" if planned else "waiting")
        subscriptions.pause(app, reader.id, paused=name == "pause")
        return desk.go(here, done="paused" if name == "pause" else "resumed")

    def page(
        request: Request, overview: ReaderOverview, *, status: int = 200, problem: str = ""
    ) -> HTMLResponse:
        reader = overview.subscriber
        return desk.show(
            request,
            "reader",
            status=status,
            problem=problem,
            overview=overview,
            reader=reader,
            rhythm=rhythm(reader),
            acts=[(name, each) for name, each in _ACTS.items() if reader.status in each.possible],
        )


def _require_id(ident: str) -> int:
    number = parse_id(ident)
    if number is None:
        raise HTTPException(404)
    return number
