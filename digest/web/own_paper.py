"""The page of a paper for a reader whose digest listed it: why it matched, and the buttons.

Its address has the token of the digest's pages. The page for everybody stays as it is, and its
caches know nothing of readers.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from digest import pipeline, services
from digest.app import App
from digest.errors import NotFoundError
from digest.locales import gettext, gettext_later
from digest.mail.messages import texts
from digest.model import Digest, Item, Link, Part, Purpose, Score, SubscriberStatus
from digest.ranking import scores
from digest.services import CorpusCache, DigestPapers, RatedItem
from digest.web.form_tokens import new_form_token
from digest.web.own_pages import read_paper_id
from digest.web.pages import FormBody, Pages
from digest.web.paper import template_values
from digest.web.rated_papers import NOTHING_PRESSED, Pressed, press_button, rated_values

#: parts of a score that are named, for and against
_LIFTS, _LOWERS = 8, 4
#: what a part that has no words of its own is called
_KINDS = {
    "category": gettext_later("category %(name)s"),
    "author": gettext_later("author %(name)s"),
    "readers": gettext_later("readers with a taste like yours"),
    "upvotes": gettext_later("upvotes"),
    "recency": gettext_later("it is new"),
    "near": gettext_later("like “%(name)s”"),
}


def routes(app: App, pages: Pages, corpora: CorpusCache) -> APIRouter:
    """Build the routes of the page."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    def load(token: str, paper_id: int) -> tuple[Link, DigestPapers, RatedItem]:
        link = pipeline.read_link(app, token, Purpose.RATE)
        listed = services.load_digest_papers(app, link)
        rated = listed.find(paper_id)
        if rated is None:
            raise NotFoundError("this paper is not in the digest of this link")
        return link, listed, rated

    @router.api_route("/d/{token}/p/{paper_id:int}", methods=["GET", "HEAD"])
    def show_page(token: str, paper_id: int) -> HTMLResponse:
        return render(token, paper_id, NOTHING_PRESSED)

    @router.post("/d/{token}/p/{paper_id:int}")
    def press(token: str, paper_id: int, form: FormBody) -> HTMLResponse:
        link, _, rated = load(token, paper_id)
        if read_paper_id(form) != rated.paper.id:
            return render(token, paper_id, NOTHING_PRESSED)
        return render(token, paper_id, press_button(app, link, form, via="own-paper-page"))

    def render(token: str, paper_id: int, pressed: Pressed) -> HTMLResponse:
        link, listed, rated = load(token, paper_id)
        pages.speak_to(listed.subscriber)
        paper_page = services.load_paper_page(app, rated.paper.id)
        similar = services.find_similar(app, paper_page.paper, corpora)
        digest_page = pages.path(Purpose.RATE, link)
        (rated_paper,) = rated_values(pages, link, [rated], pressed)
        more = {
            "rated": rated_paper,
            "why": _explain(listed.digest, rated.item),
            "left": listed.subscriber.status is SubscriberStatus.LEFT,
            "mark": new_form_token(app.now()),
            "answers": pressed.answers,
            "here": f"{digest_page}/p/{rated.paper.id}",
            "here_digest": digest_page,
        }
        values = template_values(app, paper_page, similar, pages.root)
        return pages.render("own_paper", **values | more)

    return router


def _explain(digest: Digest, item: Item) -> dict[str, object]:
    """Say why a digest listed a paper, from what is stored with it."""
    score = item.score
    facts: list[str] = [gettext(score.word)] if score.word else []
    if score.percentile:
        facts.append(gettext("above %(share)s %% of the recent papers", share=score.percentile))
    if score.interest:
        facts.append(gettext("for %(interest)s", interest=score.interest))
    if item.slot == "pinned":
        facts.append(gettext("always listed, as you asked"))
    if item.slot == "exploration":
        facts.append(gettext("outside your usual"))
    return {
        "reason": scores.write_reason(score),
        "day": texts.format_date(digest.local_date, weekday=True),
        "facts": facts,
        "lifts": _name_parts(score, 1)[:_LIFTS],
        "lowers": _name_parts(score, -1)[:_LOWERS],
    }


def _name_parts(score: Score, sign: int) -> list[str]:
    """Name the parts that lift (1) or lower (-1) a score, strongest first, each once."""
    # Pairs of neighbouring words count in a score, but say little to a person.
    parts = [
        part
        for part in score.parts
        if part.value * sign > 0 and not (part.kind == "word" and " " in part.name)
    ]
    parts.sort(key=lambda part: -abs(part.value))
    return list(dict.fromkeys(map(_name_part, parts)))


def _name_part(part: Part) -> str:
    kind = _KINDS.get(part.kind)
    return gettext(kind, name=part.name) if kind else part.name
