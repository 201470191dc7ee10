"""What is wrong with a form is said in the language of its page."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest

from digest import subscriptions
from digest.model import Purpose, Subscriber
from digest.subscriptions import SubscriptionRequest
from digest.web.form_timestamps import sign_timestamp
from tests.unit.web.test_settings import GOOD
from tests.webclient import Client

TOO_LONG = {
    "de": "Alle Stichwörter, Kategorien und Autoren zusammen sind",
    "fr": "Tous les mots-clés, catégories et auteurs font ensemble",
}


@pytest.fixture
def full(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """No list has room for anything more."""
    assert client.app  # its readers are stored already
    monkeypatch.setattr("digest.subscriptions.requests.LISTS_OCTETS_MAX", 0)


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("language", ["de", "fr"])
def test_a_sign_up_with_lists_that_are_too_long(client: Client, language: str) -> None:
    opened = sign_timestamp(client.app.keys()[-1], client.app.now() - timedelta(minutes=1))
    answer = client.request(
        "POST",
        "/subscribe",
        data={"opened": opened, "email": "dora@example.org", "keywords": "yeast"},
        headers={"Accept-Language": language},
    )
    assert answer.status_code == 422
    assert TOO_LONG[language] in html.unescape(answer.text)
    assert "take some away" not in answer.text


@pytest.mark.usefixtures("full")
def test_settings_with_lists_that_are_too_long(client: Client, alice: Subscriber) -> None:
    request = SubscriptionRequest(email=alice.email, language="de")
    subscriptions.subscribe(client.app, request, origin="command")
    path = client.path(Purpose.MANAGE, alice)
    fields = GOOD | {
        "language": "de",
        "keywords": "yeast, robot, a much longer list of words than it was before, or so it seems",
    }
    answer = client.post(path, data=fields)
    assert answer.status_code == 422
    assert TOO_LONG["de"] in answer.text
    assert "interests: " not in answer.text


def test_a_category_that_no_paper_has_is_quoted_as_the_language_does(
    client: Client, alice: Subscriber
) -> None:
    request = SubscriptionRequest(email=alice.email, language="de", categories=("cs.LX",))
    subscriptions.subscribe(client.app, request, origin="command")
    path = client.path(Purpose.MANAGE, alice)
    fields = GOOD | {"language": "de", "categories": "cs.LX"}
    answer = client.post(path, data=fields)
    assert "„cs.LX“ ist" in answer.text
