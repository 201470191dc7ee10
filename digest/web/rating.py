"""The page that rates all papers of a digest, and the page that says how it was made.

As on the pages of single thumbs, opening changes nothing and only a pressed button votes. The page
answers a press with itself, at the paper that was rated.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest import pipeline, services
from digest.app import App
from digest.errors import NotFoundError
from digest.locales import format_number, gettext, gettext_later
from digest.mail.messages import provenance, texts
from digest.model import Link, Purpose, SubscriberStatus
from digest.web.form_tokens import new_form_token
from digest.web.own_pages import own_places, read_paper_id
from digest.web.pages import Form, FormBody, Pages, reader_label
from digest.web.rated_papers import NOTHING_PRESSED, Pressed, press_button, rated_values

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


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the pages of a whole digest."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])
    page = _RatingPage(app, pages)

    @router.api_route("/d/{token}", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.RATE)
        return page.show(link, token) if link.message_id else page.explain_preview()

    @router.post("/d/{token}")
    def press(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.RATE)
        return page.press(link, token, form) if link.message_id else page.explain_preview()

    @router.api_route("/d/{token}/made", methods=["GET", "HEAD"])
    def show_provenance(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.RATE)
        return page.show_provenance(link, token) if link.message_id else page.explain_preview()

    return router


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
        paper_id = read_paper_id(form)
        if paper_id is None:
            return self.show(link, token)
        listed = services.load_digest_papers(self.app, link).find(paper_id)
        if listed is None:
            raise NotFoundError("this paper is not in the digest of this link")
        return self.show(link, token, press_button(self.app, link, form, via="digest-page"))

    def show(self, link: Link, token: str, pressed: Pressed = NOTHING_PRESSED) -> HTMLResponse:
        """Return the page, with what has just happened."""
        listed = services.load_digest_papers(self.app, link)
        self.pages.speak_to(listed.subscriber)
        return self.pages.render(
            "rate",
            whose=reader_label(listed.subscriber),
            day=texts.format_date(listed.digest.local_date, weekday=True),
            left=listed.subscriber.status is SubscriberStatus.LEFT,
            papers=rated_values(self.pages, link, listed.items, pressed),
            rated=sum(rated.vote != 0 for rated in listed.items),
            mark=new_form_token(self.app.now()),
            answers=pressed.answers,
            here=f"{self.pages.root}/d/{token}",
            places=own_places(self.pages, link),
        )

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
