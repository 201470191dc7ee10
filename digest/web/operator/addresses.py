"""Mails that came back, and the addresses that get no mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from digest import store, subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.web.operator.desk import ROWS, Desk, parse_id
from digest.web.pages import FormBody, clean

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def routes(app: App, desk: Desk) -> APIRouter:
    router = APIRouter()

    @router.api_route("/bounces", methods=["GET", "HEAD"])
    def show_bounces(request: Request) -> HTMLResponse:
        before = parse_id(request.query_params.get("before"))
        with app.store.reading() as tx:
            rows = store.operator_pages.list_bounces(tx, before=before, limit=ROWS + 1)
        return desk.show(
            request,
            "bounces",
            rows=rows[:ROWS],
            later=desk.path("/bounces", before=rows[ROWS - 1]["id"]) if len(rows) > ROWS else "",
            first=desk.path("/bounces") if before else "",
        )

    @router.api_route("/suppressed", methods=["GET", "HEAD"])
    def show_suppressed(request: Request) -> HTMLResponse:
        typed = clean(request.query_params.get("email", "")).strip()[:320]
        before = _parse_place(request)
        with app.store.reading() as tx:
            if typed:
                suppression = store.suppressions.find(tx, typed)
                rows = [] if suppression is None else [("", suppression)]
            else:
                rows = store.operator_pages.list_suppressions(tx, before=before, limit=ROWS + 1)
        later = ""
        if len(rows) > ROWS:
            key, last = rows[ROWS - 1]
            since = (last.since - _EPOCH) // timedelta(microseconds=1)
            later = desk.path("/suppressed", since=since, key=key)
        return desk.show(
            request,
            "suppressed",
            rows=[suppression for _, suppression in rows[:ROWS]],
            typed=typed,
            later=later,
            first=desk.path("/suppressed") if before else "",
        )

    @router.post("/suppressed")
    def release(request: Request, form: FormBody) -> Response:
        address = form.one("address").strip()[:320]
        with app.store.reading() as tx:
            suppression = store.suppressions.find(tx, address) if address else None
        if suppression is None:
            raise HTTPException(404)
        question = desk.ask(
            request,
            form,
            question="Send mail there again?",
            detail=f"{suppression.address} gets mail again, and its earlier bounces no longer "
            "count. If the address does not exist, mail servers trust this service less.",
            button="Release the address",
            back=desk.path("/suppressed"),
        )
        if question is not None:
            return question
        try:
            subscriptions.release(app, suppression.address)
        except NotFoundError:  # released meanwhile
            return desk.go("/suppressed")
        desk.record(request, "release")
        return desk.go("/suppressed", done="released")

    return router


def _parse_place(request: Request) -> tuple[datetime, str] | None:
    """Parse where a page of suppressed addresses begins: after a time and key."""
    since, key = parse_id(request.query_params.get("since")), request.query_params.get("key", "")
    if since is None or not key:
        return None
    try:
        return _EPOCH + timedelta(microseconds=since), clean(key)[:320]
    except OverflowError:
        return None
