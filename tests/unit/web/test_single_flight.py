"""Slow work: never twice for the same key, bounded, and others do not wait."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest

from digest import pipeline, serve, services, store, subscriptions
from digest.app import App
from digest.errors import BusyError
from digest.model import Purpose, Subscriber, SubscriberStatus
from digest.subscriptions import SubscriptionRequest
from digest.web import explanation
from digest.web.single_flight import SingleFlightCache
from tests.conftest import NOON, make_app
from tests.unit.web.conftest import Cast, heading
from tests.webclient import Client, Write, fill

#: longer than anything takes here; a test that waits for it has failed
LONG = 60.0


class Work:
    """Jobs that wait until they are told to go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()
        self.done: list[str] = []

    def __call__(self, name: str) -> Callable[[], str]:
        def job() -> str:
            self.begun.release()
            assert self.go_on.wait(LONG)
            self.done.append(name)
            return name

        return job


@pytest.fixture
def work() -> Iterator[Work]:
    started = Work()
    yield started
    started.go_on.set()


async def wait_for_begin(work: Work) -> None:
    assert await asyncio.to_thread(work.begun.acquire, timeout=LONG)


# ------------------------------------------------------------------------------------------ rules


def test_a_result_is_cached_until_its_version_changes() -> None:
    cache, calls = SingleFlightCache[int](), []

    async def ask(key: str, version: int) -> int:
        return await cache.get(key, version, lambda: calls.append((key, version)) or len(calls))

    async def story() -> list[int]:
        return [
            await ask(*request) for request in (("a", 1), ("a", 1), ("b", 1), ("a", 2), ("b", 1))
        ]

    assert asyncio.run(story()) == [1, 1, 2, 3, 2]
    assert calls == [("a", 1), ("b", 1), ("a", 2)]


def test_equal_requests_share_one_job(work: Work) -> None:
    cache = SingleFlightCache[str](workers=1, queue_size=0)

    async def story() -> list[str]:
        pending = [asyncio.ensure_future(cache.get("a", 1, work("a"))) for _ in range(20)]
        await wait_for_begin(work)
        pending[0].cancel()  # a caller that gives up does not cancel the job of others
        work.go_on.set()
        return await asyncio.gather(*pending[1:])

    assert asyncio.run(story()) == ["a"] * 19
    assert work.done == ["a"]


def test_requests_are_refused_while_the_queue_is_full(work: Work) -> None:
    cache = SingleFlightCache[str](workers=2, queue_size=3, retry_after=7)

    async def story() -> None:
        pending = [asyncio.ensure_future(cache.get(n, 1, work(str(n)))) for n in range(5)]
        await wait_for_begin(work)
        await wait_for_begin(work)
        for number in range(5, 9):
            with pytest.raises(BusyError) as refused:
                await cache.get(number, 1, work("never"))
            assert refused.value.retry_after == 7
        assert not work.begun.acquire(blocking=False), "more than two ran together"
        work.go_on.set()
        assert await asyncio.gather(*pending) == ["0", "1", "2", "3", "4"]
        assert await cache.get(9, 1, work("9")) == "9"

    asyncio.run(story())
    assert "never" not in work.done


def test_a_failed_job_fails_for_all_waiting_requests_and_is_not_cached() -> None:
    cache, calls = SingleFlightCache[int](), []

    def job() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise KeyError("once")
        return 2

    async def story() -> int:
        with pytest.raises(KeyError):
            await cache.get("a", 1, job)
        return await cache.get("a", 1, job)

    assert asyncio.run(story()) == 2


def test_the_least_recently_used_result_is_dropped() -> None:
    cache, calls = SingleFlightCache[None](capacity=2), []

    async def story() -> None:
        for key in ("a", "b", "a", "c", "a", "b"):
            await cache.get(key, 1, lambda key=key: calls.append(key))  # type: ignore[misc]

    asyncio.run(story())
    assert calls == ["a", "b", "c", "b"]


# ------------------------------------------------------------------------------- what was learned


def address(client: Client, reader: Subscriber) -> str:
    return client.path(Purpose.MANAGE, reader) + "/learned"


@pytest.fixture
def trained_ids(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of readers, once for each training."""
    ids: list[int] = []
    real = services.explain_profile

    def count_and_explain(app: App, subscriber: Subscriber, *more: Any) -> Any:
        ids.append(subscriber.id)
        return real(app, subscriber, *more)

    monkeypatch.setattr(services, "explain_profile", count_and_explain)
    return ids


def test_page_and_api_train_once_for_each_change(
    client: Client, alice: Subscriber, trained_ids: list[int], dump: Write
) -> None:
    # New encodings are looked for once an hour, and this clock stands still.
    app = replace(client.app, now=lambda: NOON)
    client = Client(app)
    path = address(client, alice)

    def count_trainings() -> int:
        assert client.get(path).status_code == 200
        token = path.split("/")[2]
        assert client.get(f"/api/v1/readers/{token}/learned").status_code == 200
        assert client.get(path).status_code == 200
        count = len(trained_ids)
        trained_ids.clear()
        return count

    assert count_trainings() == 1
    assert count_trainings() == 0
    changes: list[Callable[[], Any]] = [
        lambda: services.rate(app, alice, services.get_paper(app, 1).name, 1),
        lambda: services.rate(app, alice, services.get_paper(app, 1).name, -1),
        lambda: subscriptions.change(
            app, alice.id, SubscriptionRequest(email=alice.email, keywords=("tumour",))
        ),
        lambda: pipeline.ingest(app, [dump(rows=[{"title": "A robot that came later"}])]),
        lambda: client.post(path, data={"do": "forget", "paper": "1"}),
        lambda: services.rate(app, alice, services.get_paper(app, 2).name, 1),
        lambda: client.post(path, data={"do": "start-over-now"}),
    ]
    for number, change in enumerate(changes):
        change()
        assert count_trainings() == 1, number
    assert count_trainings() == 0


def test_a_change_is_shown_at_once(client: Client, alice: Subscriber) -> None:
    path = address(client, alice)
    before = client.get(path).text
    services.rate(client.app, alice, services.get_paper(client.app, 2).name, 1)
    after = client.get(path).text
    assert after != before
    assert after == Client(client.app).get(path).text
    services.rate(client.app, alice, services.get_paper(client.app, 2).name, 0)
    assert client.get(path).text == before


def test_new_vectors_are_a_change(client: Client, alice: Subscriber) -> None:
    before = services.profile_version(client.app, alice)
    assert services.profile_version(client.app, alice) == before
    trained_ids = store.vectors.Trained(
        version="v2", papers=1, made_at=client.app.now(), data=b"not looked at"
    )
    with client.app.store.writing() as tx:
        store.vectors.save(tx, trained_ids)
    assert services.profile_version(client.app, alice) != before


@pytest.fixture
def busy_app(tmp_path: Any, cast: Cast, dump: Write) -> Iterator[App]:
    app = make_app(tmp_path, web__bind="127.0.0.1:0")
    fill(app, dump)
    cast(app)
    yield app
    app.close()


def test_while_all_training_is_blocked_other_pages_answer(
    busy_app: App, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = services.explain_profile

    def wait_and_explain(app: App, subscriber: Subscriber, *more: Any) -> Any:
        work(str(subscriber.id))()
        return real(app, subscriber, *more)

    monkeypatch.setattr(services, "explain_profile", wait_and_explain)
    monkeypatch.setattr(
        explanation, "ProfileCache", lambda: SingleFlightCache(workers=1, queue_size=1)
    )
    client = Client(busy_app)
    readers = subscriptions.list_subscribers(busy_app)
    dave = subscriptions.subscribe(
        busy_app, SubscriptionRequest(email="dave@example.org"), origin="command"
    ).subscriber
    paths = [address(client, reader) for reader in readers]
    with serve.Background(busy_app) as base, ThreadPoolExecutor(60) as threads:

        def get(path: str) -> httpx.Response:
            return httpx.get(base + path, trust_env=False, timeout=LONG)

        # 20 for each of three readers: one is being trained, one may wait in the queue
        pending = [threads.submit(get, path) for path in paths * 20]
        assert work.begun.acquire(timeout=LONG)
        until = time.monotonic() + LONG
        while sum(answer.done() for answer in pending) < 20:
            assert time.monotonic() < until
            time.sleep(0.02)
        assert get("/").status_code == 200
        leave = client.path(Purpose.UNSUBSCRIBE, dave)
        assert get(leave).status_code == 200
        left_page = httpx.post(base + leave, trust_env=False, timeout=LONG)
        assert left_page.status_code == 200
        assert subscriptions.get(busy_app, dave.id).status is SubscriberStatus.LEFT
        work.go_on.set()
        answers = [answer.result(LONG) for answer in pending]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) == 20
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in refused} == {
        (503, "10")
    }
    assert heading(refused[0].text) == "Much is asked for just now"
    assert len(work.done) == 2


def test_a_busy_page_still_confirms_what_was_forgotten(
    client: Client, alice: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        explanation, "ProfileCache", lambda: SingleFlightCache(workers=1, queue_size=-1)
    )
    busy = Client(replace(client.app))
    path = address(busy, alice)
    services.rate(busy.app, alice, services.get_paper(busy.app, 1).name, 1)
    assert busy.get(path).status_code == 503
    assert (
        busy.get(path.replace("/m/", "/api/v1/readers/")).json()["error"]["code"] == "unavailable"
    )
    assert busy.post(path, data={"do": "start-over"}).status_code == 503
    assert pipeline.current_vote(busy.app, alice.id, 1) == 1
    answer = busy.post(path, data={"do": "forget", "paper": "1"})
    assert answer.status_code == 200
    assert "Forgotten." in answer.text
    assert pipeline.current_vote(busy.app, alice.id, 1) == 0
