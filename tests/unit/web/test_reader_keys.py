"""A reader makes and revokes keys of the API on a page of their own."""

from __future__ import annotations

import re

import pytest

from digest import services
from digest.app import App
from digest.model import Purpose, Subscriber
from tests.webclient import Client, Clock, Person, contents, forms

KEY = re.compile(r"digest_reader_[0-9A-Za-z]{38}")


@pytest.fixture
def alice(readers: dict[str, Subscriber]) -> Subscriber:
    return readers["alice"]


@pytest.fixture
def person(app: App) -> Person:
    return Person(app, Clock())


def make(person: Person, path: str, name: str) -> str:
    """Fill in the form as a person does; return the page."""
    fields = forms(person.get(path).text)[-1][1]
    return person.post(path, data=fields | {"name": name, "do": "make"}).text


def test_a_key_is_shown_once_works_and_is_revoked(person: Person, alice: Subscriber) -> None:
    path = f"{person.path(Purpose.MANAGE, alice)}/keys"
    assert f'href="{path}"' in person.get(path.removesuffix("/keys")).text
    (text,) = KEY.findall(make(person, path, "reading <b>list</b>"))
    shown = person.get(path).text
    assert not KEY.search(shown)
    assert "reading &lt;b&gt;list&lt;/b&gt;" in shown
    assert text[:18] in shown
    own = {"Authorization": f"Bearer {text}"}
    assert person.request("GET", "/api/v1/me", headers=own).json()["email"] == alice.email
    fields = forms(person.get(path).text)[0][1]
    assert "Revoked" in person.post(path, data=fields).text
    assert "revoked already" in person.post(path, data=fields).text
    assert person.request("GET", "/api/v1/me", headers=own).status_code == 401


def test_a_program_that_presses_every_button_gets_no_key(app: App, alice: Subscriber) -> None:
    robot = Client(app)
    path = f"{robot.path(Purpose.MANAGE, alice)}/keys"
    before = contents(app)
    robot.request("HEAD", path)
    for action, fields in forms(robot.get(path).text):
        for sent in (fields, fields | {"name": "x"}, {"do": "make", "name": "x"}, {"do": "make"}):
            assert not KEY.search(robot.post(action, data=sent).text)
    for odd in ("", "x", "9" * 30, "²", "1"):
        robot.post(path, data={"do": "revoke", "key": odd})
    assert contents(app) == before


def test_only_the_link_to_the_settings_opens_the_page(
    person: Person, readers: dict[str, Subscriber]
) -> None:
    other = person.path(Purpose.UP, readers["alice"], 1).removeprefix("/t/")
    assert person.get(f"/m/{other}/keys").status_code == 404
    key, _ = services.create_reader_key(person.app, readers["bob"].id, "his")
    path = f"{person.path(Purpose.MANAGE, readers['alice'])}/keys"
    assert "his" not in person.get(path).text.partition("<h1>")[2].partition("<h2>")[0]
    person.post(path, data={"do": "revoke", "key": str(key.id)})
    assert services.list_api_keys(person.app, readers["bob"].id)[0].revoked is None


@pytest.mark.parametrize("name", ["", " \n ", "x" * 101])
def test_a_key_needs_a_name(person: Person, alice: Subscriber, name: str) -> None:
    path = f"{person.path(Purpose.MANAGE, alice)}/keys"
    assert "Give 1 to 100 characters" in make(person, path, name)
    assert services.list_api_keys(person.app, alice.id) == []
