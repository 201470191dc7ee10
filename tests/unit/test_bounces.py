"""Inbound mails are classified, and no bytes make that fail.

Each mail of tests/data/bounces stands beside what is read from it; `DIGEST_TEST_REWRITE=1 pytest
tests/unit/test_bounces.py` writes that anew, and the difference is to be reviewed.
`DIGEST_TEST_FUZZ_SECONDS=600` damages them for ten minutes, each time otherwise.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import time
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import LinkError
from digest.mail import bounces, links
from digest.mail.bounces import MAX_SIZE, InboundMail, Kind
from digest.model import LinkKey, Purpose
from tests.returned import damage

FOLDER = Path(__file__).parents[1] / "data" / "bounces"
MAILS = sorted(FOLDER.glob("*.eml"))
SECONDS = float(os.environ.get("DIGEST_TEST_FUZZ_SECONDS") or 0)
#: the key that the tokens in those mails are signed with
KEY = LinkKey(id=1, secret=b"tests-only" * 3)


def as_json(inbound: InboundMail) -> str:
    # every mail has these; the tests of thumbs cover them
    omitted = ("date", "message_id")
    fields = {
        name: value
        for name, value in dataclasses.asdict(inbound).items()
        if value not in ("", 0, ()) and name not in omitted
    }
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def read_tokens(inbound: InboundMail) -> set[tuple[Purpose, int, int]]:
    """Read our tokens within a mail: (purpose, subscriber, message) of each."""
    tokens = set()
    for text in (*inbound.recipients, *inbound.returned, inbound.subject):
        for read in (links.read_bounce_address, links.read_subject):
            try:
                link = read(text, [KEY])
            except LinkError:
                continue
            tokens.add((link.purpose, link.subscriber_id, link.message_id))
    return tokens


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_a_golden_mail_gives_its_expected_file(path: Path) -> None:
    text = as_json(bounces.read(path.read_bytes()))
    expected = path.with_suffix(".json")
    if os.environ.get("DIGEST_TEST_REWRITE"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_line_ends_and_an_mbox_line_change_nothing(path: Path) -> None:
    data = path.read_bytes()
    assert bounces.read(data.replace(b"\n", b"\r\n")) == bounces.read(data)
    assert bounces.read(b"From MAILER-DAEMON  Tue Jun  9 07:00:00 2026\n" + data) == bounces.read(
        data
    )


def test_every_kind_has_a_golden_mail_but_one() -> None:
    kinds = {bounces.read(path.read_bytes()).kind for path in MAILS}
    assert kinds == set(get_args(Kind)) - {"delivered"}
    assert {path.stem for path in FOLDER.glob("*.json")} == {path.stem for path in MAILS}


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_a_bounce_or_complaint_names_its_message(path: Path) -> None:
    inbound = bounces.read(path.read_bytes())
    tokens = read_tokens(inbound)
    if path.stem.startswith("quoted"):
        assert tokens == set()
        assert inbound.quoted_ids == ("digest.20260609.s7@digest.example",)
    elif inbound.kind in ("bounce", "complaint"):
        assert {(subscriber, message) for _, subscriber, message in tokens} == {(7, 42)}
    if path.stem.startswith(("person", "receipt", "dmarc")):
        assert tokens == set()


def test_a_quoted_report_is_ignored_and_reveals_no_token() -> None:
    for path in MAILS:
        if path.stem.startswith("person"):
            inbound = bounces.read(path.read_bytes())
            assert (inbound.kind, inbound.returned) == ("other", ())


def test_the_envelope_takes_precedence_over_the_header() -> None:
    inbound = bounces.read(
        b"To: <a@example.org>, B <b@example.org>\nDelivered-To: c@example.org\n\n",
        recipients=("d@example.org",),
    )
    assert inbound.recipients == (
        "d@example.org",
        "c@example.org",
        "a@example.org",
        "b@example.org",
    )


def test_a_delivery_confirmation_is_no_bounce() -> None:
    data = (FOLDER / "postfix-unknown-user.eml").read_bytes()
    for action in (b"delivered", b"relayed (to non-DSN system)", b"expanded"):
        assert (
            bounces.read(data.replace(b"Action: failed", b"Action: " + action)).kind == "delivered"
        )
    assert bounces.read(data.replace(b"Action: failed", b"Action: frobnicated")).kind == "automatic"


def test_a_failed_recipient_takes_precedence_over_others() -> None:
    data = (FOLDER / "postfix-unknown-user.eml").read_bytes()
    first = b"Final-Recipient: rfc822; bob@example.org\nAction: delayed\nStatus: 4.4.1\n\n"
    inbound = bounces.read(
        data.replace(b"Final-Recipient: rfc822; alice", first + b"Final-Recipient: rfc822; alice")
    )
    assert (inbound.kind, inbound.reported_recipient) == ("bounce", "Alice@example.org")


# ----------------------------------------------------------------------------------------------
# hostile mails


def read_and_check(data: bytes) -> InboundMail:
    """Read a mail and check that the result is fit for a log and a database.

    It must be plain and bounded, whatever came in.
    """
    inbound = bounces.read(data)
    assert inbound.kind in get_args(Kind)
    assert max(len(inbound.recipients), len(inbound.named)) <= 20
    assert 0 <= inbound.code <= 599
    assert len(inbound.enhanced) <= 12
    for text in (
        inbound.why,
        inbound.subject,
        inbound.reported_recipient,
        inbound.text,
        *inbound.recipients,
        *inbound.returned,
        *inbound.quoted_ids,
        *inbound.named,
    ):
        assert len(text) <= 4000
        assert not set(text) & set("\r\n\0")
        text.encode("utf-8")
    return inbound


NESTED = b"".join(
    b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(3000)
)
HOSTILE = {
    "nothing": b"",
    "zeros": b"\0" * 5000,
    "only-line-ends": b"\n" * 100_000,
    "nested-multiparts": NESTED,
    "nested-messages": b"Content-Type: message/rfc822\n\n" * 20_000,
    "nested-in-a-report": b"Content-Type: multipart/report; boundary=b\n\n--b\n" + NESTED,
    "a-million-parts": b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n\n" * 250_000,
    "a-line-of-a-megabyte": (
        b"From: mailer-daemon@example.org\n\nYour message could not be delivered to\n"
    )
    + b"a" * MAX_SIZE,
    "addresses-without-end": b"To: " + b"a@b," * 300_000 + b"\n\n",
    "headers-without-end": b"To: a@b\n" * 30_000 + b"\n",
    "a-status-of-dots": (
        b"Content-Type: message/delivery-status\n\nA: b\n\nAction: failed\nDiagnostic-Code: "
    )
    + b"5.1." * 100_000,
    "encoded-words-without-end": b"Subject: " + b"=?utf-8?q?" * 50_000 + b"\n\n",
    "unknown-charsets": (
        b"Subject: =?nonsense?q?a?=\nContent-Type: text/plain; charset=\xff\xfe\n\n\xff"
    ),
    "parameters-of-rfc-2231": (
        b"Content-Type: multipart/report; boundary*0*=utf-9'x'%ff; boundary*7=\"; "
        b"charset*=a'b\n\n--\n"
    ),
    "a-header-of-bytes": b"Subject: \xff\xfe\xfd\nTo: \xc3\x28@\xff\nAuto-Submitted: \xff\n\n",
    "spaces": b"From: postmaster@example.org\n\nYour message\n" + b"\n \n" * 20_000,
    "base64-that-is-none": (
        b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n=====\n\n!!!!"
    ),
    "styles-without-end": (
        b"From: postmaster@example.org\nContent-Type: text/html\n\nnot delivered "
    )
    + b"<style><script>" * 60_000,
    "tags-without-end": b"Return-Path: <>\nContent-Type: text/html\n\n" + b"<a <b" * 100_000,
    "words-without-end": (b"From: postmaster@example.org\nSubject: undeliverable\n\nzustellung ")
    + "Postfach boîte skrzynka konnte nicht ".encode() * 20_000,
    "ids-without-end": b"From: postmaster@example.org\nSubject: undeliverable\n\n"
    + b"digest." * 60_000
    + b"digest.1.s1@a" * 10_000,
    "deep-quotes": b"Content-Type: multipart/report; boundary=" + b'"' * 20_000 + b"\n\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_has_no_effect(name: str) -> None:
    assert read_tokens(read_and_check(HOSTILE[name])) == set()


@given(st.binary(max_size=2000))
def test_any_bytes_are_read(data: bytes) -> None:
    read_and_check(data)


HEADERS = (
    "Content-Type",
    "Subject",
    "To",
    "From",
    "Return-Path",
    "Auto-Submitted",
    "Content-Transfer-Encoding",
    "X-Failed-Recipients",
)


@given(
    st.lists(st.tuples(st.sampled_from(HEADERS), st.text(max_size=80)), max_size=6),
    st.sampled_from(
        [
            "message/delivery-status",
            "message/feedback-report",
            "message/rfc822",
            "text/rfc822-headers",
            "message/global",
        ]
    ),
    st.text(max_size=300),
)
def test_any_headers_around_any_report_are_read(
    headers: list[tuple[str, str]], kind: str, text: str
) -> None:
    head = "".join(f"{name}: {value}\n" for name, value in headers)
    read_and_check(
        f"{head}Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: "
        f"{kind}\n\n{text}\n--b--\n".encode("utf-8", "surrogatepass")
    )


def test_damaged_mails_are_read_and_never_name_another_message() -> None:
    chance = random.Random(time.time_ns() if SECONDS else 1)
    goldens = [path.read_bytes() for path in MAILS]
    ends = time.monotonic() + SECONDS
    rounds = 0
    while rounds < 6 or time.monotonic() < ends:
        rounds += 1
        for data in goldens:
            damaged_mail = damage(data, chance)
            tokens = read_tokens(read_and_check(damaged_mail))
            assert tokens <= {
                (Purpose.BOUNCE, 7, 42),
                (Purpose.UNSUBSCRIBE, 7, 42),
                (Purpose.UP, 7, 42),
            }, damaged_mail
