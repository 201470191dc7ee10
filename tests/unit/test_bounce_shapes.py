"""Reports of the mail servers that are out there are read as a person would read them."""

from __future__ import annotations

import pytest

from digest.mail import bounces
from digest.mail.bounces import wording
from digest.services.inbound.reports import classify_fault
from tests.returned import GOLDEN, VERP

#: name of the mail -> kind, fault and enhanced status code
SHAPES = {
    "postfix-unknown-user": ("bounce", "reader", "5.1.1"),
    "postfix-full-for-days": ("bounce", "mailbox", "4.2.2"),
    "postfix-delayed": ("delayed", "", "4.4.1"),
    "postfix-greylisted": ("delayed", "", "4.7.1"),
    "exim-letter": ("bounce", "reader", ""),
    "exim-report": ("bounce", "mailbox", "5.2.1"),
    "exim-delay": ("delayed", "", "4.7.1"),
    "qmail": ("bounce", "reader", "5.1.1"),
    "qmail-full": ("bounce", "mailbox", "5.2.2"),
    "qmail-remote-refused": ("bounce", "reader", "5.1.1"),
    "sendmail-old-letter": ("bounce", "reader", "5.1.1"),
    "sendmail-warning": ("delayed", "", ""),
    "exchange-letter": ("bounce", "reader", "5.1.1"),
    "exchange-online-not-found": ("bounce", "reader", "5.1.10"),
    "microsoft-365-blocked": ("bounce", "ours", "5.7.1"),
    "microsoft-365-quota": ("bounce", "mailbox", "5.2.2"),
    "gmail-unknown-user": ("bounce", "reader", "5.1.1"),
    "gmail-unauthenticated": ("bounce", "ours", "5.7.26"),
    "gmail-full": ("bounce", "mailbox", "4.2.2"),
    "gmail-delay": ("delayed", "", "4.4.1"),
    "yahoo-no-account": ("bounce", "reader", ""),
    "yahoo-disabled": ("bounce", "mailbox", "5.2.1"),
    "yahoo-deferred-to-death": ("bounce", "ours", "4.7.0"),
    "zimbra-full": ("bounce", "mailbox", "5.2.2"),
    "lotus-letter": ("bounce", "reader", "5.1.1"),
    "lotus-report": ("bounce", "mailbox", "5.4.6"),
    "hmailserver-letter": ("bounce", "reader", ""),
    "groupwise-letter": ("bounce", "reader", "5.1.1"),
    "html-only": ("bounce", "reader", "5.1.1"),
    "letter-fr-unknown": ("bounce", "reader", "5.1.1"),
    "letter-fr-full": ("bounce", "mailbox", "5.2.2"),
    "letter-fr-delay": ("delayed", "", ""),
    "letter-de-unknown": ("bounce", "reader", "5.1.1"),
    "letter-de-full": ("bounce", "mailbox", "5.2.2"),
    "letter-de-web-code": ("bounce", "ours", "5.7.1"),
    "letter-de-delay": ("delayed", "", ""),
    "letter-pl-unknown": ("bounce", "reader", "5.1.1"),
    "letter-pl-full": ("bounce", "mailbox", "5.2.2"),
    "letter-es-unknown": ("bounce", "reader", "5.1.1"),
    "letter-it-full": ("bounce", "mailbox", "5.2.2"),
    "letter-nl-unknown": ("bounce", "reader", "5.1.1"),
    "quoted-exchange": ("bounce", "reader", "5.1.1"),
    "quoted-letter-de": ("bounce", "reader", "5.1.1"),
    "arf-yahoo": ("complaint", "", ""),
    "arf-microsoft": ("complaint", "", ""),
    "challenge-tmda": ("automatic", "", ""),
    "challenge-no-headers": ("automatic", "", ""),
    "away-fr-null": ("automatic", "", ""),
    "away-pl": ("automatic", "", ""),
    "moved-person": ("other", "", ""),
    "person-forwards-a-bounce": ("other", "", ""),
}


@pytest.mark.parametrize("name", SHAPES)
def test_each_shape_is_read_right(name: str) -> None:
    inbound = bounces.read((GOLDEN / f"{name}.eml").read_bytes())
    fault = classify_fault(inbound) if inbound.kind == "bounce" else ""
    assert (inbound.kind, fault, inbound.enhanced) == SHAPES[name]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Votre message n'a pu être remis", "bounce"),
        ("Votre message n’a pas été distribué", "bounce"),
        ("Échec de la remise", "bounce"),
        ("konnte leider an folgende Empfänger nicht zugestellt werden", "bounce"),
        ("Die Zustellung an alice@example.org ist fehlgeschlagen", "bounce"),
        ("konnte noch nicht zugestellt werden", "delayed"),
        ("konnte noch nicht zugestellt werden und ist endgültig verworfen", "bounce"),
        ("Nie można dostarczyć wiadomości", "bounce"),
        ("Nie udało się jeszcze dostarczyć wiadomości", "delayed"),
        ("Wiadomość nie została dostarczona", "bounce"),
        ("Sorry, we were unable to deliver your message", "bounce"),
        ("Warning: could not send message for past 4 hours", "delayed"),
        ("Сообщение не было доставлено", "bounce"),
        ("Ich bin bis Montag nicht im Büro", ""),
        ("Je suis absent, votre message ne sera pas lu", ""),
        ("Thanks for your message! We deliver within a day", ""),
        ("", ""),
    ],
)
def test_the_words_of_many_countries(text: str, outcome: str) -> None:
    assert wording.read_outcome(text) == outcome


@pytest.mark.parametrize("kind", ["person", "list", "mail system without words"])
def test_a_bounce_address_alone_is_no_bounce(kind: str) -> None:
    sender = b"MAILER-DAEMON@example.org" if "system" in kind else b"alice@example.org"
    extra = b"Precedence: list\n" if kind == "list" else b""
    body = b"Hello, this is the weekly report of your server. All is well.\n"
    inbound = bounces.read(b"From: %b\nTo: %b\n%b\n%b" % (sender, VERP, extra, body))
    assert inbound.kind == ("automatic" if kind == "list" else "other")


def test_words_of_a_person_at_the_bounce_address_need_a_code_or_our_headers() -> None:
    head = b"From: Alice <alice@example.org>\nTo: %b\nSubject: Undeliverable\n\n" % VERP
    assert bounces.read(head + b"Your message was not delivered.\n").kind == "other"
    coded = bounces.read(head + b"Your message was not delivered: 550 5.1.1 no such user\n")
    assert (coded.kind, coded.enhanced) == ("bounce", "5.1.1")
    elsewhere = head.replace(VERP, b"digest@digest.example")
    assert bounces.read(elsewhere + b"It was not delivered: 550 5.1.1 no user\n").kind == "other"
