"""Pages behind the two thumbs of a paper.

Opening a page changes nothing; only a pressed button votes, and the vote can be undone. Each page
has a form token. A page that is posted again, by a reload or by a browser that restores its tabs,
counts once, so later presses stay in force.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.model import Link, Paper, Purpose, Subscriber, SubscriberStatus, Vote
from digest.web.form_tokens import is_expired, new_form_token, normalise_form_token
from digest.web.pages import Form, FormBody, Pages, paper_values, reader_label

log = logging.getLogger("digest.web")

_VOTES: dict[Purpose, Vote] = {Purpose.UP: 1, Purpose.DOWN: -1}
_OTHER = {Purpose.UP: Purpose.DOWN, Purpose.DOWN: Purpose.UP}
_VOTE_BY_TEXT: dict[str, Vote] = {"-1": -1, "0": 0, "1": 1}

#: what the page says: a question, or the state after a press
State = Literal["asks", "pressed", "repeated", "outdated", "held", "left"]


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the thumb pages."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])
    page = _ThumbPage(app, pages)

    @router.api_route("/t/{token}", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        return page.ask(pipeline.read_link(app, token, Purpose.UP, Purpose.DOWN), "asks")

    @router.post("/t/{token}")
    def press(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.UP, Purpose.DOWN)
        if is_expired(form.one("form"), app.now()):
            return page.ask(link, "outdated")
        return page.press(link, read_press(app, form))

    return router


@dataclass(frozen=True, kw_only=True, slots=True)
class _Vote:
    """What the page shows of the vote."""

    state: State
    vote: Vote
    previous_vote: Vote = 0
    #: token of the form that the page answers
    answers: str = ""


@dataclass(frozen=True)
class _ThumbPage:
    """The page of one thumb."""

    app: App
    pages: Pages

    def ask(self, link: Link, state: State) -> HTMLResponse:
        """Return the page before any press: a question."""
        subscriber = subscriptions.get(self.app, link.subscriber_id)
        papers = services.load_thumb_papers(self.app, link)
        vote = pipeline.current_vote(self.app, link.subscriber_id, link.paper_id)
        if subscriber.status is SubscriberStatus.LEFT:
            state = "left"
        elif self._is_held(subscriber.id, papers.paper.id):
            state = "held"
        return self._render(link, subscriber, papers, _Vote(state=state, vote=vote))

    def press(self, link: Link, form: pipeline.PostedForm) -> HTMLResponse:
        """Record a press, and return the page about it."""
        pressed = pipeline.record_press(self.app, link, form)
        if pressed.outcome == "left":
            subscriptions.press_after_leaving(self.app, link, form.form)
        else:
            log.info(
                "thumb subscriber=%d paper=%d vote=%d before=%d outcome=%s via=page",
                link.subscriber_id,
                pressed.paper_id,
                pressed.vote,
                pressed.previous_vote,
                pressed.outcome,
            )
        state: State = "pressed" if pressed.outcome == "counted" else pressed.outcome
        if state == "repeated" and self._is_held(link.subscriber_id, pressed.paper_id):
            state = "held"
        vote = _Vote(
            state=state,
            vote=pressed.vote,
            previous_vote=pressed.previous_vote,
            answers=form.form,
        )
        papers = services.load_thumb_papers(self.app, link)
        return self._render(link, pressed.subscriber, papers, vote)

    def _is_held(self, subscriber_id: int, paper_id: int) -> bool:
        held_papers = pipeline.papers_with_held_thumbs(self.app, subscriber_id)
        return any(held.id == paper_id for held in held_papers)

    def _render(
        self, link: Link, subscriber: Subscriber, papers: services.ThumbPapers, vote: _Vote
    ) -> HTMLResponse:
        self.pages.speak_to(subscriber)
        thumb = _VOTES[link.purpose]
        token = new_form_token(self.app.now())
        here, other = self.pages.paths(
            (link.purpose, link.paper_id), (_OTHER[link.purpose], link.paper_id), link=link
        )
        return self.pages.render(
            "thumb",
            whose=reader_label(subscriber),
            told=vote.state,
            pending=subscriber.status is SubscriberStatus.PENDING,
            paper=paper_values(papers.paper),
            up=thumb == 1,
            stands=vote.vote == thumb,
            opposite=vote.vote == -thumb,
            vote=vote.vote,
            before=0 if vote.previous_vote == thumb else vote.previous_vote,
            mark=token,
            answers=vote.answers,
            here=here,
            other=other,
            less="" if thumb == 1 else f"{here}/less",
            rest=self._rest_of_digest(link, papers),
            votes=self._own_view(link, papers.paper),
        )

    def _own_view(self, link: Link, paper: Paper) -> str:
        """Return the path of the paper in the reader's view of the lists; "" where it has none."""
        if not self.app.config.web.papers or not services.is_public(paper):
            return ""
        own = self.pages.path(Purpose.VOTE, link._replace(paper_id=0, message_id=0))
        return f"{own}/p/{paper.id}"

    def _rest_of_digest(self, link: Link, papers: services.ThumbPapers) -> dict[str, object] | None:
        """What the page shows of the digest's other papers; None where the digest is not stored."""
        if not papers.count:
            return None
        following = papers.following
        if following is None:
            rate = self.pages.path(Purpose.RATE, link)
            return {"count": papers.count, "page": rate, "next": None}
        page, up, down = self.pages.paths(
            (Purpose.RATE, 0), (Purpose.UP, following.id), (Purpose.DOWN, following.id), link=link
        )
        following_values = {"number": papers.number, "up": up, "down": down}
        return {
            "count": papers.count,
            "page": page,
            "next": paper_values(following) | following_values,
        }


def read_press(app: App, form: Form) -> pipeline.PostedForm:
    """Read what the form of a thumb says beside its link."""
    now = app.now()
    return pipeline.PostedForm(
        form=normalise_form_token(form.one("form"), now),
        answers=normalise_form_token(form.one("answers"), now) if form.one("answers") else "",
        undo=_VOTE_BY_TEXT.get(form.one("before"), 0) if form.one("undo") else None,
        confirms=bool(form.one("confirm")),
    )
