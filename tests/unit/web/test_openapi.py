"""The description of the API is true: schemathesis finds no answer that it does not declare.

    DIGEST_TEST_FUZZ_SECONDS=600 pytest -n 0 tests/unit/web/test_openapi.py

searches for ten minutes, each time otherwise.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from digest import pipeline, services, store, subscriptions, web
from digest.app import App
from digest.model import Scope, Subscriber
from tests.conftest import NOON, TODAY, make_app, skip_or_fail
from tests.examples import FULL

SECONDS = float(os.environ.get("DIGEST_TEST_FUZZ_SECONDS") or 0)
THOROUGH = FULL or bool(SECONDS)
#: of each operation and kind of data
EXAMPLES = 40 if SECONDS else 10 if FULL else 3
#: the routes behind it are those of /api/v1/me, so that the desk tries one of the two
OTHER_DOOR = "/api/v1/subscribers/{subscriber_id}"
#: values that lead to stored things, beside the random ones, which hardly ever do
STORED = {
    "name": "main",
    "paper": "1",
    "paper_id": 1,
    "day": str(TODAY),
    "message": 2,
    "dump_id": 1,
    "webhook_id": 1,
    "email": "zoe@example.net",
    "provider": "brevo",
    "secret": "a secret of sixteen letters or more",
}
#: statuses of requests that are too large, which "default" describes
TOO_LARGE = (413, 414, 431)


@pytest.fixture(scope="module")
def schemathesis() -> Any:
    try:
        import schemathesis
    except ImportError:
        skip_or_fail("schemathesis is not installed")
    return schemathesis


@pytest.fixture
def service(app: App, readers: dict[str, Subscriber]) -> Iterator[App]:
    """An app with papers and readers, and limits that are never reached."""
    pipeline.compose(app)
    services.add_webhook(app, "https://example.org/hook", ["thumb"])
    roomy = make_app(
        app.store.file.parent,  # type: ignore[union-attr]
        web__api_per_minute="1000000",
        web__signups_per_hour="0",
        web__signups_per_client="0",
        evaluate__recommenders="true",
        providers__brevo_secret=STORED["secret"],
    )
    yield roomy
    roomy.close()


class Caller:
    """Sends what schemathesis makes up, with a key that works, to a reader who is there."""

    def __init__(self, app: App) -> None:
        self.app = app
        scopes = [scope.value for scope in Scope]
        self.operator = services.create_api_key(app, "all", scopes)[1]
        self.reader_id, self.reader = 0, ""

    def renew(self) -> None:
        """Bring back the reader and their key, which earlier requests may have deleted."""
        request = subscriptions.SubscriptionRequest(
            email="alice@example.org", keywords=("robot",), interest="main", timezone="UTC"
        )
        alice = subscriptions.subscribe(self.app, request, origin="command").subscriber
        if alice.id != self.reader_id:
            self.reader_id = alice.id
            self.reader = services.create_reader_key(self.app, alice.id, "fuzz")[1]
            self.give_past(alice)
        zoe = subscriptions.make_suppression(self.app, "zoe@example.net", "")
        subscriptions.suppress(self.app, [zoe])

    def give_past(self, reader: Subscriber) -> None:
        """Give the reader a digest, a quiet day and a thumb."""
        pipeline.compose(self.app, only=reader)
        with self.app.store.writing() as tx:
            store.digests.close_missed(tx, reader.id, [TODAY.replace(day=8)], now=NOON)
        pipeline.record_feedback(self.app, reader.id, 1, 1, via="page")

    def call(self, case: Any, use_stored: bool) -> Any:
        self.renew()
        if use_stored:
            known = STORED | {"subscriber_id": self.reader_id}
            for name in case.path_parameters or {}:
                case.path_parameters[name] = known.get(name, case.path_parameters[name])
        key = self.reader if case.operation.path.startswith("/api/v1/me") else self.operator
        case.headers = {
            name: value
            for name, value in (case.headers or {}).items()
            if name.lower() != "authorization"
        }
        return case.call(headers={"Authorization": f"Bearer {key}"})


def test_no_answer_is_undeclared(service: App, schemathesis: Any) -> None:
    from schemathesis import GenerationMode, checks

    pages = web.create(service)
    schema = load_strict(schemathesis, pages)
    conforms = [
        checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
        checks.response_headers_conformance,
    ]
    caller, until = Caller(service), time.monotonic() + SECONDS
    statuses: set[tuple[str, int]] = set()
    operations = [result.ok() for result in schema.get_all_operations()]
    if not THOROUGH:
        operations = [each for each in operations if not each.path.startswith(OTHER_DOOR)]
    while True:
        for operation in operations:
            for mode in GenerationMode:
                is_right = mode is GenerationMode.POSITIVE and not THOROUGH
                to_stored = st.just(value=True) if is_right else st.booleans()

                @hypothesis.settings(
                    max_examples=EXAMPLES,
                    database=None,
                    deadline=None,
                    derandomize=not SECONDS,
                    suppress_health_check=list(hypothesis.HealthCheck),
                )
                @hypothesis.given(operation.as_strategy(generation_mode=mode), to_stored)
                def try_all(case: Any, use_stored: bool) -> None:
                    answer = caller.call(case, use_stored)
                    statuses.add((case.operation.label, answer.status_code))
                    if answer.status_code not in TOO_LARGE:
                        case.validate_response(answer, checks=conforms)

                # hardly anything is wrong for an operation that takes nothing
                with suppress(hypothesis.errors.Unsatisfiable):
                    try_all()
        random.shuffle(operations)
        if time.monotonic() >= until:
            break
    reached = {label for label, status in statuses if status < 300}
    labels = {operation.label for operation in operations}
    hard = {label for label in labels if "{token}" in label or "preview" in label}
    assert labels - reached <= hard | NEED_A_BODY, "the examples reach what they test"


#: operations whose bodies are seldom right by chance; their own tests reach them
NEED_A_BODY = {
    f"{method} {door}{tail}"
    for door in ("/api/v1/me", "/api/v1/subscribers/{subscriber_id}")
    for method, tail in (
        ("PATCH", ""),
        ("POST", "/interests"),
        ("PUT", "/interests/{name}"),
        ("PUT", "/feedback/{paper}"),
    )
} | {
    "POST /api/v1/subscribers",
    "POST /api/v1/webhooks",
    "POST /api/v1/suppressions",
    "POST /api/v1/recommendations",
    "GET /api/v1/dumps/uploads/{upload_id}",
    # without a body that its provider signed or documented
    "POST /api/v1/inbound/{provider}",
    "POST /api/v1/inbound/{provider}/{secret}",
    # by then it may have been deleted
    "GET /api/v1/webhooks/{webhook_id}/deliveries",
    "DELETE /api/v1/webhooks/{webhook_id}",
}


def load_strict(schemathesis: Any, pages: Any) -> Any:
    """Load the description of the API without "default", which would declare everything."""
    document = deepcopy(pages.openapi())
    document["paths"] = {
        path: methods for path, methods in document["paths"].items() if path.startswith("/api/")
    }
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("default")
    schema = schemathesis.openapi.from_dict(document)
    schema.app = pages
    return schema
