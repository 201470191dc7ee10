"""The page of one paper, and the paper for reference managers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from digest import papers, services
from digest.app import App
from digest.locales import gettext, gettext_later
from digest.mail.messages import texts
from digest.model import Paper
from digest.services import CorpusCache, PaperPage
from digest.web.pages import Pages
from digest.web.public_pages import Answer, PublicAnswers, card_values, day_name


class _Export(NamedTuple):
    """A format for reference managers."""

    label: str
    write: Callable[[Paper], str]
    media_type: str


_EXPORTS: Mapping[str, _Export] = {
    "bib": _Export("BibTeX", papers.to_bibtex, "application/x-bibtex"),
    "ris": _Export("RIS", papers.to_ris, "application/x-research-info-systems"),
    "json": _Export("CSL-JSON", papers.to_csl, "application/vnd.citationstyles.csl+json"),
}
#: what pages call identifiers
_NAMES = {
    "arxiv": "arXiv",
    "doi": "DOI",
    "preprint": gettext_later("DOI of the preprint"),
    "pmid": "PubMed",
    "pmcid": "PubMed Central",
    "openalex": "OpenAlex",
    "s2": "Semantic Scholar",
}


def routes(app: App, pages: Pages, answers: PublicAnswers, corpora: CorpusCache) -> APIRouter:
    """Build the routes of papers."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/p/{paper_id:int}", methods=["GET", "HEAD"])
    async def show_paper(request: Request, paper_id: int) -> Response:
        def make() -> Answer:
            paper_page = services.load_paper_page(app, paper_id)
            similar = services.find_similar(app, paper_page.paper, corpora)
            values = template_values(app, paper_page, similar, pages.root)
            return Answer(body=bytes(pages.render("paper", **values).body))

        return await answers.get_page(request, ("paper", paper_id), make)

    def export_as(suffix: str) -> Callable[[Request, int], Awaitable[Response]]:
        async def export(request: Request, paper_id: int) -> Response:
            def make() -> Answer:
                paper = services.load_paper_page(app, paper_id).paper
                disposition = f'attachment; filename="{paper.id}.{suffix}"'
                return Answer(
                    body=_EXPORTS[suffix].write(paper).encode(),
                    media_type=_EXPORTS[suffix].media_type,
                    indexed=False,
                    headers={"Content-Disposition": disposition},
                )

            return await answers.get(request, ("export", paper_id, suffix), make)

        return export

    for suffix in _EXPORTS:
        router.add_api_route(
            f"/p/{{paper_id:int}}.{suffix}", export_as(suffix), methods=["GET", "HEAD"]
        )

    @router.api_route("/p/{name:path}", methods=["GET", "HEAD"])
    def find_paper(name: str) -> Response:
        paper_id = services.find_public_paper(app, name)
        return RedirectResponse(f"{pages.root}/p/{paper_id}", status_code=302)

    return router


def template_values(
    app: App, paper_page: PaperPage, similar: Sequence[Paper], root: str, place: str = ""
) -> dict[str, Any]:
    """Return what the template of a paper's page needs.

    Args:
        root: path of the service, where the paper for reference managers is.
        place: where the pages that it leads to are; "" = the root.
    """
    paper, place = paper_page.paper, place or root
    return {
        "reader": None,
        "paper": card_values(paper, place, paper_page.picks),
        "authors": paper.authors,
        "abstract": [text for text in map(str.strip, paper.abstract.split("\n\n")) if text],
        "comment": texts.one_line(paper.comment),
        "identifiers": [(gettext(_NAMES[name.kind]), name.value) for name in paper.identities],
        "versions": [
            f"{source.format}, {day_name(source.day)}"
            + (gettext(", version %(number)s", number=source.version) if source.version else "")
            for source in paper_page.sources
        ],
        # what the sign-up form finds it by
        "example": next(
            (name.value for name in paper.identities if name.kind in ("arxiv", "doi")), paper.title
        ),
        "day": f"{place}/{paper.first_seen.isoformat()}",
        "day_name": day_name(paper.first_seen),
        "exports": [
            (export.label, f"{root}/p/{paper.id}.{suffix}") for suffix, export in _EXPORTS.items()
        ],
        "similar": [
            (f"{place}/p/{other.id}", other.title, day_name(other.first_seen)) for other in similar
        ],
        "canonical": f"{app.config.web.base_url}/p/{paper.id}",
        "description": texts.cut(texts.one_line(paper.abstract), 200),
    }
