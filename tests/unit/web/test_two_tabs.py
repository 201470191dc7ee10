"""Two open settings tabs: the later save is shown the earlier one's changes."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest import subscriptions
from digest.model import Interest, Purpose, Subscriber, SubscriberStatus
from digest.subscriptions import SubscriptionRequest, changed_since, version_of
from tests.unit.web.conftest import hidden
from tests.webclient import Client

SendReport = dict[str, Any]


def read_form(text: str) -> SendReport:
    """Read the settings form of a page, as a browser would send it."""
    form = re.search(r'<form method="post" id="settings".*?</form>', text, re.DOTALL)
    assert form is not None
    inside = form[0]
    sent: SendReport = dict(
        re.findall(r'<input[^>]*type="hidden" name="([\w-]+)" value="([^"]*)"', inside)
    )
    sent |= dict(re.findall(r'<input id="[\w-]+" name="([\w-]+)" value="([^"]*)"', inside))
    for name, value in re.findall(
        r'<textarea[^>]* name="([\w-]+)"[^>]*>\n?(.*?)</textarea>', inside, re.DOTALL
    ):
        sent[name] = value
    sent["size"] = re.findall(r'name="size"[^>]*value="(\d+)"', inside)[0]
    sent["hour"] = re.findall(r'<option value="(\d+)" selected', inside)[0]
    sent["timezone"] = re.findall(r'name="timezone"[^>]*value="([^"]*)"', inside)[0]
    for name in ("strictness", "quiet_days"):
        sent[name] = re.findall(rf'name="{name}" value="(\w+)" checked', inside)[0]
    sent["days"] = re.findall(r'name="days" value="(\d)" checked', inside)
    return {
        name: unescape(value) if isinstance(value, str) else value for name, value in sent.items()
    } | {"do": "save"}


def now(client: Client, reader: Subscriber) -> Subscriber:
    return subscriptions.get(client.app, reader.id)


def read_notes(text: str) -> str:
    """Read the notes beside the form, without markup."""
    notes = re.findall(r'<div class="note[^>]*>(.*?)</div>', text, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", " ".join(notes))).split())


def test_the_later_save_is_told_and_may_save_over(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    first, second = read_form(client.get(path).text), read_form(client.get(path).text)
    client.post(path, data=first | {"size": "5", "keywords": "robot\ntactile"})
    answer = client.post(
        path, data=second | {"size": "9", "hour": "18", "keywords": "robot\ngrasping"}
    )
    assert answer.status_code == 409
    assert "changed elsewhere" in read_notes(answer.text)
    assert "Papers in a digest: now 5, and 9 as you typed it" in read_notes(answer.text)
    assert "Keywords: now robot, tactile, and robot, grasping as you typed it" in read_notes(
        answer.text
    )
    assert now(client, alice).size == 5
    retry = read_form(answer.text)
    assert (retry["size"], retry["hour"], retry["keywords"]) == ("9", "18", "robot\ngrasping")
    assert "Saved." in client.post(path, data=retry).text
    saved = now(client, alice)
    assert (saved.size, saved.hour, saved.interests[0].keywords) == (9, 18, ("robot", "grasping"))


def test_unchanged_fields_follow_the_other_tab(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    first, second = read_form(client.get(path).text), read_form(client.get(path).text)
    client.post(path, data=first | {"days": ["1"], "authors": "Jane Doe"})
    answer = client.post(path, data=second | {"size": "9"})
    assert answer.status_code == 409
    assert "Days: now Monday" in read_notes(answer.text)
    client.post(path, data=read_form(answer.text))
    saved = now(client, alice)
    assert (saved.size, saved.days, saved.interests[0].authors) == (9, (1,), ("Jane Doe",))


def test_a_link_keeps_the_saved_settings(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    old = read_form(client.get(path).text)
    client.post(path, data=old | {"size": "5"})
    answer = client.post(path, data=old | {"size": "9"})
    assert f'<a class="button" href="{path}">Keep what is saved</a>' in answer.text
    assert read_form(client.get(path).text)["size"] == "5"


def test_the_same_save_again_and_a_change_that_was_taken_back_are_no_conflict(
    client: Client, alice: Subscriber
) -> None:
    path = client.path(Purpose.MANAGE, alice)
    old = read_form(client.get(path).text)
    for _ in range(2):
        answer = client.post(path, data=old | {"size": "5"})
        assert answer.status_code == 200
        assert "elsewhere" not in answer.text
    client.post(path, data=read_form(client.get(path).text) | {"size": old["size"]})
    assert client.post(path, data=old | {"hour": "9"}).status_code == 200
    assert now(client, alice).hour == 9


def test_a_change_by_command_counts_too(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    old = read_form(client.get(path).text)
    subscriptions.subscribe(
        client.app,
        SubscriptionRequest(email=alice.email, timezone="Asia/Kolkata"),
        origin="command",
    )
    answer = client.post(path, data=old | {"timezone": "Europe/Berlin"})
    assert "Time zone: now Asia/Kolkata, and Europe/Berlin as you typed it" in read_notes(
        answer.text
    )


def test_a_wrong_value_in_an_old_form_is_told_first_and_the_conflict_after_it(
    client: Client, alice: Subscriber
) -> None:
    path = client.path(Purpose.MANAGE, alice)
    old = read_form(client.get(path).text)
    client.post(path, data=old | {"size": "5"})
    wrong = client.post(path, data=old | {"hour": "18", "timezone": "Atlantis"})
    assert wrong.status_code == 422
    assert client.post(path, data=read_form(wrong.text) | {"timezone": "UTC"}).status_code == 409
    assert now(client, alice).size == 5


def test_a_pause_from_another_tab_is_told_and_stays(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    old = read_form(client.get(path).text)
    client.post(path, data={"do": "pause"})
    answer = client.post(path, data=old | {"size": "9"})
    assert answer.status_code == 200
    assert "Changed elsewhere meanwhile: Your subscription: paused." in answer.text
    assert (now(client, alice).size, now(client, alice).status) == (9, SubscriberStatus.PAUSED)


def test_leaving_from_another_tab_is_told_and_stays(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    old = read_form(client.get(path).text)
    client.post(client.path(Purpose.UNSUBSCRIBE, alice))
    for verb in ("save", "pause", "resume"):
        assert (
            "You have left, so no digest comes." in client.post(path, data=old | {"do": verb}).text
        )
    assert now(client, alice).status is SubscriberStatus.LEFT


def test_example_papers_survive_a_rename_in_another_tab(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    interests = tuple(
        Interest(name=name, keywords=("x",), papers=(f"arxiv:2604.0000{n}",))
        for n, name in enumerate("ab")
    )
    subscriptions.change(client.app, alice.id, SubscriptionRequest(email="", interests=interests))
    old = read_form(client.get(path).text)
    client.post(path, data=old | {"name-0": "hands"})
    answer = client.post(path, data=old | {"keywords-0": "grasp"})
    assert answer.status_code == 409
    client.post(path, data=read_form(answer.text))
    saved = now(client, alice).interests
    assert [(interest.keywords, interest.papers) for interest in saved] == [
        (("grasp",), ("arxiv:2604.00000",)),
        (("x",), ("arxiv:2604.00001",)),
    ]


def test_a_second_interest_from_another_tab_is_not_lost(client: Client, alice: Subscriber) -> None:
    path = client.path(Purpose.MANAGE, alice)
    first, second = read_form(client.get(path).text), read_form(client.get(path).text)
    more = {
        "name-0": "main",
        "former-0": "main",
        "share-0": "1",
        "keywords-0": "robot",
        "categories-0": "cs.RO",
        "authors-0": "",
    }
    verse = {
        "name-1": "verse",
        "former-1": "",
        "share-1": "2",
        "keywords-1": "rhyme",
        "categories-1": "",
        "authors-1": "",
    }
    assert client.post(path, data=first | more | verse).status_code == 200
    answer = client.post(path, data=second | {"size": "9"})
    assert answer.status_code == 409
    assert "Interests: now main (share 1): robot, cs.RO; verse (share 2): rhyme" in read_notes(
        answer.text
    )
    assert "Keywords: now" not in read_notes(answer.text)
    assert client.post(path, data=read_form(answer.text)).status_code == 200
    saved = now(client, alice)
    assert (saved.size, [interest.name for interest in saved.interests]) == (9, ["main", "verse"])


@pytest.mark.parametrize("version", ["", "x", "." * 9, "a" * 5000])
def test_a_form_without_a_version_is_saved_as_before(
    client: Client, alice: Subscriber, version: str
) -> None:
    path = client.path(Purpose.MANAGE, alice)
    old = read_form(client.get(path).text) | {"size": "5", "version": version}
    answer = client.post(path, data=old)
    assert (answer.status_code, now(client, alice).size) in ((200, 5), (409, alice.size))


SPELLED = {"timezone": "Etc/GMT-{}", "keywords": "robot {}"}
CHANGES = st.dictionaries(
    st.sampled_from(["size", "hour", "keywords", "authors", "timezone"]),
    st.sampled_from(["1", "2", "3"]),
    max_size=3,
).map(
    lambda values: {name: SPELLED.get(name, "{}").format(value) for name, value in values.items()}
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(CHANGES, CHANGES)
def test_no_change_is_lost_without_a_conflict(
    client: Client, alice: Subscriber, later: SendReport, earlier: SendReport
) -> None:
    """The later tab wins in the fields that it changed, the earlier one elsewhere."""
    path = client.path(Purpose.MANAGE, alice)
    start = {
        "size": "7",
        "hour": "7",
        "keywords": "k",
        "authors": "",
        "timezone": "UTC",
        "categories": "cs.RO",
    }
    client.post(path, data=read_form(client.get(path).text) | start)
    first, second = read_form(client.get(path).text), read_form(client.get(path).text)
    assert client.post(path, data=first | earlier).status_code == 200
    answer = client.post(path, data=second | later)
    if answer.status_code == 409:
        assert client.post(path, data=read_form(answer.text)).status_code == 200
    saved = read_form(client.get(path).text)
    for name, value in start.items():
        assert saved[name] == later.get(name, earlier.get(name, value)), name


def test_the_version_names_the_fields_that_differ(alice: Subscriber) -> None:
    from dataclasses import replace

    other = replace(alice, size=alice.size + 1, days=(1,), status=SubscriberStatus.PAUSED)
    assert changed_since(version_of(alice), alice) == set()
    assert changed_since(version_of(alice), other) == {"size", "days", "status"}


def test_a_version_does_not_reveal_the_settings(client: Client, alice: Subscriber) -> None:
    assert re.fullmatch(
        r"([0-9a-f]{8}\.){11}[0-9a-f]{8}",
        hidden(client.get(client.path(Purpose.MANAGE, alice)).text)["version"],
    )
