"""HTTP for webhooks: one request, no redirect, a deadline for the whole, a bounded answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from time import time

import httpx

from digest.webhooks.addresses import RefusedAddressError, check_url, resolve

#: bytes of an answer that are read, since it should say nothing
_ANSWER_MAX = 2000
#: seconds for which a receiver may ask to wait, at most
_RETRY_AFTER_MAX = 24 * 3600


class TransportError(Exception):
    """No answer came; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The answer to a request."""

    status: int
    #: seconds that the receiver asks to wait; None = it asks for nothing
    retry_after: float | None = None
    body: bytes = b""


async def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Sequence[str] = (),
    seconds: float,
) -> Reply:
    """Post JSON to a webhook.

    Args:
        allowed: networks that may be reached although they are not public.
        seconds: for the whole request and its answer.

    Raises:
        RefusedAddressError: the address must not be reached.
        TransportError: no answer came in time.
    """
    headers = {"Content-Type": "application/json", **headers}
    return await _request("POST", url, body, headers, allowed, seconds, _ANSWER_MAX)


async def fetch(
    url: str, *, allowed: Sequence[str] = (), seconds: float, most: int = 64 * 1024
) -> Reply:
    """Get a small document.

    Raises:
        RefusedAddressError, TransportError: as `post`.
    """
    return await _request("GET", url, b"", {}, allowed, seconds, most)


async def _request(
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    allowed: Sequence[str],
    seconds: float,
    most: int,
) -> Reply:
    target = check_url(url, allowed)
    try:
        async with asyncio.timeout(seconds):
            address = await resolve(target, allowed)
            return await _send(method, url, address, body, headers, most)
    except TimeoutError as error:
        raise TransportError(f"no answer within {seconds:g} seconds") from error
    except httpx.HTTPError as error:
        raise TransportError(str(error) or type(error).__name__) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise RefusedAddressError(f"this address cannot be used: {error}") from error
    except OSError as error:
        raise TransportError(f"{target.host}: {error.strerror or error}") from error


async def _send(
    method: str, url: str, address: str, body: bytes, headers: Mapping[str, str], most: int
) -> Reply:
    """Send to the judged address; name and certificate stay those of the URL."""
    named = httpx.URL(url)
    async with (
        httpx.AsyncClient(
            # settings of the environment, such as a proxy, would go around the judged address
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - the caller limits the whole
            verify=_tls(),
        ) as client,
        client.stream(
            method,
            named.copy_with(host=address),
            content=body or None,
            headers={
                "Host": named.netloc.decode("ascii"),
                "User-Agent": "digest-webhooks",
                "Accept-Encoding": "identity",
                **headers,
            },
            extensions={"sni_hostname": named.raw_host.decode("ascii")},
        ) as response,
    ):
        kept = bytearray()
        async for piece in response.aiter_raw():
            kept += piece[: most + 1 - len(kept)]
            if len(kept) > most:
                break
        return Reply(
            status=response.status_code,
            retry_after=_read_retry_after(response.headers.get("Retry-After", "")),
            body=bytes(kept[:most]),
        )


@cache
def _tls() -> ssl.SSLContext:
    """Loading the certificates takes longer than a request, so it is done once."""
    return ssl.create_default_context()


def _read_retry_after(text: str) -> float | None:
    """Read Retry-After, seconds or a date, as seconds from now."""
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), _RETRY_AFTER_MAX)
    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - time()), _RETRY_AFTER_MAX)
    except (ValueError, TypeError, OverflowError):
        return None
