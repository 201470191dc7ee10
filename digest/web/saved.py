"""The papers that a reader saved for later, and the same for reference managers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse

from digest import papers, pipeline, services, subscriptions
from digest.app import App
from digest.errors import InputError
from digest.locales import gettext, ngettext
from digest.mail.messages import texts
from digest.model import Link, Paper, Purpose
from digest.web.archive import read_page_number
from digest.web.own_pages import own_places, read_paper_id
from digest.web.pages import FormBody, Pages, paper_values, reader_label

log = logging.getLogger("digest.web")

#: papers on a page
_PAGE_SIZE = 50
#: end of the address -> label, writer, media type
_EXPORTS: Mapping[str, tuple[str, Callable[[Iterable[Paper]], str], str]] = {
    "bib": ("BibTeX", papers.many_to_bibtex, "application/x-bibtex"),
    "ris": ("RIS", papers.many_to_ris, "application/x-research-info-systems"),
    "json": ("CSL-JSON", papers.many_to_csl, "application/vnd.citationstyles.csl+json"),
}


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of saved papers."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    @router.api_route("/m/{token}/saved", methods=["GET", "HEAD"])
    def show_page(token: str, page: str = "") -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        return _render(app, pages, link, page=read_page_number(page))

    @router.post("/m/{token}/saved")
    def change(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        paper_id, verb = read_paper_id(form), form.one("do")
        if paper_id is None or verb not in ("save", "remove"):
            return _render(app, pages, link)
        pages.speak_to(subscriptions.get(app, link.subscriber_id))
        verbs = {"save": services.save_paper, "remove": services.remove_saved}
        try:
            paper = verbs[verb](app, link.subscriber_id, paper_id)
        except InputError as error:
            return pages.problem(
                422, gettext("Your list is full"), f"{str(error)[:1].upper()}{str(error)[1:]}."
            )
        log.info("%s subscriber=%d paper=%d via=page", verb, link.subscriber_id, paper.id)
        return _render(app, pages, link, **{f"{verb}d": paper})  # type: ignore[arg-type]

    def export_as(suffix: str) -> Callable[[str], Response]:
        _, write, media_type = _EXPORTS[suffix]

        def export(token: str) -> Response:
            link = pipeline.read_link(app, token, Purpose.MANAGE)
            subscriptions.get(app, link.subscriber_id)
            saved = services.load_saved(app, link.subscriber_id)
            return Response(
                write(entry.paper for entry in saved),
                media_type=media_type,
                headers={"Content-Disposition": f'attachment; filename="saved-papers.{suffix}"'},
            )

        return export

    for suffix in _EXPORTS:
        router.add_api_route(
            f"/m/{{token}}/saved.{suffix}", export_as(suffix), methods=["GET", "HEAD"]
        )
    return router


def _render(
    app: App,
    pages: Pages,
    link: Link,
    *,
    page: int = 1,
    saved: Paper | None = None,
    removed: Paper | None = None,
) -> HTMLResponse:
    reader = subscriptions.get(app, link.subscriber_id)
    pages.speak_to(reader)
    entries = services.load_saved(app, reader.id)
    last = max(1, -(-len(entries) // _PAGE_SIZE))
    page = min(max(1, page), last)
    here = pages.path(Purpose.MANAGE, link) + "/saved"
    return pages.render(
        "saved",
        whose=reader_label(reader),
        places=own_places(pages, link, "/saved"),
        here=here,
        saved=saved,
        removed=removed,
        total=ngettext("%(num)s paper", "%(num)s papers", len(entries)),
        page=page,
        pages=last,
        papers=[
            paper_values(entry.paper)
            | {
                "id": entry.paper.id,
                "since": texts.format_date(entry.at.date(), year=True),
            }
            for entry in entries[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]
        ],
        exports=[(label, f"{here}.{suffix}") for suffix, (label, _, _) in _EXPORTS.items()],
        newer=f"{here}?page={page - 1}" if page > 1 else "",
        older=f"{here}?page={page + 1}" if page < last else "",
    )
