"""What each mail says and carries, read the way a mail program reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import AddressError, InputError
from digest.messages import (
    Listed,
    Mailing,
    PaperLinks,
    ReaderLinks,
    texts,
    write_alert,
    write_confirm,
    write_digest,
    write_goodbye,
    write_welcome,
)
from digest.model import Made, Message, Paper, Standing, Subscriber

NOW = datetime(2026, 6, 12, 5, tzinfo=UTC)
MAILING = Mailing(
    from_address="digest@papers.example.org",
    from_name="Digest of Papers",
    domain="papers.example.org",
    base_url="https://papers.example.org",
    bounce_address="bounces@papers.example.org",
    product="Digest of Papers",
)
ALICE = Subscriber(id=7, email="alice@example.net", name="Alice Example", created=NOW)
LINKS = ReaderLinks(manage="https://papers.example.org/s/abc", unsubscribe="https://papers.example.org/u/" + "k5qxm2" * 20)
MADE = Made(model="thumbs", features="words-1", thumbs_up=9, thumbs_down=2, candidates=1200, dumps=("monday", "tuesday"), at=NOW)
CAUGHT = {"message_id": "digest.20260612.7@papers.example.org", "date": NOW}
quietly = settings(deadline=None, database=None, max_examples=60)


def listed(number: int = 1, *, seen_before: bool = False, read: str = "https://example.org/paper", **fields: Any) -> Listed:
    given: dict[str, Any] = {
        "title": f"Title {number}",
        "abstract": "An abstract.",
        "authors": ("Jane Doe",),
        "first_seen": date(2026, 6, 11),
    }
    return Listed(
        paper=Paper(id=number, **(given | fields)),
        reason=f"Reason {number}.",
        label="good match",
        links=PaperLinks(read=read, up=f"https://papers.example.org/t/up{number}", down=f"https://papers.example.org/t/down{number}"),
        seen_before=seen_before,
    )


def digest(*papers: Listed, **changes: Any) -> Message:
    given: dict[str, Any] = {
        "mailing": MAILING,
        "subscriber": ALICE,
        "local_date": date(2026, 6, 12),
        "made": MADE,
        "links": LINKS,
        **CAUGHT,
    }
    return write_digest(**(given | {"listed": papers or (listed(),)} | changes))


def opened(message: Message) -> EmailMessage:
    parsed = message_from_bytes(message.data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    plain, rich = parsed.iter_parts()
    assert plain.get_content().replace("\r\n", "\n") == message.text
    assert rich.get_content().replace("\r\n", "\n") == message.html
    assert parsed["Subject"] == message.subject
    return parsed


def head(message: Message) -> str:
    return message.data.partition(b"\r\n\r\n")[0].decode("ascii")


def test_the_headers_are_those_of_a_list_that_can_be_left_in_one_click() -> None:
    message = digest()
    parsed = opened(message)
    assert (message.sender, message.recipient) == ("bounces@papers.example.org", "alice@example.net")
    assert parsed["From"] == "Digest of Papers <digest@papers.example.org>"
    assert parsed["To"] == "Alice Example <alice@example.net>"
    assert parsed["Message-ID"] == "<digest.20260612.7@papers.example.org>"
    assert parsed["Date"] == "Fri, 12 Jun 2026 05:00:00 +0000"
    assert parsed["List-Id"] == "Digest of Papers <digest.papers.example.org>"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["X-Auto-Response-Suppress"] == "All"
    assert parsed["Feedback-ID"] == "20260612:digest:digest:papersexampleor"
    assert "Reply-To" not in parsed
    assert f"\r\nList-Unsubscribe: <{LINKS.unsubscribe}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in head(message)
    assert len(set(parsed.keys())) == len(parsed.keys())


def test_feedback_id_says_nothing_of_the_reader() -> None:
    bob = replace(ALICE, id=8, email="bob@example.net")
    other = digest(subscriber=bob, message_id="digest.20260612.8@papers.example.org")
    assert opened(digest())["Feedback-ID"] == opened(other)["Feedback-ID"]


@pytest.mark.parametrize(
    "base", ["http://localhost:8000", "http://127.0.0.1:8000", "http://192.168.1.7", "http://[::1]:8000", "http://nas.local", "http://nas"]
)
def test_a_page_that_only_this_network_reaches_is_no_list_unsubscribe(base: str) -> None:
    message = digest(mailing=replace(MAILING, base_url=base), links=ReaderLinks(manage=f"{base}/s/x", unsubscribe=f"{base}/u/x"))
    assert "List-Unsubscribe" not in head(message)
    assert f"<{base}/u/x>" in message.text
    assert f'href="{base}/u/x"' in message.html


def test_one_click_is_promised_over_https_only() -> None:
    plain = digest(links=ReaderLinks(manage="http://papers.example.org/s/x", unsubscribe="http://papers.example.org/u/x"))
    assert "List-Unsubscribe: <http://papers.example.org/u/x>" in head(plain)
    assert "List-Unsubscribe-Post" not in head(plain)


BY_MAIL = "mailto:help@papers.example.org?subject=Unsubscribe%20" + "k5qxm2vtr7" * 5 + "abcde"


def test_leaving_by_mail_stands_beside_the_page_and_each_is_one_clean_address() -> None:
    message = digest(links=replace(LINKS, unsubscribe_by_mail=BY_MAIL), mailing=replace(MAILING, reply_to="help@papers.example.org"))
    raw = message.data.partition(b"\r\n\r\n")[0]
    assert f"\r\nList-Unsubscribe: <{LINKS.unsubscribe}>,\r\n <{BY_MAIL}>\r\nList-Unsubscribe-Post: ".encode() in raw
    assert opened(message)["Reply-To"] == "help@papers.example.org"
    # a page that everybody can open needs no second way in the body
    assert "mailto:" not in message.text + message.html


LOCAL = replace(MAILING, base_url="http://127.0.0.1:8025")


def test_where_readers_cannot_reach_the_pages_everything_can_be_said_by_mail() -> None:
    one = listed(1)
    links = PaperLinks(
        read="https://example.org/p",
        up="http://127.0.0.1:8025/t/up1",
        down="http://127.0.0.1:8025/t/down1",
        up_by_mail=BY_MAIL.replace("Unsubscribe", "More"),
        down_by_mail=BY_MAIL.replace("Unsubscribe", "Less"),
    )
    pages = ReaderLinks(manage="http://127.0.0.1:8025/m/x", unsubscribe="http://127.0.0.1:8025/u/x", unsubscribe_by_mail=BY_MAIL)
    message = digest(replace(one, links=links), mailing=LOCAL, links=pages)
    for part in (message.text, message.html):
        for url in (links.up, links.down, links.up_by_mail, links.down_by_mail, pages.manage, pages.unsubscribe, BY_MAIL):
            assert url in part
        assert "open there alone. Anywhere else, use" in " ".join(part.split())
    assert f"\r\nList-Unsubscribe: <{BY_MAIL}>\r\n" in head(message)
    assert "List-Unsubscribe-Post" not in head(message)


def test_without_a_mailbox_no_mail_promises_to_read_answers() -> None:
    pages = ReaderLinks(manage="http://127.0.0.1:8025/m/x", unsubscribe="http://127.0.0.1:8025/u/x")
    message = digest(mailing=LOCAL, links=pages)
    assert "List-Unsubscribe" not in head(message)
    assert "by mail" not in message.text + message.html
    assert "open there alone." in " ".join(message.text.split())


def test_only_mail_to_the_list_says_that_it_is_bulk() -> None:
    assert opened(digest())["Precedence"] == "bulk"
    assert opened(written_welcome())["Precedence"] == "bulk"
    for message in (written_confirm(), written_goodbye(), written_alert()):
        assert "Precedence" not in opened(message)


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
        digest(replace(listed(1), links=replace(listed(1).links, up_by_mail=wrong)))


def test_without_a_bounce_address_bounces_go_to_the_address_in_from() -> None:
    message = digest(mailing=replace(MAILING, bounce_address=None, from_name="", from_address="digest@bücher.example"))
    assert message.sender == "digest@xn--bcher-kva.example"
    assert opened(message)["From"] == "Digest of Papers <digest@xn--bcher-kva.example>"


def test_the_subject_names_the_best_paper_the_count_and_the_day() -> None:
    assert digest(listed(1)).subject == "Title 1 · 12 June"
    assert digest(*map(listed, range(1, 11))).subject == "Title 1 and 9 more · 12 June"
    long = digest(listed(1, title="A rather long title " * 20), listed(2)).subject
    assert len(long) <= 90
    assert long.endswith("… and 1 more · 12 June")


def test_a_title_with_a_line_break_adds_no_header() -> None:
    message = digest(listed(1, title="Title\r\nBcc: everybody@example.org\r\n\r\n<b>body</b>"))
    parsed = opened(message)
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
def test_what_cannot_be_written_safely_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises((InputError, AddressError)):
        digest(**broken)


def test_line_breaks_in_a_link_are_encoded_away() -> None:
    message = digest(links=ReaderLinks(manage="https://a.example/", unsubscribe="https://a.example/\r\nBcc: x@y"))
    assert "Bcc" not in opened(message)


def test_a_naive_date_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        digest(date=datetime(2026, 6, 12, 5))


def test_a_paper_is_told_completely_in_both_parts() -> None:
    paper = {
        "authors": tuple(f"Author {n}" for n in range(1, 501)),
        "categories": ("cs.LG", "stat.ML", "cs.AI"),
        "submitted": date(2025, 12, 31),
        "upvotes": 12,
        "picked": date(2026, 6, 11),
        "rank": 3,
    }
    message = digest(listed(1, **paper))
    for part in (message.text, message.html):
        told = " ".join(part.split())
        assert "Author 1, Author 2, Author 3, Author 4, Author 5 et al." in told
        assert "Author 6" not in told
        for fact in ("Good match", "cs.LG, stat.ML, cs.AI · 31 December 2025 · 12 upvotes · pick no. 3", "An abstract.", "Reason 1."):
            assert fact in told
        for link in ("https://example.org/paper", "https://papers.example.org/t/up1", "https://papers.example.org/t/down1"):
            assert link in told
        assert "Chosen from 1,200 new papers; learned from 11 thumbs." in told
        assert "model thumbs; features words-1; thumbs 9 up, 2 down; dumps monday, tuesday; at 2026-06-12 05:00 UTC" in told
        assert "1 paper for Friday, 12 June" in told
        assert "You get this because" in told
        assert LINKS.manage in told
        assert LINKS.unsubscribe in told


def test_a_paper_shows_the_category_for_which_it_is_listed() -> None:
    # "in cs.LG, which you follow" beside "cs.GR, cs.AI" looked untrue
    told = digest(listed(1, categories=("cs.GR", "cs.AI", "cs.CV", "cs.LG"))).text
    assert "cs.GR, cs.AI, cs.CV, cs.LG ·" in told
    subjects = ("Ecology, Evolution and Systematics", "Plant Science", "Forestry", "Soil Science")
    assert "Ecology, Evolution and Systematics, Plant Science · " in " ".join(digest(listed(1, categories=subjects)).text.split())


def test_only_a_paper_that_may_have_been_seen_says_so() -> None:
    seen, fresh = digest(listed(1, seen_before=True)), digest(listed(1))
    assert "You may have seen this one" in seen.text
    assert "You may have seen this one" in seen.html
    assert "You may have seen" not in fresh.text + fresh.html


def test_a_paper_without_an_abstract_says_so_quietly() -> None:
    message = digest(listed(1, abstract=" \n "))
    assert "The source gives no abstract." in message.text
    assert "The source gives no abstract." in message.html


def test_a_paper_without_a_page_has_thumbs_and_no_read_link() -> None:
    message = digest(listed(1, read="javascript:alert(1)"))
    assert "javascript" not in message.text + message.html
    assert "Read:" not in message.text
    assert "More like this" in message.text


def test_an_authors_list_of_five_is_complete_and_none_leaves_no_gap() -> None:
    five = digest(listed(1, authors=tuple("ABCDE")))
    assert "A, B, C, D, E\n" in five.text
    assert "et al." not in five.text
    assert "\n\n\n" not in digest(listed(1, authors=())).text


@pytest.mark.parametrize(
    ("model", "words"),
    [("trending", "picked and liked"), ("keywords", "your keywords"), ("examples", "your example papers"), ("new", "no thumbs yet")],
)
def test_before_the_first_thumb_the_digest_says_what_it_goes_by(model: str, words: str) -> None:
    assert words in " ".join(digest(made=replace(MADE, model=model, thumbs_up=0, thumbs_down=0)).text.split())


def test_the_line_after_the_subject_names_the_next_two_papers() -> None:
    assert ">Also: Title 2 · Title 3&#847;" in digest(*map(listed, range(1, 5))).html
    assert ">Reason 1.&#847;" in digest(listed(1)).html


def test_every_link_of_the_text_part_stands_alone_in_angle_brackets() -> None:
    for line in digest(*map(listed, range(1, 4))).text.splitlines():
        if "://" in line:
            assert line.strip().startswith("<")
            assert line.strip().endswith(">")
        else:
            assert len(line) <= texts.WIDTH


def test_a_postal_address_is_printed_where_one_is_set() -> None:
    message = digest(mailing=replace(MAILING, postal_address="Example Institute\n1 Example Street & Sons"))
    assert "Example Institute\n1 Example Street & Sons\n" in message.text
    assert "Example Institute<br>1 Example Street &amp; Sons" in message.html


foreign = st.text(st.characters(), max_size=120) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</h2></td>",
        "a & b",
        "$x_{i}$ \\alpha",
        "🦊👩🏽\u200d🔬",
        "\u202eedirrevo",
        "عنوان",
        "x" * 400,
        "\ud800",
        "\r\nBcc: x@y",
        "{{ 7*7 }}",
    ]
)


@quietly
@given(title=foreign, abstract=foreign, author=foreign, category=foreign, reason=foreign, name=foreign, read=foreign)
def test_whatever_a_dump_or_a_reader_writes_stays_text(**written: str) -> None:
    paper = listed(
        1,
        title=written["title"],
        abstract=written["abstract"],
        authors=(written["author"],),
        categories=(written["category"],),
        read=written["read"],
    )
    message = digest(replace(paper, reason=written["reason"]), subscriber=replace(ALICE, name=written["name"]))
    parsed = opened(message)
    assert sorted(parsed.keys()) == sorted(opened(digest()).keys())
    assert [address.addr_spec for address in parsed["To"].addresses] == ["alice@example.net"]
    assert "<script" not in message.html
    assert message.html.count("<") == digest(listed(1)).html.count("<") - missing_tags(message)


@quietly
@given(
    product=foreign,
    name=foreign,
    listing=foreign,
    postal=foreign,
    address=st.sampled_from([ALICE.email, "a" * 64 + "@" + "b" * 60 + ".example"]),
)
def test_whatever_an_operator_calls_the_service_no_header_is_added_or_garbled(
    product: str, name: str, listing: str, postal: str, address: str
) -> None:
    named = replace(MAILING, product=product, from_name=name, list_name=listing, postal_address=postal, reply_to="help@example.org")
    message = digest(mailing=named, subscriber=replace(ALICE, email=address), links=replace(LINKS, unsubscribe_by_mail=BY_MAIL))
    parsed = opened(message)
    assert sorted(parsed.keys()) == sorted([*opened(digest()).keys(), "Reply-To"])
    for header, expected in (("From", MAILING.from_address), ("To", address), ("Reply-To", "help@example.org")):
        assert [one.addr_spec for one in parsed[header].addresses] == [expected]
    top = head(message)
    assert f"\r\nList-Unsubscribe: <{LINKS.unsubscribe}>,\r\n <{BY_MAIL}>\r\n" in top
    assert top.count("<digest.papers.example.org>") == 1
    assert max(map(len, message.data.split(b"\r\n"))) <= 998
    assert max(map(len, top.split("\r\n"))) <= 200


def missing_tags(message: Message) -> int:
    """Tags that a digest of one ordinary paper has and this one has not, by the parts that may be left out."""
    authors = 0 if 'padding-top:4px;font-size:14px;color:#5a5f64">' in message.html else 2
    # the linked title (2), the button with its cell (4) and the gap beside it (2)
    read = 0 if ">Read</a>" in message.html else 8
    abstract = -2 if "The source gives no abstract" in message.html else 0
    return authors + read + abstract


def written_confirm() -> Message:
    return write_confirm(
        mailing=MAILING,
        subscriber=ALICE,
        confirm="https://papers.example.org/c/x",
        asked="the page at papers.example.org",
        message_id="c@x",
        date=NOW,
    )


def written_welcome() -> Message:
    return write_welcome(mailing=MAILING, subscriber=ALICE, links=LINKS, message_id="w@x", date=NOW)


def written_goodbye() -> Message:
    return write_goodbye(mailing=MAILING, subscriber=ALICE, come_back="https://papers.example.org/s/x", message_id="g@x", date=NOW)


def written_alert() -> Message:
    return write_alert(
        mailing=MAILING, recipient="operator@example.net", what="No dump came.", remedy="Look.\nThen fetch.", message_id="a@x", date=NOW
    )


@pytest.mark.parametrize("write", [written_confirm, written_welcome, written_goodbye, written_alert])
def test_every_kind_of_mail_opens_and_is_marked_automatic(write: Callable[[], Message]) -> None:
    parsed = opened(write())
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert len(write().data) < 12_000


def test_a_confirmation_asks_one_thing_and_repeats_nothing_a_stranger_typed() -> None:
    message = written_confirm()
    assert "Alice Example" not in message.data.decode() + message.html
    assert message.text.count("<https://papers.example.org/c/x>") == 1
    assert "List-Unsubscribe" not in head(message)
    told = " ".join(message.text.split())
    assert "asked through the page at papers.example.org" in told
    assert "If it was not you, ignore this mail" in told


def test_a_welcome_says_when_papers_come_and_how_to_leave() -> None:
    message = written_welcome()
    told = " ".join(message.text.split())
    assert "every day, after 07:00 (UTC), 10 papers at most" in told
    assert f"<{LINKS.unsubscribe}>" in message.text
    assert "List-Unsubscribe-Post" in head(message)


def test_a_welcome_to_who_paused_says_so() -> None:
    paused = replace(ALICE, standing=Standing.PAUSED)
    message = write_welcome(mailing=MAILING, subscriber=paused, links=LINKS, message_id="w@x", date=NOW)
    assert "it is paused" in " ".join(message.text.split())
    assert "it is paused" in " ".join(message.html.split())
    assert "it is paused" not in written_welcome().text


def test_a_goodbye_shows_the_way_back_and_nothing_to_leave() -> None:
    message = written_goodbye()
    assert "<https://papers.example.org/s/x>" in message.text
    assert "nsubscribe:" not in message.text
    assert "List-" not in head(message)


def test_an_alert_says_what_is_wrong_and_what_to_do() -> None:
    message = written_alert()
    assert message.subject == "Digest of Papers needs you: No dump came"
    assert message.recipient == "operator@example.net"
    assert "Look.\nThen fetch.\n" in message.text
    assert "Feedback-ID" not in head(message)
