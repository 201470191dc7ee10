"""Every sender obeys the pauses that servers ask for, also after a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest import pipeline, services, store, subscriptions
from digest.app import App
from digest.model import MessageState, Pause
from digest.store import Store
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, make_app
from tests.fakes.smtp_server import Act, HostileSmtp, Step, serving

S = MessageState
CLOCK = datetime.now(UTC)
Senders = Callable[[HostileSmtp], App]


@pytest.fixture
def sender(tmp_path: Path, store_url: str, dump: Callable[..., Path]) -> Iterator[Senders]:
    """Start senders for ten readers at slow.example, each a process of its own."""
    apps: list[App] = []
    first = make_app(tmp_path, store_url)
    apps.append(first)
    pipeline.ingest(first, [dump()])
    requests = [
        SubscriptionRequest(email=f"r{number}@slow.example", keywords=("robot",), size=3)
        for number in range(10)
    ]
    list(subscriptions.subscribe_many(first, requests, origin="file"))
    assert len(pipeline.compose(first).planned) == 10

    def start(server: HostileSmtp) -> App:
        app = make_app(
            tmp_path,
            store_url,
            smtp__host="127.0.0.1",
            smtp__port=str(server.port),
            smtp__connections="1",
        )
        apps.append(app)
        return app

    yield start
    for app in apps:
        app.close()


def answer_with(step: Step, *replies: str) -> HostileSmtp:
    return HostileSmtp({step: [Act.reply(reply) for reply in replies]})


def load_pauses(app: App) -> list[Pause]:
    with app.store.reading() as tx:
        return store.pauses.load_all(tx, clock=datetime.now(UTC))


def count_recipients(server: HostileSmtp) -> int:
    return sum("slow.example" in line for line in server.commands("RCPT"))


def test_pauses_survive_a_restart(sender: Senders) -> None:
    with serving(answer_with("RCPT", *["451 4.7.1 r0@slow.example too fast"] * 20)) as server:
        assert pipeline.send(sender(server)).states == {S.DEFERRED: 10}
        assert count_recipients(server) == 1
    with serving(answer_with("RCPT")) as server:
        app = sender(server)
        (pause,) = load_pauses(app)
        assert (pause.kind, pause.name, pause.reason, pause.strikes) == (
            "domain",
            "slow.example",
            "busy",
            1,
        )
        assert pause.text == "451 4.7.1 ...@... too fast"
        assert pause.rate == pytest.approx(30)
        assert timedelta(0) < pause.until - datetime.now(UTC) < timedelta(minutes=1)
        # the messages are due, but the pause lasts
        assert pipeline.send(app.at(NOON + timedelta(minutes=15))).states == {S.DEFERRED: 10}
        assert server.commands("RCPT") == []
        assert services.status(app).pauses == [pause]


def test_a_running_sender_obeys_a_pause_of_another_sender(sender: Senders) -> None:
    with (
        serving(answer_with("RCPT")) as calm,
        serving(answer_with("RCPT", "451 4.7.1 too fast")) as strict,
    ):
        running, other = sender(calm), sender(strict)
        subscriptions.subscribe(
            running,
            SubscriptionRequest(email="early@slow.example", keywords=("robot",)),
            origin="command",
        )
        early = subscriptions.find(running, "early@slow.example")
        pipeline.compose(running)
        assert pipeline.send(running, only=early).states == {S.ACCEPTED: 1}
        pipeline.send(other)
        assert pipeline.send(running.at(NOON + timedelta(minutes=15))).states == {S.DEFERRED: 10}
        assert count_recipients(calm) == 1


def test_after_a_fixed_refusal_a_restart_sends_at_once(sender: Senders) -> None:
    with serving(answer_with("DOT", *["550 5.7.26 unauthenticated"] * 20)) as server:
        assert pipeline.send(sender(server)).states == {S.DEFERRED: 10}
        assert count_recipients(server) == 1
    with serving(answer_with("DOT")) as server:
        app = sender(server)
        assert {pause.reason for pause in load_pauses(app)} == {"ours"}
        for minutes in (20, 25, 40):  # the messages behind the probe come back after it
            pipeline.send(app.at(NOON + timedelta(minutes=minutes)))
        assert len(server.accepted_recipients) == 10
        assert load_pauses(app) == []
        assert services.status(app).pauses == []


def test_after_a_pause_waiting_messages_are_not_sent_all_at_once(sender: Senders) -> None:
    with serving(answer_with("RCPT", "451 4.7.1 too fast")) as server:
        app = sender(server)
        pipeline.send(app)
        (pause,) = load_pauses(app)
        with app.store.writing() as tx:
            store.pauses.end(tx, pause, clock=datetime.now(UTC))
            store.pauses.save(
                tx, replace(pause, until=datetime.now(UTC), rate=10.0), clock=datetime.now(UTC)
            )
        again = sender(server)
        report = pipeline.send(again.at(NOON + timedelta(minutes=15)))
        assert report.states == {S.ACCEPTED: 1, S.DEFERRED: 9}
        waits = [row["not_before"] for row in services.deliveries(app, state=S.DEFERRED)]
        assert len(waits) == 9
        assert load_pauses(app) == []


def make_pause(until: datetime, **more: object) -> Pause:
    return Pause(
        **(
            {
                "kind": "server",
                "name": "mx:25",
                "until": until,
                "reason": "busy",
                "text": "421",
                "strikes": 1,
            }
            | more
        )
    )  # type: ignore[arg-type]


def test_the_longest_pause_holds(store: Store) -> None:
    from digest.store import pauses

    long, short = (
        make_pause(CLOCK + timedelta(minutes=9), rate=5.0),
        make_pause(CLOCK + timedelta(minutes=3), strikes=4),
    )
    with store.writing() as tx:
        pauses.save(tx, long, clock=CLOCK)
        pauses.save(tx, short, clock=CLOCK)
        assert pauses.load_all(tx, clock=CLOCK) == [long]
        pauses.end(tx, short, clock=CLOCK)  # the server asked for a longer pause since
        assert pauses.load_all(tx, clock=CLOCK) == [long]
        longer = make_pause(CLOCK + timedelta(minutes=30), reason="ours", text="550")
        pauses.save(tx, longer, clock=CLOCK)
        assert pauses.load_all(tx, clock=CLOCK) == [longer]
        pauses.end(tx, longer, clock=CLOCK)
        assert pauses.load_all(tx, clock=CLOCK) == []


def test_pauses_of_long_ago_are_forgotten(store: Store) -> None:
    from digest.store import pauses

    with store.writing() as tx:
        pauses.save(tx, make_pause(CLOCK, name="old:25"), clock=CLOCK)
        assert len(pauses.load_all(tx, clock=CLOCK + timedelta(minutes=59))) == 1
        assert pauses.load_all(tx, clock=CLOCK + timedelta(minutes=61)) == []
        pauses.save(tx, make_pause(CLOCK + timedelta(hours=2)), clock=CLOCK + timedelta(minutes=61))
        assert [pause.name for pause in pauses.load_all(tx, clock=CLOCK)] == ["mx:25"]
