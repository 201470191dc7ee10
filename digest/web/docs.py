"""The reference of the API as a page, made from the OpenAPI document."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, FastAPI, Response

from digest.web.pages import Pages
from digest.web.problems import CODES
from digest.web.reference import read_groups, read_line, read_objects, read_text


def routes(pages: Pages, web: FastAPI, about: str) -> APIRouter:
    """Build the route of the reference.

    Args:
        web: the application that it is about.
        about: text of its beginning, in Markdown.
    """
    router = APIRouter(include_in_schema=False)

    @cache
    def render_reference() -> bytes:
        document = web.openapi()
        page = pages.render(
            "docs",
            about=read_text(about),
            version=document["info"]["version"],
            groups=read_groups(document),
            objects=read_objects(document),
            codes=[(code, title, read_line(meaning)) for code, (title, meaning) in CODES.items()],
        )
        return bytes(page.body)

    @router.api_route("/docs", methods=["GET", "HEAD"])
    def reference() -> Response:
        headers = {"Cache-Control": "public, max-age=600"}
        return Response(render_reference(), media_type="text/html", headers=headers)

    return router
