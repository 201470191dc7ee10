"""What readers add to the public pages: suggestions, picks and votes, and what is let through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from digest import services
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.mail.messages import texts
from digest.model import Paper, SubmissionState
from digest.services import ListedSubmission
from digest.web.operator.desk import ROWS, Desk, parse_id
from digest.web.pages import Form, FormBody

_STATES: tuple[SubmissionState, ...] = get_args(SubmissionState)
#: pages of a list that can be turned to
_PAGES_MAX = 200
_VOTERS = 100


def routes(app: App, desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/moderation")
    _add_submissions(router, app, desk)
    _add_picks_and_votes(router, app, desk)
    return router


def _add_submissions(router: APIRouter, app: App, desk: Desk) -> None:
    @router.api_route("", methods=["GET", "HEAD"])
    def show(request: Request) -> HTMLResponse:
        return page(request)

    @router.post("")
    def decide(request: Request, form: FormBody) -> Response:
        ident, decision = parse_id(form.one("submission")), form.one("do")
        if ident is None or decision not in ("accept", "refuse"):
            raise HTTPException(422)
        try:
            services.decide_submission(app, ident, accept=decision == "accept")
        except InputError as error:
            return page(request, status=409, problem=str(error))
        desk.record(request, decision, submission=ident)
        return desk.go("/moderation", done="accepted" if decision == "accept" else "refused")

    def page(request: Request, *, status: int = 200, problem: str = "") -> HTMLResponse:
        query = request.query_params
        state: SubmissionState = next(
            (each for each in _STATES if each == query.get("state")), "waiting"
        )
        number = _page_number(request)
        rows = services.list_submissions(app, state, limit=ROWS + 1, offset=(number - 1) * ROWS)
        counts = services.count_submissions(app)
        return desk.show(
            request,
            "moderation",
            status=status,
            problem=problem,
            rows=[_describe(desk, row) for row in rows[:ROWS]],
            state=state,
            states=[(each, counts.get(each, 0)) for each in _STATES],
            later=_next_page(desk, "/moderation", number, rows, state=state),
            first=desk.path("/moderation", state=state) if number > 1 else "",
        )


def _add_picks_and_votes(router: APIRouter, app: App, desk: Desk) -> None:
    @router.api_route("/picks", methods=["GET", "HEAD"])
    def show_picks(request: Request) -> HTMLResponse:
        number = _page_number(request)
        rows = services.list_picks(app, limit=ROWS + 1, offset=(number - 1) * ROWS)
        return desk.show(
            request,
            "picks",
            rows=[
                {"pick": row.pick, "email": row.email, **_paper(desk, row.paper)}
                for row in rows[:ROWS]
            ],
            later=_next_page(desk, "/moderation/picks", number, rows),
            first=desk.path("/moderation/picks") if number > 1 else "",
        )

    @router.post("/picks")
    def remove(request: Request, form: FormBody) -> Response:
        paper_id, reader_id = parse_id(form.one("paper")), parse_id(form.one("reader"))
        if paper_id is None or reader_id is None:
            raise HTTPException(422)
        question = ask(request, form, "Remove this pick?", "It leaves the public lists.", "/picks")
        if question is not None:
            return question
        try:
            services.remove_pick(app, paper_id, reader_id)
        except NotFoundError:  # removed meanwhile
            return desk.go("/moderation/picks")
        desk.record(request, "remove-pick", paper=paper_id, subscriber=reader_id)
        return desk.go("/moderation/picks", done="removed")

    @router.api_route("/votes", methods=["GET", "HEAD"])
    def show_voters(request: Request) -> HTMLResponse:
        return desk.show(request, "votes", rows=services.list_voters(app, limit=_VOTERS))

    @router.post("/votes")
    def drop(request: Request, form: FormBody) -> Response:
        reader_id = parse_id(form.one("reader"))
        if reader_id is None:
            raise HTTPException(422)
        question = ask(
            request,
            form,
            "Drop all up-votes of this reader?",
            "Their votes no longer count anywhere. They may vote again while they are subscribed.",
            "/votes",
        )
        if question is not None:
            return question
        services.drop_votes(app, reader_id)
        desk.record(request, "drop-votes", subscriber=reader_id)
        return desk.go("/moderation/votes", done="removed")

    def ask(
        request: Request, form: Form, question: str, detail: str, below: str
    ) -> HTMLResponse | None:
        return desk.ask(
            request,
            form,
            question=question,
            detail=detail,
            button=question.rstrip("?"),
            back=desk.path(f"/moderation{below}"),
        )


def _describe(desk: Desk, row: ListedSubmission) -> dict[str, object]:
    """Return a suggestion with what it names, and the paper that it is."""
    submission = row.submission
    identity = submission.identity
    return {
        "submission": submission,
        "email": row.email,
        "name": f"{identity.kind}:{identity.value}" if identity else "",
        "link": texts.clean_url(submission.url),
        **(_paper(desk, row.paper) if row.paper is not None else {"title": "", "page": ""}),
    }


def _paper(desk: Desk, paper: Paper) -> dict[str, object]:
    return {"title": paper.title, "page": f"{desk.pages.root}/p/{paper.id}"}


def _page_number(request: Request) -> int:
    return min(max(parse_id(request.query_params.get("page")) or 1, 1), _PAGES_MAX)


def _next_page(desk: Desk, below: str, number: int, rows: Sequence[object], **query: str) -> str:
    more = len(rows) > ROWS and number < _PAGES_MAX
    return desk.path(below, page=number + 1, **query) if more else ""
