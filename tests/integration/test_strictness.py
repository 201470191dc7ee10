"""What each strictness would have listed in the last week."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest import config, pipeline, services, subscriptions
from digest.app import App
from digest.cli import app as commands
from digest.cli.reader_files import read_readers
from digest.cli.row_files import BadRow
from digest.errors import InputError
from digest.model import STRICTNESS_WORDS, Purpose, Subscriber
from digest.subscriptions import SubscriptionRequest
from tests.conftest import TODAY, invent_papers, make_app
from tests.webclient import Client, contents

Dump = Callable[..., Path]


def at(app: App, days: int) -> App:
    """Return the app some days after the first one."""
    day = TODAY + timedelta(days=days)
    return app.at(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def join(app: App, **fields: object) -> Subscriber:
    wanted = {"keywords": ("robot",), "size": 3} | fields
    request = SubscriptionRequest(email="r@example.org", **wanted)  # type: ignore[arg-type]
    return subscriptions.subscribe(app, request, origin="command").subscriber


@pytest.fixture
def week(app: App, dump: Dump) -> App:
    """The app after ten days with papers, two of each topic a day."""
    for number in range(10):
        day = TODAY + timedelta(days=number)
        pipeline.ingest(at(app, number), [dump(day, rows=invent_papers(day, per_topic=2))])
    return at(app, 9)


def test_a_stricter_choice_lists_no_more(week: App) -> None:
    reader = join(week, strictness=37)
    before = contents(week)
    counts = services.count_last_week(week, reader)
    assert contents(week) == before
    assert list(counts) == [*STRICTNESS_WORDS, "37"]
    assert counts["few"] <= counts["balanced"] <= counts["many"] <= counts["always"]
    assert counts["always"] == 7 * reader.size


def test_an_always_full_digest_is_counted_as_it_was_sent(app: App, dump: Dump) -> None:
    reader = join(app, strictness="always", size=100)
    sent = 0
    for number in range(9):
        day = TODAY + timedelta(days=number)
        now = at(app, number)
        pipeline.ingest(now, [dump(day, rows=invent_papers(day, per_topic=1))])
        (planned,) = pipeline.round(now).composed.planned
        sent += planned.papers if number >= 2 else 0
    assert services.count_last_week(at(app, 8), reader)["always"] == sent


def test_a_reader_of_one_weekday_has_one_digest_of_seven_days(week: App) -> None:
    day = TODAY + timedelta(days=7)
    reader = join(week, days=(day.isoweekday(),), size=100)
    assert services.count_last_week(week, reader)["always"] == 7 * 8


def test_without_papers_nothing_would_have_been_listed(app: App) -> None:
    assert set(services.count_last_week(app, join(app)).values()) == {0}


def test_muted_papers_are_not_counted(week: App) -> None:
    reader = join(week, size=100, strictness="always")
    everything = services.count_last_week(week, reader)["always"]
    interest = replace(reader.interests[0], keywords=("robot", "-galaxy"))
    muting = replace(reader, interests=(interest,))
    assert services.count_last_week(week, muting)["always"] == everything - 14


def test_the_settings_page_shows_the_counts_on_request(week: App) -> None:
    reader = join(week)
    client = Client(week)
    path = client.path(Purpose.MANAGE, reader)
    assert f'href="{path}/week#strictness"' in client.get(path).text
    shown = client.get(f"{path}/week").text
    counts = services.count_last_week(week, reader)
    assert f"every digest is full · {counts['always']} papers last week" in shown
    assert f'action="{path}"' in shown
    assert client.get("/m/wrong/week").status_code == client.get("/m/wrong").status_code


# ------------------------------------------------------------------------------- how it is set


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--strictness", "many"], ("many", "silent", 0)),
        (["--strictness", "37", "--quiet-days", "line"], (37, "line", 37)),
        (["--threshold", "good"], ("balanced", "silent", 0)),
        (["--threshold", "strong", "--quiet-days", "weekly"], ("few", "weekly", 0)),
        (["--threshold", "0"], ("always", "silent", 0)),
        (["--threshold", "100"], (99, "silent", 99)),
        ([], ("balanced", "silent", 0)),
    ],
)
def test_the_command_takes_strictness_and_its_old_name(
    tmp_path: Path, options: list[str], expected: tuple[object, ...]
) -> None:
    variables = {"DIGEST_STORE__URL": f"sqlite:///{tmp_path}/digest.sqlite"}
    command = ["subscribe", "r@example.org", *options, "--json"]
    result = CliRunner().invoke(commands, command, env=variables)
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)["subscriber"]
    assert (values["strictness"], values["quiet_days"], values["threshold"]) == expected


@pytest.mark.parametrize(
    ("column", "value", "strictness"),
    [
        ("strictness", "few", "few"),
        ("strictness", "60", 60),
        ("threshold", "0", "always"),
        ("threshold", "good", "balanced"),
        ("threshold", "100", 99),
    ],
)
def test_a_file_of_readers_takes_strictness_and_its_old_name(
    app: App, tmp_path: Path, column: str, value: str, strictness: object
) -> None:
    path = tmp_path / "readers.csv"
    path.write_text(f"email,{column},quiet_days\nr@example.org,{value},line\n", encoding="utf-8")
    ((_, request),) = (row for row in read_readers(path) if not isinstance(row, BadRow))
    list(subscriptions.subscribe_many(app, [request], origin="file"))
    reader = subscriptions.find(app, "r@example.org")
    assert (reader.strictness, reader.quiet_days) == (strictness, "line")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("balanced", "silent")),
        ({"digest__strictness": "few", "digest__quiet_days": "line"}, ("few", "line")),
        ({"digest__strictness": "70", "digest__threshold": "good"}, (70, "silent")),
        ({"digest__threshold": "0"}, ("always", "silent")),
        ({"digest__threshold": "30"}, (30, "silent")),
    ],
)
def test_the_config_sets_what_new_readers_get(
    tmp_path: Path, settings: dict[str, str], expected: tuple[object, str]
) -> None:
    app = make_app(tmp_path, **settings)
    request = SubscriptionRequest(email="r@example.org")
    reader = subscriptions.subscribe(app, request, origin="command").subscriber
    assert (reader.strictness, reader.quiet_days) == expected
    app.close()


@pytest.mark.parametrize("key", ["strictness", "threshold"])
def test_a_reader_of_the_config_may_have_either_name(tmp_path: Path, key: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        f'[[subscribers]]\nemail = "r@example.org"\n{key} = 40\nquiet_days = "weekly"\n', "utf-8"
    )
    app = App.open(config.load(path, {}))
    (result,) = subscriptions.apply_config(app)
    assert (result.subscriber.strictness, result.subscriber.quiet_days) == (40, "weekly")
    app.close()


@pytest.mark.parametrize(
    "bad",
    [{"strictness": "all"}, {"strictness": 0}, {"strictness": 100}, {"quiet_days": "often"}],
)
def test_an_unknown_strictness_or_quiet_day_is_refused_by_name(
    app: App, bad: dict[str, object]
) -> None:
    request = SubscriptionRequest(email="r@example.org", **bad)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=rf"^{next(iter(bad))} .* must be"):
        subscriptions.subscribe(app, request, origin="command")
