"""Output on a terminal of 80 columns.

Also the errors for folders, files and numbers that cannot be used.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from digest.cli.options import out
from tests.acceptance.conftest import Run
from tests.conftest import TODAY, invent_papers


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("rejects", "999"), 1, "`digest dumps` lists them"),
        (("dev-mail", "--port", "99999"), 2, "65535"),
        (("dev-mail", "--web-port", "99999"), 2, "65535"),
        (("demo", "--port", "99999"), 2, "65535"),
    ],
)
def test_an_invalid_number_is_reported(
    run: Run, words: tuple[str, ...], code: int, message: str
) -> None:
    run("subscribe", "somebody@example.org")
    done = run(*words, code=code)
    assert message in re.sub(r"[│\s]+", " ", done.stderr + done.stdout)


@pytest.mark.parametrize(
    "words",
    [
        ("dev-mail", "--port", "0", "--folder", "taken"),
        ("demo", "--folder", "taken"),
        ("bounce", "--keep", "taken"),
    ],
)
def test_a_file_instead_of_a_folder_is_reported_with_the_remedy(
    run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "taken").write_text("")
    done = run(*words, code=75 if words[0] == "bounce" else 2, stdin="Subject: hello\n\nhello\n")
    assert "taken: cannot be made (File exists). Check the path and its permissions" in done.stderr


def test_an_inbox_that_is_not_a_folder_is_reported_with_the_remedy(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    error = run("run", code=1, DIGEST_INGEST__INBOX=str(tmp_path / "taken")).stderr
    assert error.startswith(
        f"digest: ingest.inbox = '{tmp_path / 'taken'}': cannot be made (File exists). "
    )
    assert (
        "is not a folder"
        in run("doctor", "--offline", DIGEST_INGEST__INBOX=str(tmp_path / "taken")).stdout
    )


def test_a_folder_without_dumps_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "there is no file in empty" in run("ingest", "empty").stdout


def test_tables_are_not_cut_on_a_narrow_terminal(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out, "width", 80)
    name, email = (
        "a-collection-of-papers-of-the-ninth-of-june-2026-06-09.jsonl",
        f"{'a.reader' * 7}@department.university.example.org",
    )
    rows = [msgspec.json.encode(row) for row in invent_papers(TODAY)]
    (tmp_path / name).write_bytes(b"\n".join(rows) + b"\n")
    outputs = {"ingest": run("ingest", name, "--seen", "name").stdout}
    run("subscribe", email, "--keyword", "robot")
    run("suppressions", "add", "x" + email, "--evidence", "asked " * 20)
    day = ("--date", str(TODAY))
    outputs["compose"] = run("compose", *day).stdout
    outputs["send"] = run("send", "--dry-run", *day).stdout
    for command in ("dumps", "status", "subscribers", "suppressions"):
        outputs[command] = run(command).stdout
    for command, text in outputs.items():
        assert "…" not in text, f"{command}:\n{text}"
        assert max(map(len, text.splitlines())) <= 80, f"{command}:\n{text}"
    assert "16 read" in outputs["dumps"]
    assert "16 new" in outputs["dumps"]
    assert str(TODAY) in outputs["dumps"]


def test_a_preview_says_which_paper_is_a_try(run: Run, tmp_path: Path) -> None:
    # Eight papers fit for sure, so a ninth is drawn from the others into one of the free places.
    rows = [msgspec.json.encode(row) for row in invent_papers(TODAY, per_topic=8)]
    (tmp_path / f"{TODAY}.jsonl").write_bytes(b"\n".join(rows) + b"\n")
    run("ingest", "--seen", "name", f"{TODAY}.jsonl")
    run("subscribe", "alice@example.org", "--keyword", "robot", "--size", "20", "--strictness=few")
    output = run("preview", "alice@example.org", "--date", str(TODAY)).stdout
    assert re.sub(r"\s+", " ", output).count("We are less sure of this one") == 1
