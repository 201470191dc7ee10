"""Letters to the operator: at most one a day and kind, through the ledger.

There is none for an alarm that is over.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.errors import MailerError, StoreError
from digest.mail.mailer import Mailer
from digest.model import MessageKind, MessageState
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, make_app

OPERATOR = "operator@example.org"


def with_alerts(app: App, **more: object) -> App:
    return replace(
        app,
        config=app.config.model_copy(
            update={"alerts": app.config.alerts.model_copy(update={"to": OPERATOR} | more)}
        ),
    )


@pytest.fixture
def full(app: App) -> App:
    """A service on a nearly full disk, with an operator to write to."""
    return with_alerts(app, disk_mb=10**9)


@pytest.fixture
def silent(any_app: App) -> App:
    """A service without a dump for ten days, on either database."""
    with any_app.store.writing() as tx:
        tx.exec_driver_sql(
            "INSERT INTO dumps (name, path, format, size, sha256, day, started_at, finished_at, "
            "read, new, updated, duplicate, skipped, rejected, "
            "skipped_why, incomplete) VALUES ('old.jsonl', '/old.jsonl', 'jsonl', 1, 'x', "
            "'2026-05-30', '2026-05-30 12:00:00', "
            "'2026-05-30 12:00:01', 1, 1, 0, 0, 0, 0, '{}', '')"
        )
    return with_alerts(any_app)


def letters(folder: Path) -> list[email.message.EmailMessage]:
    messages = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((folder / "outbox").glob("alert*.eml"))
    ]
    return [message for message in messages if isinstance(message, email.message.EmailMessage)]


def test_an_alarm_becomes_one_letter_a_day(silent: App, tmp_path: Path) -> None:
    assert services.watch(silent).planned == ["dumps"]
    assert services.watch(silent).planned == []
    sent = pipeline.send(silent)
    assert (sent.states, sent.error) == ({MessageState.ACCEPTED: 1}, "")
    (letter,) = letters(tmp_path)
    assert (letter["To"], letter["List-Unsubscribe"], letter["Auto-Submitted"]) == (
        OPERATOR,
        None,
        "auto-generated",
    )
    assert "No dump came since 2026-05-30" in letter["Subject"]
    body = letter.get_body(("plain",))
    assert body is not None
    assert "digest dumps" in body.get_content()
    later = silent.at(NOON + timedelta(hours=5))
    assert services.watch(later).planned == []
    tomorrow = silent.at(NOON + timedelta(days=1))
    assert services.watch(tomorrow).planned == ["dumps"]
    pipeline.send(tomorrow)
    assert len(letters(tmp_path)) == 2


def test_two_processes_that_look_at_once_write_one_letter(silent: App, tmp_path: Path) -> None:
    other = make_app(tmp_path, silent.config.store.url)
    other = replace(other, config=silent.config)
    assert (services.watch(silent).planned, services.watch(other).planned) == (["dumps"], [])
    other.close()


def test_an_alarm_over_before_its_letter_sends_none_until_the_next_day(
    full: App, tmp_path: Path
) -> None:
    assert services.watch(full).planned == ["disk"]
    mended = with_alerts(full, disk_mb=0)
    assert services.watch(mended).over == ["disk"]
    assert services.watch(mended).over == []
    pipeline.send(mended)
    assert letters(tmp_path) == []
    assert services.watch(full).planned == [], "once a day, however often it comes and goes"
    assert services.watch(full.at(NOON + timedelta(days=1))).planned == ["disk"]
    with full.store.reading() as tx:
        raised = store.alarms.load_all(tx)["disk"]
    assert (raised.since, raised.over_at) == (NOON, None)


def test_an_alarm_that_comes_back_counts_from_its_return(full: App) -> None:
    services.watch(full)
    services.watch(with_alerts(full, disk_mb=0))
    later = NOON + timedelta(hours=2)
    services.watch(full.at(later))
    with full.store.reading() as tx:
        assert store.alarms.load_all(tx)["disk"].since == later


def test_without_an_operator_no_letter_is_written_and_status_shows_the_alarms(
    full: App, tmp_path: Path
) -> None:
    nobody = replace(
        full,
        config=full.config.model_copy(
            update={"alerts": full.config.alerts.model_copy(update={"to": ""})}
        ),
    )
    assert services.watch(nobody).planned == []
    pipeline.send(nobody)
    assert letters(tmp_path) == []
    assert "disk" in [alarm.kind for alarm in services.status(nobody).alarms]


def test_status_and_letters_show_the_same_alarms(full: App) -> None:
    shown, looked = services.status(full).alarms, services.watch(full).alarms
    assert (
        [(alarm.kind, alarm.remedy, alarm.urgent) for alarm in shown]
        == [(alarm.kind, alarm.remedy, alarm.urgent) for alarm in looked]
        != []
    )


def test_a_letter_to_the_operator_counts_against_no_reader(full: App, tmp_path: Path) -> None:
    subscriptions.subscribe(full, SubscriptionRequest(email=OPERATOR), origin="command")
    services.watch(full)
    refusing = replace(
        full,
        config=full.config.model_copy(
            update={"alerts": full.config.alerts.model_copy(update={"to": "no address"})}
        ),
    )
    pipeline.send(refusing)
    assert subscriptions.list_suppressions(full) == []
    with full.store.reading() as tx:
        (row,) = [
            row
            for row in store.deliveries.list_messages(tx)
            if row["kind"] == MessageKind.ALERT.value
        ]
    assert row["email"] == "the operator"


def test_digests_and_letters_share_the_ledger(full: App, tmp_path: Path) -> None:
    """Leaving readers and claims of one reader do not touch letters to the operator."""
    alice = subscriptions.subscribe(
        full, SubscriptionRequest(email="alice@example.org"), origin="command"
    ).subscriber
    services.watch(full)
    assert not pipeline.send(full, only=alice).states
    subscriptions.unsubscribe(full, alice.id)
    assert pipeline.send(full).states == {MessageState.ACCEPTED: 1}


def test_a_source_that_fails_for_days_is_reported_with_its_first_failure(app: App) -> None:
    from digest.config import SourceEntry

    entry = SourceEntry(name="gone", kind="folder", folder=Path("/nowhere/at/all"))
    service = with_alerts(replace(app, config=app.config.model_copy(update={"sources": (entry,)})))
    texts = []
    for day in range(4):
        today = service.at(NOON + timedelta(days=day))
        services.fetch(today)
        texts.append(
            [alarm.urgent for alarm in services.watch(today).alarms if alarm.kind == "source"]
        )
    assert texts == [[False], [False], [False], [True]]


# ---------------------------------------------------------------------------------- alarms that end


def kinds(app: App) -> set[str]:
    return {alarm.kind for alarm in services.status(app).alarms}


def test_a_dump_that_a_full_disk_cut_off_is_no_alarm_once_it_was_read_to_its_end(
    any_app: App, dump: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full", reason="full")

    path = dump()
    with monkeypatch.context() as patch:
        patch.setattr(store.dumps, "finish", full)
        with pytest.raises(StoreError):
            pipeline.ingest(any_app, [path])
    later = any_app.at(NOON + timedelta(hours=2))
    assert "parsing" in {alarm.kind for alarm in services.watch(later).alarms}
    pipeline.ingest(later, [path])
    assert services.watch(later).over == ["parsing"]
    assert "parsing" not in kinds(later)


def test_a_send_that_failed_is_no_alarm_after_one_that_had_nothing_to_do(silent: App) -> None:
    away = replace(silent, make_mailer=failing_mailer)
    services.watch(away)
    assert pipeline.send(away).error
    assert "send" in kinds(away)
    later = silent.at(NOON + timedelta(days=2))  # the letter has expired by then
    assert pipeline.send(later).error == ""
    assert "send" not in kinds(later)


def failing_mailer() -> Mailer:
    raise MailerError("no server answers")
