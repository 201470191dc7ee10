"""Pages behind the links of mails speak the reader's language, not the browser's."""

from __future__ import annotations

import html

import httpx
import pytest

from digest import subscriptions
from digest.locales.catalogues import load_catalogue
from digest.mail.messages.extraction import read_catalogue
from digest.model import Purpose, Subscriber
from digest.subscriptions import SubscriptionRequest
from tests.unit.web.conftest import heading, hidden, listed, page_of
from tests.webclient import Client

ENGLISH = {"Accept-Language": "en"}
#: end of the address of each page behind the link to the settings -> its German heading
HEADINGS = {
    "": "Ihre Auswahl",
    "/week": "Ihre Auswahl",
    "/thumbs": "Ihre Bewertungen",
    "/first": "Artikel, um anzufangen",
    "/learned": "Was gelernt wurde",
    "/library": "Beispielartikel und eigene Worte",
    "/data": "Ihre Daten",
    "/keys": "Schlüssel für Programme",
    "/address": "Andere Adresse",
    "/digests": "Ihre früheren Auswahlen",
    "/saved": "Für später gemerkt",
    "/catch-up": "Das Beste der letzten 14 Tage",
    "/feed": "Ihr Feed",
}


@pytest.fixture
def dora(person: Client, alice: Subscriber) -> Subscriber:
    """A reader of German who has a digest."""
    request = SubscriptionRequest(email=alice.email, language="de")
    return subscriptions.subscribe(person.app, request, origin="command").subscriber


def get(client: Client, path: str) -> httpx.Response:
    return client.request("GET", path, headers=ENGLISH)


def post(client: Client, path: str, fields: dict[str, str]) -> httpx.Response:
    return client.request("POST", path, data=fields, headers=ENGLISH)


def find_english(text: str) -> list[str]:
    """Sentences of the catalogue that a page shows in English."""
    shown = html.unescape(text)
    return [
        message.id
        for message in read_catalogue("de")
        if isinstance(message.id, str)
        and len(message.id) > 15
        and load_catalogue("de").gettext(message.id) != message.id
        and message.id in shown
    ]


def check(answer: httpx.Response, title: str = "", *, status: int = 200) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Language"] == "de"
    assert find_english(answer.text) == []
    if title:
        assert html.unescape(heading(answer.text)) == title


@pytest.mark.parametrize("end", HEADINGS)
def test_a_page_of_a_reader(person: Client, dora: Subscriber, end: str) -> None:
    check(get(person, person.path(Purpose.MANAGE, dora) + end), HEADINGS[end])


def test_the_pages_of_a_digest(person: Client, dora: Subscriber) -> None:
    place = page_of(person.app, dora)
    page = get(person, place)
    check(page)
    assert "Dezember" in heading(page.text) or "Juni" in heading(page.text)
    paper = listed(person.app, dora).items[0].paper
    check(get(person, f"{place}/p/{paper.id}"))
    mail = get(person, f"{place}/mail")
    check(mail)
    assert "Diese Mail, wie sie an Sie ging." in mail.text
    pressed = post(
        person, place, {"paper": str(paper.id), "vote": "1", "form": hidden(page.text)["form"]}
    )
    check(pressed)
    assert "Notiert: mehr davon" in pressed.text


def test_the_pages_of_a_thumb(person: Client, dora: Subscriber) -> None:
    paper = listed(person.app, dora).items[0].paper
    up = person.path(Purpose.UP, dora, paper.id)
    page = get(person, up)
    check(page, "Mehr davon?")
    check(post(person, up, hidden(page.text)), "Notiert: mehr davon")
    down = person.path(Purpose.DOWN, dora, paper.id)
    check(get(person, down), "Weniger davon?")
    check(get(person, f"{down}/less"), "Weniger von Autoren oder Themen")
    thumbs = get(person, person.path(Purpose.MANAGE, dora) + "/thumbs")
    check(thumbs)
    assert "1 Bewertung, die neuesten zuerst." in thumbs.text


def test_what_is_wrong_is_said_in_german(person: Client, dora: Subscriber) -> None:
    own = person.path(Purpose.MANAGE, dora)
    page = get(person, own)
    answer = post(person, own, {**hidden(page.text), "do": "save", "size": "none"})
    assert answer.status_code == 422
    assert "Geben Sie eine ganze Zahl von 1 bis 100 ein." in answer.text
    answer = post(person, f"{own}/data", {"address": "x"})
    check(answer, status=422)
    assert "Geben Sie die vollständige Adresse ein, an die die Auswahl kommt." in answer.text
    answer = post(person, f"{own}/address", {"address": dora.email})
    check(answer, status=422)
    assert "Die Auswahl kommt schon an diese Adresse." in answer.text
    keys = get(person, f"{own}/keys").text
    form = keys.rpartition("<form")[2]
    answer = post(person, f"{own}/keys", {"do": "make", "form": hidden(f"<form{form}")["form"]})
    check(answer, status=422)
    assert "Zeichen ein, die sagen, wer den Schlüssel benutzt." in answer.text


def test_a_new_language_is_spoken_at_once(person: Client, dora: Subscriber) -> None:
    own = person.path(Purpose.MANAGE, dora)
    page = get(person, own).text
    fields = {
        "do": "save",
        "version": page.partition('name="version" value="')[2].partition('"')[0],
        "size": "5",
        "hour": "7",
        "timezone": "UTC",
        "days": "1",
        "strictness": "balanced",
        "quiet_days": "silent",
        "keywords": "robots",
    }
    answer = post(person, own, {**fields, "language": "fr"})
    assert answer.status_code == 200
    assert "Enregistré. La prochaine sélection en tiendra compte." in answer.text
    assert answer.headers["Content-Language"] == "fr"


def test_without_a_choice_the_browser_decides(person: Client, alice: Subscriber) -> None:
    own = person.path(Purpose.MANAGE, alice)
    german = person.request("GET", f"{own}/saved", headers={"Accept-Language": "de"})
    assert heading(german.text) == "Für später gemerkt"
    assert heading(get(person, f"{own}/saved").text) == "Saved for later"
