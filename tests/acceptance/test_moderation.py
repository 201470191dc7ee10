"""The operator's commands about what readers say on the lists for everybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digest import services
from digest.app import App
from digest.model import Subscriber
from tests.acceptance.conftest import Run
from tests.conftest import make_app
from tests.webclient import Write, fill


@pytest.fixture
def readers(
    tmp_path: Path, dump: Write, cast: Callable[[App], dict[str, Subscriber]]
) -> dict[str, str]:
    """Fill the database that the commands find, and return what to set for them."""
    app = make_app(tmp_path, web__curators='["alice@example.org"]')
    fill(app, dump)
    alice = cast(app)["alice"].id
    services.up_vote(app, alice, 1)
    services.pick(app, alice, 1, name="", note="A [bold]note[/] \x1b[31m of \u202e mine")
    services.suggest(app, alice, "10.1000/x", "Of counting sheep")
    services.suggest(app, alice, "https://example.com/spam", "Buy [red]now[/]")
    app.close()
    return {"DIGEST_STORE__URL": f"sqlite:///{tmp_path / 'digest.sqlite'}"}


def rows(run: Run, readers: dict[str, str], *words: str) -> Any:
    return json.loads(run(*words, "--json", **readers).stdout)


def test_suggestions_are_listed_accepted_and_refused(run: Run, readers: dict[str, str]) -> None:
    shown = run("submissions", "list", **readers).stdout
    assert "Of counting sheep" in shown
    assert "Buy [red]now[/]" in shown
    assert "alice@example.org" in shown
    assert "2 waiting: `digest submissions list`" in run("status", **readers).stdout
    first, second = rows(run, readers, "submissions", "list")
    assert first["identifier"] == "doi:10.1000/x"
    assert second["url"] == "https://example.com/spam"
    accepted = run("submissions", "accept", str(first["id"]), **readers).stdout
    assert accepted.strip() == "accepted: Of counting sheep"
    run("submissions", "refuse", str(second["id"]), **readers)
    assert rows(run, readers, "submissions", "list") == []
    counts = rows(run, readers, "status")["suggestions"]
    assert counts == {"accepted": 1, "refused": 1}
    states = {
        row["id"]: row["state"] for row in rows(run, readers, "submissions", "list", "--state=all")
    }
    assert states == {first["id"]: "accepted", second["id"]: "refused"}
    assert "stays" in run("submissions", "refuse", str(first["id"]), code=2, **readers).stderr
    assert "no suggestion 99" in run("submissions", "accept", "99", code=1, **readers).stderr
    assert "one of" in run("submissions", "list", "--state=new", code=2, **readers).stderr


def test_picks_are_listed_and_removed(run: Run, readers: dict[str, str]) -> None:
    shown = run("picks", "list", **readers).stdout
    assert "[bold]note[/]" in shown
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown
    (pick,) = rows(run, readers, "picks", "list")
    run("picks", "remove", f"paper:{pick['paper_id']}", "alice@example.org", **readers)
    assert rows(run, readers, "picks", "list") == []
    assert "[web] curators" in run("picks", "list", **readers).stdout
    again = run("picks", "remove", "paper:1", "alice@example.org", code=1, **readers)
    assert "has not picked" in again.stderr


def test_votes_of_a_reader_are_dropped(run: Run, readers: dict[str, str]) -> None:
    (voter,) = rows(run, readers, "votes", "list")
    assert (voter["email"], voter["votes"]) == ("alice@example.org", 1)
    assert "alice@example.org" in run("votes", "list", **readers).stdout
    assert run("votes", "drop", "alice@example.org", **readers).stdout == "dropped 1 vote\n"
    assert rows(run, readers, "votes", "list") == []
    assert run("votes", "drop", "nobody@example.org", code=1, **readers).stdout == ""
