"""Dumps that were read, and the records of each that could not be used."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from digest import store
from digest.app import App
from digest.model import UNSEEN
from digest.web.operator.desk import ROWS, Desk, parse_id

#: characters of a rejected record that are shown
_RAW = 600


def routes(app: App, desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/dumps")

    @router.api_route("", methods=["GET", "HEAD"])
    def show_list(request: Request) -> HTMLResponse:
        before = parse_id(request.query_params.get("before"))
        with app.store.reading() as tx:
            rows = store.operator_pages.list_dumps(tx, before=before, limit=ROWS + 1)
        return desk.show(
            request,
            "dumps",
            rows=[_describe(row) for row in rows[:ROWS]],
            later=desk.path("/dumps", before=rows[ROWS - 1]["id"]) if len(rows) > ROWS else "",
            first=desk.path("/dumps") if before else "",
        )

    @router.api_route("/{ident}", methods=["GET", "HEAD"])
    def show_one(request: Request, ident: str) -> HTMLResponse:
        number, after = parse_id(ident), parse_id(request.query_params.get("after")) or 0
        with app.store.reading() as tx:
            dump = None if number is None else store.operator_pages.find_dump(tx, number)
            if dump is None:
                raise HTTPException(404)
            rows = store.operator_pages.list_rejects(tx, dump["id"], after=after, limit=ROWS + 1)
        here = f"/dumps/{dump['id']}"
        return desk.show(
            request,
            "dump",
            dump=_describe(dump),
            rejects=[
                {
                    "line": reject.line,
                    "reason": reject.reason,
                    "raw": reject.raw[:_RAW],
                    "is_cut": len(reject.raw) > _RAW,
                }
                for _, reject in rows[:ROWS]
            ],
            later=desk.path(here, after=rows[ROWS - 1][0]) if len(rows) > ROWS else "",
            first=desk.path(here) if after else "",
        )

    return router


def _describe(dump: dict[str, object]) -> dict[str, object]:
    """Return a dump with its counts in words, and whether it is a reader's library."""
    kinds = ("new", "updated", "duplicate", "skipped", "rejected")
    counts = [f"{dump[kind]:,} {kind}" for kind in kinds if dump[kind]]
    return dump | {"counts": ", ".join(counts), "is_library": dump["day"] == UNSEEN}
