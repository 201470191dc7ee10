"""Sign-ups: limits that hold for all processes, and readers who never confirm."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from digest import pipeline, serve, services, store, subscriptions
from digest.app import App
from digest.errors import InputError, LimitError, NotFoundError
from digest.model import Subscriber, SubscriberStatus
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, read_mails

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def with_web(app: App, **settings: Any) -> App:
    web = app.config.web.model_copy(update=settings)
    return replace(app, config=app.config.model_copy(update={"web": web}))


def ask(app: App, number: int, client: str = "192.0.2.1", **fields: Any) -> Subscriber:
    request = SubscriptionRequest(email=f"reader{number}@example.org", **fields)
    return subscriptions.sign_up(app, request, origin="page", client=client).subscriber


def count_readers(app: App) -> int:
    return len(subscriptions.list_subscribers(app))


# ------------------------------------------------------------------------------------------- limits


def test_a_client_is_limited_and_others_are_not(any_app: App) -> None:
    app = with_web(any_app, signups_per_client=3, signups_per_hour=0)
    for number in range(3):
        ask(app, number)
    with pytest.raises(LimitError, match="Try again later"):
        ask(app, 3)
    ask(app, 4, client="192.0.2.2")
    assert count_readers(app) == 4
    assert pipeline.send(app).states == {"accepted": 4}
    assert len(read_mails(app)) == 4


def test_all_together_are_limited(any_app: App) -> None:
    app = with_web(any_app, signups_per_client=0, signups_per_hour=5)
    for number in range(5):
        ask(app, number, client=f"192.0.2.{number}")
    with pytest.raises(LimitError):
        ask(app, 9, client="198.51.100.1")
    assert count_readers(app) == 5


def test_the_hourly_limit_slides_and_the_answer_says_when_to_retry(any_app: App) -> None:
    app = with_web(any_app, signups_per_client=2)
    ask(app, 0)
    ask(app.at(NOON + 20 * MINUTE), 1)
    with pytest.raises(LimitError) as refused:
        ask(app.at(NOON + 30 * MINUTE), 2)
    assert 30 * 60 <= refused.value.retry_after <= 30 * 60 + 1
    again = NOON + 30 * MINUTE + timedelta(seconds=refused.value.retry_after)
    ask(app.at(again), 2)
    with pytest.raises(LimitError):
        ask(app.at(again), 3)


def test_asking_again_counts_whoever_it_is(any_app: App) -> None:
    app = with_web(any_app, signups_per_client=2)
    subscriptions.subscribe(app, SubscriptionRequest(email="reader0@example.org"), origin="command")
    ask(app, 0)
    ask(app, 0)
    with pytest.raises(LimitError):
        ask(app, 0)


def test_an_invalid_request_does_not_count(any_app: App) -> None:
    app = with_web(any_app, signups_per_client=1)
    for _ in range(3):
        with pytest.raises(InputError):
            ask(app, 0, size=999)
    ask(app, 0)


def test_a_refused_sign_up_leaves_nothing_behind(any_app: App) -> None:
    app = with_web(any_app, signups_per_client=1)
    ask(app, 0)
    for number in range(1, 5):
        with pytest.raises(LimitError):
            ask(app, number)
    with app.store.reading() as tx:
        assert store.signups.count(tx, since=NOON - HOUR) == 1
    assert count_readers(app) == 1


def test_no_limit_where_none_is_set(any_app: App) -> None:
    app = with_web(any_app, signups_per_client=0, signups_per_hour=0)
    for number in range(12):
        ask(app, number)
    assert count_readers(app) == 12


def test_many_at_once_never_exceed_a_limit(any_app: App) -> None:
    app = with_web(any_app, signups_per_client=0, signups_per_hour=7)
    app.keys()

    def attempt(number: int) -> bool:
        try:
            ask(app, number, client=str(number))
        except LimitError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(24))) == 7
    assert count_readers(app) == 7


def test_sign_ups_count_in_other_processes(any_app: App) -> None:
    ask(with_web(any_app, signups_per_client=1), 0)
    again = App.open(any_app.config, now=any_app.now)
    try:
        with pytest.raises(LimitError):
            ask(with_web(again, signups_per_client=1), 1)
    finally:
        again.close()


def test_no_address_of_a_client_is_stored(any_app: App) -> None:
    ask(any_app, 0, client="192.0.2.77")
    with any_app.store.reading() as tx:
        rows = tx.exec_driver_sql("SELECT client FROM signups").scalars().all()
    assert len(rows) == 1
    assert "192.0.2" not in rows[0]


# ---------------------------------------------------------------------------------------- deletions


def go_past_deadline(app: App) -> App:
    return app.at(NOON + timedelta(days=app.config.web.pending_days, minutes=1))


def test_unconfirmed_readers_are_deleted_in_time(any_app: App) -> None:
    ask(any_app, 0, keywords=("robot",))
    pipeline.send(any_app)
    assert subscriptions.delete_unconfirmed(any_app.at(NOON + 13 * DAY)) == 0
    assert subscriptions.delete_unconfirmed(go_past_deadline(any_app)) == 1
    assert subscriptions.list_subscribers(any_app) == []
    with any_app.store.reading() as tx:
        for table in ("signups", "interests", "messages", "deliveries"):
            assert tx.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0, table


def test_asking_again_is_another_beginning(any_app: App) -> None:
    ask(any_app, 0)
    ask(any_app.at(NOON + 10 * DAY), 0)
    assert subscriptions.delete_unconfirmed(go_past_deadline(any_app)) == 0
    assert subscriptions.delete_unconfirmed(go_past_deadline(any_app).at(NOON + 25 * DAY)) == 1


def confirm_reader(app: App) -> Subscriber:
    reader = ask(app, 0)
    return subscriptions.confirm(app, reader.id)


def return_by_link(app: App) -> Subscriber:
    """Subscribe again by a link and rate a paper, without ever confirming."""
    reader = ask(app, 0)
    subscriptions.unsubscribe(app, reader.id)
    return subscriptions.resubscribe(app, reader.id)


def subscribe_by_command(app: App) -> Subscriber:
    return subscriptions.subscribe(
        app, SubscriptionRequest(email="reader0@example.org"), origin="command"
    ).subscriber


@pytest.mark.parametrize("make_reader", [confirm_reader, return_by_link, subscribe_by_command])
def test_a_reader_who_was_once_confirmed_is_never_deleted(
    any_app: App, dump: Callable[..., Any], make_reader: Callable[[App], Subscriber]
) -> None:
    pipeline.ingest(any_app, [dump()], seen="name")
    reader = make_reader(any_app)
    if make_reader is return_by_link:
        services.rate(any_app, reader, services.get_paper(any_app, 1).name, 1)
    assert subscriptions.delete_unconfirmed(go_past_deadline(any_app)) == 0
    subscriptions.unsubscribe(any_app, reader.id)
    ask(any_app, 0)
    assert subscriptions.get(any_app, reader.id).status is SubscriberStatus.PENDING
    assert subscriptions.delete_unconfirmed(go_past_deadline(any_app)) == 0


def test_nobody_is_deleted_where_no_days_are_set(any_app: App) -> None:
    app = with_web(any_app, pending_days=0)
    ask(app, 0)
    assert subscriptions.delete_unconfirmed(app.at(NOON + 4000 * DAY)) == 0
    assert count_readers(app) == 1


def test_a_reader_who_confirms_at_the_last_moment_is_kept(any_app: App) -> None:
    reader = ask(any_app, 0)
    before = NOON + 20 * DAY
    with any_app.store.reading() as tx:
        assert store.signups.list_unconfirmed(tx, before=before, limit=9) == [reader.id]
    subscriptions.confirm(any_app, reader.id)
    with any_app.store.writing() as tx:
        assert not store.signups.remove_unconfirmed(tx, reader.id, before=before)
    assert subscriptions.get(any_app, reader.id).status is SubscriberStatus.ACTIVE


def test_more_than_a_batch_is_deleted(any_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.subscriptions.signups._BATCH_SIZE", 3)
    app = with_web(any_app, signups_per_client=0)
    for number in range(7):
        ask(app, number)
    assert subscriptions.delete_unconfirmed(go_past_deadline(app)) == 7
    with pytest.raises(NotFoundError):
        subscriptions.find(app, "reader0@example.org")


# ------------------------------------------------------------------------------------------- alarms


def test_a_burst_is_an_alarm_until_it_is_over(any_app: App) -> None:
    app = with_web(any_app, signups_per_client=0, signups_per_hour=3)
    alerts = app.config.alerts.model_copy(update={"to": "operator@example.org"})
    app = replace(app, config=app.config.model_copy(update={"alerts": alerts}))
    for number in range(2):
        ask(app, number)
    assert "signups" not in [alarm.kind for alarm in services.watch(app).alarms]
    ask(app, 2)
    assert "signups" in services.watch(app).planned
    pipeline.send(app)
    letters = [mail for mail in read_mails(app).values() if mail["To"] == "operator@example.org"]
    assert any(
        "3 sign-ups came within an hour" in str(mail.get_body(("plain",))) for mail in letters
    )
    assert "signups" in services.watch(app.at(NOON + 2 * HOUR)).over


def test_serve_deletes_by_itself(app: App) -> None:
    ask(app, 0)
    for clock in serve.scheduling(serve.Service(go_past_deadline(app))):
        clock.tick()
    assert count_readers(app) == 0
