"""Pages behind the two thumbs of a paper.

Opening a page changes nothing; only a pressed button votes, and the vote can be undone. Each page
has a form token. A page that is posted again, by a reload or by a browser that restores its tabs,
counts once, so later presses stay in force.
"""

from __future__ import annotations

import logging
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.model import Link, Paper, Purpose, Subscriber, SubscriberStatus, Vote
from digest.web.form_tokens import is_expired, new_form_token, normalise_form_token
from digest.web.pages import Form, FormBody, Pages, paper_values, reader_label

log = logging.getLogger("digest.web")

_VOTES: dict[Purpose, Vote] = {Purpose.UP: 1, Purpose.DOWN: -1}
_OTHER = {Purpose.UP: Purpose.DOWN, Purpose.DOWN: Purpose.UP}
_WRITTEN: dict[str, Vote] = {"-1": -1, "0": 0, "1": 1}

#: what the page says: a question, or the state after a press
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
            whose=reader_label(subscriber),
            told=told,
            pending=subscriber.status is SubscriberStatus.PENDING,
            paper=paper_values(paper),
            up=chosen == 1,
            stands=vote == chosen,
            opposite=vote == -chosen,
            vote=vote,
            before=0 if before == chosen else before,
            mark=new_form_token(app.now()),
            answers=answers,
            here=pages.path(link.purpose, link, paper_id=link.paper_id),
            other=pages.path(_OTHER[link.purpose], link, paper_id=link.paper_id),
        )

    @router.api_route("/t/{token}", methods=["GET", "HEAD"])
    def look(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.UP, Purpose.DOWN)
        return ask(link, "asks")

    def ask(link: Link, told: Told) -> HTMLResponse:
        """Return the page before any press: a question."""
        subscriber, paper = (
            subscriptions.get(app, link.subscriber_id),
            services.get_paper(app, link.paper_id),
        )
        vote = pipeline.current_vote(app, link.subscriber_id, link.paper_id)
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
        if is_expired(form.one("form"), app.now()):
            return ask(link, "outdated")
        asked = _read_press(app, form)
        pressed = pipeline.record_press(app, link, asked)
        pipeline.confirm_delivery(app, link)
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


def _read_press(app: App, form: Form) -> pipeline.PostedForm:
    now = app.now()
    return pipeline.PostedForm(
        form=normalise_form_token(form.one("form"), now),
        answers=normalise_form_token(form.one("answers"), now) if form.one("answers") else "",
        undo=_WRITTEN.get(form.one("before"), 0) if form.one("undo") else None,
        confirms=bool(form.one("confirm")),
    )
