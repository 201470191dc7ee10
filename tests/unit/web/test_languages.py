"""The language of pages and mails: the reader's choice, else the browser's, else the service's."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from digest import pipeline, store, subscriptions
from digest.errors import InputError
from digest.locales import languages
from digest.model import Purpose, Subscriber
from digest.subscriptions import SubscriptionRequest
from digest.web.form_timestamps import sign_timestamp
from digest.web.form_tokens import new_form_token
from tests.conftest import make_app
from tests.unit.web.conftest import heading
from tests.webclient import Client

GERMAN = {"Accept-Language": "de-CH, en;q=0.5"}


def choose(client: Client, subscriber: Subscriber, language: str) -> Subscriber:
    request = SubscriptionRequest(email=subscriber.email, language=language)
    return subscriptions.subscribe(client.app, request, origin="command").subscriber


@pytest.mark.parametrize(
    ("accepted", "chosen", "language", "title"),
    [
        ("", "", "en", "Stop the digest?"),
        ("de-CH, en;q=0.5", "", "de", "Abonnement beenden?"),
        ("de-CH, en;q=0.5", "fr", "fr", "Arrêter la sélection\u202f?"),
        ("de", "en", "en", "Stop the digest?"),
        ("tlh", "", "en", "Stop the digest?"),
    ],
)
def test_a_page_speaks_the_language_of_its_reader(
    client: Client, alice: Subscriber, accepted: str, chosen: str, language: str, title: str
) -> None:
    choose(client, alice, chosen)
    path = client.path(Purpose.UNSUBSCRIBE, alice)
    answer = client.request("GET", path, headers={"Accept-Language": accepted})
    assert heading(answer.text) == title
    assert answer.headers["Content-Language"] == language
    assert f'<html lang="{language}" dir="ltr">' in answer.text
    # an answer that depends on the reader is in no cache, so it needs no Vary
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_error_speaks_the_language_of_the_browser(client: Client) -> None:
    answer = client.request("GET", "/u/abc", headers=GERMAN)
    assert answer.status_code == 404
    assert heading(answer.text) == "Dieser Link funktioniert nicht"
    assert answer.headers["Content-Language"] == "de"
    # programs read English
    error = client.request("GET", "/api/v1/readers/abc/learned", headers=GERMAN).json()["error"]
    assert error["message"] == "This link does not work"


def test_too_much_names_its_limit_in_every_language(client: Client) -> None:
    answer = client.post("/", content=b"x" * 10_000_000, headers=GERMAN)
    assert answer.status_code == 413
    assert re.search(r"Höchstens \d+ KiB", answer.text)


def test_a_sign_up_remembers_the_language_of_the_browser(client: Client) -> None:
    client.sign_up(email="dora@example.org")
    assert subscriptions.find(client.app, "dora@example.org").language == ""
    answer = sign_up_in(client, "emil@example.org", "fr-FR,fr;q=0.9,en;q=0.8")
    assert heading(answer) == "Consultez vos messages"
    assert subscriptions.find(client.app, "emil@example.org").language == "fr"


def sign_up_in(client: Client, email: str, accepted: str) -> str:
    request = client.request

    def with_language(method: str, path: str, **sent: object) -> object:
        return request(method, path, headers={"Accept-Language": accepted}, **sent)

    client.request = with_language  # type: ignore[assignment,method-assign]
    try:
        return client.sign_up(email=email).text
    finally:
        client.request = request  # type: ignore[method-assign]


def test_a_stranger_cannot_change_a_readers_language(client: Client, alice: Subscriber) -> None:
    sign_up_in(client, alice.email, "fr")
    assert subscriptions.find(client.app, alice.email).language == alice.language


def test_the_api_takes_a_language_and_says_which_there_are(client: Client) -> None:
    path = "/api/v1/subscribers"
    sent = {"email": "dave@example.org", "language": "de"}
    assert client.post(path, json=sent).status_code == 202
    assert subscriptions.find(client.app, "dave@example.org").language == "de"
    answer = client.post(path, json=sent | {"language": "tlh"})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["field"] == "language"
    assert all(code in error["remedy"] for code in languages())


@pytest.mark.parametrize("language", ["tlh", "DE", "../de", "de\0"])
def test_an_unknown_language_is_refused(client: Client, alice: Subscriber, language: str) -> None:
    with pytest.raises(InputError, match=r"language .* must be en, de, fr"):
        choose(client, alice, language)


def test_the_settings_page_offers_each_language_by_its_own_name(
    client: Client, alice: Subscriber
) -> None:
    choose(client, alice, "fr")
    text = client.get(client.path(Purpose.MANAGE, alice)).text
    select = text.partition('<select id="language"')[2].partition("</select>")[0]
    assert re.findall(r'<option value="(\w*)"', select) == ["", *languages()]
    assert 'value="fr" selected lang="fr">Français</option>' in select


def test_a_confirmation_mail_comes_in_the_readers_language(client: Client) -> None:
    app = client.app
    client.post("/api/v1/subscribers", json={"email": "dora@example.org", "language": "de"})
    pipeline.send(app)
    (mail,) = [message for message in read_outbox(app.config.smtp.outbox) if "dora" in message]
    assert "Dürfen wir Ihnen neue Artikel schicken?" in mail
    assert 'lang="de"' in mail


def read_outbox(folder: Path) -> list[str]:
    mails = []
    for path in sorted(folder.rglob("*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        parts = [message.get_body((kind,)) for kind in ("plain", "html")]
        texts = [part.get_content() for part in parts if part]
        mails.append("\n".join([str(message["To"]), *texts]))
    return mails


def test_the_service_may_speak_another_language(tmp_path: Path, alice: Subscriber) -> None:
    app = make_app(tmp_path / "german", digest__language="de")
    try:
        assert app.language_of(alice) == "de"
        assert app.language_of(replace(alice, language="fr")) == "fr"
        # somebody took the file of this language away
        assert app.language_of(replace(alice, language="tlh")) == "de"
        assert heading(Client(app).get("/u/abc").text) == "Dieser Link funktioniert nicht"
    finally:
        app.close()


def test_a_language_is_kept_in_the_database(client: Client, alice: Subscriber) -> None:
    choose(client, alice, "fr")
    with client.app.store.reading() as tx:
        found = store.subscribers.find(tx, alice.id)
    assert found is not None
    assert found.language == "fr"


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "Neue Artikel: Dienstag, 9. Juni 2026"),
        ("/2026-W24", "Artikel: 8. bis 14. Juni 2026"),
        ("/2026-06", "Artikel: Juni 2026"),
        ("/search?q=robot", "Suche"),
        ("/subscribe", "Die wenigen neuen Artikel, die Ihre Zeit wert sind"),
        ("/privacy", "Datenschutz"),
    ],
)
def test_a_page_for_everybody_speaks_the_language_of_the_browser(
    client: Client, readers: dict[str, Subscriber], path: str, title: str
) -> None:
    answer = client.request("GET", path, headers=GERMAN)
    assert heading(answer.text) == title
    assert answer.headers["Content-Language"] == "de"
    assert answer.headers["Vary"] == "Accept-Language"
    assert '<html lang="de"' in answer.text


def test_languages_share_no_cached_page(client: Client, readers: dict[str, Subscriber]) -> None:
    client = Client(client.app)  # whose clock stands still
    for path in ("/", "/2026-06-09", "/p/1", "/search?q=robot"):
        tags = set()
        # the second round comes from the cache
        for language in ("de", "fr", "en") * 2:
            answer = client.request("GET", path, headers={"Accept-Language": language})
            assert f'<html lang="{language}"' in answer.text
            tags.add(answer.headers["ETag"])
            known = {"Accept-Language": "en", "If-None-Match": answer.headers["ETag"]}
            again = client.request("GET", path, headers=known)
            assert again.status_code == (304 if language == "en" else 200)
            assert again.headers["Vary"] == "Accept-Language"
        assert len(tags) == 3


def test_labels_of_an_imported_template_change_with_the_language(client: Client) -> None:
    wrong = {"hour": "99", "timezone": "Europe/Berlin"}
    for language, label in (("en", "Not before"), ("de", "Nicht vor"), ("fr", "Pas avant")):
        opened = sign_timestamp(client.app.keys()[-1], client.app.now() - timedelta(minutes=1))
        answer = client.post(
            "/subscribe",
            data={"opened": opened, "email": "dave@example.org", **wrong},
            headers={"Accept-Language": language},
        )
        assert answer.status_code == 422
        assert f'<a href="#hour">{label}</a>' in answer.text


def test_a_feed_is_the_same_in_every_language(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    for path in ("/feed.atom", "/feed.json", "/search.atom?q=robot"):
        german = client.request("GET", path, headers=GERMAN)
        assert german.content == client.get(path).content
        assert "Vary" not in german.headers


def test_a_reader_votes_in_their_own_language(
    client: Client, readers: dict[str, Subscriber]
) -> None:
    alice = choose(client, readers["alice"], "fr")
    place = client.path(Purpose.VOTE, alice)
    page = client.request("GET", place, headers=GERMAN)
    assert heading(page.text) == "Nouveaux articles\u202f: mardi 9 juin 2026"
    form = {"do": "vote", "paper": "1", "form": new_form_token(client.app.now())}
    refused = Client(client.app).request("POST", f"{place}/p/1", data=form, headers=GERMAN)
    assert "aussi rapide qu’un programme" in refused.text


def test_a_consent_is_kept_in_the_words_that_were_shown(client: Client) -> None:
    shown = client.request("GET", "/subscribe", headers=GERMAN).text
    opened = sign_timestamp(client.app.keys()[-1], client.app.now() - timedelta(minutes=1))
    sent = {"opened": opened, "email": "dave@example.org", "keywords": "robots"}
    client.post("/subscribe", data=sent, headers=GERMAN)
    dave = subscriptions.find(client.app, "dave@example.org")
    confirm = client.path(Purpose.CONFIRM, dave)
    french = {"Accept-Language": "fr"}
    asked = client.request("GET", confirm, headers=french).text
    client.request("POST", confirm, headers=french)
    first, second = subscriptions.list_consents(client.app, dave.id)
    assert first.wording == second.wording
    assert first.wording.startswith("Damit stimmen Sie zu")
    assert first.wording in shown
    assert second.wording in asked
