"""Deleting a reader removes all that is stored about them and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest import config, pipeline, services, store, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.errors import InputError, NotFoundError
from digest.model import Delivery, Phase, Purpose, SubscriberStatus, Suppression, SuppressionReason
from digest.pipeline.steps import record_bounces
from digest.services import inbound
from digest.store import tables
from digest.subscriptions import SubscriptionRequest
from tests.conftest import NOON, TODAY, read_mails
from tests.webclient import Client, Write

GONE, STAYS = "gone.reader@example.org", "bob@example.org"


def everything(app: App) -> dict[str, list[str]]:
    """Return all rows of all tables as text."""
    with app.store.reading() as tx:
        return {
            name: sorted(str(tuple(row)) for row in tx.execute(table.select()))
            for name, table in tables.metadata.tables.items()
        }


def build_history(app: App, dump: Write) -> tuple[int, int]:
    """Give two readers a digest, thumbs, interests and a bounce; returns their ids."""
    fields = {"keywords": ("robot", "a very private wish"), "papers": ("arxiv:2606.09001",)}
    deleted, remaining = (
        subscriptions.subscribe(
            app, SubscriptionRequest(email=email, name=email, **fields), origin="command"
        ).subscriber
        for email in (GONE, STAYS)
    )  # type: ignore[arg-type]
    pipeline.ingest(app, [dump(per_topic=10)])
    pipeline.round(app)
    for reader in (deleted, remaining):
        services.rate(app, reader, "arxiv:2606.09003", 1)
        with app.store.writing() as tx:
            message = tx.exec_driver_sql(
                f"SELECT max(id) FROM messages WHERE subscriber_id = {reader.id}"
            ).scalar_one()
            bounce = record_bounces.BounceReport(
                message_id=message,
                email=reader.email,
                fault="mailbox",
                enhanced="5.2.2",
                text=f"{reader.email} full",
                via="mail",
            )
            record_bounces.record_bounce(app, tx, bounce)
    return deleted.id, remaining.id


def test_nothing_of_a_deleted_reader_is_left_and_nothing_of_others_is_gone(
    any_app: App, dump: Write
) -> None:
    deleted, remaining = build_history(any_app, dump)
    before = everything(any_app)
    assert {name for name, rows in before.items() if GONE in str(rows)} == {
        "subscribers",
        "bounces",
    }
    assert subscriptions.delete(any_app, deleted).email == GONE
    after = everything(any_app)
    assert GONE not in str(after)
    lost = {
        name: len(rows) - len(after[name]) for name, rows in before.items() if rows != after[name]
    }
    assert lost == {
        "subscribers": 1,
        "interests": 1,
        "feedback": 1,
        "digests": 1,
        "digest_items": 10,
        "messages": 1,
        "deliveries": 1,
        "bounces": 1,
    }
    assert [reader.id for reader in subscriptions.list_subscribers(any_app)] == [remaining]
    with pytest.raises(NotFoundError):
        subscriptions.delete(any_app, deleted)


def test_old_links_of_a_deleted_reader_harm_nobody_and_leaving_still_works(
    any_app: App, dump: Write
) -> None:
    deleted, _ = build_history(any_app, dump)
    client = Client(any_app)
    leave = any_app.url(Purpose.UNSUBSCRIBE, deleted, message_id=1).removeprefix(
        any_app.config.web.base_url
    )
    thumb = any_app.url(Purpose.UP, deleted, paper_id=1, message_id=1).removeprefix(
        any_app.config.web.base_url
    )
    subscriptions.delete(any_app, deleted)
    back = subscriptions.subscribe(
        any_app, SubscriptionRequest(email=GONE), origin="command"
    ).subscriber
    assert back.id > deleted, "a number is never given twice"
    before = everything(any_app)
    for data in ({"List-Unsubscribe": "One-Click"}, {"undo": "1"}, {}):
        assert client.post(leave, data=data).status_code == 200
    assert client.get(leave).status_code == 200
    assert client.post(thumb).status_code == 404
    letter = f"From: {GONE}\r\nSubject: unsubscribe {leave.rpartition('/')[2]}\r\n\r\n".encode()
    assert inbound.receive_mail(any_app, letter).outcome == "ignored"
    assert everything(any_app) == before


def test_a_reader_deleted_before_the_send_gets_no_digest(any_app: App, dump: Write) -> None:
    deleted = subscriptions.subscribe(
        any_app, SubscriptionRequest(email=GONE), origin="command"
    ).subscriber
    pipeline.ingest(any_app, [dump(per_topic=10)])
    pipeline.compose(any_app)
    with any_app.store.writing() as tx:
        (queued,) = store.ledger.claim(tx, owner="me", now=NOON, clock=NOON)
    subscriptions.delete(any_app, deleted.id)
    with any_app.store.writing() as tx:
        assert store.ledger.begin(tx, [queued], owner="me", now=NOON, clock=NOON) == set()
        ended = Delivery(outcome="lost", server="here", phase=Phase.DATA, started=NOON, ended=NOON)
        assert store.ledger.settle(tx, [(queued, ended)], owner="me", now=NOON) == {}
    pipeline.send(any_app)
    assert read_mails(any_app) == {}


def test_an_address_stays_suppressed_when_its_reader_is_deleted(any_app: App, dump: Write) -> None:
    deleted, _ = build_history(any_app, dump)
    suppression = Suppression(
        address=GONE, reason=SuppressionReason.HARD, since=NOON, evidence="550 no such user"
    )
    subscriptions.suppress(any_app, [suppression])
    subscriptions.delete(any_app, deleted)
    assert subscriptions.list_suppressions(any_app) == [suppression]
    assert (
        subscriptions.subscribe(any_app, SubscriptionRequest(email=GONE), origin="command").outcome
        == "suppressed"
    )
    subscriptions.release(any_app, GONE)
    assert (
        subscriptions.subscribe(any_app, SubscriptionRequest(email=GONE), origin="command").outcome
        == "new"
    )


def test_the_other_readers_go_on_as_if_nothing_had_been(any_app: App, dump: Write) -> None:
    deleted, remaining = build_history(any_app, dump)
    subscriptions.delete(any_app, deleted)
    tomorrow = any_app.at(NOON + timedelta(days=1))
    pipeline.ingest(tomorrow, [dump(TODAY + timedelta(days=1), per_topic=10)])
    assert [digest.email for digest in pipeline.compose(tomorrow).planned] == [STAYS]
    assert services.status(tomorrow).json
    assert services.deliveries(tomorrow)[0]["email"] == STAYS
    assert subscriptions.get(tomorrow, remaining).status is SubscriberStatus.ACTIVE


def test_a_reader_of_the_config_is_not_deleted(app: App, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        f'[store]\nurl = "sqlite:///{app.store.url.database}"\n[[subscribers]]\nemail = '
        f'"Gone.Reader@example.org"\n'
    )
    app = replace(app, config=config.load(tmp_path / "config.toml", {}))
    subscriptions.apply_config(app)
    (reader,) = subscriptions.list_subscribers(app)
    with pytest.raises(InputError, match="subscribers"):
        subscriptions.delete(app, reader.id)
    assert subscriptions.list_subscribers(app) == [reader]
    client = Client(app)
    path = app.url(Purpose.MANAGE, reader.id).removeprefix(app.config.web.base_url)
    assert client.post(f"{path}/delete", data={"address": GONE}).status_code == 422
    api = f"/api/v1/readers{path.removeprefix('/m')}/delete"
    assert client.post(api, json={"address": GONE}).status_code == 409
    assert subscriptions.list_subscribers(app) == [reader]


def test_the_command_asks_first(app: App, dump: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    build_history(app, dump)
    monkeypatch.setenv("DIGEST_STORE__URL", f"sqlite:///{app.store.url.database}")
    run = CliRunner().invoke
    refused = run(commands, ["delete", GONE], input="n\n")
    assert refused.exit_code == 1
    assert len(subscriptions.list_subscribers(app)) == 2
    done = run(commands, ["delete", GONE, "--yes", "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"email": GONE, "deleted": True})
    assert [reader.email for reader in subscriptions.list_subscribers(app)] == [STAYS]
    absent = run(commands, ["delete", GONE, "--yes"])
    assert absent.exit_code == 1
    assert "nobody subscribes" in str(absent.exception or absent.output)
