"""A reader's own view of the lists: up-vote, suggest, and pick where they are a curator.

Its address holds a token that can do these things alone; settings and thumbs stay out of reach.
Opening a page changes nothing. A press is answered with a redirect to the page that it came from,
so a reload repeats nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import InputError
from digest.locales import gettext, gettext_later
from digest.model import CuratorPick, Purpose, Submission, Subscriber
from digest.services import CorpusCache, PaperList, Period, SearchRequest
from digest.web import paper as paper_pages
from digest.web import search as search_pages
from digest.web.form_tokens import is_too_fast, new_form_token
from digest.web.lists import Category, ListPages, OrderName, PageNumber, PeriodName, list_address
from digest.web.pages import Form, FormBody, Pages, Refusal, reader_label
from digest.web.public_pages import day_name

log = logging.getLogger("digest.web")

#: who voted so lately is a person who goes on voting, so no pause is asked for
_VISIT = timedelta(minutes=10)
_STATES = {
    "waiting": gettext_later("Waiting"),
    "accepted": gettext_later("Accepted"),
    "refused": gettext_later("Not taken"),
}
_EMPTY_FORM = Form(fields={})


def routes(app: App, pages: Pages, corpora: CorpusCache) -> APIRouter:
    """Build the routes of a reader's own view."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])
    view = _View(app, pages, corpora)

    @router.api_route("/r/{token}", methods=["GET", "HEAD"])
    def show_latest(
        token: str,
        order: OrderName = "trending",
        category: Category = "",
        page: PageNumber = 1,
    ) -> Response:
        reader = view.read(token)
        period = services.find_latest_period(app)
        paper_list = services.load_list(app, period, order=order, category=category, page=page)
        return view.show_list(reader, paper_list, is_home=True)

    @router.api_route("/r/{token}/{name:period}", methods=["GET", "HEAD"])
    def show_period(
        token: str,
        name: PeriodName,
        order: OrderName = "trending",
        category: Category = "",
        page: PageNumber = 1,
    ) -> Response:
        reader, period = view.read(token), Period.parse(name)
        paper_list = services.load_list(app, period, order=order, category=category, page=page)
        return view.show_list(reader, paper_list, is_home=False)

    @router.post("/r/{token}/{name:period}")
    def press_in_list(token: str, name: PeriodName, request: Request, form: FormBody) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        path = f"{Period.parse(name).name}{query}"
        paper_id = _paper_id(form)
        return view.press(view.read(token), form, paper_id, f"{path}#p{paper_id}")

    @router.api_route("/r/{token}/search", methods=["GET", "HEAD"])
    def show_search(
        token: str, query: Annotated[SearchRequest, Depends(search_pages.read_request)]
    ) -> Response:
        return view.show_search(view.read(token), query)

    @router.post("/r/{token}/search")
    def press_in_search(token: str, request: Request, form: FormBody) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        paper_id = _paper_id(form)
        return view.press(view.read(token), form, paper_id, f"search{query}#p{paper_id}")

    @router.api_route("/r/{token}/p/{paper_id:int}", methods=["GET", "HEAD"])
    def show_paper(token: str, paper_id: int) -> Response:
        return view.show_paper(view.read(token), paper_id)

    @router.post("/r/{token}/p/{paper_id:int}")
    def press_on_paper(token: str, paper_id: int, form: FormBody) -> Response:
        reader = view.read(token)
        if form.one("do") == "pick":
            return view.pick(reader, form, paper_id)
        return view.press(reader, form, paper_id, f"p/{paper_id}")

    @router.api_route("/r/{token}/suggest", methods=["GET", "HEAD"])
    def show_form(token: str) -> Response:
        return view.show_suggestions(view.read(token))

    @router.post("/r/{token}/suggest")
    def suggest(token: str, form: FormBody) -> Response:
        return view.suggest(view.read(token), form)

    return router


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reader:
    """The reader of a link."""

    subscriber: Subscriber
    #: path of their pages
    place: str
    is_curator: bool

    @property
    def id(self) -> int:
        return self.subscriber.id


@dataclass(frozen=True)
class _View:
    """The pages of one service."""

    app: App
    pages: Pages
    corpora: CorpusCache

    def read(self, token: str) -> _Reader:
        """Return the reader of a link.

        Raises:
            LinkError: the link is not ours, or for something else.
            Refusal: they have not confirmed their address, or have left.
        """
        link = pipeline.read_link(self.app, token, Purpose.VOTE)
        subscriber = subscriptions.get(self.app, link.subscriber_id)
        self.pages.speak_to(subscriber)
        if not services.may_take_part(subscriber):
            text = gettext(
                "Only readers of the digest vote and suggest papers: those who have confirmed "
                "their address and not left. Everybody may read the lists."
            )
            raise Refusal(403, gettext("This is for readers"), text)
        return _Reader(
            subscriber=subscriber,
            place=f"{self.pages.root}/r/{token}",
            is_curator=services.is_curator(self.app, subscriber),
        )

    def show_list(self, reader: _Reader, paper_list: PaperList, *, is_home: bool) -> Response:
        """Return a list with a button for each paper."""
        voted = services.load_own_votes(
            self.app, reader.id, [paper.id for paper in paper_list.papers]
        )
        values = ListPages(self.app, self.pages).template_values(
            paper_list, reader.place, is_home=is_home
        )
        here = list_address(paper_list, reader.place)
        return self._render("list", reader, here, values | {"voted": voted})

    def show_search(self, reader: _Reader, query: SearchRequest) -> Response:
        """Return what a search finds, with a button for each paper."""
        result = None if query.is_empty else services.search(self.app, query, self.corpora)
        listed = [paper.id for paper in result.papers] if result else []
        values = search_pages.template_values(self.pages, query, result, reader.place)
        voted = services.load_own_votes(self.app, reader.id, listed)
        here = search_pages.search_address(query, reader.place, page=query.page)
        return self._render("search", reader, here, values | {"voted": voted})

    def show_paper(
        self,
        reader: _Reader,
        paper_id: int,
        *,
        typed: Form | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the page of a paper, with what was wrong with a pick."""
        paper_page = services.load_paper_page(self.app, paper_id)
        paper = paper_page.paper
        similar = services.find_similar(self.app, paper, self.corpora)
        values = paper_pages.template_values(
            self.app, paper_page, similar, self.pages.root, reader.place
        )
        own = {
            "voted": services.load_own_votes(self.app, reader.id, [paper.id]),
            "pick": self._fill_pick(reader, paper_page.picks, typed),
            "note_max": services.NOTE_MAX,
            "errors": errors or {},
        }
        here = f"{reader.place}/p/{paper.id}"
        return self._render("paper", reader, here, values | own, status=422 if errors else 200)

    def press(self, reader: _Reader, form: Form, paper_id: int, path: str) -> Response:
        """Do what a button says, and lead back to its page.

        Args:
            path: of the page, below the reader's place.
        """
        verb = form.one("do")
        if verb == "vote":
            if not services.has_voted_since(self.app, reader.id, self.app.now() - _VISIT):
                self._require_person(form)
            services.up_vote(self.app, reader.id, paper_id)
        elif verb == "undo":
            services.take_back_vote(self.app, reader.id, paper_id)
        elif verb == "unpick":
            services.unpick(self.app, reader.id, paper_id)
        else:
            raise Refusal(
                422, gettext("This could not be understood"), gettext("Go back and try again.")
            )
        log.info("%s subscriber=%d paper=%d via=page", verb, reader.id, paper_id)
        return RedirectResponse(f"{reader.place}/{path}", status_code=303)

    def pick(self, reader: _Reader, form: Form, paper_id: int) -> Response:
        """Save the pick of a curator, and lead back to the paper."""
        self._require_person(form)
        name, note = form.one("name"), form.one("note")
        try:
            services.pick(self.app, reader.id, paper_id, name=name, note=note)
        except InputError as error:
            return self.show_paper(reader, paper_id, typed=form, errors=_field_error(error))
        log.info("pick subscriber=%d paper=%d via=page", reader.id, paper_id)
        return RedirectResponse(f"{reader.place}/p/{paper_id}#pick", status_code=303)

    def suggest(self, reader: _Reader, form: Form) -> Response:
        """Take a suggestion, and say what became of it."""
        self._require_person(form)
        try:
            result = services.suggest(self.app, reader.id, form.one("paper"), form.one("title"))
        except InputError as error:
            return self.show_suggestions(reader, form, errors=_field_error(error))
        log.info("suggest subscriber=%d outcome=%s via=page", reader.id, result.outcome)
        if result.outcome == "untitled":
            return self.show_suggestions(reader, form, asks_title=True)
        path = f"p/{result.paper_id}" if result.outcome == "found" else "suggest#yours"
        return RedirectResponse(f"{reader.place}/{path}", status_code=303)

    def show_suggestions(
        self,
        reader: _Reader,
        form: Form = _EMPTY_FORM,
        *,
        errors: Mapping[str, str] | None = None,
        asks_title: bool = False,
    ) -> Response:
        """Return the form, with what the reader has suggested so far."""
        limit = self.app.config.web.suggestions_per_day
        if not limit:
            text = gettext("This service takes none from its readers.")
            raise Refusal(404, gettext("No suggestions here"), text)
        own = services.list_own_submissions(self.app, reader.id)
        title = form.one("title")
        values = {
            "errors": errors or {},
            "paper": form.one("paper"),
            "title": title,
            "asks_title": asks_title or bool(title),
            "limit": limit,
            "own": [self._describe(reader, submission) for submission in own],
        }
        here, status = f"{reader.place}/suggest", 422 if errors else 200
        return self._render("suggest", reader, here, values, status=status)

    def _describe(self, reader: _Reader, submission: Submission) -> dict[str, object]:
        name = submission.identity
        typed = submission.title or (name and f"{name.kind}:{name.value}") or submission.url
        page = f"{reader.place}/p/{submission.paper_id}" if submission.paper_id else ""
        state, day = gettext(_STATES[submission.state]), day_name(submission.at.date())
        return {"title": typed, "day": day, "state": state, "page": page}

    def _require_person(self, form: Form) -> None:
        """Refuse a press that came faster than a person reads, as those of mail scanners do."""
        if is_too_fast(form.one("form"), self.app.now()):
            text = gettext(
                "That was as fast as a program, so nothing was changed. Please go back and press "
                "once more."
            )
            raise Refusal(422, gettext("Once more, please"), text)

    def _fill_pick(
        self, reader: _Reader, picks: tuple[CuratorPick, ...], typed: Form | None
    ) -> dict[str, object] | None:
        """Return the values of the form of a pick; None for who is no curator."""
        if not reader.is_curator:
            return None
        own = next((pick for pick in picks if pick.subscriber_id == reader.id), None)
        if typed is not None:
            name, note = typed.one("name"), typed.one("note")
        elif own is not None:
            name, note = own.name, own.note
        else:
            name, note = services.find_last_name(self.app, reader.id), ""
        return {"stands": own is not None, "name": name, "note": note}

    def _render(
        self,
        template: str,
        reader: _Reader,
        here: str,
        values: Mapping[str, Any],
        *,
        status: int = 200,
    ) -> Response:
        own = {
            "whose": reader_label(reader.subscriber),
            "place": reader.place,
            "here": here,
            "mark": new_form_token(self.app.now()),
            "suggests": self.app.config.web.suggestions_per_day > 0,
            "is_curator": reader.is_curator,
        }
        return self.pages.render(template, status=status, **{**values, "reader": own})


def _paper_id(form: Form) -> int:
    number = form.one("paper")
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        raise Refusal(
            422, gettext("This could not be understood"), gettext("Go back and try again.")
        )
    return int(number)


def _field_error(error: InputError) -> dict[str, str]:
    """Return the field that an error is about, which its message begins with, and its text."""
    field, _, text = str(error).partition(": ")
    return {field: f"{text[:1].upper()}{text[1:]}."}
