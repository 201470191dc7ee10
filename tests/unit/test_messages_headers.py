"""Headers and envelope of each mail, and values that never appear in them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from digest.errors import AddressError, InputError
from digest.mail.messages import PaperLinks, ReaderLinks
from tests.unit.mails import (
    ALICE,
    BY_MAIL,
    LINKS,
    MAILING,
    digest,
    head,
    make_alert,
    make_confirm,
    make_goodbye,
    make_listed,
    make_welcome,
    parse_mail,
)


def test_the_headers_are_those_of_a_list_that_can_be_left_in_one_click() -> None:
    message = digest()
    parsed = parse_mail(message)
    assert (message.sender, message.recipient) == (
        "bounces@papers.example.org",
        "alice@example.net",
    )
    assert parsed["From"] == "Digest of Papers <digest@papers.example.org>"
    assert parsed["To"] == "Alice Example <alice@example.net>"
    assert parsed["Message-ID"] == "<digest.20260612.7@papers.example.org>"
    assert parsed["Date"] == "Fri, 12 Jun 2026 05:00:00 +0000"
    assert parsed["List-Id"] == "Digest of Papers <digest.papers.example.org>"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["X-Auto-Response-Suppress"] == "All"
    assert parsed["Feedback-ID"] == "20260612:digest:digest:papersexampleor"
    assert "Reply-To" not in parsed
    assert (
        f"\r\nList-Unsubscribe: <{LINKS.unsubscribe}>\r\nList-Unsubscribe-Post: "
        f"List-Unsubscribe=One-Click\r\n" in head(message)
    )
    assert len(set(parsed.keys())) == len(parsed.keys())


def test_the_feedback_id_does_not_identify_the_reader() -> None:
    bob = replace(ALICE, id=8, email="bob@example.net")
    other = digest(subscriber=bob, message_id="digest.20260612.8@papers.example.org")
    assert parse_mail(digest())["Feedback-ID"] == parse_mail(other)["Feedback-ID"]


@pytest.mark.parametrize(
    "base",
    [
        "http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://192.168.1.7",
        "http://[::1]:8000",
        "http://nas.local",
        "http://nas",
    ],
)
def test_a_page_that_only_this_network_reaches_is_no_list_unsubscribe(base: str) -> None:
    message = digest(
        mailing=replace(MAILING, base_url=base),
        links=ReaderLinks(manage=f"{base}/s/x", unsubscribe=f"{base}/u/x"),
    )
    assert "List-Unsubscribe" not in head(message)
    assert f"<{base}/u/x>" in message.text
    assert f'href="{base}/u/x"' in message.html


def test_one_click_is_promised_over_https_only() -> None:
    plain = digest(
        links=ReaderLinks(
            manage="http://papers.example.org/s/x", unsubscribe="http://papers.example.org/u/x"
        )
    )
    assert "List-Unsubscribe: <http://papers.example.org/u/x>" in head(plain)
    assert "List-Unsubscribe-Post" not in head(plain)


def test_leaving_by_mail_stands_beside_the_page_and_each_is_one_clean_address() -> None:
    message = digest(
        links=replace(LINKS, unsubscribe_by_mail=BY_MAIL),
        mailing=replace(MAILING, reply_to="help@papers.example.org"),
    )
    raw = message.data.partition(b"\r\n\r\n")[0]
    assert (
        f"\r\nList-Unsubscribe: <{LINKS.unsubscribe}>,\r\n <{BY_MAIL}>\r\nList-Unsubscribe-Post: "
        f"".encode()
        in raw
    )
    assert parse_mail(message)["Reply-To"] == "help@papers.example.org"
    # a page that everybody can open needs no mail link beside it
    assert "mailto:" not in message.text + message.html


LOCAL = replace(MAILING, base_url="http://127.0.0.1:8025")


def test_where_readers_cannot_reach_the_pages_every_answer_works_by_mail() -> None:
    item = make_listed(1)
    links = PaperLinks(
        read="https://example.org/p",
        up="http://127.0.0.1:8025/t/up1",
        down="http://127.0.0.1:8025/t/down1",
        up_by_mail=BY_MAIL.replace("Unsubscribe", "More"),
        down_by_mail=BY_MAIL.replace("Unsubscribe", "Less"),
    )
    pages = ReaderLinks(
        manage="http://127.0.0.1:8025/m/x",
        unsubscribe="http://127.0.0.1:8025/u/x",
        unsubscribe_by_mail=BY_MAIL,
    )
    message = digest(replace(item, links=links), mailing=LOCAL, links=pages)
    for part in (message.text, message.html):
        for url in (
            links.up,
            links.down,
            links.up_by_mail,
            links.down_by_mail,
            pages.manage,
            pages.unsubscribe,
            BY_MAIL,
        ):
            assert url in part
        assert (
            "These links open only on the machine that runs Digest of Papers. Elsewhere, use"
            in " ".join(part.split())
        )
    assert f"\r\nList-Unsubscribe: <{BY_MAIL}>\r\n" in head(message)
    assert "List-Unsubscribe-Post" not in head(message)


def test_without_a_mailbox_no_mail_promises_to_read_answers() -> None:
    pages = ReaderLinks(manage="http://127.0.0.1:8025/m/x", unsubscribe="http://127.0.0.1:8025/u/x")
    message = digest(mailing=LOCAL, links=pages)
    assert "List-Unsubscribe" not in head(message)
    assert "by mail" not in message.text + message.html
    assert "only on the machine that runs Digest of Papers." in " ".join(message.text.split())


def test_only_mail_to_the_list_says_that_it_is_bulk() -> None:
    assert parse_mail(digest())["Precedence"] == "bulk"
    assert parse_mail(make_welcome())["Precedence"] == "bulk"
    for message in (make_confirm(), make_goodbye(), make_alert()):
        assert "Precedence" not in parse_mail(message)


@pytest.mark.parametrize(
    "wrong",
    [
        "https://a.example/",
        "mailto:a@b.example?subject=x y",
        "mailto:a@b.example>\r\nBcc: x@y",
        'mailto:a@b.example"',
        "mailto:",
        "mailto:a<b",
    ],
)
def test_an_answer_by_mail_that_is_no_mailto_is_refused(wrong: str) -> None:
    with pytest.raises(InputError, match="mailto"):
        digest(links=replace(LINKS, unsubscribe_by_mail=wrong))
    with pytest.raises(InputError, match="mailto"):
        digest(replace(make_listed(1), links=replace(make_listed(1).links, up_by_mail=wrong)))


def test_without_a_bounce_address_bounces_go_to_the_address_in_from() -> None:
    message = digest(
        mailing=replace(MAILING, bounce_address=None, from_address="digest@bücher.example")
    )
    assert message.sender == "digest@xn--bcher-kva.example"
    assert parse_mail(message)["From"] == "Digest of Papers <digest@xn--bcher-kva.example>"


def test_the_subject_names_the_best_paper_the_count_and_the_day() -> None:
    assert digest(make_listed(1)).subject == "Title 1 · 12 June"
    assert digest(*map(make_listed, range(1, 11))).subject == "Title 1 and 9 more · 12 June"
    long = digest(make_listed(1, title="A rather long title " * 20), make_listed(2)).subject
    assert len(long) <= 90
    assert long.endswith("… and 1 more · 12 June")


def test_a_title_with_a_line_break_adds_no_header() -> None:
    message = digest(make_listed(1, title="Title\r\nBcc: everybody@example.org\r\n\r\n<b>body</b>"))
    parsed = parse_mail(message)
    assert parsed["Subject"] == "Title Bcc: everybody@example.org <b>body</b> · 12 June"
    assert "Bcc" not in parsed


@pytest.mark.parametrize(
    "broken",
    [
        {"message_id": "a@b\r\nBcc: x@y"},
        {"message_id": "a\x00@b"},
        {"links": ReaderLinks(manage="https://a.example/", unsubscribe="javascript:alert(1)")},
        {"links": ReaderLinks(manage="", unsubscribe="https://a.example/")},
        {"mailing": replace(MAILING, base_url="papers.example.org")},
        {"mailing": replace(MAILING, domain="papers\r\nBcc: x@y")},
        {"mailing": replace(MAILING, from_address="a@b.org\r\nBcc: x@y")},
        {"mailing": replace(MAILING, bounce_address="a@b.org>\r\nDATA")},
        {"subscriber": replace(ALICE, email="alice@example.net\r\nRCPT TO:<x@y>")},
        {"subscriber": replace(ALICE, email="ä\u202elice@example.net")},
        {"listed": ()},
    ],
)
def test_unsafe_header_values_are_refused(broken: dict[str, Any]) -> None:
    with pytest.raises((InputError, AddressError)):
        digest(**broken)


def test_line_breaks_in_a_link_are_encoded_away() -> None:
    message = digest(
        links=ReaderLinks(manage="https://a.example/", unsubscribe="https://a.example/\r\nBcc: x@y")
    )
    assert "Bcc" not in parse_mail(message)


def test_a_naive_date_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        digest(date=datetime(2026, 6, 12, 5))


#: RFC 2919 2: list-label "." list-id-namespace, both dot-atom-text
LIST_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)+")
LONGEST = ".".join(["a" * 60] * 4) + ".example"


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("papers.example.org", "digest.k3x9m2.papers.example.org"),
        ("bücher.example", "digest.k3x9m2.xn--bcher-kva.example"),
        ("localhost", "digest.k3x9m2.localhost"),
        ("[192.0.2.1]", "digest.k3x9m2.localhost"),
        (LONGEST, "digest.k3x9m2.localhost"),
    ],
)
def test_the_list_id_of_an_install_is_valid_and_its_own(domain: str, expected: str) -> None:
    message = digest(mailing=replace(MAILING, domain=domain, install_id="k3x9m2"))
    label = str(parse_mail(message)["List-Id"]).rpartition("<")[2].rstrip(">")
    assert label == expected
    assert LIST_ID.fullmatch(label)
    assert len(label) <= 255
