"""Listed papers with buttons: what a form about one of them says, and what is shown of each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import InputError
from digest.model import Link, Paper, Purpose, Vote
from digest.ranking import scores
from digest.web.form_tokens import is_expired
from digest.web.own_pages import read_paper_id
from digest.web.pages import Form, Pages, paper_values
from digest.web.thumbs import read_press

log = logging.getLogger("digest.web")

_PURPOSES = {"1": Purpose.UP, "-1": Purpose.DOWN}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pressed:
    """The press that a page answers."""

    #: None = nothing was pressed
    paper: Paper | None = None
    #: of a thumb, as `pipeline.PressOutcome`, or "outdated"; or "saved", "removed", "full"
    state: str = ""
    vote: Vote = 0
    previous_vote: Vote = 0
    #: token of its form
    answers: str = ""


NOTHING_PRESSED = Pressed()


def press_button(app: App, link: Link, form: Form, *, via: str) -> Pressed:
    """Do what a form about a listed paper asks: count a thumb, or save the paper for later.

    Opening a page changes nothing; each press is answered by the page itself, with an undo.

    Args:
        link: its reader and message.
        form: its paper is known to be one that the page lists.

    Raises:
        NotFoundError: the reader or the paper is not stored.
    """
    paper_id = read_paper_id(form)
    if paper_id is None:
        return NOTHING_PRESSED
    if form.one("do") in ("save", "remove"):
        saves = form.one("do") == "save"
        change = services.save_paper if saves else services.remove_saved
        try:
            paper = change(app, link.subscriber_id, paper_id)
        except InputError:
            return Pressed(paper=services.get_paper(app, paper_id), state="full")
        log.info(
            "%s subscriber=%d paper=%d via=%s", form.one("do"), link.subscriber_id, paper.id, via
        )
        return Pressed(paper=paper, state="saved" if saves else "removed")
    return press_thumb(app, link, form, via=via)


def press_thumb(app: App, link: Link, form: Form, *, via: str) -> Pressed:
    """Count the thumb that a form asks for; arguments and errors are those of `press_button`."""
    paper_id, purpose = read_paper_id(form), _PURPOSES.get(form.one("vote"))
    if not paper_id or purpose is None:
        return NOTHING_PRESSED
    if is_expired(form.one("form"), app.now()):
        return Pressed(paper=services.get_paper(app, paper_id), state="outdated")
    thumb = Link(purpose, link.subscriber_id, paper_id, link.message_id)
    posted = read_press(app, form)
    pressed = pipeline.record_press(app, thumb, posted)
    pipeline.confirm_delivery(app, link)
    if pressed.outcome == "left":
        subscriptions.press_after_leaving(app, thumb, posted.form)
    else:
        log.info(
            "thumb subscriber=%d paper=%d vote=%d before=%d outcome=%s via=%s",
            link.subscriber_id,
            pressed.paper_id,
            pressed.vote,
            pressed.previous_vote,
            pressed.outcome,
            via,
        )
    return Pressed(
        paper=services.get_paper(app, pressed.paper_id),
        state=pressed.outcome,
        vote=pressed.vote,
        previous_vote=pressed.previous_vote,
        answers=posted.form,
    )


def thumb_values(
    paper: Paper, vote: Vote, number: int, pressed: Pressed, *, is_held: bool = False
) -> dict[str, object]:
    """Return what the template of a paper with thumbs needs."""
    is_pressed = pressed.paper is not None and pressed.paper.id == paper.id
    before = pressed.previous_vote if is_pressed else 0
    return paper_values(paper) | {
        "id": paper.id,
        "number": number,
        "abstract": paper.abstract,
        "vote": vote,
        "held": is_held,
        "told": pressed.state if is_pressed else "",
        "before": 0 if before == vote else before,
    }


def rated_values(
    pages: Pages, link: Link, items: Sequence[services.RatedItem], pressed: Pressed
) -> list[dict[str, object]]:
    """Return what the template of papers with buttons needs of each."""
    digest = pages.path(Purpose.RATE, link) if link.message_id else ""
    public = pages.app.config.web.papers
    values = []
    for rated in items:
        own = f"{digest}/p/{rated.paper.id}" if digest else f"{pages.root}/p/{rated.paper.id}"
        values.append(
            thumb_values(rated.paper, rated.vote, rated.number, pressed, is_held=rated.is_held)
            | {
                "page": own if public else "",
                "reason": scores.write_reason(rated.item.score),
                "saved": rated.is_saved,
                #: a fact about an earlier digest
                "listed": "",
                "less": pages.path(Purpose.DOWN, link, paper_id=rated.paper.id) + "/less",
            }
        )
    return values
