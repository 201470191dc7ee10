"""A library of Zotero, kept in step with the example papers of a reader."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from digest import store, subscriptions
from digest.app import App
from digest.cli import app as command
from digest.errors import ConfigError, InputError, SourceError
from digest.model import Subscriber
from digest.services.library import ImportReport
from digest.services.zotero_library import follow_zotero
from tests.fakes.source_server import SourceServer

Cast = Callable[[App], dict[str, Subscriber]]
Follow = Callable[..., ImportReport]


def item(number: int, **data: Any) -> dict[str, Any]:
    fields = {
        "itemType": "journalArticle",
        "title": f"An Invented Title of Number {number}",
        "creators": [{"creatorType": "author", "firstName": "Jane", "lastName": "Doe"}],
        "DOI": f"10.5555/invented.{number}",
    }
    return {"key": f"KEY{number:05}", "version": number, "data": fields | data}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SourceServer]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with SourceServer() as running:
        yield running


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "zotero.key"
    path.write_text("swordfish\n")
    return path


@pytest.fixture
def alice(any_app: App, cast: Cast) -> Subscriber:
    return cast(any_app)["alice"]


@pytest.fixture
def follow(any_app: App, alice: Subscriber, server: SourceServer, key_file: Path) -> Follow:
    def run(library: str = "users/1", **more: Any) -> ImportReport:
        return follow_zotero(
            any_app,
            alice,
            library,
            key_file=key_file,
            base_url=server.url(""),
            sleep=lambda _: None,
            **more,
        )

    return run


def examples(app: App, reader: Subscriber, interest: str = "main") -> tuple[str, ...]:
    with app.store.reading() as tx:
        stored = store.subscribers.find(tx, reader.id)
    assert stored is not None
    return next((one.papers for one in stored.interests if one.name == interest), ())


def test_what_is_added_to_the_library_becomes_an_example_once(
    any_app: App, alice: Subscriber, follow: Follow, server: SourceServer
) -> None:
    server.library = [item(1), item(2), item(3, itemType="attachment")]
    before = len(examples(any_app, alice))
    first = follow()
    assert (first.new, first.count("kept"), first.count("refused")) == (2, 2, 1)
    assert server.requests[-1].headers["Zotero-API-Key"] == "swordfish"
    assert follow().entries == []
    assert server.requests[-1].query["since"] == "3"
    server.library.append(item(4))
    assert [entry.new for entry in follow().entries] == [True]
    assert len(examples(any_app, alice)) == before + 3


def test_what_the_reader_removed_here_stays_removed_when_it_changes_there(
    any_app: App, alice: Subscriber, follow: Follow, server: SourceServer
) -> None:
    server.library = [item(1), item(2)]
    follow(interest="from  Zotero", create=True)
    first, second = examples(any_app, alice, "from Zotero")
    with any_app.store.writing() as tx:
        reader = store.subscribers.find(tx, alice.id)
        assert reader is not None
        kept = [
            replace(one, papers=(second,)) if one.name == "from Zotero" else one
            for one in reader.interests
        ]
        store.subscribers.overwrite(tx, replace(reader, interests=tuple(kept)), now=any_app.now())
    server.library[0]["version"] = 5
    assert follow(interest="from Zotero", create=True).entries == []
    assert examples(any_app, alice, "from Zotero") == (second,)
    assert first != second


def test_what_is_removed_there_stays_here(
    any_app: App, alice: Subscriber, follow: Follow, server: SourceServer
) -> None:
    server.library = [item(1), item(2)]
    follow()
    before = examples(any_app, alice)
    server.library = [item(2)]
    follow()
    assert examples(any_app, alice) == before


def test_an_item_that_was_refused_is_read_again_when_it_changes(
    follow: Follow, server: SourceServer
) -> None:
    server.library = [item(1, title="", DOI="")]
    assert follow().count("refused") == 1
    server.library = [item(1) | {"version": 2}]
    assert follow().new == 1


def test_many_pages_are_read_and_a_fault_in_between_loses_nothing(
    any_app: App, alice: Subscriber, follow: Follow, server: SourceServer
) -> None:
    server.library = [item(number) for number in range(1, 251)]
    before = len(examples(any_app, alice))
    server.fail("/users", "ok", "404")
    with pytest.raises(SourceError, match="404"):
        follow()
    assert len(examples(any_app, alice)) == before + 100
    assert follow().new == 150
    assert [request.query["start"] for request in server.requests[-3:]] == ["0", "100", "200"]


def test_two_libraries_of_a_reader_are_told_apart(follow: Follow, server: SourceServer) -> None:
    server.library = [item(1)]
    assert follow().new == 1
    assert follow(interest="another", create=True).new == 1


@pytest.mark.parametrize("fault", ["html", "cut-quietly", "garbage", "empty"])
def test_an_answer_that_is_no_library_is_an_error(
    fault: str, follow: Follow, server: SourceServer
) -> None:
    server.library = [item(1)]
    server.fail("/users", fault)
    with pytest.raises(SourceError) as failed:
        follow()
    assert "swordfish" not in str(failed.value)
    assert follow().new == 1


def test_wrong_names_and_missing_keys_are_told(follow: Follow, key_file: Path) -> None:
    for library in ("1", "users/", "users/jane", "users/1/items", "../1", "users/0"):
        with pytest.raises(InputError, match="users/ID or groups/ID"):
            follow(library)
    key_file.write_text("\n")
    with pytest.raises(ConfigError, match="--key-file"):
        follow()


def test_a_deleted_reader_leaves_no_library_behind(
    any_app: App, alice: Subscriber, follow: Follow, server: SourceServer
) -> None:
    server.library = [item(1)]
    follow()
    subscriptions.delete(any_app, alice.id)
    with any_app.store.reading() as tx:
        assert store.sources.load_libraries(tx, alice.id) == {}
        assert store.sources.load_states(tx) == {}


def test_the_command_takes_a_file_or_a_library(
    tmp_path: Path, server: SourceServer, key_file: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("")
    runner = CliRunner()
    made = runner.invoke(command, ["subscribe", "jane@example.org", "--config", str(config)])
    assert made.exit_code == 0, made.output
    server.library = [item(1)]
    base = ["import-library", "jane@example.org", "--config", str(config)]
    zotero = ["--zotero", "users/1", "--zotero-url", server.url("")]
    done = runner.invoke(command, [*base, *zotero, "--key-file", str(key_file)])
    assert done.exit_code == 0, done.output
    assert "users/1: 1 read (zotero), 1 new" in done.output
    again = runner.invoke(command, [*base, *zotero, "--key-file", str(key_file)])
    assert (again.exit_code, "0 read" in again.output) == (0, True)
    for wrong in ([*base], [*base, *zotero], [*base, str(key_file), *zotero]):
        assert runner.invoke(command, wrong).exit_code != 0
