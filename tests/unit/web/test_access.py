"""Keys, scopes, limits, problem details and repeated requests of the API."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Request
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from digest import services, store, subscriptions, web
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import SCOPES, ApiKey, Scope, Subscriber
from digest.redaction import redact
from digest.services import api_keys
from digest.web.access import allow_scope, api_router, require_reader, require_scope
from digest.web.cursors import read_cursor, write_cursor
from digest.web.problems import CODES, MEDIA_TYPE, ApiError
from digest.web.rate_limits import RateLimits
from tests.webclient import Client, Clock, contents

THINGS = "/api/v1/things"
Headers = dict[str, str]


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(max_length=20, description="a word")


class Things:
    """An app with a small API of its own, and how often it was called."""

    def __init__(self, app: App) -> None:
        self.calls = 0
        self.while_working: Callable[[], None] = lambda: None
        router = api_router(THINGS, "things")

        @router.get("")
        def read(key: Annotated[ApiKey, require_scope(Scope.PICKS_WRITE)]) -> dict[str, str]:
            return {"key": key.name}

        @router.post("", status_code=201)
        def make(
            key: Annotated[ApiKey, require_scope(Scope.PICKS_WRITE)], body: Thing
        ) -> dict[str, Any]:
            self.calls += 1
            self.while_working()
            if body.name == "bad":
                raise ApiError(409, "conflict", "it is there", "take another name")
            return {"name": body.name, "call": self.calls}

        @router.get("/mine")
        def mine(subscriber_id: Annotated[int, require_reader()]) -> dict[str, int]:
            return {"reader": subscriber_id}

        @router.get("/open")
        def for_all(key: Annotated[ApiKey | None, allow_scope("picks:write")]) -> dict[str, bool]:
            return {"key": key is not None}

        self.app = app
        self.client = Client(app, web.create(app, extra=[router]))

    def key(self, *scopes: str, **more: Any) -> Headers:
        _, text = services.create_api_key(self.app, "test", scopes or ["picks:write"], **more)
        return bearer(text)


def bearer(text: str) -> Headers:
    return {"Authorization": f"Bearer {text}"}


def problem(answer: httpx.Response) -> dict[str, Any]:
    """Check that an answer is a problem detail, and return it."""
    assert answer.headers["content-type"] == MEDIA_TYPE
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert found["title"] == CODES[found["code"]][0]
    assert found["type"].endswith(f"/docs#problem-{found['code']}")
    assert found["detail"]
    assert found["remedy"]
    old = {"code", "message", "field", "remedy"}
    assert set(found["error"]) == old
    assert found["error"]["message"] == found["detail"]
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def things(app: App, clock: Clock) -> Things:
    return Things(replace(app, now=clock))


# ----------------------------------------------------------------------------------------------
# keys


def test_a_key_is_shown_once_and_only_its_hash_is_stored(app: App) -> None:
    key, text = services.create_api_key(app, "dashboard", ["digests:read"])
    assert re.fullmatch(r"digest_key_[0-9A-Za-z]{38}", text)
    assert key.hint == text[:15]
    assert text not in "\n".join(contents(app))
    assert text[15:] not in "\n".join(contents(app))
    found = services.find_api_key(app, text)
    assert found is not None
    assert (found.id, found.scopes) == (key.id, {Scope.DIGESTS_READ})
    assert [known.last_used for known in services.list_api_keys(app)] == [app.now().date()]


def test_logs_and_reports_never_show_a_key(app: App, caplog: pytest.LogCaptureFixture) -> None:
    _, text = services.create_api_key(app, "dashboard", ["digests:read"])
    for line in (f"GET /x {text}", f"Authorization: Bearer {text}", f"{{'{text}'}}"):
        assert text[15:] not in redact(line)
    with caplog.at_level(logging.DEBUG):
        Things(app).client.request("GET", THINGS, headers=bearer(text))
    assert text not in caplog.text


@given(st.text(max_size=80))
def test_any_other_text_is_no_key(text: str) -> None:
    assert not api_keys._is_well_formed(text)


@given(st.integers(0, 48), st.characters(codec="ascii", categories=["Ll", "Lu", "Nd"]))
def test_a_mistyped_key_is_noticed_by_its_form(place: int, letter: str) -> None:
    text = api_keys._make_text(api_keys.KEY_PREFIX)
    assert api_keys._is_well_formed(text)
    mistyped = text[:place] + letter + text[place + 1 :]
    assert api_keys._is_well_formed(mistyped) == (mistyped == text)


def test_all_scopes_are_described() -> None:
    assert set(SCOPES) == set(Scope)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"scopes": []}, "scope"),
        ({"scopes": ["picks:write", "all"]}, "scope"),
        ({"name": " \n"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"days": 0}, "days"),
        ({"days": 10**9}, "days"),
        ({"per_minute": 0}, "per-minute"),
    ],
)
def test_a_key_that_cannot_be_is_refused(app: App, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=field):
        services.create_api_key(app, **({"name": "a", "scopes": ["picks:write"]} | values))
    assert services.list_api_keys(app) == []


def test_without_a_valid_key_nothing_is_read_or_done(things: Things, clock: Clock) -> None:
    _, revoked = services.create_api_key(things.app, "old", ["picks:write"])
    services.revoke_api_key(things.app, 1)
    expired = things.key(days=1)
    clock.wait(86_400)
    unknown = api_keys._make_text(api_keys.KEY_PREFIX)
    sent: list[Headers] = [{}, bearer(revoked), expired, bearer(unknown), bearer("x" * 2000)]
    sent += [{"Authorization": "Basic YTpi"}, {"Authorization": ""}, {"Authorization": "Bearer"}]
    for headers in sent:
        # also where the body is no JSON at all
        for body in ({"name": "a"}, {"nonsense": 1}):
            answer = things.client.post(THINGS, json=body, headers=headers)
            assert answer.status_code == 401
            assert problem(answer)["code"] == "unauthorized"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert things.client.post(THINGS, content=b"{", headers=headers).status_code == 401
    assert things.calls == 0


def test_a_key_needs_the_scope(things: Things) -> None:
    answer = things.client.post(THINGS, json={"name": "a"}, headers=things.key("digests:read"))
    assert answer.status_code == 403
    assert "--scope picks:write" in problem(answer)["remedy"]
    assert things.client.post(THINGS, json={"name": "a"}, headers=things.key()).status_code == 201


def test_a_reader_reaches_their_own_data_alone(
    things: Things, readers: dict[str, Subscriber]
) -> None:
    alice = readers["alice"]
    key, text = services.create_reader_key(things.app, alice.id, "my script")
    assert text.startswith("digest_reader_")
    own = bearer(text)
    assert things.client.request("GET", f"{THINGS}/mine", headers=own).json() == {
        "reader": alice.id
    }
    for path in (THINGS, f"{THINGS}/open"):
        answer = things.client.request("GET", path, headers=own)
        assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    answer = things.client.request("GET", f"{THINGS}/mine", headers=things.key())
    assert (answer.status_code, problem(answer)["code"]) == (403, "forbidden")
    # another reader revokes nothing of hers
    assert not services.revoke_api_key(things.app, key.id, subscriber_id=readers["bob"].id)
    assert services.find_api_key(things.app, text) is not None
    subscriptions.delete(things.app, alice.id)
    assert things.client.request("GET", f"{THINGS}/mine", headers=own).status_code == 401


def test_a_reader_has_ten_keys_at_most(app: App, readers: dict[str, Subscriber]) -> None:
    alice = readers["alice"].id
    for _ in range(api_keys.READER_KEYS_MAX):
        services.create_reader_key(app, alice, "script")
    with pytest.raises(InputError, match="revoke"):
        services.create_reader_key(app, alice, "script")
    services.revoke_api_key(app, 1, subscriber_id=alice)
    services.create_reader_key(app, alice, "script")
    with pytest.raises(NotFoundError):
        services.create_reader_key(app, 999, "script")


def test_a_route_may_answer_everybody_and_still_refuses_a_wrong_key(things: Things) -> None:
    path = f"{THINGS}/open"
    assert things.client.get(path).json() == {"key": False}
    assert things.client.request("GET", path, headers=things.key()).json() == {"key": True}
    assert things.client.request("GET", path, headers=bearer("digest_key_x")).status_code == 401


# ----------------------------------------------------------------------------------------------
# limits


def test_each_key_has_its_own_limit(things: Things) -> None:
    slow, other = things.key(per_minute=2), things.key(per_minute=2)
    first = things.client.request("GET", THINGS, headers=slow)
    assert first.headers["RateLimit-Policy"] == '"key";q=2;w=60'
    assert first.headers["RateLimit"].startswith('"key";r=1;')
    # an error counts, and tells what is left
    refused = things.client.post(THINGS, json={}, headers=slow)
    assert (refused.status_code, refused.headers["RateLimit"][:9]) == (422, '"key";r=0')
    answer = things.client.request("GET", THINGS, headers=slow)
    assert (answer.status_code, problem(answer)["code"]) == (429, "too_many")
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert things.client.request("GET", THINGS, headers=other).status_code == 200


@given(st.lists(st.floats(0, 120), max_size=60), st.integers(1, 20))
@example([4.955674623113204, 0.0], 1)
def test_a_bucket_never_gives_more_than_its_size_and_what_flowed_in(
    waits: list[float], limit: int
) -> None:
    now = [0.0]
    limits, passed = RateLimits(lambda: now[0]), 0
    for wait in waits:
        now[0] += wait
        allowance = limits.take("caller", limit)
        passed += not allowance.retry_after
        assert 0 <= allowance.remaining <= limit
        assert passed <= limit + now[0] * limit / 60 + 1e-6
        if allowance.retry_after:
            later = RateLimits(lambda: now[0])
            later._buckets.update(limits._buckets)
            now[0] += allowance.retry_after
            assert not later.take("caller", limit).retry_after, "the promise holds"
            now[0] -= allowance.retry_after


# ----------------------------------------------------------------------------------------------
# repeated requests


def test_a_repeated_request_changes_nothing_and_gets_its_first_answer(
    things: Things, clock: Clock
) -> None:
    headers = things.key() | {"Idempotency-Key": "one"}
    first = things.client.post(THINGS, json={"name": "a"}, headers=headers)
    again = things.client.post(THINGS, json={"name": "a"}, headers=headers)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["RateLimit"] < first.headers["RateLimit"], "it counts all the same"
    assert things.calls == 1
    other = things.client.post(THINGS, json={"name": "b"}, headers=headers)
    assert (other.status_code, problem(other)["code"]) == (422, "reused_key")
    # the key of another program is another one
    strange = things.key() | {"Idempotency-Key": "one"}
    assert things.client.post(THINGS, json={"name": "b"}, headers=strange).status_code == 201
    clock.at += timedelta(hours=24, seconds=1)
    late = things.client.post(THINGS, json={"name": "b"}, headers=headers)
    assert (late.status_code, late.json()["name"]) == (201, "b")


def test_an_error_keeps_no_answer(things: Things) -> None:
    headers = things.key() | {"Idempotency-Key": "one"}
    assert things.client.post(THINGS, json={"name": "bad"}, headers=headers).status_code == 409
    assert things.client.post(THINGS, json={"name": 5}, headers=headers).status_code == 422
    assert things.client.post(THINGS, json={"name": "a"}, headers=headers).status_code == 201


def test_the_same_request_at_the_same_time_waits_for_the_first(
    things: Things, clock: Clock
) -> None:
    headers = things.key() | {"Idempotency-Key": "one"}
    meanwhile: list[httpx.Response] = []

    def send_again() -> None:
        things.while_working = lambda: None
        thread = threading.Thread(
            target=lambda: meanwhile.append(
                things.client.post(THINGS, json={"name": "a"}, headers=headers)
            )
        )
        thread.start()
        thread.join()

    things.while_working = send_again
    assert things.client.post(THINGS, json={"name": "a"}, headers=headers).status_code == 201
    assert (meanwhile[0].status_code, problem(meanwhile[0])["code"]) == (409, "in_progress")
    assert things.calls == 1


def test_a_request_whose_process_died_can_be_sent_again(things: Things, clock: Clock) -> None:
    headers = things.key() | {"Idempotency-Key": "one"}
    services.claim_answer(things.app, "key:1", "one", b"x" * 32)
    assert things.client.post(THINGS, json={"name": "a"}, headers=headers).status_code == 422
    clock.wait(61)
    assert things.client.post(THINGS, json={"name": "a"}, headers=headers).status_code == 201


@pytest.mark.parametrize("name", ["", " ", "a b", "x" * 201, "é", "a\tb"])
def test_an_odd_idempotency_key_is_refused(things: Things, name: str) -> None:
    headers = things.key() | {"Idempotency-Key": name.encode("latin-1").decode("latin-1")}
    raw = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
    answer = things.client.post(THINGS, json={"name": "a"}, headers=raw)
    assert (answer.status_code, problem(answer)["field"]) == (422, "Idempotency-Key")
    assert things.calls == 0


def test_kept_answers_go_with_their_reader_and_after_a_day(
    things: Things, readers: dict[str, Subscriber], clock: Clock
) -> None:
    answer = store.api_answers.StoredAnswer(request_hash=b"h", status=200, headers={}, body=b"me")
    for name, about in (("hers", readers["alice"].id), ("nobody's", None), ("gone", 10**6)):
        assert services.claim_answer(things.app, "key:1", name, b"h") is None
        services.save_answer(things.app, "key:1", name, answer, subscriber_id=about)
    subscriptions.delete(things.app, readers["alice"].id)
    assert services.claim_answer(things.app, "key:1", "hers", b"h") is None
    kept = services.claim_answer(things.app, "key:1", "nobody's", b"h")
    assert kept is not None
    assert kept.body == b"me"
    clock.at += timedelta(days=2)
    services.delete_old_answers(things.app)
    with things.app.store.reading() as tx:
        assert store.api_answers.find(tx, "key:1", b"") is None
    assert 'INSERT INTO "api_answers"' not in "\n".join(contents(things.app))


# ----------------------------------------------------------------------------------------------
# errors, cursors, description


def test_every_error_is_a_problem(things: Things) -> None:
    key = things.key("picks:write", "papers:read")
    for method, path, sent, status, code in (
        ("GET", "/api/v1/nothing", {}, 404, "not_found"),
        ("DELETE", THINGS, {}, 405, "method"),
        ("GET", "/api/v1/papers?q=" + "x" * 9000, {}, 414, "too_large"),
        ("POST", THINGS, {"content": b"x" * 300_000}, 413, "too_large"),
        ("POST", THINGS, {"content": b"{"}, 422, "invalid"),
        ("POST", THINGS, {"json": [1]}, 422, "invalid"),
        ("POST", THINGS, {"json": {"name": "x" * 21}}, 422, "invalid"),
        ("POST", THINGS, {"json": {"name": "a", "other": 1}}, 422, "invalid"),
        ("POST", THINGS, {"content": b'{"name": "\\ud800"}'}, 422, "invalid"),
        ("GET", "/api/v1/papers?limit=no", {}, 422, "invalid"),
        ("GET", "/api/v1/readers/x/learned", {}, 404, "not_found"),
    ):
        answer = things.client.request(method, path, headers=key, **sent)
        assert (answer.status_code, problem(answer)["code"]) == (status, code), (method, path)
    answer = things.client.request("DELETE", THINGS, headers=key)
    assert answer.headers["Allow"] == "GET, POST"


def test_what_the_service_refuses_is_a_problem_with_its_field(app: App) -> None:
    router = api_router(THINGS, "things")

    @router.get("")
    def refuse(request: Request) -> None:
        raise InputError("hour 25 must be 0 to 23")

    found = problem(Client(app, web.create(app, extra=[router])).get(THINGS))
    assert (found["status"], found["field"]) == (422, "hour")


@given(st.tuples(st.integers(-(2**63) + 1, 2**63 - 1), st.text(max_size=40)))
def test_a_cursor_is_read_as_it_was_written(key: tuple[int, str]) -> None:
    assert read_cursor(write_cursor(*key), int, str) == key


@given(st.text(max_size=200))
def test_any_other_cursor_is_refused(text: str) -> None:
    raised = None
    try:
        key = read_cursor(text, int, str)
    except ApiError as error:
        raised, key = error, None
    if raised is not None:
        assert (raised.status, raised.problem.field) == (422, "cursor")
    assert key is None or write_cursor(*key) == text


def test_the_description_names_security_errors_and_headers(things: Things) -> None:
    described = things.client.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    make = described["paths"][THINGS]["post"]
    assert make["security"] == [{"ApiKey": ["picks:write"]}]
    assert set(make["responses"]) == {
        *("201", "401", "403", "409", "413", "422", "429", "503", "default")
    }
    for status, response in make["responses"].items():
        if status != "201":
            assert list(response["content"]) == [MEDIA_TYPE], status
    assert "Idempotency-Key" in [parameter["name"] for parameter in make["parameters"]]
    assert described["paths"][f"{THINGS}/mine"]["get"]["security"] == [{"ReaderKey": []}]
    assert set(described["components"]["securitySchemes"]) == {"ApiKey", "ReaderKey"}
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described)))
    assert names <= set(described["components"]["schemas"])
    assert "HTTPValidationError" not in described["components"]["schemas"]
