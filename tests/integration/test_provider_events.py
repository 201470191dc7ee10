"""What mail providers report: only what they prove, once, and about the right reader."""

from __future__ import annotations

import base64
import functools
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.mail.providers import (
    MalformedError,
    UnverifiedError,
    brevo,
    mailgun,
    postmark,
    sendgrid,
    ses,
)
from digest.model import SubscriberStatus, SuppressionReason
from digest.services import provider_events
from digest.services.provider_events import (
    ProviderRequest,
    SnsCertificates,
    UnknownProviderError,
    receive_provider_request,
)
from tests.conftest import (
    NOON,
    TODAY,
    close_and_read,
    invent_papers,
    make_app,
    subscribe_cast,
    write_dump,
)
from tests.fakes import providers

ALICE, BOB = "alice@example.org", "bob@example.org"
SECRET = "a secret of sixteen letters or more"


class FakeSns(SnsCertificates):
    """The certificates without the network."""

    def __init__(self, certificate: bytes) -> None:
        self.certificate, self.asked = certificate, list[str]()

    def get(self, url: str) -> bytes:
        self.asked.append(url)
        return self.certificate


SETTINGS = {
    "providers__ses_topic": providers.TOPIC,
    "providers__postmark_secret": SECRET,
    "providers__brevo_secret": SECRET,
    "providers__mailgun_key": providers.MAILGUN_KEY,
    "providers__sendgrid_public_key": providers.sendgrid_public(),
}


def send_first_digests(app: App, folder: Path) -> None:
    subscribe_cast(app)
    pipeline.ingest(app, [write_dump(folder / "dumps", TODAY, invent_papers(TODAY, 1))])
    pipeline.round(app)


@functools.cache
def build_sent_file() -> bytes:
    """Build the bytes of an SQLite file whose readers got their first digest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = make_app(folder)
        send_first_digests(app, folder)
        content = close_and_read(app.store, folder / "digest.sqlite")
        app.close()
        return content


@pytest.fixture
def service(tmp_path: Path) -> Iterator[App]:
    """A service on SQLite whose readers got their first digest."""
    (tmp_path / "digest.sqlite").write_bytes(build_sent_file())
    app = make_app(tmp_path, **SETTINGS)
    yield app
    app.close()


@pytest.fixture
def any_service(tmp_path: Path, store_url: str) -> Iterator[App]:
    """The same on each kind of database."""
    app = make_app(tmp_path, store_url, **SETTINGS)
    send_first_digests(app, tmp_path)
    yield app
    app.close()


def receive(
    app: App, provider: str, body: bytes | dict[str, Any], *, secret: str = "", **headers: str
) -> dict[str, int]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = ProviderRequest(provider=provider, body=data, headers=named, secret=secret)
    sns = FakeSns(providers.sns_certificate())
    return dict(receive_provider_request(app, request, sns).outcomes)


def send_grid(app: App, *events: dict[str, Any]) -> dict[str, int]:
    body = providers.encode(list(events))
    return receive(app, "sendgrid", body, **providers.sendgrid_headers(body))


def status(app: App, email: str) -> SubscriberStatus:
    return subscriptions.find(app, email).status


def suppressed(app: App) -> dict[str, SuppressionReason]:
    with app.store.reading() as tx:
        return {entry.address: entry.reason for entry in store.suppressions.list_all(tx)}


def message_id_of(app: App, email: str) -> str:
    reader = subscriptions.find(app, email)
    return str(services.deliveries(app, subscriber=reader)[0]["message_id"])


def old_message_of(app: App, email: str) -> int:
    with app.store.reading() as tx:
        row = store.deliveries.find_by_message_id(tx, message_id_of(app, email))
    assert row is not None
    return int(row["id"])


# ------------------------------------------------------------------------------ what they report


def hard_bounces(email: str) -> dict[str, Callable[[App], dict[str, int]]]:
    return {
        "ses": lambda app: receive(app, "ses", providers.sns(providers.ses_bounce(email))),
        "postmark": lambda app: receive(
            app, "postmark", providers.postmark_bounce(email), secret=SECRET
        ),
        "mailgun": lambda app: receive(
            app, "mailgun", providers.mailgun(providers.mailgun_failed(email))
        ),
        "sendgrid": lambda app: send_grid(app, providers.sendgrid_event(email)),
        "brevo": lambda app: receive(
            app, "brevo", providers.brevo_event(email), authorization=f"Bearer {SECRET}"
        ),
    }


@pytest.mark.parametrize("provider", provider_events.PROVIDERS)
def test_a_hard_bounce_stops_the_mail_and_counts_once(service: App, provider: str) -> None:
    bounce = hard_bounces("Alice@Example.org")[provider]
    assert bounce(service) == {"bounced": 1}
    assert status(service, ALICE) is SubscriberStatus.SUPPRESSED
    assert suppressed(service) == {ALICE: SuppressionReason.HARD}
    assert bounce(service) == {"repeated": 1}
    with service.store.writing() as tx:
        store.suppressions.release(tx, ALICE, now=NOON)
    # the operator's word stands, whatever is replayed
    assert bounce(service) == {"repeated": 1}
    assert status(service, ALICE) is SubscriberStatus.ACTIVE
    assert status(service, BOB) is SubscriberStatus.ACTIVE


def test_bounces_complaints_and_leavers_on_each_database(any_service: App) -> None:
    app = any_service
    for _ in range(2):
        send_grid(app, providers.sendgrid_event(ALICE), providers.sendgrid_event(ALICE, "open"))
        receive(app, "brevo", providers.brevo_event(BOB, "spam"), secret=SECRET)
        receive(
            app, "brevo", providers.brevo_event("carol@example.org", "unsubscribed"), secret=SECRET
        )
    assert suppressed(app) == {ALICE: SuppressionReason.HARD, BOB: SuppressionReason.COMPLAINT}
    assert status(app, "carol@example.org") is SubscriberStatus.LEFT
    with app.store.writing() as tx:
        counts = store.provider_events.count(tx, since=NOON - timedelta(days=1))
        assert store.provider_events.purge(tx, before=NOON + timedelta(days=1)) == 4
    assert counts == {
        "sendgrid": {"bounced": 1, "unknown": 1},
        "brevo": {"complained": 1, "unsubscribed": 1},
    }


def complaints(email: str) -> dict[str, Callable[[App], dict[str, int]]]:
    return {
        "ses": lambda app: receive(app, "ses", providers.sns(providers.ses_complaint(email))),
        "postmark": lambda app: receive(
            app,
            "postmark",
            {"RecordType": "SpamComplaint", "ID": 1, "Email": email, "Type": "SpamComplaint"},
            secret=SECRET,
        ),
        "mailgun": lambda app: receive(
            app,
            "mailgun",
            providers.mailgun({"event": "complained", "id": "a1", "recipient": email}),
        ),
        "sendgrid": lambda app: send_grid(app, providers.sendgrid_event(email, "spamreport")),
        "brevo": lambda app: receive(
            app, "brevo", providers.brevo_event(email, "spam"), secret=SECRET
        ),
    }


@pytest.mark.parametrize("provider", provider_events.PROVIDERS)
def test_a_complaint_makes_the_reader_leave(service: App, provider: str) -> None:
    assert complaints(ALICE)[provider](service) == {"complained": 1}
    assert status(service, ALICE) is SubscriberStatus.LEFT
    assert suppressed(service) == {ALICE: SuppressionReason.COMPLAINT}


def leavers(email: str) -> dict[str, Callable[[App], dict[str, int]]]:
    change = {
        "RecordType": "SubscriptionChange",
        "Recipient": email,
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
        "ChangedAt": "2026-06-09T12:00:00Z",
    }
    return {
        "postmark": lambda app: receive(app, "postmark", change, secret=SECRET),
        "mailgun": lambda app: receive(
            app,
            "mailgun",
            providers.mailgun({"event": "unsubscribed", "id": "a1", "recipient": email}),
        ),
        "sendgrid": lambda app: send_grid(
            app, providers.sendgrid_event(email, "group_unsubscribe")
        ),
        "brevo": lambda app: receive(
            app, "brevo", providers.brevo_event(email, "unsubscribed"), secret=SECRET
        ),
    }


@pytest.mark.parametrize("provider", list(leavers("")))
def test_who_leaves_at_the_provider_leaves_here(service: App, provider: str) -> None:
    assert leavers(ALICE)[provider](service) == {"unsubscribed": 1}
    assert status(service, ALICE) is SubscriberStatus.LEFT
    assert suppressed(service) == {}


def soft_bounces(email: str) -> dict[str, Callable[[App], dict[str, int]]]:
    full = {"kind": "Transient", "subtype": "MailboxFull", "status": "4.2.2"}
    return {
        "ses": lambda app: receive(
            app, "ses", providers.sns(providers.ses_bounce(email, **full, diagnosis="552 full"))
        ),
        "postmark": lambda app: receive(
            app, "postmark", providers.postmark_bounce(email, "SoftBounce"), secret=SECRET
        ),
        "mailgun": lambda app: receive(
            app,
            "mailgun",
            providers.mailgun(
                providers.mailgun_failed(
                    email, reason="old", **{"delivery-status": {"code": 0, "message": "Too old"}}
                )
            ),
        ),
        "sendgrid": lambda app: send_grid(
            app,
            providers.sendgrid_event(email, type="blocked", status="4.0.0", reason="try later"),
        ),
        "brevo": lambda app: receive(
            app,
            "brevo",
            providers.brevo_event(email, "soft_bounce", reason="mailbox full"),
            secret=SECRET,
        ),
    }


@pytest.mark.parametrize("provider", provider_events.PROVIDERS)
def test_a_soft_bounce_is_counted_and_stops_nothing(service: App, provider: str) -> None:
    assert soft_bounces(ALICE)[provider](service) == {"bounced": 1}
    assert status(service, ALICE) is SubscriberStatus.ACTIVE
    with service.store.reading() as tx:
        (bounce,) = store.bounces.load(tx, ALICE)
    assert bounce.fault in ("mailbox", "busy")


@pytest.mark.parametrize(
    "bounce",
    [
        lambda app: receive(
            app,
            "ses",
            providers.sns(
                providers.ses_bounce(
                    ALICE, status="5.7.1", diagnosis="smtp; 550 5.7.1 blocked by our policy"
                )
            ),
        ),
        lambda app: receive(
            app, "postmark", providers.postmark_bounce(ALICE, "Blocked"), secret=SECRET
        ),
        lambda app: send_grid(
            app,
            providers.sendgrid_event(ALICE, status="5.7.1", reason="550 5.7.1 listed in a DNSBL"),
        ),
    ],
)
def test_a_refusal_for_our_fault_is_never_held_against_the_reader(
    service: App, bounce: Callable[[App], dict[str, int]]
) -> None:
    assert bounce(service) == {"bounced": 1}
    assert status(service, ALICE) is SubscriberStatus.ACTIVE
    with service.store.reading() as tx:
        assert store.bounces.summarise_own_faults(tx, since=NOON - timedelta(days=1))[0] == 1


def test_a_bounce_is_assigned_to_the_message_that_it_names(service: App) -> None:
    message_id = message_id_of(service, ALICE)
    bounced = providers.ses_bounce(ALICE, message_id=message_id)
    assert receive(service, "ses", providers.sns(bounced)) == {"bounced": 1}
    with service.store.reading() as tx:
        rows = tx.exec_driver_sql("SELECT message_id, via FROM bounces").all()
    assert [tuple(row) for row in rows] == [(old_message_of(service, ALICE), "http")]


def test_a_bounce_is_assigned_by_our_bounce_address(service: App) -> None:
    mail = service.config.mail.model_copy(update={"bounce_domain": "bounces.example.org"})
    app = replace(service, config=service.config.model_copy(update={"mail": mail}))
    alice = subscriptions.find(app, ALICE)
    verp = app.bounce_address(alice.id, old_message_of(app, ALICE))
    bounced = providers.mailgun_failed(ALICE, envelope={"sender": verp})
    assert receive(app, "mailgun", providers.mailgun(bounced)) == {"bounced": 1}
    assert status(app, ALICE) is SubscriberStatus.SUPPRESSED


def test_a_bounce_of_an_address_that_the_reader_no_longer_has_is_ignored(service: App) -> None:
    message_id = message_id_of(service, ALICE)
    bounced = providers.mailgun_failed("old-address@example.org", message_id.strip("<>"))
    assert receive(service, "mailgun", providers.mailgun(bounced)) == {"ignored": 1}
    assert status(service, ALICE) is SubscriberStatus.ACTIVE


def test_events_of_strangers_and_unknown_ones_are_counted(service: App) -> None:
    assert send_grid(
        service,
        providers.sendgrid_event("nobody@example.net"),
        providers.sendgrid_event(ALICE, "open"),
        providers.sendgrid_event(ALICE, "delivered"),
        providers.sendgrid_event(ALICE, "a-new-event"),
    ) == {"ignored": 2, "unknown": 2}
    with service.store.reading() as tx:
        counts = store.provider_events.count(tx, since=NOON - timedelta(days=1))
    assert counts == {"sendgrid": {"ignored": 2, "unknown": 2}}
    assert suppressed(service) == {}


# ------------------------------------------------------------------------------ who is believed


def forged(body: dict[str, Any], **changed: str) -> dict[str, Any]:
    """Change a message of SNS after it was signed."""
    return body | changed


@pytest.mark.parametrize(
    "body",
    [
        forged(providers.sns(providers.ses_bounce(ALICE)), MessageId="another"),
        forged(providers.sns(providers.ses_bounce(ALICE)), Signature="AAAA"),
        forged(providers.sns(providers.ses_bounce(ALICE)), Signature="no base64!"),
        forged(providers.sns(providers.ses_bounce(ALICE)), SignatureVersion="3"),
        providers.sns(providers.ses_bounce(ALICE), TopicArn=providers.TOPIC + "x"),
        providers.sns(providers.ses_bounce(ALICE), Timestamp="2026-06-01T12:00:00Z"),
        providers.sns(providers.ses_bounce(ALICE), Timestamp="yesterday"),
        *(
            providers.sns(providers.ses_bounce(ALICE), SigningCertURL=url)
            for url in (
                "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-a.pem",
                "https://evil.example/SimpleNotificationService-a.pem",
                "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem",
                "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem",
                "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-a.pem",
                "https://sns.eu-west-1.amazonaws.com:444/SimpleNotificationService-a.pem",
                "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-a.pem",
                "https://sns.eu-west-1.amazonaws.com/bucket/evil.pem",
                "https://[bad",
            )
        ),
        {"Type": "Notification"},
        {"Type": "Something"},
    ],
)
def test_a_forged_message_of_sns_changes_nothing(service: App, body: dict[str, Any]) -> None:
    with pytest.raises(UnverifiedError):
        receive(service, "ses", body)
    assert status(service, ALICE) is SubscriberStatus.ACTIVE


def test_nothing_is_fetched_for_another_topic_or_host(service: App) -> None:
    sns = FakeSns(providers.sns_certificate())
    for body in (
        providers.sns({}, TopicArn="arn:aws:sns:eu-west-1:1:x"),
        providers.sns({}, SigningCertURL="https://evil.example/SimpleNotificationService-a.pem"),
    ):
        request = ProviderRequest(provider="ses", body=providers.encode(body), headers={})
        with pytest.raises(UnverifiedError):
            receive_provider_request(service, request, sns)
    assert sns.asked == []


def test_an_expired_certificate_is_not_believed(service: App) -> None:
    body = providers.encode(providers.sns(providers.ses_bounce(ALICE)))
    request = ProviderRequest(provider="ses", body=body, headers={})
    with pytest.raises(UnverifiedError):
        receive_provider_request(service, request, FakeSns(providers.sns_certificate(-1)))
    with pytest.raises(UnverifiedError):
        receive_provider_request(service, request, FakeSns(b"no certificate"))


def test_the_older_signature_of_sns_is_believed_too(service: App) -> None:
    body = providers.sns(providers.ses_bounce(ALICE), version="1")
    assert receive(service, "ses", body) == {"bounced": 1}


def test_a_subscription_is_confirmed_at_sns_alone(
    service: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return b""

    monkeypatch.setattr(provider_events, "fetch_from_sns", fetch)
    good = providers.sns("You have chosen to subscribe", kind="SubscriptionConfirmation")
    assert receive(service, "ses", good) == {}
    assert fetched == [providers.CONFIRM]
    for url in (
        "https://evil.example/?Action=ConfirmSubscription",
        providers.CONFIRM.replace("ConfirmSubscription", "DeleteTopic"),
        providers.CONFIRM.replace(providers.TOPIC, "arn:aws:sns:eu-west-1:1:x"),
    ):
        bad = providers.sns("Hello", kind="SubscriptionConfirmation", SubscribeURL=url)
        with pytest.raises(UnverifiedError):
            receive(service, "ses", bad)
    assert len(fetched) == 1


def test_certificates_are_fetched_once_and_not_again_at_once_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: Counter[str] = Counter()

    def fetch(url: str) -> bytes:
        calls[url] += 1
        if url == "bad":
            raise UnverifiedError("no")
        return b"pem"

    monkeypatch.setattr(provider_events, "fetch_from_sns", fetch)
    certificates = SnsCertificates()
    assert [certificates.get("good") for _ in range(3)] == [b"pem"] * 3
    for _ in range(3):
        with pytest.raises(UnverifiedError):
            certificates.get("bad")
    assert calls == {"good": 1, "bad": 1}


def test_wrong_signatures_and_secrets_are_refused(service: App) -> None:
    bounce = providers.mailgun_failed(ALICE)
    body = providers.encode([providers.sendgrid_event(ALICE)])
    stale = str(int((NOON - timedelta(days=4)).timestamp()))
    login = base64.b64encode(b"digest:wrong").decode()
    attempts: list[tuple[str, bytes, dict[str, str]]] = [
        ("mailgun", providers.mailgun(bounce, key="another"), {}),
        ("mailgun", providers.mailgun(bounce, stamp=stale), {}),
        ("mailgun", providers.mailgun(bounce, stamp="9" * 11), {}),
        ("mailgun", providers.encode({"event-data": bounce}), {}),
        ("sendgrid", body, {}),
        ("sendgrid", body + b" ", providers.sendgrid_headers(body)),
        ("sendgrid", body, providers.sendgrid_headers(body, stamp=stale)),
        ("postmark", providers.postmark_bounce(ALICE), {}),
        ("postmark", providers.postmark_bounce(ALICE), {"secret": SECRET + "x"}),
        ("postmark", providers.postmark_bounce(ALICE), {"secret": "é"}),
        ("brevo", providers.encode(providers.brevo_event(ALICE)), {"authorization": "Bearer "}),
        ("brevo", providers.encode(providers.brevo_event(ALICE)), {"authorization": "Basic =="}),
        (
            "brevo",
            providers.encode(providers.brevo_event(ALICE)),
            {"authorization": f"Basic {login}"},
        ),
    ]
    for provider, data, more in attempts:
        with pytest.raises(UnverifiedError):
            receive(service, provider, data, **more)
    assert status(service, ALICE) is SubscriberStatus.ACTIVE


def test_a_secret_as_the_password_of_a_login(service: App) -> None:
    login = base64.b64encode(f"digest:{SECRET}".encode()).decode()
    bounced = receive(
        service, "postmark", providers.postmark_bounce(ALICE), authorization=f"Basic {login}"
    )
    assert bounced == {"bounced": 1}


def test_a_provider_that_is_not_configured_is_unknown(app: App) -> None:
    for name in (*provider_events.PROVIDERS, "another", ""):
        with pytest.raises(UnknownProviderError):
            receive(app, name, b"{}", secret="")


# ------------------------------------------------------------------------------ hostile bodies

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    *("RecordType", "Type", "Email", "event", "event-data", "delivery-status", "message"),
    *("headers", "message-id", "severity", "reason", "bounce", "mail", "notificationType"),
    *("bouncedRecipients", "emailAddress", "smtp-id", "status", "ts_event"),
]
SHAPED = st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(["Bounce", "failed"]))
READERS: list[Callable[[bytes], object]] = [
    postmark.read,
    mailgun.read,
    sendgrid.read,
    brevo.read,
    lambda body: ses.read(
        ses.SnsMessage(
            type="Notification",
            fields={"Message": body.decode("utf-8", "replace")},
            certificate_url="",
        )
    ),
    lambda body: ses.read_message(body, providers.TOPIC),
]


@given(st.binary() | JSON.map(lambda v: json.dumps(v).encode()) | SHAPED.map(providers.encode))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    for read in READERS:
        try:
            read(body)
        except (MalformedError, UnverifiedError):
            continue


def test_deep_and_huge_bodies_are_refused() -> None:
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b"[" + b"{}," * 6000 + b"{}]"):
        for read in (sendgrid.read, brevo.read):
            with pytest.raises(MalformedError):
                read(body)


def test_texts_that_no_database_stores_are_made_storable(any_service: App) -> None:
    nasty = "550 5.1.1 \0 \ud800 <script>alert(1)</script> " + "x" * 100_000
    event = providers.brevo_event(ALICE, reason=nasty, **{"message-id": "\0" * 9000})
    assert receive(any_service, "brevo", event, secret=SECRET) == {"bounced": 1}
