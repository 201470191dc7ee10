"""The golden mails: each input gives today the kept output."""

from __future__ import annotations

import json
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from digest.mail.messages.templates import shipped_folder
from tests import golden

CASES = golden.cases()


def test_the_golden_mails_cover_every_kind_and_the_hard_cases() -> None:
    expected = {
        "digest-plain",
        "digest-one",
        "digest-hostile",
        "digest-twenty",
        "confirm",
        "welcome",
        "goodbye",
        "alert",
        "weekly",
    }
    # on a laptop without a public address, links lead to the machine itself and to a mailbox
    assert expected | {"digest-local", "welcome-local"} <= set(CASES)


def test_every_kind_of_mail_that_ships_has_a_golden_one() -> None:
    kinds = {path.parent.name for path in (shipped_folder() / "email").glob("*/subject.txt")}
    assert kinds == {
        *("digest", "weekly", "quiet", "confirm", "welcome", "goodbye", "alert", "notice")
    }
    assert {case.partition("-")[0] for case in CASES} == kinds


@pytest.mark.parametrize("case", CASES)
def test_the_mail_equals_the_golden_files(case: str) -> None:
    difference = golden.difference(case)
    if difference:
        pytest.fail(
            f"{case} changed; if it should, run: python -m tests.golden --write\n{difference}",
            pytrace=False,
        )


@pytest.mark.parametrize("case", CASES)
def test_the_message_holds_the_kept_headers_and_texts(case: str) -> None:
    folder, data = golden.FOLDER / case, golden.write(case).data
    parsed = message_from_bytes(data, policy=policy.default)
    for kind, name in (("plain", "body.txt"), ("html", "body.html")):
        part = parsed.get_body((kind,))
        assert part is not None
        assert part.get_content().replace("\r\n", "\n") == (folder / name).read_text("utf-8")
    assert f"{parsed['Subject']}\n" == (folder / "subject.txt").read_text("utf-8")
    headers = (folder / "headers.txt").read_bytes().replace(b"\n", b"\r\n")
    assert data.startswith(headers + b"\r\n")


def test_one_whole_message_of_each_structure_is_kept() -> None:
    mails = {path.parent.name for path in golden.FOLDER.glob("*/message.eml")}
    assert mails == set(golden.WHOLE)


@pytest.mark.parametrize("case", CASES)
def test_an_input_can_be_read_in_an_editor(case: str) -> None:
    text = (golden.FOLDER / case / "input.json").read_text("utf-8")
    assert set(json.loads(text)) == {"write", "arguments"}
    assert max(map(len, text.splitlines())) < 1000 or case == "digest-hostile"


def test_a_changed_mail_is_shown_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = tmp_path / "welcome"
    case.mkdir()
    for path in (golden.FOLDER / "welcome").iterdir():
        (case / path.name).write_bytes(path.read_bytes())
    (case / "subject.txt").write_text("Something else\n", "utf-8")
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    shown = golden.difference("welcome")
    assert "-Something else" in shown
    assert "+Welcome to Digest of Papers" in shown
