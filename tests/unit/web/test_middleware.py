"""Requests that are refused unread, and attempts to influence an answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from digest.model import Purpose, Subscriber
from digest.web.middleware import BODY_MAX, HEADERS_MAX, TARGET_MAX
from tests.unit.web.conftest import heading
from tests.webclient import Client

FORM = {"content-type": "application/x-www-form-urlencoded"}


def paths_of_every_kind(client: Client, reader: Subscriber) -> list[str]:
    """Paths of every kind: form, one-click, API, without a body, unknown."""
    own = [
        client.path(purpose, reader, 1)
        for purpose in (Purpose.UP, Purpose.UNSUBSCRIBE, Purpose.MANAGE, Purpose.CONFIRM)
    ]
    return [
        "/",
        *own,
        "/healthz",
        "/style.css",
        "/nothing",
        "/api/v1/subscribers",
        "/api/v1/nothing",
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "FOO"])
def test_a_body_with_a_too_large_content_length_is_not_read(
    client: Client, alice: Subscriber, method: str
) -> None:
    async def fail_when_read() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    for path in paths_of_every_kind(client, alice):
        headers = FORM | {"content-length": str(100_000_000)}
        answer = client.request(method, path, content=fail_when_read(), headers=headers)
        assert (answer.status_code, answer.headers["connection"]) == (413, "close"), path
        if path.startswith("/api/"):
            assert answer.json()["error"]["code"] == "too_large"
        else:
            assert heading(answer.text) == "This is too much at once"


def test_a_body_of_unknown_length_is_cut_at_the_limit(client: Client, alice: Subscriber) -> None:
    piece = b"a" * 4096
    for path in paths_of_every_kind(client, alice):
        read = 0

        async def endless_body() -> AsyncIterator[bytes]:
            nonlocal read
            while True:
                read += len(piece)
                assert read <= BODY_MAX + 4 * len(piece), "it was read on and on"
                yield piece

        answer = client.post(path, content=endless_body(), headers=FORM)
        assert answer.status_code in (200, 404, 405, 413), path
        assert answer.headers["connection"] == "close", path


def test_a_fully_read_body_keeps_the_connection(client: Client, alice: Subscriber) -> None:
    answer = client.post(
        client.path(Purpose.UNSUBSCRIBE, alice), data={"List-Unsubscribe": "One-Click"}
    )
    assert (answer.status_code, "connection" in answer.headers) == (200, False)
    assert "connection" not in client.get("/").headers


def test_a_body_of_the_largest_size_is_read(client: Client) -> None:
    body = b"email=nobody&keywords="
    answer = client.post("/", content=body + b"a" * (BODY_MAX - len(body)), headers=FORM)
    assert answer.status_code == 422


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "1e9", "+5", " "])
def test_a_malformed_content_length_does_not_fail(client: Client, length: str) -> None:
    answer = client.post("/nothing", headers={"content-length": length})
    assert answer.status_code in (404, 413)


def test_a_long_address_and_many_headers_are_refused(client: Client) -> None:
    assert client.get("/" + "a" * TARGET_MAX).status_code == 414
    assert client.get("/?" + "a" * TARGET_MAX).status_code == 414
    many = {f"x-{number}": "v" * 100 for number in range(HEADERS_MAX // 100)}
    assert client.request("GET", "/", headers=many).status_code == 431


# ----------------------------------------------------------------------------- hosts and redirects


def test_nothing_redirects(client: Client, alice: Subscriber) -> None:
    for path in paths_of_every_kind(client, alice):
        for odd in (path.rstrip("/") + "/", path + "//", "/" + path, path.replace("/", "%2F", 1)):
            for method in ("GET", "POST"):
                answer = client.request(method, odd, headers={"host": "evil.example"})
                assert answer.status_code not in range(300, 400), odd
                assert "location" not in answer.headers


def remove_marks(text: str) -> str:
    """Remove the values of a page that differ at every request."""
    mark = r'value="[0-9a-f]+\.[0-9a-f]{16}[ab]?"'
    return re.sub(rf'{mark}|name="opened" value="[0-9a-f]+"', "", text)


@pytest.mark.parametrize(
    "host", ["evil.example", "[evil", "a b", "evil.example/api/", "", "x" * 300]
)
def test_no_answer_depends_on_the_host_that_was_asked_for(
    client: Client, alice: Subscriber, host: str
) -> None:
    for path in (*paths_of_every_kind(client, alice), "/openapi.json"):
        named, plain = client.request("GET", path, headers={"host": host}), client.get(path)
        assert named.status_code == plain.status_code < 500, path
        assert remove_marks(named.text) == remove_marks(plain.text)
        assert "evil.example" not in named.text
        assert "evil.example" not in str(named.headers)


@pytest.mark.parametrize("target", ["http://evil.example/robots.txt", "https://[::1]:1/robots.txt"])
def test_a_target_with_a_host_is_its_path(client: Client, target: str) -> None:
    assert request_target(client, target).text.startswith("User-agent")


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example",
        "http://[",
        "*",
        "evil.example:443",
        "//evil.example/x",
        "/%2e%2e/x",
        "/%00",
        "/%ff",
    ],
)
def test_a_malformed_target_does_not_fail(client: Client, target: str) -> None:
    answer = request_target(client, target)
    assert answer.status_code in (200, 404)
    assert "evil.example" not in answer.text


def request_target(client: Client, target: str) -> httpx.Response:
    """Request this target, which no client library would send."""

    async def send_target(scope: dict[str, object], receive: object, send: object) -> None:
        from urllib.parse import unquote

        await client.pages(
            {**scope, "path": unquote(target), "raw_path": target.encode()}, receive, send
        )  # type: ignore[arg-type]

    return Client(client.app, send_target).get("/")  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------- methods


def test_a_wrong_method_is_answered_with_the_allowed_ones(
    client: Client, alice: Subscriber
) -> None:
    allowed = {
        "/": "GET, HEAD, POST",
        "/healthz": "GET, HEAD",
        client.path(Purpose.MANAGE, alice): "GET, HEAD, POST",
        "/api/v1/subscribers": "GET, POST",
    }
    for path, methods in allowed.items():
        for method in ("OPTIONS", "PUT", "TRACE", "DELETE", "FOO"):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, methods), (method, path)


def test_every_page_with_get_also_has_head(client: Client, alice: Subscriber) -> None:
    for path in (*paths_of_every_kind(client, alice)[:-2], "/openapi.json", "/robots.txt"):
        head, whole = client.request("HEAD", path), client.get(path)
        assert head.status_code == whole.status_code, path


# -------------------------------------------------------------------------------------- hanging up


@pytest.mark.parametrize("sent", [b"", b"email=grace"])
def test_a_disconnect_within_a_body_is_not_logged_as_a_bug(
    client: Client, alice: Subscriber, sent: bytes
) -> None:
    for path in paths_of_every_kind(client, alice):
        messages = [
            {"type": "http.request", "body": sent, "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive(messages: list[dict[str, object]] = messages) -> dict[str, object]:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(_message: object) -> None:
            return

        headers = [
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"content-length", b"400"),
        ]
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": headers,
        }
        asyncio.run(client.pages(scope, receive, send))  # type: ignore[arg-type]
