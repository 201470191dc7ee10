"""Replies: outcome, fault, and which lane slows down."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.mailer.replies import classify
from digest.model import Phase

#: phase, code, text -> outcome, fault, slow
TABLE = [
    # accepted
    (Phase.BODY, 250, "2.0.0 Ok: queued as 4XyZ", "accepted", "", ""),
    (Phase.BODY, 250, "message 5.1.1 stored", "accepted", "", ""),
    # no such address
    (
        Phase.RCPT,
        550,
        "5.1.1 <a@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
        "rejected",
        "reader",
        "",
    ),
    (Phase.RCPT, 550, "5.1.3 bad address", "rejected", "reader", ""),
    (Phase.RCPT, 550, "5.1.6 moved", "rejected", "reader", ""),
    (Phase.RCPT, 556, "5.1.10 null MX", "rejected", "reader", ""),
    (Phase.BODY, 550, "5.1.1 nobody, found out late", "rejected", "reader", ""),
    (
        Phase.RCPT,
        550,
        "5.1.1 Blocked senders never learn that this user is unknown",
        "rejected",
        "reader",
        "",
    ),
    (Phase.RCPT, 550, "No such user here", "rejected", "reader", ""),
    (Phase.RCPT, 550, "<spam@block.example.org>: user unknown", "rejected", "reader", ""),
    (
        Phase.BODY,
        554,
        "delivery error: dd This user doesn't have a yahoo.com account",
        "rejected",
        "reader",
        "",
    ),
    (Phase.RCPT, 556, "domain does not accept mail", "rejected", "reader", ""),
    # the address is suppressed only after several
    (
        Phase.RCPT,
        550,
        "5.1.2 Host unknown (Name server: example.org: host not found)",
        "rejected",
        "mailbox",
        "",
    ),
    (Phase.RCPT, 550, "5.2.1 disabled", "rejected", "mailbox", ""),
    (Phase.RCPT, 552, "5.2.2 over quota", "rejected", "mailbox", ""),
    (Phase.RCPT, 452, "4.2.2 over quota", "deferred", "mailbox", ""),
    (Phase.BODY, 452, "mailbox full", "deferred", "mailbox", ""),
    (Phase.BODY, 552, "mailbox full", "rejected", "mailbox", ""),
    (Phase.RCPT, 550, "Requested action not taken", "rejected", "mailbox", ""),
    (Phase.RCPT, 550, "", "rejected", "mailbox", ""),
    (Phase.RCPT, 553, "not allowed", "rejected", "mailbox", ""),
    (Phase.RCPT, 501, "what?", "rejected", "mailbox", ""),
    (
        Phase.RCPT,
        550,
        "5.4.1 Recipient address rejected: Access denied. AS(201806281)",
        "rejected",
        "mailbox",
        "",
    ),
    (
        Phase.RCPT,
        550,
        "5.5.0 Requested action not taken: mailbox unavailable (S2017062302)",
        "rejected",
        "mailbox",
        "",
    ),
    (Phase.RCPT, 450, "5.1.1 user unknown", "deferred", "mailbox", ""),
    (Phase.RCPT, 550, "4.2.2 full", "deferred", "mailbox", ""),
    # this message
    (Phase.MAIL, 552, "5.3.4 Message size exceeds fixed limit", "rejected", "content", ""),
    (Phase.MAIL, 552, "too big", "rejected", "content", ""),
    (Phase.BODY, 552, "5.3.4 too big", "rejected", "content", ""),
    (Phase.BODY, 554, "5.6.0 eight bits", "rejected", "content", ""),
    (Phase.RCPT, 550, "5.2.3 too long for this mailbox", "rejected", "content", ""),
    (Phase.BODY, 550, "no", "rejected", "content", ""),
    (Phase.BODY, 554, "Transaction failed", "rejected", "content", ""),
    # ours
    (Phase.RCPT, 554, "5.7.1 <a@example.org>: Relay access denied", "deferred", "ours", "domain"),
    (Phase.RCPT, 550, "5.7.1 Unable to relay", "deferred", "ours", "domain"),
    (Phase.RCPT, 530, "5.7.0 Authentication required", "deferred", "ours", "domain"),
    (Phase.RCPT, 550, "5.1.1 user unknown, relay denied", "rejected", "reader", ""),
    (Phase.RCPT, 550, "5.7.1 listed", "rejected", "ours", "domain"),
    (Phase.RCPT, 550, "5.7.1 user unknown", "rejected", "ours", "domain"),
    (Phase.BODY, 550, "5.7.26 This mail is unauthenticated", "rejected", "ours", "domain"),
    (
        Phase.BODY,
        550,
        "5.7.515 Access denied, sending domain does not meet the required authentication level",
        "rejected",
        "ours",
        "domain",
    ),
    (Phase.RCPT, 503, "5.5.1 need MAIL first", "rejected", "ours", "domain"),
    (
        Phase.RCPT,
        554,
        "Service unavailable; Client host [192.0.2.1] blocked using zen.example.org",
        "rejected",
        "ours",
        "domain",
    ),
    (Phase.RCPT, 550, "relaying denied, unknown user or not", "deferred", "ours", "domain"),
    (Phase.BODY, 554, "message looks like spam", "rejected", "ours", "domain"),
    (Phase.DATA, 554, "no valid recipients", "rejected", "ours", "domain"),
    (Phase.MAIL, 530, "5.7.0 Authentication required", "deferred", "ours", "server"),
    (Phase.MAIL, 550, "5.1.8 sender's domain not found", "deferred", "ours", "server"),
    (Phase.MAIL, 550, "5.1.1 unknown sender", "deferred", "ours", "server"),
    (Phase.MAIL, 553, "sender not allowed", "deferred", "ours", "server"),
    # busy
    (Phase.MAIL, 421, "4.3.2 shutting down", "deferred", "busy", "server"),
    (Phase.RCPT, 421, "4.7.28 rate limited", "deferred", "busy", "server"),
    (Phase.BODY, 421, "closing", "deferred", "busy", "server"),
    (Phase.RCPT, 450, "later", "deferred", "busy", "domain"),
    (Phase.RCPT, 451, "4.7.1 try again", "deferred", "busy", "domain"),
    (
        Phase.RCPT,
        452,
        "4.2.2 receiving mail at a rate that is too high",
        "deferred",
        "busy",
        "domain",
    ),
    (Phase.RCPT, 452, "4.3.1 insufficient system storage", "deferred", "busy", ""),
    (Phase.MAIL, 452, "insufficient system storage", "deferred", "busy", ""),
    (
        Phase.RCPT,
        452,
        "Requested action not taken: insufficient system storage",
        "deferred",
        "busy",
        "",
    ),
    (Phase.RCPT, 452, "insufficient storage space for this mailbox", "deferred", "mailbox", ""),
    (Phase.BODY, 451, "throttled", "deferred", "busy", "domain"),
    (Phase.MAIL, 454, "4.7.0 too many messages", "deferred", "busy", "domain"),
    (Phase.BODY, 550, "4.7.0 later after all", "deferred", "busy", "domain"),
    (
        Phase.RCPT,
        450,
        "4.2.0 <a@example.org>: Recipient address rejected: Greylisted",
        "deferred",
        "busy",
        "",
    ),
    (Phase.RCPT, 451, "5.7.1 greylisting in action", "deferred", "busy", ""),
    (Phase.RCPT, 550, "5.3.2 system not accepting network messages", "rejected", "busy", ""),
    (Phase.RCPT, 550, "5.4.7 delivery time expired", "rejected", "busy", ""),
    # rate limits with a 5xx code
    (Phase.RCPT, 550, "5.4.5 Daily user sending limit exceeded.", "deferred", "busy", "domain"),
    (Phase.MAIL, 550, "5.4.5 Daily user sending limit exceeded.", "deferred", "busy", "server"),
    (
        Phase.BODY,
        554,
        "5.2.0 submission quota for messages was exceeded: SubmissionQuotaExceeded, hourly limit "
        "reached",
        "deferred",
        "busy",
        "domain",
    ),
    (Phase.RCPT, 550, "5.7.1 message rate limit exceeded", "deferred", "busy", "domain"),
    (Phase.RCPT, 550, "Too many messages, throttled", "deferred", "busy", "domain"),
    (Phase.DATA, 550, "Maximum credits exceeded", "deferred", "busy", "domain"),
    (Phase.RCPT, 552, "5.2.2 mailbox quota exceeded", "rejected", "mailbox", ""),
    (Phase.BODY, 552, "5.3.4 message size limit exceeded", "rejected", "content", ""),
    (Phase.BODY, 552, "message size limit exceeded", "rejected", "content", ""),
    (Phase.RCPT, 550, "5.1.1 unknown, and too many messages", "rejected", "reader", ""),
    # no sensible reply
    (Phase.MAIL, 0, "", "deferred", "busy", "server"),
    (Phase.RCPT, 0, "", "deferred", "busy", "domain"),
    (Phase.DATA, 250, "what?", "deferred", "busy", "domain"),
    (Phase.BODY, 0, "", "unknown", "", ""),
    (Phase.BODY, 354, "go on", "unknown", "", ""),
    (Phase.BODY, 600, "", "unknown", "", ""),
]


@pytest.mark.parametrize(("phase", "code", "text", "outcome", "fault", "slow"), TABLE)
def test_a_reply_has_its_meaning(
    phase: Phase, code: int, text: str, outcome: str, fault: str, slow: str
) -> None:
    verdict = classify(phase, code, text)
    assert (verdict.outcome, verdict.fault, verdict.slow) == (outcome, fault, slow)


@pytest.mark.parametrize(
    ("text", "enhanced"),
    [
        ("5.1.1 nobody", "5.1.1"),
        ("5.7.26", "5.7.26"),
        ("host mx.example.org[192.0.2.25] said: 550 5.2.2 full", "5.2.2"),
        ("192.5.1.1 is blocked", ""),
        ("version 15.1.1 of the server", ""),
        ("2.1.5 fine", ""),
        ("first line\n5.1.1 second line", "5.1.1"),
    ],
)
def test_the_enhanced_code_is_read_only_where_it_is_valid(text: str, enhanced: str) -> None:
    assert classify(Phase.RCPT, 550, text).enhanced == enhanced


TEXTS = st.one_of(
    st.text(max_size=60),
    st.builds(
        ("{}.{}.{} {}").format,
        st.sampled_from("245"),
        st.integers(0, 12),
        st.integers(0, 600),
        st.sampled_from(
            [
                "",
                ("user unknown"),
                "spam",
                "mailbox full",
                "rate",
                "greylisted",
                "too big",
                "mailbox unavailable",
            ]
        ),
    ),
)


@settings(database=None)
@given(
    phase=st.sampled_from([Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.BODY]),
    code=st.integers(0, 999),
    text=TEXTS,
)
def test_any_reply_gives_a_valid_outcome(phase: Phase, code: int, text: str) -> None:
    verdict = classify(phase, code, text)
    assert (verdict.outcome == "accepted") == (phase is Phase.BODY and 200 <= code <= 299)
    assert (verdict.outcome == "unknown") == (
        phase is Phase.BODY and not (200 <= code <= 299 or 400 <= code <= 599)
    )
    if verdict.outcome == "rejected":
        assert code >= 500, "a server that says later is asked later"
        assert verdict.fault
    if verdict.fault == "reader":
        assert phase is not Phase.MAIL
        assert verdict.enhanced[:2] in ("", "5.")
    if verdict.enhanced.startswith(("5.5.", "5.6.", "5.7.")):
        assert verdict.fault != "reader", "what is ours never drops a reader"
    if verdict.outcome in ("accepted", "unknown"):
        assert verdict.fault == ""
