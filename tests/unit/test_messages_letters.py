"""The mails that are no digest: confirmation, welcome, goodbye, alert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from digest.mail.messages import write_welcome
from digest.model import Message, SubscriberStatus
from tests.unit.mails import (
    ALICE,
    CONTEXT,
    LINKS,
    head,
    make_alert,
    make_confirm,
    make_goodbye,
    make_welcome,
    parse_mail,
)


@pytest.mark.parametrize("write", [make_confirm, make_welcome, make_goodbye, make_alert])
def test_every_kind_of_mail_opens_and_is_marked_automatic(write: Callable[[], Message]) -> None:
    parsed = parse_mail(write())
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert len(write().data) < 12_000


def test_a_confirmation_asks_one_thing_and_repeats_nothing_a_stranger_typed() -> None:
    message = make_confirm()
    assert "Alice Example" not in message.data.decode() + message.html
    assert message.text.count("<https://papers.example.org/c/x>") == 1
    assert "List-Unsubscribe" not in head(message)
    text = " ".join(message.text.split())
    assert "through the page at papers.example.org" in text
    assert "If it was not you, ignore this mail" in text


def test_a_welcome_says_when_papers_come_and_how_to_leave() -> None:
    message = make_welcome()
    text = " ".join(message.text.split())
    assert "every day, after 07:00 (UTC), 10 papers at most" in text
    assert f"<{LINKS.unsubscribe}>" in message.text
    assert "List-Unsubscribe-Post" in head(message)


def test_a_welcome_to_who_paused_says_so() -> None:
    paused = replace(ALICE, status=SubscriberStatus.PAUSED)
    message = write_welcome(CONTEXT, subscriber=paused, links=LINKS, first=f"{LINKS.manage}/first")
    assert "It is paused" in " ".join(message.text.split())
    assert "It is paused" in " ".join(message.html.split())
    assert "It is paused" not in make_welcome().text


def test_a_goodbye_shows_the_way_back_and_nothing_to_leave() -> None:
    message = make_goodbye()
    assert "<https://papers.example.org/s/x>" in message.text
    assert "nsubscribe:" not in message.text
    assert "List-" not in head(message)


def test_an_alert_says_what_is_wrong_and_what_to_do() -> None:
    message = make_alert()
    assert message.subject == "Digest of Papers needs you: No dump came"
    assert message.recipient == "operator@example.net"
    assert "Look.\nThen fetch.\n" in message.text
    assert "Feedback-ID" not in head(message)
