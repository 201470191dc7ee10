"""Pages behind the two thumbs of a paper. Looking changes nothing; only a pressed button votes, and it can be taken back."""

from __future__ import annotations

import logging

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest import pipeline, subscriptions
from digest.app import App
from digest.model import Link, Paper, Purpose, Standing, Subscriber, Vote
from digest.web.pages import FormBody, Pages, shown, whose

log = logging.getLogger("digest.web")

_VOTES: dict[Purpose, Vote] = {Purpose.UP: 1, Purpose.DOWN: -1}
_OTHER = {Purpose.UP: Purpose.DOWN, Purpose.DOWN: Purpose.UP}
_WRITTEN: dict[str, Vote] = {"-1": -1, "0": 0, "1": 1}


def routes(app: App, pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.api_route("/t/{token}", methods=["GET", "HEAD"])
    def look(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.UP, Purpose.DOWN)
        subscriber, paper = subscriptions.by_id(app, link.subscriber_id), pipeline.paper(app, link.paper_id)
        vote = pipeline.standing_vote(app, link.subscriber_id, link.paper_id)
        return _page(pages, link, subscriber, paper, vote=vote, before=0, pressed=False)

    @router.post("/t/{token}")
    def press(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.UP, Purpose.DOWN)
        subscriber, paper = subscriptions.by_id(app, link.subscriber_id), pipeline.paper(app, link.paper_id)
        vote = pipeline.standing_vote(app, link.subscriber_id, link.paper_id)
        before = _WRITTEN.get(form.one("before"))
        pipeline.arrived(app, link)
        if subscriber.standing is Standing.LEFT:
            return _page(pages, link, subscriber, paper, vote=vote, before=0, pressed=False)
        chosen = _VOTES[link.purpose]
        if form.one("undo"):
            # Only this link's own thumb can be taken back: a later one, from another page, is the reader's last word.
            wanted = (before or 0) if vote == chosen else vote
        else:
            # A page that is loaded again posts again: what stood before the first press is what it was made with.
            wanted, before = chosen, vote if before is None else before
        if wanted != vote:
            pipeline.hear(app, link, wanted, via="page")
            log.info("thumb subscriber=%d paper=%d vote=%d before=%d via=page", subscriber.id, paper.id, wanted, vote)
        return _page(pages, link, subscriber, paper, vote=wanted, before=before or 0, pressed=True)

    return router


def _page(pages: Pages, link: Link, subscriber: Subscriber, paper: Paper, *, vote: Vote, before: Vote, pressed: bool) -> HTMLResponse:
    chosen = _VOTES[link.purpose]
    return pages.render(
        "thumb",
        whose=whose(subscriber),
        left=subscriber.standing is Standing.LEFT,
        pending=subscriber.standing is Standing.PENDING,
        paper=shown(paper),
        up=chosen == 1,
        stands=vote == chosen,
        opposite=vote == -chosen,
        pressed=pressed,
        vote=vote,
        before=0 if before == chosen else before,
        other=pages.path(_OTHER[link.purpose], link, paper_id=link.paper_id),
    )
