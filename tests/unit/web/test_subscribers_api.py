"""Subscribers, interests, thumbs and digests in the API, for operators and for readers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from digest import pipeline, services, store, subscriptions, web
from digest.app import App
from digest.model import Scope, Subscriber, Suppression, SuppressionReason
from tests.conftest import NOON, TODAY, make_app
from tests.webclient import Client, contents

BASE = "/api/v1/subscribers"
Readers = dict[str, Subscriber]


class Api(Client):
    """A client with a key."""

    def __init__(self, app: App, text: str) -> None:
        super().__init__(app)
        self.key = {"Authorization": f"Bearer {text}"}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        more = {} if body is None else {"json": body}
        return self.request(method, path, headers=self.key | named, **more)


@pytest.fixture
def operator(app: App) -> Api:
    """A program of the operator that may do everything."""
    return Api(app, services.create_api_key(app, "all", [scope.value for scope in Scope])[1])


@pytest.fixture
def alice(readers: Readers) -> Subscriber:
    return readers["alice"]


@pytest.fixture
def own(app: App, alice: Subscriber) -> Api:
    """A program of Alice's own."""
    return Api(app, services.create_reader_key(app, alice.id, "script")[1])


def doors(operator: Api, own: Api, alice: Subscriber) -> list[tuple[Api, str]]:
    return [(operator, f"{BASE}/{alice.id}"), (own, "/api/v1/me")]


def error(answer: httpx.Response) -> tuple[int, str, str | None]:
    found = answer.json()
    return answer.status_code, found["code"], found["field"]


# ----------------------------------------------------------------------------------------------
# creating


def test_an_operator_subscribes_at_once_or_asks_by_mail(operator: Api) -> None:
    app = operator.app
    answer = operator.send("POST", BASE, {"email": "dave@example.org", "categories": ["cs.XX"]})
    assert answer.status_code == 201
    created = answer.json()
    assert (created["outcome"], created["subscriber"]["status"]) == ("new", "active")
    assert created["warnings"][0]["value"] == "cs.XX"
    assert answer.headers["Location"] == f"{BASE}/{created['subscriber']['id']}"
    again = operator.send("POST", BASE, {"email": "Dave@example.org", "hour": 9})
    assert (again.status_code, again.json()["outcome"]) == (200, "changed")
    asked = operator.send("POST", BASE, {"email": "erin@example.org", "confirmed": False})
    assert (asked.status_code, asked.json()["subscriber"]["status"]) == (201, "pending")
    confirmed = operator.send("POST", BASE, {"email": "erin@example.org", "confirmed": True})
    assert (confirmed.status_code, confirmed.json()["outcome"]) == (200, "back")
    assert subscriptions.load_origin(app, created["subscriber"]["id"]) == "key"


def test_neither_limit_nor_closed_sign_up_stops_an_operator(
    tmp_path: Path,
) -> None:
    app = make_app(tmp_path, web__signup="false", web__signups_per_hour="1")
    key = services.create_api_key(app, "all", ["subscribers:write"])[1]
    operator = Api(app, key)
    for number in range(3):
        body = {"email": f"reader{number}@example.org", "confirmed": False}
        assert operator.send("POST", BASE, body).status_code == 201
    assert operator.post(BASE, json={"email": "x@example.org"}).status_code == 403
    app.close()


def test_who_left_or_is_suppressed_is_not_brought_back(operator: Api, alice: Subscriber) -> None:
    app = operator.app
    subscriptions.unsubscribe(app, alice.id)
    answer = operator.send("POST", BASE, {"email": alice.email})
    assert error(answer) == (409, "conflict", "email")
    asked = operator.send("POST", BASE, {"email": alice.email, "confirmed": False})
    assert (asked.status_code, asked.json()["subscriber"]["status"]) == (200, "pending")
    for address in ("gone@example.org", alice.email):
        bounced = Suppression(address=address, reason=SuppressionReason.HARD, since=NOON)
        subscriptions.suppress(app, [bounced])
        for confirmed in (True, False):
            body = {"email": address, "confirmed": confirmed}
            assert error(operator.send("POST", BASE, body)) == (409, "conflict", "email")


def test_a_stranger_cannot_say_that_an_address_is_confirmed(operator: Api) -> None:
    for confirmed in (True, False):
        answer = operator.post(BASE, json={"email": "x@example.org", "confirmed": confirmed})
        assert error(answer) == (403, "forbidden", "confirmed")
    assert subscriptions.list_subscribers(operator.app) == []


def test_a_stranger_learns_nothing_of_who_reads(operator: Api, readers: Readers) -> None:
    anybody = Client(operator.app)
    for path in ("", "/1", "/999", "/1/interests", "/999/feedback", "/1/digests/preview"):
        answer = anybody.get(BASE + path)
        assert error(answer) == (401, "unauthorized", None), path
    answers = {
        anybody.post(BASE, json={"email": address}).text
        for address in ("alice@example.org", "nobody@example.org")
    }
    assert len(answers) == 1


def test_every_route_of_readers_asks_for_a_key(operator: Api) -> None:
    described = web.create(operator.app).openapi()
    for path, methods in described["paths"].items():
        # providers of mail show a secret of their own
        own_secret = "{token}" in path or path.startswith("/api/v1/inbound/")
        if path.startswith("/api/") and not own_secret:
            for method, operation in methods.items():
                assert operation.get("security"), f"{method} {path}"
                assert operation["description"], f"{method} {path}"


# ----------------------------------------------------------------------------------------------
# reading, changing, deleting


def test_lists_have_pages_that_newcomers_do_not_shift(operator: Api, readers: Readers) -> None:
    path, seen = f"{BASE}?limit=2", []
    answer = operator.send("GET", path)
    seen += [each["email"] for each in answer.json()["subscribers"]]
    operator.send("POST", BASE, {"email": "dave@example.org"})
    subscriptions.delete(operator.app, readers["alice"].id)
    while "Link" in answer.headers:
        target = answer.headers["Link"].partition(">")[0].removeprefix("<")
        answer = operator.send("GET", target)
        seen += [each["email"] for each in answer.json()["subscribers"]]
    assert seen == [f"{name}@example.org" for name in ("alice", "bob", "carol", "dave")]
    assert answer.json()["next"] is None


def test_subscribers_are_found_by_status_and_address(operator: Api, readers: Readers) -> None:
    def emails(query: str) -> list[str]:
        found = operator.send("GET", f"{BASE}?{query}").json()["subscribers"]
        return [each["email"] for each in found]

    subscriptions.pause(operator.app, readers["bob"].id, paused=True)
    assert emails("status=paused") == ["bob@example.org"]
    assert emails("email=BOB%40example.org") == ["bob@example.org"]
    assert emails("email=bob%40example.org&status=active") == []
    assert emails("email=nonsense") == emails("status=left") == []
    assert operator.send("GET", f"{BASE}?status=odd").status_code == 422
    for odd in ("0", "-1", "1.5", "x", "9" * 30):
        assert operator.send("GET", f"{BASE}/{odd}").status_code == 422
    assert error(operator.send("GET", f"{BASE}/999")) == (404, "not_found", None)


def test_a_change_is_a_merge_patch(operator: Api, own: Api, alice: Subscriber) -> None:
    for client, path in doors(operator, own, alice):
        before = client.send("GET", path).json()
        answer = client.send("PATCH", path, {"hour": 19, "name": "Alice"})
        assert answer.json() == before | {"hour": 19, "name": "Alice"}
        patch = {**client.key, "Content-Type": "application/merge-patch+json"}
        answer = client.request("PATCH", path, headers=patch, content=b'{"size": null}')
        assert answer.json()["size"] == client.app.config.digest.size
        answer = client.send("PATCH", path, {"size": 3, "hour": None, "name": None})
        assert answer.json() == before
        answer = client.send("PATCH", path, {})
        assert (answer.status_code, answer.json()) == (200, before)
        answer = client.send("PATCH", path, {"interests": None})
        assert answer.json()["interests"] == []
        answer = client.send("PATCH", path, {"interests": before["interests"]})
        assert answer.json() == before, "what was read can be written"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"hour": 24}, "hour"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"email": "other@example.org"}, "email"),
        ({"status": "active"}, "status"),
        ({"days": []}, "days"),
        ({"interests": [{"name": "a", "keywords": ["x"]}] * 2}, "interests"),
        ({"interests": [{"name": "a", "share": 0}]}, "interests"),
        ({"interests": [{"name": "\x00", "keywords": ["robot"]}]}, "interests"),
        ([], None),
        ("text", None),
    ],
)
def test_a_wrong_change_is_refused_whole(
    operator: Api, alice: Subscriber, body: Any, field: str | None
) -> None:
    before = subscriptions.list_subscribers(operator.app)
    answer = operator.send("PATCH", f"{BASE}/{alice.id}", body)
    assert error(answer) == (422, "invalid", field)
    assert answer.json()["remedy"]
    assert subscriptions.list_subscribers(operator.app) == before


def test_a_version_that_is_not_the_newest_changes_nothing(
    operator: Api, own: Api, alice: Subscriber
) -> None:
    for client, path in doors(operator, own, alice):
        read = client.send("GET", path)
        etag = read.headers["ETag"]
        same = client.send("GET", path, If_None_Match=f'W/"x", {etag}')
        assert (same.status_code, same.content) == (304, b"")
        changed = client.send("PATCH", path, {"hour": 20}, If_Match=etag)
        assert (changed.status_code, changed.headers["ETag"] != etag) == (200, True)
        for method, body in (("PATCH", {"hour": 21}), ("DELETE", None)):
            late = client.send(method, path, body, If_Match=etag)
            assert error(late) == (412, "changed", None)
        weak = client.send("PATCH", path, {"hour": 21}, If_Match=f"W/{changed.headers['ETag']}")
        assert weak.status_code == 412
        assert client.send("GET", path).json()["hour"] == 20
        assert client.send("PATCH", path, {"hour": 7}, If_Match="*").status_code == 200


def test_pause_resume_and_leave(operator: Api, own: Api, alice: Subscriber) -> None:
    for client, path in doors(operator, own, alice):
        for verb, status in (
            *(("pause", "paused"), ("pause", "paused"), ("resume", "active")),
            *(("unsubscribe", "left"), ("unsubscribe", "left")),
        ):
            answer = client.send("POST", f"{path}/{verb}")
            assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert error(client.send("POST", f"{path}/pause")) == (409, "conflict", None)
        subscriptions.resubscribe(client.app, alice.id)


def test_deleted_is_deleted(operator: Api, own: Api, readers: Readers) -> None:
    assert own.send("DELETE", "/api/v1/me").status_code == 204
    assert error(own.send("GET", "/api/v1/me")) == (401, "unauthorized", None)
    path = f"{BASE}/{readers['bob'].id}"
    assert operator.send("DELETE", path).status_code == 204
    for method, tail, body in (
        *(("GET", "", None), ("PATCH", "", {"hour": 1}), ("DELETE", "", None)),
        *(("POST", "/pause", None), ("POST", "/unsubscribe", None), ("GET", "/interests", None)),
        *(("POST", "/interests", {"name": "a", "keywords": ["x"]}), ("GET", "/feedback", None)),
        *(("PUT", "/feedback/1", {"vote": "up"}), ("DELETE", "/feedback/1", None)),
        *(("GET", "/digests", None), ("GET", "/digests/preview", None)),
        ("GET", "/digests/2026-06-09", None),
    ):
        answer = operator.send(method, path + tail, body)
        assert error(answer)[:2] == (404, "not_found"), (method, tail)
    assert [s.email for s in subscriptions.list_subscribers(operator.app)] == ["carol@example.org"]


def test_a_readers_key_reaches_nobody_else(own: Api, readers: Readers) -> None:
    before = contents(own.app)
    for path in ("", f"/{readers['bob'].id}", f"/{readers['alice'].id}"):
        assert error(own.send("GET", BASE + path)) == (403, "forbidden", None)
    assert own.send("DELETE", f"{BASE}/{readers['bob'].id}").status_code == 403
    assert [line for line in before if "api_keys" not in line] == [
        line for line in contents(own.app) if "api_keys" not in line
    ]


# ----------------------------------------------------------------------------------------------
# interests


@pytest.mark.parametrize("name", ["robots", "robots/grasping", "a?b#c", "Größe & mehr", "<b>"])
def test_interests_are_added_replaced_and_deleted(
    operator: Api, own: Api, alice: Subscriber, name: str
) -> None:
    for client, door in doors(operator, own, alice):
        path = f"{door}/interests"
        before = client.send("GET", path).json()
        new = {"name": name, "share": 2, "keywords": ["grasping"], "text": "Hands.\nAnd more."}
        added = client.send("POST", path, new)
        assert added.status_code == 201
        here = added.headers["Location"]
        assert here == f"{path}/{quote(name, safe='')}"
        assert client.send("GET", here).json() == added.json()
        assert added.json().items() >= new.items()
        again = client.send("POST", path, new | {"name": name.upper()})
        assert error(again) == (409, "conflict", "name")
        etag = added.headers["ETag"]
        replaced = client.send("PUT", here, new | {"share": 5}, If_Match=etag)
        assert (replaced.status_code, replaced.json()["share"]) == (200, 5)
        assert client.send("PUT", here, new, If_Match=etag).status_code == 412
        assert client.send("DELETE", here, If_Match=etag).status_code == 412
        renamed = client.send("PUT", here, new | {"name": "other"})
        assert renamed.json()["name"] == "other"
        assert error(client.send("GET", here)) == (404, "not_found", "name")
        assert client.send("DELETE", f"{path}/OTHER").status_code == 204
        assert client.send("GET", path).json() == before


def test_an_interest_says_something_and_there_are_twenty(own: Api) -> None:
    path = "/api/v1/me/interests"
    assert error(own.send("POST", path, {"name": "x"})) == (422, "invalid", "keywords")
    assert error(own.send("PUT", f"{path}/main", {"name": "x"})) == (422, "invalid", "keywords")
    for number in range(19):
        body = {"name": f"n{number}", "keywords": ["robot"]}
        assert own.send("POST", path, body).status_code == 201
    full = own.send("POST", path, {"name": "one more", "keywords": ["robot"]})
    assert error(full) == (422, "invalid", "interests")
    assert len(own.send("GET", path).json()["interests"]) == 20


# ----------------------------------------------------------------------------------------------
# thumbs


def test_thumbs_are_set_turned_and_withdrawn(operator: Api, own: Api, alice: Subscriber) -> None:
    (paper, *_) = operator.send("GET", "/api/v1/papers?order=new").json()["papers"]
    for client, door in doors(operator, own, alice):
        names = [str(paper["id"]), paper["name"], f"paper:{paper['id']}"]
        names += [f"https://arxiv.org/abs/{paper['name'].removeprefix('arxiv:')}"]
        for name in names:
            path = f"{door}/feedback/{quote(name, safe='')}"
            up = client.send("PUT", path, {"vote": "up"})
            assert (up.status_code, up.json()["id"], up.json()["vote"]) == (200, paper["id"], "up")
            assert client.send("PUT", path, {"vote": "up"}).json() == up.json()
            assert client.send("PUT", path, {"vote": "down"}).json()["vote"] == "down"
            (listed,) = client.send("GET", f"{door}/feedback").json()["feedback"]
            assert (listed["paper"], listed["vote"], listed["via"]) == (
                paper["name"],
                "down",
                "api",
            )
            assert client.send("DELETE", path).status_code == 204
            assert client.send("DELETE", path).status_code == 204
            assert client.send("GET", f"{door}/feedback").json()["feedback"] == []
        for body in ({"vote": 1}, {"vote": "maybe"}, {}, {"vote": "up", "more": 1}, None):
            answer = client.send("PUT", f"{door}/feedback/{paper['id']}", body)
            assert answer.status_code == 422


@pytest.mark.parametrize(
    "name",
    ["999", "9" * 30, "paper:" + "9" * 30, "paper:²", "²", "nothing at all", "x" * 600, "%00"],
)
def test_a_paper_that_is_not_stored(operator: Api, own: Api, alice: Subscriber, name: str) -> None:
    for client, door in doors(operator, own, alice):
        answer = client.send("PUT", f"{door}/feedback/{name}", {"vote": "up"})
        assert error(answer) in ((404, "not_found", "paper"), (422, "invalid", "paper"))


def test_thumbs_have_pages_too(own: Api, alice: Subscriber) -> None:
    for paper_id in (1, 2, 3):
        pipeline.record_feedback(own.app, alice.id, paper_id, 1, via="page")
    first = own.send("GET", "/api/v1/me/feedback?limit=2").json()
    assert [thumb["id"] for thumb in first["feedback"]] == [3, 2]
    pipeline.record_feedback(own.app, alice.id, 4, -1, via="page")
    rest = own.send("GET", f"/api/v1/me/feedback?limit=2&cursor={first['next']}").json()
    assert ([thumb["id"] for thumb in rest["feedback"]], rest["next"]) == ([1], None)


def test_a_reader_does_not_learn_what_lies_in_others_libraries(
    own: Api, operator: Api, readers: Readers, tmp_path: Path
) -> None:
    library = tmp_path / "library.bib"
    library.write_text("@article{a, title={A secret of bob alone}, year={2020}}")
    services.import_library(own.app, readers["bob"], library)
    paper = services.find_paper(own.app, "A secret of bob alone")
    path = f"/api/v1/me/feedback/{paper.id}"
    assert error(own.send("PUT", path, {"vote": "up"})) == (404, "not_found", "paper")
    by_operator = f"{BASE}/{readers['alice'].id}/feedback/{paper.id}"
    assert operator.send("PUT", by_operator, {"vote": "up"}).status_code == 200
    assert own.send("PUT", path, {"vote": "down"}).status_code == 200, "it is hers as well now"


# ----------------------------------------------------------------------------------------------
# digests


def test_digests_are_listed_with_papers_and_reasons(
    operator: Api, own: Api, alice: Subscriber
) -> None:
    pipeline.compose(own.app)
    for client, door in doors(operator, own, alice):
        listed = client.send("GET", f"{door}/digests").json()
        (entry,) = listed["digests"]
        assert (entry["date"], entry["quiet"], entry["message"]) == (
            *("2026-06-09", None, "planned"),
        )
        digest = client.send("GET", f"{door}/digests/{entry['date']}").json()
        assert len(digest["papers"]) == entry["papers"] > 0
        for position, paper in enumerate(digest["papers"], start=1):
            assert paper["position"] == position
            total = sum(part["value"] for part in paper["parts"]) + paper["rest"]
            assert total == pytest.approx(paper["score"], abs=1e-3)
            shown = operator.send("GET", f"/api/v1/papers/{paper['id']}").json()
            assert (shown["title"], shown["name"]) == (paper["title"], paper["paper"])
        assert any(paper["reason"] for paper in digest["papers"])
        for day, status in (("2026-06-08", 404), ("today", 422), ("2026-13-01", 422)):
            assert client.send("GET", f"{door}/digests/{day}").status_code == status


def test_a_quiet_day_has_its_reason(operator: Api, readers: Readers) -> None:
    bob = readers["bob"]
    with operator.app.store.writing() as tx:
        store.digests.close_missed(tx, bob.id, [TODAY], now=NOON)
    digest = operator.send("GET", f"{BASE}/{bob.id}/digests/2026-06-09").json()
    assert ("not made in time" in digest["quiet"], digest["papers"]) == (True, [])
    (entry,) = operator.send("GET", f"{BASE}/{bob.id}/digests").json()["digests"]
    assert (entry["quiet"], entry["papers"], entry["message"]) == (digest["quiet"], 0, None)


def test_a_preview_writes_nothing_and_follows_settings(
    operator: Api, own: Api, alice: Subscriber
) -> None:
    for client, door in doors(operator, own, alice):
        client.send("GET", door)
        before = contents(client.app)
        shown = client.send("GET", f"{door}/digests/preview").json()
        assert contents(client.app) == before
        assert [paper["position"] for paper in shown["papers"]] == [1, 2, 3]
        client.send("PATCH", door, {"size": 1, "strictness": "always"})
        assert len(client.send("GET", f"{door}/digests/preview").json()["papers"]) == 1
        client.send("PATCH", door, {"size": 3, "strictness": None})


# ----------------------------------------------------------------------------------------------
# papers, logs, repetition


def test_papers_like_a_paper(operator: Api, readers: Readers) -> None:
    papers = operator.send("GET", "/api/v1/papers/1/similar").json()["papers"]
    assert 1 not in [paper["id"] for paper in papers]
    assert operator.send("GET", "/api/v1/papers/999/similar").status_code == 404


def test_a_sign_up_sent_twice_sends_one_mail(operator: Api) -> None:
    anybody, body = Client(operator.app), {"email": "dave@example.org"}
    key = {"Idempotency-Key": "f3c1"}
    first = anybody.post(BASE, json=body, headers=key)
    again = anybody.post(BASE, json=body, headers=key)
    assert (first.status_code, first.text) == (again.status_code, again.text)
    assert again.headers["Idempotency-Replayed"] == "true"
    created = operator.send("POST", BASE, {"email": "erin@example.org"}, Idempotency_Key="f3c1")
    assert created.status_code == 201
    replayed = operator.send("POST", BASE, {"email": "erin@example.org"}, Idempotency_Key="f3c1")
    assert (replayed.status_code, replayed.headers["Location"]) == (
        *(201, created.headers["Location"]),
    )
    # with the reader goes what was kept of the answer
    operator.send("DELETE", created.headers["Location"])
    assert "erin@example.org" not in "\n".join(contents(operator.app))


def test_no_key_and_no_address_stands_in_the_log(
    operator: Api, own: Api, alice: Subscriber, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for client, door in doors(operator, own, alice):
            client.send("PATCH", door, {"hour": 9})
            client.send("PUT", f"{door}/feedback/1", {"vote": "up"})
            client.send("POST", f"{door}/pause")
        operator.send("POST", BASE, {"email": "dave@example.org"})
    for secret in (*operator.key.values(), *own.key.values(), "example.org"):
        assert secret.removeprefix("Bearer ") not in caplog.text
    assert "subscribe subscriber=" in caplog.text


def test_a_path_prefix_stands_in_locations_and_links(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__base_url="https://example.org/digest")
    operator = Api(app, services.create_api_key(app, "all", [s.value for s in Scope])[1])
    prefixed = f"/digest{BASE}"
    for number in range(2):
        answer = operator.send("POST", prefixed, {"email": f"reader{number}@example.org"})
        assert answer.headers["Location"] == f"{prefixed}/{number + 1}"
    # a proxy may remove the prefix
    for path in (prefixed, BASE):
        answer = operator.send("GET", f"{path}?limit=1")
        assert answer.headers["Link"].startswith(f"<{prefixed}?limit=1&cursor=")
    problem = operator.send("GET", f"{prefixed}/999").json()
    assert problem["type"] == "https://example.org/digest/docs#problem-not_found"
    app.close()
