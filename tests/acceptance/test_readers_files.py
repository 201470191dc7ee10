"""An operator takes readers over from a spreadsheet, and from another install by a pipe."""

from __future__ import annotations

import json
from pathlib import Path

from tests.acceptance.conftest import Run

EXCEL = (
    "sep=;\r\nE-Mail;Name;Keywords;Hour\r\n"
    "jürgen@example.org;Jürgen;robot, -plasma;8\r\n"
    "anne@example.org;Anne;protein;soon\r\n"
    ";;;\r\nbad address;Nobody;;\r\n"
)


def test_rows_of_a_spreadsheet_are_taken_and_bad_ones_are_told_with_code_1(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "readers.csv").write_bytes(EXCEL.encode("cp1252"))
    done = run("subscribe", "--file", "readers.csv", code=1)
    assert "readers.csv: 1 new, 2 rejected" in done.stdout
    assert "line 4: hour = 'soon': must be a whole number" in done.stdout
    assert "line 6: 'bad address' is no e-mail address" in done.stdout
    (reader,) = json.loads(run("subscribers", "--json").stdout)
    assert (reader["email"], reader["name"], reader["hour"]) == ("jürgen@example.org", "Jürgen", 8)
    assert reader["interests"][0]["keywords"] == ["robot", "-plasma"]


def test_a_pipe_moves_readers_to_another_database_without_loss(run: Run, tmp_path: Path) -> None:
    run("subscribe", "a@example.org", "--keyword", "robot, -plasma", "--author=-Jane Roe")
    run("subscribe", "b@example.org", "--days", "1,3", "--hour", "9", "--timezone", "Asia/Tokyo")
    run("subscribe", "c@example.org", "--language", "de", "--strictness", "few", "--name", "=C")
    run("suppressions", "add", "c@example.org", "--evidence", "asked by phone")
    run("unsubscribe", "b@example.org")
    for option in ("--json", "--csv"):
        exported = run("subscribers", option).stdout
        other = {"DIGEST_STORE__URL": f"sqlite:///{tmp_path}/other{option}.sqlite"}
        assert "3 new" in run("subscribe", "--file", "-", stdin=exported, **other).stdout
        assert run("subscribers", option, **other).stdout == exported
        again = run("subscribe", "--file", "-", stdin=exported, **other)
        assert "1 left, 1 suppressed, 1 unchanged" in again.stdout


def test_lists_are_paged_filtered_and_counted(run: Run) -> None:
    for name in "abc":
        run("subscribe", f"{name}@example.org", "--keyword", f"{name}robot")
    first = run("subscribers", "--limit", "2").stdout
    assert "2 subscribers; the next: --after b@example.org" in first
    assert "1 subscriber" in run("subscribers", "--after", "b@example.org").stdout
    emails = [
        reader["email"]
        for reader in json.loads(run("subscribers", "--json", "--interest", "BROBOT").stdout)
    ]
    assert emails == ["b@example.org"]
    assert json.loads(run("subscribers", "--json", "--state", "paused").stdout) == []
    assert "3 subscribers" in run("subscribers", "--summary", "--domain", "example.org").stdout
    assert json.loads(run("subscribers", "--summary", "--json").stdout)["states"] == {"active": 3}
    assert "not one of" in run("subscribers", "--state", "gone", code=2).stderr
    assert "leave out --limit" in run("subscribers", "--summary", "--limit", "1", code=2).stderr
    assert "nobody subscribes as" in run("subscribers", "--after", "z@example.org", code=1).stderr
