"""Deliveries by state, and what became of one message."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from digest import services, store
from digest.app import App
from digest.errors import InputError
from digest.model import MessageState
from digest.web.operator.desk import ROWS, Desk, parse_id
from digest.web.pages import FormBody

_SETTLED: dict[str, Literal[MessageState.ACCEPTED, MessageState.REJECTED]] = {
    "accepted": MessageState.ACCEPTED,
    "rejected": MessageState.REJECTED,
}


def routes(app: App, desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/deliveries")

    @router.api_route("", methods=["GET", "HEAD"])
    def show_list(request: Request) -> HTMLResponse:
        query = request.query_params
        state = next((each for each in MessageState if each == query.get("state")), None)
        with app.store.reading() as tx:
            rows = store.operator_pages.list_messages(
                tx, state=state, before=parse_id(query.get("before")), limit=ROWS + 1
            )
        more = len(rows) > ROWS
        return desk.show(
            request,
            "deliveries",
            rows=rows[:ROWS],
            state=state,
            states=list(MessageState),
            later=desk.path("/deliveries", state=state, before=rows[ROWS - 1]["id"])
            if more
            else "",
            first=desk.path("/deliveries", state=state) if query.get("before") else "",
        )

    @router.api_route("/{ident}", methods=["GET", "HEAD"])
    def show_one(request: Request, ident: str) -> HTMLResponse:
        return desk.show(request, "delivery", message=find(ident))

    @router.post("/{ident}")
    def settle(request: Request, ident: str, form: FormBody) -> Response:
        message, state = find(ident), _SETTLED.get(form.one("state"))
        here = f"/deliveries/{message['id']}"
        if state is None:
            raise HTTPException(422)
        question = desk.ask(
            request,
            form,
            question=f"Settle it as {state.value}?",
            detail=f"The mail to {message['email']} counts as {state.value} from now on. Look "
            "at the mail server’s log first: nobody can tell afterwards.",
            button=f"Yes, it was {state.value}",
            back=desk.path(here),
        )
        if question is not None:
            return question
        try:
            services.resolve(app, message["message_id"], state)
        except InputError:  # settled meanwhile
            return desk.go(here)
        desk.record(request, "settle", message=message["id"], state=state.value)
        return desk.go(here, done="settled")

    def find(ident: str) -> dict[str, Any]:
        number = parse_id(ident)
        with app.store.reading() as tx:
            message = None if number is None else store.operator_pages.find_message(tx, number)
        if message is None:
            raise HTTPException(404)
        return message

    return router
