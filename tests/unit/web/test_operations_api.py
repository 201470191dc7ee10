"""Webhooks, inbound reports, dumps, deliveries, suppressions and figures in the API."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.model import Scope, Subscriber, SubscriberStatus
from digest.services.uploads import sanitise_name
from tests.conftest import TODAY, invent_papers, make_app, subscribe_cast
from tests.fakes import providers
from tests.webclient import Client

SECRET = "a secret of sixteen letters or more"
V1 = "/api/v1"


class Api:
    """A client whose requests carry a key with every scope, or with those named."""

    def __init__(self, app: App, *scopes: str) -> None:
        self.app, self.client = app, Client(app)
        names = scopes or tuple(scope.value for scope in Scope)
        _, text = services.create_api_key(app, "test", names)
        self.headers = {"Authorization": f"Bearer {text}"}

    def call(self, method: str, path: str, **sent: Any) -> httpx.Response:
        headers = self.headers | sent.pop("headers", {})
        return self.client.request(method, f"{V1}{path}", headers=headers, **sent)

    def get(self, path: str) -> Any:
        response = self.call("GET", path)
        assert response.status_code == 200, response.text
        return response.json()


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return the problem details of an error, which says what to do."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    details: dict[str, Any] = response.json()
    assert details["remedy"]
    return details


@pytest.fixture
def api(app: App) -> Api:
    return Api(app)


ROUTES = [
    ("GET", "/webhooks", "webhooks:write"),
    ("POST", "/webhooks", "webhooks:write"),
    ("DELETE", "/webhooks/1", "webhooks:write"),
    ("GET", "/webhooks/1/deliveries", "webhooks:write"),
    ("POST", "/dumps", "dumps:write"),
    ("GET", "/dumps", "dumps:write"),
    ("GET", "/dumps/1", "dumps:write"),
    ("GET", "/dumps/1/rejects", "dumps:write"),
    ("GET", f"/dumps/uploads/{'0' * 64}", "dumps:write"),
    ("GET", "/deliveries", "operations:read"),
    ("GET", "/deliveries/1", "operations:read"),
    ("GET", "/stats", "operations:read"),
    ("GET", "/suppressions", "operations:read"),
    ("POST", "/suppressions", "suppressions:write"),
    ("DELETE", "/suppressions/a@example.org", "suppressions:write"),
]


def test_every_route_asks_for_its_scope(app: App) -> None:
    client = Client(app)
    for method, path, scope in ROUTES:
        problem(client.request(method, f"{V1}{path}"), 401)
        others = [other.value for other in Scope if other.value != scope]
        refused = Api(app, *others).call(method, path, content=b"{}")
        assert scope in problem(refused, 403)["detail"]


# ------------------------------------------------------------------------------------ webhooks


def test_a_webhook_is_made_listed_and_deleted(api: Api) -> None:
    new = {"url": "https://example.org/hook", "events": ["thumb", "unsubscribed"]}
    made = api.call("POST", "/webhooks", json=new)
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    listed = api.call("GET", "/webhooks")
    assert secret not in listed.text
    (webhook,) = listed.json()["webhooks"]
    assert (webhook["url"], webhook["events"], webhook["addresses"]) == (
        new["url"],
        new["events"],
        False,
    )
    assert api.call("DELETE", f"/webhooks/{webhook['id']}").status_code == 204
    problem(api.call("DELETE", f"/webhooks/{webhook['id']}"), 404)
    assert api.get("/webhooks") == {"webhooks": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "https://example.org/", "events": []},
        {"url": "https://example.org/", "events": ["all"]},
        {"url": "http://example.org/", "events": ["thumb"]},
        {"url": "https://169.254.169.254/", "events": ["thumb"]},
        {"url": "javascript:alert(1)", "events": ["thumb"]},
        {"url": "https://example.org/\ud800", "events": ["thumb"]},
        {"url": "https://example.org/\0", "events": ["thumb"]},
        {"url": "https://example.org/", "events": ["thumb"], "addresses": True},
        {"url": "https://example.org/", "events": ["thumb"], "secret": "x"},
        [],
    ],
)
def test_a_bad_webhook_is_refused_with_a_remedy(api: Api, body: Any) -> None:
    problem(api.call("POST", "/webhooks", content=json.dumps(body)), 422)
    assert api.get("/webhooks") == {"webhooks": []}


def test_deliveries_of_a_webhook_have_pages(
    app: App, api: Api, readers: dict[str, Subscriber]
) -> None:
    webhook, _ = services.add_webhook(app, "https://example.org/", ["thumb"])
    for vote in (1, -1, 1, -1, 1):
        pipeline.record_feedback(app, readers["alice"].id, 1, vote, via="command")
    seen, cursor = [], ""
    for _ in range(3):
        page = api.get(f"/webhooks/{webhook.id}/deliveries?limit=2&cursor={cursor}")
        seen += [row["id"] for row in page["deliveries"]]
        cursor = page["next"]
    assert cursor is None
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5
    problem(api.call("GET", f"/webhooks/{webhook.id}/deliveries?cursor=zzz"), 422)
    problem(api.call("GET", "/webhooks/99/deliveries"), 404)


# ------------------------------------------------------------------------------------ inbound


def test_providers_report_by_http(tmp_path: Path, dump: Callable[..., Path]) -> None:
    app = make_app(
        tmp_path,
        providers__postmark_secret=SECRET,
        providers__sendgrid_public_key=providers.sendgrid_public(),
    )
    subscribe_cast(app)
    pipeline.ingest(app, [dump()])
    pipeline.round(app)
    client = Client(app)
    bounce = providers.postmark_bounce("alice@example.org")
    path = f"{V1}/inbound/postmark"
    for wrong in (path, f"{path}/wrong", f"{path}/{SECRET}x"):
        problem(client.post(wrong, content=bounce), 403)
    assert client.post(f"{path}/{SECRET}", content=bounce).json() == {"outcomes": {"bounced": 1}}
    assert subscriptions.find(app, "alice@example.org").status is SubscriberStatus.SUPPRESSED
    again = client.post(path, content=bounce, headers={"Authorization": f"Bearer {SECRET}"})
    assert again.json() == {"outcomes": {"repeated": 1}}
    problem(client.post(f"{path}/{SECRET}", content=b"no JSON"), 422)
    events = [providers.sendgrid_event("bob@example.org", "open", useragent="x" * 900)] * 900
    body = providers.encode(events)  # larger than other bodies may be
    signed = client.post(
        f"{V1}/inbound/sendgrid", content=body, headers=providers.sendgrid_headers(body)
    )
    assert signed.json() == {"outcomes": {"unknown": 1, "repeated": 899}}
    for name in ("brevo", "another", "ses"):
        problem(client.post(f"{V1}/inbound/{name}/{SECRET}", content=b"{}"), 404)
    problem(client.post(f"{path}/{SECRET}", content=b"x" * 2_200_000), 413)
    stats = Api(app).get("/stats")
    assert stats["provider_events"] == {"postmark": {"bounced": 1}, "sendgrid": {"unknown": 1}}
    app.close()


# ------------------------------------------------------------------------------------ dumps


def test_an_upload_is_read_from_the_inbox(app: App, api: Api) -> None:
    rows = [*invent_papers(TODAY), {"title": ""}]
    data = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    uploaded = api.call("POST", f"/dumps?name={TODAY}.jsonl.gz", content=data)
    assert uploaded.status_code == 202
    answer = uploaded.json()
    assert answer["name"].endswith(f"{TODAY}.jsonl.gz")
    assert api.client.get(answer["status"]).status_code == 401
    status = answer["status"].removeprefix(V1)
    assert api.get(status) == {"id": answer["id"], "state": "waiting", "dumps": []}
    repeated = api.call("POST", f"/dumps?name={TODAY}.jsonl.gz", content=data)
    assert repeated.json() == answer
    assert len(list(app.config.ingest.inbox.iterdir())) == 1
    services.ingest_inbox(app, services.Inbox(), settled=0)
    read = api.get(status)
    assert read["state"] == "read"
    assert (read["dumps"][0]["new"], read["dumps"][0]["rejected"]) == (16, 1)
    ident = read["dumps"][0]["id"]
    assert api.get("/dumps")["dumps"] == read["dumps"]
    assert api.get(f"/dumps/{ident}") == read["dumps"][0]
    assert len(api.get(f"/dumps/{ident}/rejects")["rejects"]) == 1
    for missing in (f"/dumps/{ident + 1}", f"/dumps/{ident + 1}/rejects"):
        problem(api.call("GET", missing), 404)
    problem(api.call("GET", f"/dumps/uploads/{'0' * 64}"), 404)


def test_what_is_too_large_or_empty_leaves_nothing(tmp_path: Path) -> None:
    app = make_app(tmp_path, ingest__upload_mb="1")
    api = Api(app)

    async def pieces() -> Any:
        for _ in range(30):
            yield b"x" * 50_000

    problem(api.call("POST", "/dumps", content=b"x" * 1_000_001), 413)
    problem(api.call("POST", "/dumps", content=pieces()), 413)
    problem(api.call("POST", "/dumps", content=b""), 422)
    inbox = app.config.ingest.inbox
    assert not inbox.exists() or list(inbox.iterdir()) == []
    assert api.call("POST", "/dumps", content=b"x" * 1_000_000).status_code == 202
    app.close()


def test_uploads_can_be_turned_off(tmp_path: Path) -> None:
    app = make_app(tmp_path, ingest__upload_mb="0")
    problem(Api(app).call("POST", "/dumps", content=b""), 403)
    app.close()


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "..", ".hidden", "a\0b", "C:\\x\\y.json", "é" * 90, "-rf"],
)
def test_no_name_leaves_the_inbox(app: App, api: Api, name: str) -> None:
    uploaded = api.call("POST", "/dumps", params={"name": name}, content=b"{}")
    assert uploaded.status_code == 202
    (path,) = app.config.ingest.inbox.iterdir()
    assert path.name == uploaded.json()["name"]
    assert not path.name.startswith((".", "-"))


@given(st.text(max_size=300))
def test_a_sanitised_name_is_a_plain_name(name: str) -> None:
    safe = sanitise_name(name)
    assert safe.isascii()
    assert safe == Path(safe).name
    assert 0 < len(safe) <= 80
    assert not safe.startswith((".", "-"))
    assert sanitise_name(safe) == safe


# ------------------------------------------------------------------------------------ operations


def test_messages_figures_and_suppressions(
    app: App, api: Api, readers: dict[str, Subscriber]
) -> None:
    pipeline.round(app)
    pipeline.record_feedback(app, readers["alice"].id, 1, 1, via="command")
    pipeline.record_feedback(app, readers["bob"].id, 1, -1, via="command")
    page = api.get("/deliveries?limit=2&state=accepted")
    rest = api.get(f"/deliveries?limit=2&state=accepted&cursor={page['next']}")
    messages = page["messages"] + rest["messages"]
    assert {message["subscriber"] for message in messages} == {r.id for r in readers.values()}
    assert rest["next"] is None
    assert all(message["deliveries"] for message in messages)
    assert "@example.org" not in "".join(str(m["subscriber"]) for m in messages)
    assert api.get(f"/deliveries/{messages[0]['id']}") == messages[0]
    assert api.get("/deliveries?state=rejected")["messages"] == []
    problem(api.call("GET", "/deliveries?state=lost"), 422)
    problem(api.call("GET", "/deliveries/99999"), 404)
    stats = api.get("/stats?days=7")
    assert stats["readers"]["active"] == len(readers)
    assert [day["day"] for day in stats["days"]][-1] == TODAY.isoformat()
    assert len(stats["days"]) == 7
    assert stats["days"][-1]["sent"] == len(readers)
    assert (stats["thumbs_up"], stats["thumbs_down"], stats["thumbs_up_rate"]) == (1, 1, 0.5)
    problem(api.call("GET", "/stats?days=0"), 422)


def test_an_address_is_suppressed_and_released(
    app: App, api: Api, readers: dict[str, Subscriber]
) -> None:
    new = {"email": "alice@example.org", "evidence": "asked by \0telephone"}
    for _ in range(2):
        made = api.call("POST", "/suppressions", json=new)
        assert made.status_code == 201
        assert made.json()["reason"] == "operator"
        assert made.json()["evidence"] == "asked by telephone"
    api.call("POST", "/suppressions", json={"email": "zoe@example.net"})
    assert subscriptions.find(app, "alice@example.org").status is SubscriberStatus.SUPPRESSED
    first = api.get("/suppressions?limit=1")
    second = api.get(f"/suppressions?limit=1&cursor={first['next']}")
    listed = [entry["email"] for page in (first, second) for entry in page["suppressions"]]
    assert listed == ["alice@example.org", "zoe@example.net"]
    assert second["next"] is None
    assert api.call("DELETE", "/suppressions/ALICE@example.org").status_code == 204
    assert subscriptions.find(app, "alice@example.org").status is SubscriberStatus.ACTIVE
    for address in ("ALICE@example.org", "nobody", "a%00b@example.org"):
        problem(api.call("DELETE", f"/suppressions/{address}"), 404)
    for bad in ({"email": "nobody"}, {"email": ""}, {}, {"email": "a@b.c\r\nBcc: x@y.z"}):
        problem(api.call("POST", "/suppressions", json=bad), 422)
