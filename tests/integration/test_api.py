"""The API on each kind of database, and the commands that make its keys."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from digest import services, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.model import Scope
from tests.conftest import TODAY
from tests.integration.rounds import Cast, Dump
from tests.webclient import Client, fill

BASE = "/api/v1/subscribers"


@pytest.fixture
def service(any_app: App, cast: Cast, dump: Dump) -> App:
    fill(any_app, dump)
    cast(any_app)
    return any_app


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_the_same_on_each_database(service: App) -> None:
    client = Client(service)
    key = bearer(services.create_api_key(service, "all", [scope.value for scope in Scope])[1])
    key |= {"Idempotency-Key": "one"}

    def send(method: str, path: str, body: Any = None) -> httpx.Response:
        return client.request(method, path, headers=key, **({} if body is None else {"json": body}))

    dave = {"email": "dave@example.org", "keywords": ["robot"]}
    made = send("POST", BASE, dave)
    assert (made.status_code, send("POST", BASE, dave).json()) == (201, made.json())
    assert send("POST", BASE, {"email": "erin@example.org"}).status_code == 422
    del key["Idempotency-Key"]
    path = made.headers["Location"]
    emails: list[str] = []
    page = send("GET", f"{BASE}?limit=3").json()
    while True:
        emails += [each["email"] for each in page["subscribers"]]
        if page["next"] is None:
            break
        page = send("GET", f"{BASE}?limit=3&cursor={page['next']}").json()
    assert emails == [f"{name}@example.org" for name in ("alice", "bob", "carol", "dave")]
    for paper_id in (3, 1, 2):
        answer = send("PUT", f"{path}/feedback/{paper_id}", {"vote": "up"})
        assert answer.status_code == 200
    first = send("GET", f"{path}/feedback?limit=2").json()
    rest = send("GET", f"{path}/feedback?limit=2&cursor={first['next']}").json()
    ids = [thumb["id"] for thumb in (*first["feedback"], *rest["feedback"])]
    assert (ids, rest["next"]) == ([3, 2, 1], None), "at the same time, the greater id first"
    assert send("GET", f"{path}/digests/preview").json()["papers"]
    assert send("GET", f"{path}/digests").json() == {"digests": [], "next": None}
    assert send("GET", f"{path}/digests/{TODAY}").status_code == 404
    assert send("DELETE", path).status_code == 204
    assert send("GET", path).status_code == 404


def test_of_many_equal_requests_at_once_one_is_worked_on(service: App) -> None:
    client = Client(service)
    key = bearer(services.create_api_key(service, "all", ["subscribers:write"])[1])
    answers: list[httpx.Response] = []
    start = threading.Barrier(6)

    def send() -> None:
        start.wait()
        answers.append(
            client.post(
                BASE, json={"email": "dave@example.org"}, headers=key | {"Idempotency-Key": "one"}
            )
        )

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    done = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.text for answer in done}) == 1
    first = [answer for answer in done if "Idempotency-Replayed" not in answer.headers]
    assert len(first) == 1


def test_of_changes_at_once_that_name_a_version_one_wins(service: App) -> None:
    client, alice = Client(service), subscriptions.find(service, "alice@example.org")
    own = bearer(services.create_reader_key(service, alice.id, "script")[1])
    etag = client.request("GET", "/api/v1/me", headers=own).headers["ETag"]
    statuses: list[int] = []
    start = threading.Barrier(4)

    def change(hour: int) -> None:
        start.wait()
        answer = client.request(
            "PATCH", "/api/v1/me", json={"hour": hour}, headers=own | {"If-Match": etag}
        )
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=change, args=(hour,)) for hour in (1, 2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412, 412, 412]


# ----------------------------------------------------------------------------------------------
# commands


def test_keys_are_made_listed_and_revoked_by_commands(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGEST_STORE__URL", f"sqlite:///{app.store.file}")

    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(commands, ["api-keys", *words])
        assert result.exit_code == code, result.output
        return result.output

    assert "create" in run("list")
    shown = run("create", "--name", "lab", "--scope", "digests:read", "--days", "30")
    (text,) = re.findall(r"digest_key_[0-9A-Za-z]{38}", shown)
    assert services.find_api_key(app, text) is not None
    key = json.loads(run("create", "--name", "b", "--scope", "papers:read", "--json"))
    assert key["key"].startswith(key["begins_with"])
    listed = run("list", "--json")
    assert text not in listed
    assert [row["name"] for row in json.loads(listed)] == ["lab", "b"]
    table = run("list")
    assert text not in table
    assert "digests:read" in table
    assert "is revoked" in run("revoke", "2")
    assert "revoked already" in run("revoke", "2")
    assert json.loads(run("revoke", "2", "--json")) == {"id": 2, "newly_revoked": False}
    assert services.find_api_key(app, key["key"]) is None
    run("revoke", "99", code=1)
    run("create", "--name", "c", "--scope", "everything", code=1)
    run("create", "--name", "c", code=2)
