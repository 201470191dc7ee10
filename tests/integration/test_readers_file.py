"""`subscribers --json` and `subscribe --file` as export and import of readers.

Nothing is lost, and a reader who left is not subscribed again.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.cli.csv_files import csv_text
from digest.cli.reader_files import (
    COLUMNS,
    EXPORTED,
    exported_cells,
    exported_values,
    read_readers,
)
from digest.cli.row_files import BadRow
from digest.locales import languages
from digest.model import (
    QUIET_DAYS,
    STRICTNESS_WORDS,
    THRESHOLD_WORDS,
    Interest,
    SubscriberStatus,
    SuppressionReason,
)
from digest.ranking.features import keyword_problem
from digest.store.subscriber_lists import SubscriberFilter
from digest.subscriptions import SubscriptionRequest
from tests.conftest import make_app

# A keyword by which no paper can be found is refused wherever it comes from.
_words = st.lists(
    st.text("abcé +-.#;,'\"", min_size=1, max_size=8).filter(
        lambda word: not keyword_problem(word)
    ),
    max_size=3,
)
_interest = st.builds(
    Interest,
    name=st.sampled_from(["main", "hands", "scans; slices"]),
    share=st.integers(1, 100),
    keywords=_words.map(tuple),
    categories=st.lists(st.sampled_from(["cs.LG", "-cs.RO", "q-bio"]), max_size=2).map(tuple),
    authors=st.lists(st.sampled_from(["Jane Doe", "-J. Roe"]), max_size=2).map(tuple),
    papers=st.lists(
        st.sampled_from(["2606.00001", "doi:10.1000/x;y", "A title, of words"]), max_size=2
    ).map(tuple),
    text=st.sampled_from(["", "tactile\nsensing", "; ,"]),
).filter(lambda interest: not interest.empty)
_suppression = st.fixed_dictionaries(
    {
        "reason": st.sampled_from([reason.value for reason in SuppressionReason]),
        "since": st.just("2026-01-02T03:04:05+00:00"),
        "evidence": st.sampled_from(["", "550 5.1.1 no such user", '=1; "quoted", é']),
        "before": st.sampled_from(["active", "paused", "left", "pending"]),
    }
)


def is_possible(reader: dict[str, Any]) -> bool:
    """Only suppressed readers, and those who left by a complaint, have a suppression."""
    suppression = reader["suppression"]
    if reader["standing"] == "suppressed":
        return suppression is None or suppression["reason"] != "complaint"
    if reader["standing"] == "left":
        return suppression is None or suppression["reason"] == "complaint"
    return suppression is None


_reader = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["", "Jane", "Ann; Bo, C", "=HYPERLINK(1)", "'-Jane", '"Jo" '])
        | st.text("aé'=+-@,;\"", max_size=5).map(str.strip),
        "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Auckland"]),
        "hour": st.integers(0, 23),
        "days": st.sets(st.integers(1, 7), min_size=1).map(sorted),
        "size": st.integers(1, 100),
        "strictness": st.integers(1, 99) | st.sampled_from(STRICTNESS_WORDS),
        "threshold": st.integers(0, 100) | st.sampled_from(THRESHOLD_WORDS),
        "quiet_days": st.sampled_from(QUIET_DAYS),
        "language": st.sampled_from(languages()),
        "interests": st.lists(_interest, max_size=3, unique_by=lambda interest: interest.name),
        "standing": st.sampled_from(list(SubscriberStatus)),
        "suppression": st.none() | _suppression,
        "created": st.integers(0, 1000).map(
            lambda days: (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=days)).isoformat()
        ),
        "origin": st.sampled_from(["command", "file", "config", "page", "api"]),
    }
).filter(is_possible)


def export_readers(app: App) -> list[dict[str, Any]]:
    rows = [
        exported_values(reader.subscriber, origin=reader.origin, suppression=reader.suppression)
        for reader in services.list_readers(app, SubscriberFilter())
    ]
    return msgspec.json.decode(msgspec.json.encode(rows, enc_hook=str))  # type: ignore[no-any-return]


def import_readers(
    app: App, folder: Path, rows: list[dict[str, Any]], name: str = "readers.json"
) -> list[str]:
    path = folder / name
    if name.endswith(".csv"):
        path.write_text(csv_text(EXPORTED, map(exported_cells, rows)), newline="")
    elif name.endswith("l"):
        path.write_bytes(b"\n".join(msgspec.json.encode(row) for row in rows))
    else:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=2))
    read = list(read_readers(path))
    assert not [row for row in read if isinstance(row, BadRow)]
    requests = [row[1] for row in read if not isinstance(row, BadRow)]
    granted = list(subscriptions.subscribe_many(app, requests, origin="file"))
    return ["refused" if isinstance(result, tuple) else result.outcome for result in granted]


@settings(max_examples=25, deadline=None)
@given(
    readers=st.lists(_reader, max_size=4),
    name=st.sampled_from(["readers.json", "readers.jsonl", "readers.csv"]),
)
def test_an_export_is_imported_without_loss(readers: list[dict[str, Any]], name: str) -> None:
    rows = [
        {"email": f"reader{number}@example.org", **reader} for number, reader in enumerate(readers)
    ]
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        source, target = make_app(Path(first)), make_app(Path(second))
        try:
            assert set(import_readers(source, Path(first), rows)) <= {"new"}
            before = export_readers(source)
            assert [row["standing"] for row in before] == [reader["standing"] for reader in readers]
            assert [row["created"][:10] for row in before] == [
                reader["created"][:10] for reader in readers
            ]
            import_readers(target, Path(second), before, name)
            assert export_readers(target) == before
            outcomes = import_readers(target, Path(second), before, name)
            assert set(outcomes) <= {"unchanged", "left", "suppressed"}
            assert export_readers(target) == before
            stopped = {row["email"] for row in before if row.get("suppression")}
            assert stopped >= {row["email"] for row in before if row["standing"] == "suppressed"}
            assert {
                suppression.address for suppression in subscriptions.list_suppressions(target)
            } == stopped
        finally:
            source.close()
            target.close()


def add_reader(app: App, status: SubscriberStatus) -> str:
    email = "known@example.org"
    if status is SubscriberStatus.PENDING:
        subscriptions.sign_up(
            app, SubscriptionRequest(email=email, keywords=("gripper",)), origin="page"
        )
        return email
    ident = subscriptions.subscribe(
        app, SubscriptionRequest(email=email, keywords=("gripper",)), origin="command"
    ).subscriber.id
    if status is SubscriberStatus.PAUSED:
        subscriptions.pause(app, ident, paused=True)
    elif status is SubscriberStatus.LEFT:
        subscriptions.unsubscribe(app, ident)
    elif status is SubscriberStatus.SUPPRESSED:
        subscriptions.suppress(app, [subscriptions.make_suppression(app, email, "it bounced")])
    return email


@pytest.mark.parametrize("before", list(SubscriberStatus))
@pytest.mark.parametrize("said", [None, *SubscriberStatus])
def test_a_file_may_stop_mail_to_known_readers_but_not_start_it(
    any_app: App, tmp_path: Path, before: SubscriberStatus, said: SubscriberStatus | None
) -> None:
    order = [
        SubscriberStatus.ACTIVE,
        SubscriberStatus.PAUSED,
        SubscriberStatus.PENDING,
        SubscriberStatus.LEFT,
        SubscriberStatus.SUPPRESSED,
    ]
    email = add_reader(any_app, before)
    row = {"email": email, "keywords": ["robot"]} | (
        {} if said is None else {"standing": said.value}
    )
    import_readers(any_app, tmp_path, [row], "readers.jsonl")
    stops = (
        said is not None
        and said is not SubscriberStatus.PENDING
        and order.index(said) > order.index(before)
    )
    if before is SubscriberStatus.LEFT:
        stops = False
    assert subscriptions.find(any_app, email).status is (said if stops else before)


def test_a_pending_reader_of_a_file_gets_no_digest_and_a_row_has_one_status(
    any_app: App, tmp_path: Path
) -> None:
    table = tmp_path / "readers.csv"
    table.write_text(
        "email,interest,keywords,standing\np@example.org,hands,robot,pending\np@example.org,scans,tumour,Pending\n"
        "a@example.org,hands,robot,\n"
    )
    requests = [row[1] for row in read_readers(table) if not isinstance(row, BadRow)]
    done = list(subscriptions.subscribe_many(any_app, requests, origin="file"))
    assert [result.outcome for result in done if not isinstance(result, tuple)] == [
        "new",
        "pending",
        "new",
    ]
    reader = subscriptions.find(any_app, "p@example.org")
    assert reader.status is SubscriberStatus.PENDING
    assert [interest.name for interest in reader.interests] == ["hands", "scans"]
    report = pipeline.compose(any_app)
    assert "p@example.org" in [left.email for left in report.left_out]
    assert subscriptions.load_origin(any_app, reader.id) == "page"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"standing": "confirmed"}, "must be one of pending, active, paused, left, suppressed"),
        ({"standing": 5}, "must be one of pending"),
        ({"created": "yesterday"}, "must be a time such as 2026-06-09T07:00:00+00:00"),
        ({"origin": "nowhere"}, "must be one of command, file, config, page, api"),
    ],
)
def test_a_bad_status_is_reported(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    path = tmp_path / "readers.jsonl"
    path.write_bytes(msgspec.json.encode({"email": "a@example.org"} | row))
    (bad,) = read_readers(path)
    assert isinstance(bad, BadRow)
    assert message in bad.reason


def test_all_that_is_exported_is_a_column(any_app: App) -> None:
    subscriptions.subscribe(any_app, SubscriptionRequest(email="a@example.org"), origin="command")
    assert set(export_readers(any_app)[0]) <= set(COLUMNS)


def test_a_broken_list_of_readers_is_one_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "readers.json"
    path.write_text('[\n{"email": "a@example.org"},\n')
    (bad,) = read_readers(path)
    assert isinstance(bad, BadRow)


def test_words_in_a_cell_are_split_as_on_the_pages(tmp_path: Path) -> None:
    table = tmp_path / "readers.csv"
    table.write_text(
        'email,keywords,categories,authors\na@example.org,"GNN, -robot arm;moss","cs.LG, q-bio",'
        '"Doe, Jane; Kim Roe"\n'
    )
    ((_, request),) = [row for row in read_readers(table) if not isinstance(row, BadRow)]
    assert request.keywords == ("GNN", "-robot arm", "moss")
    assert request.categories == ("cs.LG", "q-bio")
    assert request.authors == ("Doe, Jane", "Kim Roe")


def test_an_item_of_a_json_list_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "readers.jsonl"
    path.write_text('{"email": "a@example.org", "keywords": ["GNN, transformers"]}\n')
    ((_, request),) = [row for row in read_readers(path) if not isinstance(row, BadRow)]
    assert request.keywords == ("GNN, transformers",)
