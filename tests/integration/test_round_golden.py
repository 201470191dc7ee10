"""A whole round as golden files: subject, text and HTML of each mail.

`DIGEST_TEST_REWRITE=1 pytest tests/integration/test_round_golden.py` rewrites them. Review the
difference before you commit it.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from digest import pipeline, services, subscriptions
from digest.cli.reader_files import read_readers
from digest.cli.row_files import BadRow
from tests.conftest import make_app

FOLDER = Path(__file__).parents[1] / "data" / "golden" / "round"
DAY = datetime(2026, 4, 3, 12, tzinfo=UTC)


def mask_tokens(text: str) -> str:
    """Mask the tokens, which differ with the key of each database."""
    return re.sub(r"(/[tumcd]/|%20)[a-z2-7]{55}", r"\1TOKEN", text)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files that the round made, by name."""
    folder = tmp_path_factory.mktemp("round")
    app = make_app(folder).at(DAY)
    assert not pipeline.ingest(app, [FOLDER / "dumps"], seen="name").failed
    for row in read_readers(FOLDER / "readers.jsonl"):
        assert not isinstance(row, BadRow)
        subscriptions.subscribe(app, row[1], origin="file")
    for thumb in json.loads((FOLDER / "thumbs.json").read_text(encoding="utf-8")):
        services.rate(app, subscriptions.find(app, thumb["email"]), thumb["paper"], thumb["vote"])
    report = pipeline.round(app)
    app.close()
    assert not report.sent.troubles
    files = {}
    for path in app.config.smtp.outbox.glob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        name = message["To"].addresses[0].username
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        assert text is not None
        assert html is not None
        files[f"{name}/subject.txt"] = f"{message['Subject']}\n"
        files[f"{name}/body.txt"] = mask_tokens(text.get_content().replace("\r\n", "\n"))
        files[f"{name}/body.html"] = mask_tokens(html.get_content().replace("\r\n", "\n"))
    return files


def test_the_mails_of_the_round_are_as_the_files_show(outcome: dict[str, str]) -> None:
    if os.environ.get("DIGEST_TEST_REWRITE"):
        for name, text in outcome.items():
            (FOLDER / name).parent.mkdir(exist_ok=True)
            (FOLDER / name).write_text(text, encoding="utf-8")
    stored = {
        str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8")
        for path in FOLDER.glob("*/*")
        if path.parent.name != "dumps"
    }
    assert stored.keys() == outcome.keys()
    for name in sorted(stored):
        assert outcome[name] == stored[name], name


def test_each_reader_got_their_own(outcome: dict[str, str]) -> None:
    assert {name.split("/")[0] for name in outcome} == {"yeast", "thumbs", "nothing"}
    assert "yeast" in outcome["yeast/subject.txt"].lower()
    assert "telescope" in outcome["thumbs/body.txt"].lower()
    assert "Guided by your 3 thumbs" in re.sub(r"\s+", " ", outcome["thumbs/body.txt"])
