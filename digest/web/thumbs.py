"""Pages behind the two thumbs of a paper.

Looking changes nothing; only a pressed button votes, and it can be taken back. Each page has a
mark.
Posted again, by a reload or by a browser that restores its tabs, it is no new press: what was
pressed later stands.
"""

from __future__ import annotations

import logging
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest import pipeline, subscriptions
from digest.app import App
from digest.model import Link, Paper, Purpose, Subscriber, SubscriberStatus, Vote
from digest.web.marks import is_outdated, new_mark, read_mark
from digest.web.pages import Form, FormBody, Pages, shown, whose

log = logging.getLogger("digest.web")

_VOTES: dict[Purpose, Vote] = {Purpose.UP: 1, Purpose.DOWN: -1}
_OTHER = {Purpose.UP: Purpose.DOWN, Purpose.DOWN: Purpose.UP}
_WRITTEN: dict[str, Vote] = {"-1": -1, "0": 0, "1": 1}

#: what the page says: it asks, or tells how things stand after a press
Told = Literal["asks", "pressed", "repeated", "outdated", "held", "left"]


def routes(app: App, pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def page(
        link: Link,
        subscriber: Subscriber,
        paper: Paper,
        *,
        told: Told,
        vote: Vote,
        before: Vote = 0,
        answers: str = "",
    ) -> HTMLResponse:
        chosen = _VOTES[link.purpose]
        return pages.render(
            "thumb",
            whose=whose(subscriber),
            told=told,
            pending=subscriber.status is SubscriberStatus.PENDING,
            paper=shown(paper),
            up=chosen == 1,
            stands=vote == chosen,
            opposite=vote == -chosen,
            vote=vote,
            before=0 if before == chosen else before,
            mark=new_mark(app.now()),
            answers=answers,
            here=pages.path(link.purpose, link, paper_id=link.paper_id),
            other=pages.path(_OTHER[link.purpose], link, paper_id=link.paper_id),
        )

    @router.api_route("/t/{token}", methods=["GET", "HEAD"])
    def look(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.UP, Purpose.DOWN)
        return ask(link, "asks")

    def ask(link: Link, told: Told) -> HTMLResponse:
        """The page before any press: a question."""
        subscriber, paper = (
            subscriptions.get(app, link.subscriber_id),
            pipeline.paper(app, link.paper_id),
        )
        vote = pipeline.standing_vote(app, link.subscriber_id, link.paper_id)
        if subscriber.status is SubscriberStatus.LEFT:
            told = "left"
        elif any(
            held.id == paper.id for held in pipeline.papers_with_held_thumbs(app, subscriber.id)
        ):
            told = "held"
        return page(link, subscriber, paper, told=told, vote=vote)

    @router.post("/t/{token}")
    def press(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.UP, Purpose.DOWN)
        if is_outdated(form.one("form"), app.now()):
            return ask(link, "outdated")
        asked = _asked(app, form)
        pressed = pipeline.press(app, link, asked)
        pipeline.arrived(app, link)
        if pressed.outcome == "left":
            subscriptions.press_after_leaving(app, link, asked.form)
        else:
            log.info(
                "thumb subscriber=%d paper=%d vote=%d before=%d outcome=%s via=page",
                link.subscriber_id,
                pressed.paper.id,
                pressed.vote,
                pressed.previous_vote,
                pressed.outcome,
            )
        told: Told = "pressed" if pressed.outcome == "counted" else pressed.outcome
        if told == "repeated" and any(
            held.id == pressed.paper.id
            for held in pipeline.papers_with_held_thumbs(app, link.subscriber_id)
        ):
            told = "held"
        return page(
            link,
            pressed.subscriber,
            pressed.paper,
            told=told,
            vote=pressed.vote,
            before=pressed.previous_vote,
            answers=asked.form,
        )

    return router


def _asked(app: App, form: Form) -> pipeline.PostedForm:
    now = app.now()
    return pipeline.PostedForm(
        form=read_mark(form.one("form"), now),
        answers=read_mark(form.one("answers"), now) if form.one("answers") else "",
        undo=_WRITTEN.get(form.one("before"), 0) if form.one("undo") else None,
        confirms=bool(form.one("confirm")),
    )
