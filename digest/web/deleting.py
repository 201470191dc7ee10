"""To be deleted with everything that is stored: a page for people and the same for programs.

Both need the link to the reader's settings.

That link is in each mail and may be passed on with it, and there is no way back: so the address has
to be given too, which no page tells.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from digest import pipeline, subscriptions
from digest.app import App
from digest.errors import InputError
from digest.model import Purpose, Subscriber, address_key
from digest.web import api
from digest.web.pages import FormBody, Pages, whose

log = logging.getLogger("digest.web")

_IN_CONFIG = (
    "The operator of this service has named you in its configuration. Ask them to take you out of "
    "it first; nothing was deleted."
)


def routes(app: App, pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    def page(subscriber: Subscriber | None, settings: str = "", *, error: str = "") -> HTMLResponse:
        told = "" if subscriber is None else whose(subscriber)
        return pages.render(
            "delete", status=422 if error else 200, whose=told, settings=settings, error=error
        )

    @router.api_route("/m/{token}/delete", methods=["GET", "HEAD"])
    def look(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        return page(subscriptions.get(app, link.subscriber_id), pages.path(Purpose.MANAGE, link))

    @router.post("/m/{token}/delete")
    def delete(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        known = subscriptions.get(app, link.subscriber_id)
        if not _same(form.one("address"), known):
            error = "Type the address that the digest comes to, all of it. Nothing was deleted."
            return page(known, pages.path(Purpose.MANAGE, link), error=error)
        try:
            subscriptions.delete(app, known.id)
        except InputError:
            return page(known, pages.path(Purpose.MANAGE, link), error=_IN_CONFIG)
        log.info("delete subscriber=%d via=page", known.id)
        return page(None)

    return router


def _same(address: str, subscriber: Subscriber) -> bool:
    return address_key(address.strip()) == address_key(subscriber.email)


_HOW = 'the address that the digest comes to, all of it: {"address": "reader@example.org"}'


class Delete(BaseModel):
    """Delete the reader with everything stored about them.

    The link alone does not do: it may have been passed on with a mail.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    address: api.Text = Field(max_length=320, description=_HOW)
    confirm: Literal[True] = Field(True, description=f"true, or left out; what counts is {_HOW}")


class Deleted(BaseModel):
    """Nothing is stored about the reader any more."""

    deleted: Literal[True] = True


def program_routes(app: App) -> APIRouter:
    router = APIRouter(prefix="/api/v1/readers/{token}", tags=["readers"])
    described: dict[int | str, dict[str, Any]] = {
        409: {"model": api.Failure, "description": "The config of the service names the reader"},
        422: {"model": api.Failure, "description": "The address is missing or not the reader's"},
    }

    @router.post(
        "/delete", responses=described, response_model=Deleted, summary="Delete the reader"
    )
    def delete(token: str, wanted: Delete) -> Any:
        """Delete the reader with everything stored about them, where the address is theirs.

        There is no way back; links to leave go on answering.
        """
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        known = subscriptions.get(app, link.subscriber_id)
        if not _same(wanted.address, known):
            told = "address: the digest does not come to this one; nothing was deleted"
            problem = api.Problem(
                code="invalid", field="address", message=told, remedy=f"give {_HOW}"
            )
            return api.failure(422, problem)
        try:
            subscriptions.delete(app, known.id)
        except InputError:
            told = "the operator has named this reader in the configuration of the service"
            return api.failure(
                409,
                api.Problem(
                    code="invalid",
                    field=None,
                    message=told,
                    remedy="ask them to take the reader out of it first",
                ),
            )
        log.info("delete subscriber=%d via=api", known.id)
        return Deleted()

    return router
