"""Who may use a route of the API: keys, scopes, limits and repeated requests.

    router = api_router("/api/v1/things", "things")

    @router.post("")
    def add(key: Annotated[ApiKey, require_scope(Scope.PICKS_WRITE)], body: Thing) -> Any: ...

The route then answers 401 and 403 before it reads a body or looks anything up, counts the request
against the key's limit, and answers a repeated Idempotency-Key with the first answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from digest import services, subscriptions
from digest.app import App
from digest.model import ApiKey, Scope
from digest.store.api_answers import StoredAnswer
from digest.web.client_addresses import Proxies
from digest.web.problems import ApiError
from digest.web.rate_limits import RateLimits

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_BEARER = re.compile(r"[Bb]earer +(\S+) *")

_OPERATOR = HTTPBearer(
    scheme_name="ApiKey",
    description="A key of the operator, made by `digest api-keys create`. Each operation names "
    "the scope that it needs.",
    auto_error=False,
)
_READER = HTTPBearer(
    scheme_name="ReaderKey",
    description="A reader's own key, made on their settings page. It reaches `/api/v1/me` alone.",
    auto_error=False,
)


@dataclass(frozen=True, kw_only=True)
class ApiContext:
    """What every route of the API works with; `app.state.api` of the web application."""

    app: App
    proxies: Proxies
    limits: RateLimits = field(default_factory=RateLimits)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Need:
    """What a route asks of its caller."""

    #: None = a reader's key
    scope: Scope | None
    #: whether the route also answers without a key
    optional: bool = False


#: dependency of a route -> its need
_needs: dict[Callable[..., Any], _Need] = {}


def require_scope(scope: Scope | str) -> Any:
    """Return a dependency that admits keys of the operator with a scope; its value is the key."""
    return Security(_operator_dependency(Scope(scope), optional=False), scopes=[Scope(scope).value])


def allow_scope(scope: Scope | str) -> Any:
    """Return a dependency whose value is None without a key, else as of `require_scope`."""
    return Security(_operator_dependency(Scope(scope), optional=True), scopes=[Scope(scope).value])


def require_reader() -> Any:
    """Return a dependency that admits readers' keys; its value is the id of the reader."""
    return Security(_own_id)


@lru_cache
def _operator_dependency(scope: Scope, *, optional: bool) -> Callable[..., Awaitable[Any]]:
    need = _Need(scope=scope, optional=optional)

    async def admit_operator(
        request: Request, _shown: Annotated[object, Security(_OPERATOR)]
    ) -> ApiKey | None:
        return await _admit(request, need)

    _needs[admit_operator] = need
    return admit_operator


async def _own_id(request: Request, _shown: Annotated[object, Security(_READER)]) -> int:
    key = await _admit(request, _needs[_own_id])
    if key is None or key.subscriber_id is None:
        raise AssertionError("a reader's key names its reader")
    request.state.about = key.subscriber_id
    return key.subscriber_id


_needs[_own_id] = _Need(scope=None)


async def _admit(request: Request, need: _Need) -> ApiKey | None:
    """Return the key of a request that may do what a route does.

    Raises:
        ApiError: 401 without a valid key, 403 where it does not allow this.
    """
    header = request.headers.get("authorization")
    if header is None and need.optional:
        return None
    key: ApiKey | None = getattr(request.state, "api_key", None)
    if key is None:
        match = _BEARER.fullmatch(header or "")
        app = _context(request).app
        key = await run_in_threadpool(services.find_api_key, app, match[1]) if match else None
    if key is None:
        raise _refuse_unknown(header is not None, need)
    request.state.api_key = key
    if need.scope is None and key.subscriber_id is None:
        raise ApiError(
            403,
            "forbidden",
            "this is for readers, and the key is the operator's",
            "use /api/v1/subscribers/{id} with it, or a reader's key from their settings page here",
        )
    if need.scope is not None and key.subscriber_id is not None:
        raise ApiError(
            403,
            "forbidden",
            "this is for the operator, and the key is a reader's",
            "use /api/v1/me with it, which is all that it reaches",
        )
    if need.scope is not None and need.scope not in key.scopes:
        raise ApiError(
            403,
            "forbidden",
            f"the key has no scope {need.scope.value}",
            f"make a key with `digest api-keys create --scope {need.scope.value}`",
        )
    return key


def _refuse_unknown(given: bool, need: _Need) -> ApiError:
    remedy = (
        "make a key on the settings page, and send it"
        if need.scope is None
        else "make a key with `digest api-keys create`, and send it"
    )
    return ApiError(
        401,
        "unauthorized",
        "the key is mistyped, expired or revoked" if given else "this needs a key",
        f"{remedy} as `Authorization: Bearer KEY`",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"' if given else "Bearer"},
    )


class ApiRoute(APIRoute):
    """A route that asks for a key, counts requests, and makes no change twice."""

    #: whether a repeated Idempotency-Key gets the first answer
    answers_once = True

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        need = _find_need(self.dependant)

        async def guarded(request: Request) -> Response:
            if need is None:
                return await handle(request)
            key = await _admit(request, need)
            if key is not None:
                _count(request, key)
            named = self.answers_once and "idempotency-key" in request.headers
            if named and request.method in _WRITES:
                response = await _answer_once(request, key, handle)
            else:
                response = await handle(request)
            response.headers.update(limit_headers(request))
            return response

        return guarded


class StreamingRoute(ApiRoute):
    """A route whose body is too large to be held in memory for comparing it with another."""

    answers_once = False


def api_router(prefix: str, tag: str, *, answers_once: bool = True) -> APIRouter:
    """Return a router whose routes are those of the API.

    Args:
        answers_once: False = the routes themselves do nothing twice, so Idempotency-Key is ignored.
    """
    route_class = ApiRoute if answers_once else StreamingRoute
    return APIRouter(prefix=prefix, tags=[tag], route_class=route_class)


def limit_headers(request: Request) -> dict[str, str]:
    """Return the headers that say what is left of the key's limit; also errors have them."""
    headers: dict[str, str] = getattr(request.state, "limit_headers", {})
    return headers


def client_of(request: Request) -> str:
    """Return the address of the client, for limits."""
    return _context(request).proxies.client(request.scope)


def _context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.api
    return context


def _find_need(dependant: Dependant) -> _Need | None:
    for dependency in dependant.dependencies:
        need = _needs.get(dependency.call) if dependency.call is not None else None
        need = need or _find_need(dependency)
        if need is not None:
            return need
    return None


def _count(request: Request, key: ApiKey) -> None:
    """Count a request against the limit of its key.

    Raises:
        ApiError: 429.
    """
    context = _context(request)
    limit = key.per_minute or context.app.config.web.api_per_minute
    allowance = context.limits.take(f"key:{key.id}", limit)
    request.state.limit_headers = allowance.headers
    if allowance.retry_after:
        raise ApiError(
            429,
            "too_many",
            f"the key is used more than {limit} times a minute",
            f"try again in {allowance.retry_after} seconds, and spread the requests",
        )


async def _answer_once(request: Request, key: ApiKey | None, handle: Handler) -> Response:
    """Answer a request, or give the answer that the same request got before.

    Raises:
        ApiError: 422 where another request had its Idempotency-Key, 409 while one has it.
    """
    app, name = _context(request).app, request.headers["idempotency-key"]
    if not _IDEMPOTENCY_KEY.fullmatch(name):
        raise ApiError(
            422,
            "invalid",
            "Idempotency-Key: 1 to 200 characters of ASCII without spaces",
            "give each request a new random key, such as a UUID",
            field="Idempotency-Key",
        )
    caller = f"key:{key.id}" if key else _hash_client(app, request)
    request_hash = await _hash_request(request)
    first = await run_in_threadpool(services.claim_answer, app, caller, name, request_hash)
    if first is not None:
        return _repeat(first, request_hash)
    try:
        response = await handle(request)
    except Exception:
        await run_in_threadpool(services.release_answer, app, caller, name)
        raise
    if not 200 <= response.status_code < 300:
        await run_in_threadpool(services.release_answer, app, caller, name)
        return response
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    answer = StoredAnswer(
        request_hash=request_hash,
        status=response.status_code,
        headers=headers,
        body=bytes(response.body),
    )
    about = getattr(request.state, "about", None)
    await run_in_threadpool(services.save_answer, app, caller, name, answer, subscriber_id=about)
    return response


def _repeat(first: StoredAnswer, request_hash: bytes) -> Response:
    if first.request_hash != request_hash:
        raise ApiError(
            422,
            "reused_key",
            "another request had this Idempotency-Key within the last 24 hours",
            "give each request a key of its own; the same key only for the same request again",
            field="Idempotency-Key",
        )
    if not first.status:
        raise ApiError(
            409,
            "in_progress",
            "the same request is being worked on",
            "send it again in a second to get its answer",
            headers={"Retry-After": "1"},
        )
    response = Response(first.body, status_code=first.status, headers=first.headers)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _hash_client(app: App, request: Request) -> str:
    return f"client:{subscriptions.hash_client(app, client_of(request))}"


async def _hash_request(request: Request) -> bytes:
    scope = request.scope
    parts = (
        str(scope["method"]).encode(),
        str(scope["path"]).encode("utf-8", "surrogatepass"),
        bytes(scope.get("query_string", b"")),
        request.headers.get("if-match", "").encode("utf-8", "surrogatepass"),
        await request.body(),
    )
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.digest()
