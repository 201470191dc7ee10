"""The page that leaves an author or a topic of a paper out of the digest, and takes that back.

Opening it changes nothing. A press counts only where a person had the time to read the page: a
robot that presses whatever it meets mutes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import InputError
from digest.locales import gettext, gettext_later
from digest.model import Link, Purpose
from digest.services import LessChoices
from digest.subscriptions import MutedList, MuteResult, Wish
from digest.web.form_tokens import is_expired, is_too_fast, new_form_token, normalise_form_token
from digest.web.pages import Form, FormBody, Pages, paper_values, reader_label
from digest.web.settings_form import split_field_error

log = logging.getLogger("digest.web")

_LISTS: Mapping[str, MutedList] = {"authors": "authors", "keywords": "keywords"}


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the page."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])
    page = _LessPage(app, pages)

    @router.api_route("/t/{token}/less", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        return page.show(pipeline.read_link(app, token, Purpose.DOWN))

    @router.post("/t/{token}/less")
    def press(token: str, form: FormBody) -> HTMLResponse:
        return page.press(pipeline.read_link(app, token, Purpose.DOWN), form)

    return router


def _less_values(pages: Pages, link: Link, choices: LessChoices) -> dict[str, object]:
    """Return what the template needs to offer authors and topics of a paper."""
    reader = choices.subscriber
    names = [(name, "authors") for name in choices.authors]
    names += [(name, "keywords") for name in choices.topics]
    offered = [
        (name, number, subscriptions.is_muted(reader, _LISTS[kind], name), kind)
        for number, (name, kind) in enumerate(names, start=1)
    ]
    return {
        "here": pages.path(Purpose.DOWN, link, paper_id=link.paper_id) + "/less",
        "lists": [
            (
                kind,
                gettext(heading),
                gettext(hint),
                [(name, number, is_muted) for name, number, is_muted, of in offered if of == kind],
            )
            for kind, heading, hint in (
                (
                    "keywords",
                    gettext_later("Topics"),
                    gettext_later("Papers that say this in title or abstract no longer come."),
                ),
                (
                    "authors",
                    gettext_later("Authors"),
                    gettext_later("Papers by this author no longer come."),
                ),
            )
        ],
    }


@dataclass(frozen=True)
class _LessPage:
    app: App
    pages: Pages

    def show(
        self,
        link: Link,
        *,
        heading: str = "",
        told: str = "",
        undo: dict[str, object] | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        """Return the page, with what has just been done."""
        choices = services.load_less_choices(self.app, link)
        self.pages.speak_to(choices.subscriber)
        return self.pages.render(
            "less",
            status=status,
            whose=reader_label(choices.subscriber),
            paper=paper_values(choices.paper),
            heading=heading,
            told=told,
            undo=undo,
            less=_less_values(self.pages, link, choices),
            mark=new_form_token(self.app.now()),
            digest=self.pages.path(Purpose.RATE, link) if link.message_id else "",
            settings=self.pages.path(Purpose.MANAGE, link),
        )

    def press(self, link: Link, form: Form) -> HTMLResponse:
        """Mute, or take a mute back, and return the page about it."""
        where, name, verb = _LISTS.get(form.one("list")), form.one("name"), form.one("do")
        choices = services.load_less_choices(self.app, link)
        self.pages.speak_to(choices.subscriber)
        offered = choices.authors if where == "authors" else choices.topics
        if where is None or name not in offered or verb not in ("mute", "unmute"):
            return self.show(link)
        token, now = form.one("form"), self.app.now()
        # Only the answer to a mute offers to take it back, so that is no robot's, however quick.
        is_hasty = verb == "mute" and is_too_fast(token, now)
        if not token or is_hasty or is_expired(token, now):
            return self.show(
                link,
                heading=gettext("Was that you?"),
                told=gettext(
                    "The button was pressed before anybody can have read the page, as mail "
                    "scanners do, or long after it was opened. Nothing has changed. Press it once "
                    "more if it was you."
                ),
            )
        form_id = normalise_form_token(token, now)
        try:
            result = self._change(choices, where, name, form, form_id)
        except InputError as error:
            name, text = split_field_error(error)
            told = text if name else f"{text}."
            return self.show(link, heading=gettext("There is no room"), told=told, status=422)
        pipeline.confirm_delivery(self.app, link)
        log.info(
            "%s subscriber=%d list=%s new=%s via=page",
            verb,
            link.subscriber_id,
            where,
            result.is_new,
        )
        return self.show(
            link,
            **_describe(result, where, name, is_undo=verb == "unmute"),  # type: ignore[arg-type]
        )

    def _change(
        self, choices: LessChoices, where: MutedList, name: str, form: Form, form_id: str
    ) -> MuteResult:
        ident = choices.subscriber.id
        if form.one("do") == "mute":
            return subscriptions.mute(
                self.app, ident, where, name, interest=choices.interest, form_id=form_id
            )
        wishes = [
            Wish(interest=interest, entry=entry)
            for interest, entry in zip(form.all("of"), form.all("was"), strict=False)
        ]
        return subscriptions.unmute(self.app, ident, where, name, wishes=wishes, form_id=form_id)


def _describe(
    result: MuteResult, where: MutedList, name: str, *, is_undo: bool
) -> dict[str, object]:
    """Say what became of a press."""
    by_author = where == "authors"
    if is_undo and result.is_new:
        told = (
            gettext("A paper by %(name)s may come again.", name=name)
            if by_author
            else gettext("A paper that says “%(word)s” may come again.", word=name)
        )
        return {"heading": gettext("Taken back"), "told": told}
    if not result.stands:
        told = (
            gettext("This page was sent a second time. A paper by %(name)s may come.", name=name)
            if by_author
            else gettext(
                "This page was sent a second time. A paper that says “%(word)s” may come.",
                word=name,
            )
        )
        return {"heading": gettext("Nothing has changed"), "told": told}
    told = (
        gettext("No paper by %(name)s comes from your next digest on.", name=name)
        if by_author
        else gettext("No paper that says “%(word)s” comes from your next digest on.", word=name)
    )
    if result.wishes:
        lost = (
            gettext("You had asked for this author’s papers; that is taken away, too.")
            if by_author
            else gettext("You had asked for this keyword; that is taken away, too.")
        )
        told = f"{told} {lost}"
    undo = {"list": where, "name": name, "wishes": result.wishes}
    return {"heading": gettext("Left out from now on"), "told": told, "undo": undo}
