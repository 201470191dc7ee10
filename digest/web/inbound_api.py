"""Reports of mail providers by HTTP: bounces, complaints, readers who left there.

They need no key of the API: each provider proves itself in its own way (`[providers]`).
"""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from digest.app import App
from digest.services.provider_events import (
    PROVIDERS,
    MalformedError,
    ProviderRequest,
    UnknownProviderError,
    UnverifiedError,
    receive_provider_request,
)
from digest.web.problems import ApiError

log = logging.getLogger("digest.inbound")

#: octets of a request; SendGrid sends up to a thousand events at once
REQUEST_MAX = 2 * 1024 * 1024

Provider = Annotated[str, Path(max_length=20, description=f"one of {', '.join(PROVIDERS)}")]


class InboundAnswer(BaseModel):
    """What was done with a request."""

    outcomes: dict[str, int] = Field(
        description="events by outcome: bounced, complained, unsubscribed, ignored, unknown, "
        "repeated"
    )


_RESPONSES: dict[int | str, dict[str, Any]] = {
    403: {"description": "It does not come from the provider: its signature or secret is wrong"}
}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "as the provider documents it",
        "content": {"application/json": {"schema": {}}},
    }
}


def routes(app: App) -> APIRouter:
    """Build the routes that mail providers post to."""
    router = APIRouter(prefix="/api/v1/inbound", tags=["inbound"])

    @router.post(
        "/{provider}",
        summary="Report of a mail provider",
        responses=_RESPONSES,
        openapi_extra=_BODY,
    )
    async def receive(request: Request, provider: Provider) -> InboundAnswer:
        """Take bounces, complaints and leavers that a provider reports.

        SES (through SNS), Mailgun and SendGrid sign what they send; Postmark and Brevo send the
        secret as bearer token or as the password of a login. The same event twice counts once.
        """
        return await _receive(app, request, provider, "")

    @router.post(
        "/{provider}/{secret}",
        summary="Report of a mail provider, with the secret in its address",
        responses=_RESPONSES,
        openapi_extra=_BODY,
    )
    async def receive_with_secret(
        request: Request, provider: Provider, secret: Annotated[str, Path(max_length=500)]
    ) -> InboundAnswer:
        """Take the same from a provider that can neither sign nor send a header."""
        return await _receive(app, request, provider, secret)

    return router


async def _receive(app: App, request: Request, provider: str, secret: str) -> InboundAnswer:
    if provider not in PROVIDERS:
        raise _unknown(provider)
    own = ProviderRequest(
        provider=provider,
        body=await request.body(),
        headers={name.lower(): value for name, value in request.headers.items()},
        secret=secret,
    )
    try:
        report = await run_in_threadpool(receive_provider_request, app, own)
    except UnknownProviderError as error:
        raise _unknown(provider) from error
    except UnverifiedError as error:
        log.warning("refused provider=%s: %s", provider, error)
        raise ApiError(
            403, "forbidden", str(error), "check [providers] here and the webhook's settings there"
        ) from error
    except MalformedError as error:
        log.warning("cannot be read provider=%s: %s", provider, error)
        remedy = "send what the provider documents, as JSON"
        raise ApiError(422, "invalid", str(error), remedy) from error
    return InboundAnswer(outcomes=dict(report.outcomes))


def _unknown(provider: str) -> ApiError:
    known = provider in PROVIDERS
    return ApiError(
        404,
        "not_found",
        f"{provider} is not configured here" if known else "there is no such provider",
        f"set its key in [providers] of the config; known are {', '.join(PROVIDERS)}",
    )
