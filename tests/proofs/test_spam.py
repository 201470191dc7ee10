"""SpamAssassin on every golden mail, offline.

No rule of weight fires, and tests/README.md explains each rule that fires.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from digest.mail.messages import Signer, dkim
from tests import golden
from tests.conftest import ROOT, skip_or_fail

pytestmark = pytest.mark.slow

CASES = golden.cases()
#: points; SpamAssassin calls mail spam from 5 on
_MOST = 1.0


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, set[str]]]:
    """Golden mail -> its points and the rules that fired.

    Each as it arrives: signed, and with the line that a relay adds.
    """
    if shutil.which("spamassassin") is None:
        skip_or_fail("no SpamAssassin is installed")
    folder = tmp_path_factory.mktemp("spam")
    signer = Signer(
        domain="papers.example.org", selector="digest", key=dkim.read_key(dkim.generate_key())
    )
    for case in CASES:
        data = golden.write(case).data
        date = str(message_from_bytes(data, policy=policy.default)["Date"])
        relay = (
            f"Received: from mail.papers.example.org (mail.papers.example.org "
            f"[IPv6:2001:db8::25])\r\n\tby mx.example.net with ESMTPS id 4X; {date}\r\n"
        )
        head, _, body = data.partition(b"\r\n\r\n")
        signature = dkim.sign_message(
            head,
            body,
            [signer],
            at=datetime.strptime(date, "%a, %d %b %Y %H:%M:%S %z"),
        )
        (folder / case).write_bytes(relay.encode() + signature + data)
    # one process for all: loading the rules takes longer than applying them
    words = ["spamassassin", "-L", "-t", "-x", *(str(folder / case) for case in CASES)]
    output = subprocess.run(
        words, capture_output=True, text=True, errors="replace", timeout=300, check=True
    ).stdout
    scores = re.findall(
        r"^X-Spam-Status: \w+, score=(-?[\d.]+) required=\S+ tests=((?:[A-Z0-9_]+,?\s*)*)",
        output,
        re.MULTILINE,
    )
    assert len(scores) == len(CASES)
    return {
        case: (float(score), set(re.findall(r"[A-Z0-9_]+", rules)) - {"none"})
        for case, (score, rules) in zip(CASES, scores, strict=True)
    }


@pytest.mark.parametrize("case", CASES)
def test_no_mail_looks_like_spam(verdicts: dict[str, tuple[float, set[str]]], case: str) -> None:
    score, rules = verdicts[case]
    assert score <= _MOST, rules


def test_every_rule_that_fires_is_explained(verdicts: dict[str, tuple[float, set[str]]]) -> None:
    notes = (Path(ROOT) / "tests" / "README.md").read_text("utf-8")
    fired = set().union(*(rules for _, rules in verdicts.values()))
    assert sorted(rule for rule in fired if f"`{rule}`" not in notes) == []
    assert "HTML_MESSAGE" in fired
