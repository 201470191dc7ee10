"""Delete a reader with everything stored about them, by page and by API.

Both need the link to the reader's settings. That link is in every mail and may be forwarded, and a
deletion cannot be undone, so the address must be given too. No page shows it.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from digest import pipeline, subscriptions
from digest.app import App
from digest.errors import InputError
from digest.locales import gettext, gettext_later
from digest.model import Purpose, Subscriber, address_key
from digest.web.api_models import Text
from digest.web.pages import FormBody, Pages, reader_label
from digest.web.problems import ApiError

log = logging.getLogger("digest.web")

_IN_CONFIG = gettext_later(
    "The operator of this service has named you in its configuration. Ask them to take you out of "
    "it first; nothing was deleted."
)


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the page that deletes a reader."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])

    def page(subscriber: Subscriber | None, settings: str = "", *, error: str = "") -> HTMLResponse:
        label = "" if subscriber is None else reader_label(subscriber)
        return pages.render(
            "delete", status=422 if error else 200, whose=label, settings=settings, error=error
        )

    @router.api_route("/m/{token}/delete", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        subscriber = subscriptions.get(app, link.subscriber_id)
        pages.speak_to(subscriber)
        return page(subscriber, pages.path(Purpose.MANAGE, link))

    @router.post("/m/{token}/delete")
    def delete(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        subscriber = subscriptions.get(app, link.subscriber_id)
        pages.speak_to(subscriber)
        if not is_own_address(form.one("address"), subscriber):
            error = gettext(
                "Type the address that the digest comes to, all of it. Nothing was deleted."
            )
            return page(subscriber, pages.path(Purpose.MANAGE, link), error=error)
        try:
            subscriptions.delete(app, subscriber.id)
        except InputError:
            error = gettext(_IN_CONFIG)
            return page(subscriber, pages.path(Purpose.MANAGE, link), error=error)
        log.info("delete subscriber=%d via=page", subscriber.id)
        return page(None)

    return router


def is_own_address(address: str, subscriber: Subscriber) -> bool:
    """Return whether somebody typed the address of a reader, whose link they have."""
    return address_key(address.strip()) == address_key(subscriber.email)


_ADDRESS_HELP = 'the address that the digest comes to, all of it: {"address": "reader@example.org"}'


class Delete(BaseModel):
    """Delete the reader with everything stored about them.

    The link alone is not enough: it may have been forwarded with a mail.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    address: Text = Field(max_length=320, description=_ADDRESS_HELP)
    confirm: Literal[True] = Field(
        True, description=f"true, or omitted; the address decides: {_ADDRESS_HELP}"
    )


class Deleted(BaseModel):
    """Nothing is stored about the reader any more."""

    deleted: Literal[True] = True


def program_routes(app: App) -> APIRouter:
    router = APIRouter(prefix="/api/v1/readers/{token}", tags=["readers"])
    responses: dict[int | str, dict[str, Any]] = {
        409: {"description": "The config of the service names the reader"},
        422: {"description": "The address is missing or not the reader's"},
    }

    @router.post(
        "/delete", responses=responses, response_model=Deleted, summary="Delete the reader"
    )
    def delete(token: str, body: Delete) -> Any:
        """Delete the reader with everything stored about them, if the address is theirs.

        This cannot be undone. Links that unsubscribe still work.
        """
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        subscriber = subscriptions.get(app, link.subscriber_id)
        if not is_own_address(body.address, subscriber):
            message = "address: the digest does not come to this one; nothing was deleted"
            raise ApiError(422, "invalid", message, f"give {_ADDRESS_HELP}", field="address")
        try:
            subscriptions.delete(app, subscriber.id)
        except InputError:
            message = "the operator has named this reader in the configuration of the service"
            remedy = "ask them to take the reader out of it first"
            raise ApiError(409, "conflict", message, remedy) from None
        log.info("delete subscriber=%d via=api", subscriber.id)
        return Deleted()

    return router
