"""The page that rates all papers of a digest, and the page that says how it was made.

As on the pages of single thumbs, opening changes nothing and only a pressed button votes. The page
answers a press with itself, at the paper that was rated.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import NotFoundError
from digest.locales import format_number, gettext, gettext_later
from digest.mail.messages import provenance, texts
from digest.model import Link, Purpose, SubscriberStatus, Vote
from digest.ranking import scores
from digest.web.form_tokens import is_expired, new_form_token
from digest.web.pages import Form, FormBody, Pages, paper_values, reader_label
from digest.web.thumbs import read_press

log = logging.getLogger("digest.web")

#: what the page calls the facts that mails name in one line, besides the model
_FACTS = {
    "features": gettext_later("Features"),
    "thumbs": gettext_later("Your thumbs"),
    "match": gettext_later("Matches are calibrated on"),
    "dumps": gettext_later("Sources"),
    "at": gettext_later("Chosen at"),
}
#: what each model was trained on
_BASES = {
    "trending": gettext_later("Nothing yet, so it lists a mix of the day"),
    "keywords": gettext_later("What you wrote"),
    "examples": gettext_later("What you wrote and the papers that you named"),
    "thumbs": gettext_later("Your thumbs"),
}
_PURPOSES = {"1": Purpose.UP, "-1": Purpose.DOWN}


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the pages of a whole digest."""
    router = APIRouter(include_in_schema=False)
    page = _RatingPage(app, pages)

    @router.api_route("/d/{token}", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.RATE)
        return page.show(link, token) if link.message_id else page.explain_preview()

    @router.post("/d/{token}")
    def press(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.RATE)
        return page.press(link, token, form) if link.message_id else page.explain_preview()

    @router.api_route(
        "/d/{token}/made", methods=["GET", "HEAD"], dependencies=[Depends(pages.speak)]
    )
    def show_provenance(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.RATE)
        return page.show_provenance(link, token) if link.message_id else page.explain_preview()

    return router


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pressed:
    """The press that a page answers."""

    paper_id: int
    state: str
    previous_vote: Vote = 0
    #: token of its form
    answers: str = ""


_NOTHING_PRESSED = _Pressed(paper_id=0, state="")


@dataclass(frozen=True)
class _RatingPage:
    """The pages of one digest."""

    app: App
    pages: Pages

    def explain_preview(self) -> HTMLResponse:
        """Return the page for a link of a mail that was never sent."""
        text = gettext(
            "The mail that this link stands in is a preview. Its digest is not stored, so there is "
            "nothing to list here. The buttons of each paper in it work."
        )
        return self.pages.problem(200, gettext("This is a preview"), text)

    def press(self, link: Link, token: str, form: Form) -> HTMLResponse:
        """Record a press, and return the page about it.

        Raises:
            NotFoundError: the paper is not one of the digest.
        """
        purpose, number = _PURPOSES.get(form.one("vote")), form.one("paper")
        if purpose is None or not (number.isascii() and number.isdecimal() and len(number) <= 18):
            return self.show(link, token)
        listed = services.load_digest_papers(self.app, link).find(int(number))
        if listed is None:
            raise NotFoundError("this paper is not in the digest of this link")
        if is_expired(form.one("form"), self.app.now()):
            return self.show(link, token, _Pressed(paper_id=listed.paper.id, state="outdated"))
        thumb = Link(purpose, link.subscriber_id, listed.paper.id, link.message_id)
        posted = read_press(self.app, form)
        pressed = pipeline.record_press(self.app, thumb, posted)
        pipeline.confirm_delivery(self.app, link)
        if pressed.outcome == "left":
            subscriptions.press_after_leaving(self.app, thumb, posted.form)
        else:
            log.info(
                "thumb subscriber=%d paper=%d vote=%d before=%d outcome=%s via=digest-page",
                link.subscriber_id,
                pressed.paper.id,
                pressed.vote,
                pressed.previous_vote,
                pressed.outcome,
            )
        answer = _Pressed(
            paper_id=pressed.paper.id,
            state=pressed.outcome,
            previous_vote=pressed.previous_vote,
            answers=posted.form,
        )
        return self.show(link, token, answer)

    def show(self, link: Link, token: str, pressed: _Pressed = _NOTHING_PRESSED) -> HTMLResponse:
        """Return the page, with what has just happened."""
        listed = services.load_digest_papers(self.app, link)
        return self.pages.render(
            "rate",
            whose=reader_label(listed.subscriber),
            day=texts.format_date(listed.digest.local_date, weekday=True),
            left=listed.subscriber.status is SubscriberStatus.LEFT,
            papers=[self._paper_values(rated, pressed) for rated in listed.items],
            rated=sum(rated.vote != 0 for rated in listed.items),
            mark=new_form_token(self.app.now()),
            answers=pressed.answers,
            here=f"{self.pages.root}/d/{token}",
            settings=self.pages.path(Purpose.MANAGE, link),
        )

    def _paper_values(self, rated: services.RatedItem, pressed: _Pressed) -> dict[str, object]:
        is_pressed = rated.paper.id == pressed.paper_id
        before = pressed.previous_vote if is_pressed else 0
        return paper_values(rated.paper) | {
            "id": rated.paper.id,
            "number": rated.number,
            "reason": scores.write_reason(rated.item.score),
            "abstract": rated.paper.abstract,
            "vote": rated.vote,
            "held": rated.is_held,
            "told": pressed.state if is_pressed else "",
            "before": 0 if before == rated.vote else before,
        }

    def show_provenance(self, link: Link, token: str) -> HTMLResponse:
        """Return the page that says how the digest was made."""
        listed = services.load_digest_papers(self.app, link)
        made = listed.digest.provenance
        self.pages.speak_to(listed.subscriber)
        return self.pages.render(
            "made",
            whose=reader_label(listed.subscriber),
            day=texts.format_date(listed.digest.local_date, weekday=True),
            facts=[
                (gettext("Papers read"), format_number(made.papers_read)),
                (gettext("Papers listed"), format_number(len(listed.items))),
                (gettext("Learned from"), gettext(_BASES.get(made.model, made.model))),
                *(
                    (gettext(_FACTS[name]), value)
                    for name, value in provenance.facts(made)
                    if name in _FACTS
                ),
            ],
            here=f"{self.pages.root}/d/{token}",
            learned=f"{self.pages.path(Purpose.MANAGE, link)}/learned",
        )
