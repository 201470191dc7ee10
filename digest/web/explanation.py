"""Show and forget what the service has learned about a reader, by page and API.

Both need the link to the reader's settings. Opening the page changes nothing. To forget all thumbs
takes a second press.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import BusyError, InputError
from digest.locales import format_number, gettext, gettext_later, ngettext
from digest.mail.messages import texts
from digest.model import Interest, Link, Purpose, Subscriber, Vote
from digest.web.form_tokens import is_expired, is_too_fast, new_form_token, normalise_form_token
from digest.web.own_pages import own_places
from digest.web.pages import Form, FormBody, Pages, paper_values, reader_label
from digest.web.single_flight import SingleFlightCache

log = logging.getLogger("digest.web")

#: papers on the page at most
_PAPERS_SHOWN = 60


#: what a reader said of a paper
_SAID: dict[Vote, str] = {
    1: gettext_later("More like this"),
    -1: gettext_later("Less like this"),
    0: gettext_later("Your example"),
}
#: buttons of a word
_WISHES: dict[str, services.WordWish] = {"more": "more", "mute": "mute", "clear": "clear"}
ProfileCache = SingleFlightCache[services.ProfileExplanation]


class Explanations:
    """What was learned of readers, computed once for each change."""

    def __init__(self, app: App, corpora: services.CorpusCache) -> None:
        self._app, self._profiles, self._corpora = app, ProfileCache(), corpora

    async def get(self, subscriber_id: int) -> services.ProfileExplanation:
        """Return what was learned of a reader.

        Raises:
            BusyError: too many such jobs are waiting.
        """

        def look_up() -> tuple[Subscriber, Hashable]:
            subscriber = subscriptions.get(self._app, subscriber_id)
            return subscriber, services.profile_version(self._app, subscriber)

        subscriber, version = await run_in_threadpool(look_up)
        compute = partial(services.explain_profile, self._app, subscriber, self._corpora)
        return await self._profiles.get(subscriber_id, version, compute)


def routes(app: App, pages: Pages, explanations: Explanations) -> APIRouter:
    """Build the routes of the page that shows what was learned of a reader."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    async def page(token: str, link: Link, *, done: str = "", asked: bool = False) -> HTMLResponse:
        learned = await explanations.get(link.subscriber_id)
        pages.speak_to(learned.subscriber)
        return await run_in_threadpool(
            pages.render,
            "learned",
            whose=reader_label(learned.subscriber),
            places=own_places(pages, link),
            thumbs=learned.thumbs_up + learned.thumbs_down,
            tastes=[
                _template_values(taste, learned.subscriber, len(learned.interests))
                for taste in learned.interests
            ],
            done=done,
            asked=asked,
            mark=new_form_token(app.now()),
            here=f"{pages.root}/m/{token}/learned",
            settings=pages.path(Purpose.MANAGE, link),
        )

    def read_link(token: str) -> Link:
        return pipeline.read_link(app, token, Purpose.MANAGE)

    @router.api_route("/m/{token}/learned", methods=["GET", "HEAD"])
    async def show_page(token: str) -> HTMLResponse:
        return await page(token, await run_in_threadpool(read_link, token))

    @router.post("/m/{token}/learned")
    async def change(token: str, form: FormBody) -> HTMLResponse:
        link = await run_in_threadpool(read_link, token)
        # here, since the context of a thread ends with it
        reader = await run_in_threadpool(subscriptions.get, app, link.subscriber_id)
        pages.speak_to(reader)
        done = await run_in_threadpool(_apply_form, app, link, form)
        asked = not done and form.one("do") in ("start-over", "start-over-now")
        try:
            return await page(token, link, done=done, asked=asked)
        except BusyError as error:
            if not done:
                raise
            later = ngettext(
                "What has been learned can be looked at in %(num)s second.",
                "What has been learned can be looked at in %(num)s seconds.",
                error.retry_after,
            )
            return pages.problem(200, gettext("Done"), f"{done} {later}")

    return router


def _apply_form(app: App, link: Link, form: Form) -> str:
    """Do what the form asks, and return a sentence about it; "" for nothing."""
    verb, number = form.one("do"), form.one("paper")
    if verb == "forget" and number.isascii() and number.isdecimal() and len(number) <= 18:
        forgotten = services.forget(app, link.subscriber_id, int(number), via="page")
        log.info(
            "forget subscriber=%d paper=%s found=%s via=page",
            link.subscriber_id,
            number,
            forgotten,
        )
        if not forgotten:
            return gettext("That was forgotten already.")
        return gettext("Forgotten. The next digest does without it.")
    if wish := _WISHES.get(verb):
        return _wish_for_word(app, link, form, wish)
    token, now = form.one("form"), app.now()
    if verb == "start-over-now" and not is_too_fast(token, now) and not is_expired(token, now):
        form_token = normalise_form_token(token, now)
        count = services.start_over(app, link.subscriber_id, via="page", form=form_token)
        log.info("start over subscriber=%d thumbs=%d via=page", link.subscriber_id, count)
        return gettext("All your thumbs are forgotten. Your interests stay as they are.")
    return ""


def _wish_for_word(app: App, link: Link, form: Form, wish: services.WordWish) -> str:
    """Do what the buttons of a word ask, and return a sentence about it."""
    word = form.one("word")[:200].strip()
    try:
        services.wish_for_word(
            app, link.subscriber_id, word, wish, interest=form.one("interest")[:100]
        )
    except InputError as error:
        _, _, reason = str(error).partition(": ")
        return gettext("Nothing was changed: %(reason)s.", reason=reason or error)
    log.info("word subscriber=%d wish=%s via=page", link.subscriber_id, wish)
    done = {
        "more": gettext_later("“%(word)s” is a keyword of yours now."),
        "mute": gettext_later("Papers with “%(word)s” are not listed any more."),
        "clear": gettext_later("Taken back: “%(word)s” is no keyword of yours."),
    }
    return gettext(done[wish], word=word)


def _word_values(words: Sequence[services.WordEffect], interest: Interest) -> list[dict[str, str]]:
    return [
        {"word": effect.word, "wish": services.find_wish(interest, effect.word)} for effect in words
    ]


def _template_values(
    taste: services.InterestExplanation, reader: Subscriber, tastes_count: int
) -> dict[str, Any]:
    """Return what the template shows of one interest."""
    own = services.find_interest(reader, taste.interest)
    return {
        "name": taste.interest,
        "part": gettext("%(share)s %% of your digest", share=round(100 * taste.share))
        if tastes_count > 1
        else "",
        "step": _describe_basis(taste),
        "thumbs": gettext(
            "%(up)s up, %(down)s down",
            up=format_number(taste.thumbs_up),
            down=format_number(taste.thumbs_down),
        )
        if taste.thumbs_up or taste.thumbs_down
        else "",
        "fades": _describe_fading(taste),
        "weakened": [keyword.sentence for keyword in taste.keywords if keyword.sentence],
        "words_for": _word_values(taste.words_for, own),
        "words_against": _word_values(taste.words_against, own),
        "papers": [
            paper_values(rated.paper)
            | {
                "id": rated.paper.id,
                "said": gettext(_SAID[rated.vote]),
            }
            for rated in taste.papers[:_PAPERS_SHOWN]
        ],
        "more": max(0, len(taste.papers) - _PAPERS_SHOWN),
    }


def _describe_basis(taste: services.InterestExplanation) -> str:
    """Say what an interest is ranked by; names only what the reader has given."""
    given = texts.join_names([gettext(name) for name in taste.given])
    if taste.thumbs_up or taste.thumbs_down:
        if given:
            return gettext("From your thumbs and your %(inputs)s", inputs=given)
        return gettext("From your thumbs")
    if given:
        return gettext("From your %(inputs)s; no thumbs yet", inputs=given)
    if taste.mutes:
        return gettext("Only what to leave out; no thumbs yet")
    return gettext("Nothing yet: it lists a mix of the day")


#: ratings, example papers, own words
_FADING = (
    gettext_later("Your ratings now count more than your keywords."),
    gettext_later("Your example papers now count more than your keywords."),
    gettext_later("Your own words now count more than your keywords."),
)
_OUTWEIGHING = (
    gettext_later("Your ratings now outweigh single words."),
    gettext_later("Your example papers now outweigh single words."),
    gettext_later("Your own words now outweigh single words."),
)


def _describe_fading(taste: services.InterestExplanation) -> str:
    """Say how ratings and keywords compare, to a reader who has both."""
    if taste.keywords_count == 1 or not taste.keywords:
        return ""
    liked = 0 if taste.thumbs_up else 1 if "example papers" in taste.given else 2
    if taste.keywords_count > 0:
        return gettext(_FADING[liked])
    has_words = any(keyword.is_word for keyword in taste.keywords)
    return gettext(_OUTWEIGHING[liked]) if has_words else ""


# ------------------------------------------------------------------------------ programs


class Forget(BaseModel):
    """A paper to forget."""

    model_config = ConfigDict(extra="forbid", strict=True)

    paper: Annotated[
        str, Field(min_length=1, max_length=600, description="its name, such as arxiv:2604.00001")
    ]


class StartOver(BaseModel):
    """Forget all thumbs; `confirm` has to be true."""

    model_config = ConfigDict(extra="forbid", strict=True)

    confirm: Literal[True]


def program_routes(app: App, explanations: Explanations) -> APIRouter:
    router = APIRouter(prefix="/api/v1/readers/{token}", tags=["readers"])

    @router.get("/learned", summary="What has been learned")
    async def learned(token: str) -> dict[str, Any]:
        """The words, papers and thumbs that the reader's next digest is ranked by.

        `token` is that of the link to their settings.
        """
        link = await run_in_threadpool(pipeline.read_link, app, token, Purpose.MANAGE)
        explanation = await explanations.get(link.subscriber_id)
        return {key: value for key, value in explanation.json.items() if key != "email"}

    @router.post("/forget", summary="Forget one thumb or example")
    def forget(token: str, body: Forget) -> dict[str, bool]:
        """Withdraw the thumb on a paper, and remove it from the example papers."""
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        paper = services.find_paper(app, body.paper)
        return {"forgotten": services.forget(app, link.subscriber_id, paper.id, via="api")}

    @router.post("/start-over", summary="Forget all thumbs")
    def start_over(token: str, body: StartOver) -> dict[str, int]:
        """Withdraw all thumbs; interests and example papers stay."""
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        return {"forgotten": services.start_over(app, link.subscriber_id, via="api")}

    return router
