"""The API for programs; its errors name the field and the remedy."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from digest import subscriptions
from digest.app import App
from digest.model import SubscriberStatus
from digest.web.middleware import BODY_MAX
from tests.conftest import make_app
from tests.webclient import Client, contents

PATH = "/api/v1/subscribers"
FULL = {
    "email": "dave@example.org",
    "name": "Dave",
    "timezone": "Europe/Berlin",
    "hour": 18,
    "days": [1, 5],
    "size": 4,
    "strictness": 80,
    "keywords": ["cells", "-survey"],
    "categories": ["q-bio"],
    "authors": ["Jane Doe"],
    "papers": ["arxiv:2604.00001"],
}


@pytest.fixture
def client(app: App) -> Client:
    return Client(app)


def test_a_new_reader_is_asked_by_mail(client: Client) -> None:
    answer = client.post(PATH, json=FULL)
    assert (answer.status_code, answer.json()["status"]) == (202, "asked")
    dave = subscriptions.find(client.app, "dave@example.org")
    assert dave.status is SubscriberStatus.PENDING
    assert (dave.name, dave.timezone, dave.hour, dave.days, dave.size, dave.strictness) == (
        "Dave",
        "Europe/Berlin",
        18,
        (1, 5),
        4,
        80,
    )
    (topic,) = dave.interests
    assert (topic.keywords, topic.categories) == (("cells", "-survey"), ("q-bio",))
    assert (topic.authors, topic.papers) == (("Jane Doe",), ("arxiv:2604.00001",))


def test_an_address_is_enough_and_null_means_the_default(client: Client) -> None:
    assert (
        client.post(
            PATH, json={"email": "dave@example.org", "hour": None, "keywords": None}
        ).status_code
        == 202
    )
    assert subscriptions.find(client.app, "dave@example.org").hour == client.app.config.digest.hour


def test_strictness_may_be_a_word_and_quiet_days_are_told(client: Client) -> None:
    chosen = {"strictness": "many", "quiet_days": "weekly"}
    assert client.post(PATH, json=FULL | chosen).status_code == 202
    dave = subscriptions.find(client.app, "dave@example.org")
    assert (dave.strictness, dave.quiet_days) == ("many", "weekly")


@pytest.mark.parametrize(
    ("threshold", "strictness"),
    [(0, "always"), ("good", "balanced"), ("strong", "few"), (37, 37), (100, 99)],
)
def test_a_threshold_is_the_old_name_of_strictness(
    client: Client, threshold: int | str, strictness: int | str
) -> None:
    body = {"email": "dave@example.org", "threshold": threshold}
    assert client.post(PATH, json=body).status_code == 202
    assert subscriptions.find(client.app, "dave@example.org").strictness == strictness


def test_the_answer_does_not_reveal_who_subscribes(client: Client) -> None:
    first = client.post(PATH, json={"email": "dave@example.org"})
    again = client.post(PATH, json={"email": "dave@example.org"})
    assert (first.status_code, first.text) == (again.status_code, again.text)


@pytest.mark.parametrize(
    ("change", "field", "remedy"),
    [
        ({"email": "dave"}, "email", "give an address"),
        ({"email": "dave@example.org\nBcc: all@example.org"}, "email", "give an address"),
        ({"email": None}, "email", "reader@example.org"),
        ({"email": 5}, "email", "reader@example.org"),
        ({"hour": 24}, "hour", "from 0 to 23"),
        ({"hour": "7"}, "hour", "from 0 to 23"),
        ({"hour": 7.5}, "hour", "from 0 to 23"),
        ({"hour": True}, "hour", "from 0 to 23"),
        ({"hour": 10**40}, "hour", "from 0 to 23"),
        ({"days": []}, "days", "from 1 (Monday) to 7"),
        ({"days": [0]}, "days", "from 1 (Monday) to 7"),
        ({"days": "1"}, "days", "from 1 (Monday) to 7"),
        ({"size": 0}, "size", "from 1 to 100"),
        ({"strictness": 0}, "strictness", "from 1 to 99"),
        ({"strictness": 100}, "strictness", "from 1 to 99"),
        ({"strictness": "great"}, "strictness", '"few", "balanced", "many" or "always"'),
        ({"strictness": True}, "strictness", '"few", "balanced", "many" or "always"'),
        ({"quiet_days": "often"}, "quiet_days", '"silent", "line" or "weekly"'),
        ({"threshold": 101}, "threshold", "from 0 to 100"),
        ({"threshold": "great"}, "threshold", '"good" or "strong"'),
        ({"threshold": True}, "threshold", '"good" or "strong"'),
        ({"timezone": "Berlin"}, "timezone", "Europe/Berlin"),
        ({"keywords": "cells"}, "keywords", "a list"),
        ({"keywords": ["x" * 601]}, "keywords", "a list"),
        ({"keywords": ["x"] * 201}, "keywords", "a list"),
        ({"authors": [None]}, "authors", "a list"),
        ({"password": "x"}, "password", "leave it out"),
        ({"confirmed": 1}, "confirmed", "true or false"),
    ],
)
def test_a_bad_field_is_named_with_its_remedy(
    client: Client, change: dict[str, object], field: str, remedy: str
) -> None:
    before = contents(client.app)
    answer = client.post(PATH, json=FULL | change)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["field"] == field
    assert remedy in error["remedy"]
    assert set(error) == {"code", "message", "field", "remedy"}
    assert contents(client.app) == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff",
        b'{"email": "a@example.org"',
        b"{}",
        b'{"email":"\\ud800@example.org"}',
        b"[" * 5000,
    ],
)
def test_a_garbled_body_is_refused_with_a_remedy(client: Client, content: bytes) -> None:
    answer = client.post(PATH, content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["remedy"]


def test_surrogates_and_zero_bytes_are_not_stored(client: Client) -> None:
    content = (
        b'{"email": "dave@example.org", "name": "Da\\u0000ve\\ud800", "keywords": ["ce\\u0000lls"]}'
    )
    assert (
        client.post(PATH, content=content, headers={"content-type": "application/json"}).status_code
        == 202
    )
    dave = subscriptions.find(client.app, "dave@example.org")
    assert (dave.name, dave.interests[0].keywords) == ("Dave", ("cells",))


def test_a_body_too_large_is_an_error_in_json(client: Client) -> None:
    answer = client.post(
        PATH, content=b" " * (BODY_MAX + 1), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_an_unknown_path_or_method_is_an_error_in_json(client: Client) -> None:
    assert client.get("/api/v1/nothing").json()["error"]["code"] == "not_found"
    assert client.request("PUT", PATH).json()["error"]["code"] == "method"


def test_a_closed_service_refuses_readers(tmp_path: Path) -> None:
    app = make_app(tmp_path, web__signup="false")
    answer = Client(app).post(PATH, json=FULL)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "closed")
    assert subscriptions.list_subscribers(app) == []
    app.close()


def test_the_api_is_described(client: Client) -> None:
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) >= {
        PATH,
        "/healthz",
        "/readyz",
        "/api/v1/papers",
        "/api/v1/papers/{paper_id}",
        *(
            f"/api/v1/readers/{{token}}/{verb}"
            for verb in ("learned", "forget", "start-over", "delete")
        ),
    }
    operation = described["paths"][PATH]["post"]
    errors = {"401", "403", "409", "413", "422", "429", "503", "default"}
    assert set(operation["responses"]) >= {"202"} | errors
    model = described["components"]["schemas"]["NewSubscriber"]
    assert set(model["properties"]) == {
        *FULL,
        "interests",
        "threshold",
        "quiet_days",
        "language",
        "confirmed",
    }
    assert model["required"] == ["email"]
    assert model["additionalProperties"] is False
    assert all(field.get("description") for field in model["properties"].values())
    assert msgspec.json.encode(described)


def test_no_documentation_page_loads_from_elsewhere(client: Client) -> None:
    assert client.get("/redoc").status_code == 404
    page = client.get("/docs").text
    assert "<script" not in page
    assert not re.search(r'(?:src|<link[^>]*href)="https?:', page)


BOTH = [
    {"name": "hands", "share": 3, "keywords": ["grasping", "+tactile"]},
    {"name": "verse", "text": "Medieval poetry."},
]


def test_several_interests_come_as_a_list(client: Client) -> None:
    assert (
        client.post(PATH, json={"email": "dave@example.org", "interests": BOTH}).status_code == 202
    )
    hands, verse = subscriptions.find(client.app, "dave@example.org").interests
    assert (hands.name, hands.share, hands.keywords) == ("hands", 3, ("grasping", "+tactile"))
    assert (verse.name, verse.share, verse.text) == ("verse", 1, "Medieval poetry.")


@pytest.mark.parametrize(
    ("interests", "message"),
    [
        ([{"share": 2}], "interests"),
        ([{"name": "a", "share": 0}], "interests"),
        ([{"name": "a", "share": 101}], "interests"),
        ([{"name": "a", "colour": 1}], "colour is unknown"),
        ([{"name": "a", "text": "x"}, {"name": "A", "text": "y"}], "name of two"),
        ([{"name": f"i{n}", "text": "x"} for n in range(21)], "interests"),
        ("robots", "interests"),
    ],
)
def test_a_bad_interest_is_refused_with_the_field_and_the_remedy(
    client: Client, interests: object, message: str
) -> None:
    before = contents(client.app)
    answer = client.post(PATH, json={"email": "dave@example.org", "interests": interests})
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == "interests"
    assert message in answer.json()["error"]["message"]
    assert answer.json()["error"]["remedy"]
    assert contents(client.app) == before


def test_interests_and_keywords_at_once_are_refused(client: Client) -> None:
    answer = client.post(
        PATH, json={"email": "dave@example.org", "interests": BOTH, "keywords": ["cells"]}
    )
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "interests")
