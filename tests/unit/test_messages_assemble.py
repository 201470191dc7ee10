"""Assembled messages, parsed back with the standard library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.errors import AddressError, InputError
from digest.mail.messages import assemble
from digest.mail.messages.encoding import BodyPart, encode
from digest.mail.messages.texts import cut, one_line
from tests.examples import examples

NOON = datetime(2026, 4, 3, 12, tzinfo=UTC)
anything = st.text(st.characters(), max_size=300)
quietly = settings(database=None, max_examples=examples(150))


def assemble_and_parse(
    *headers: str, text: str = "text\n", html: str = "<p>html</p>\n", date: datetime = NOON
) -> EmailMessage:
    data = assemble.assemble_message(
        headers,
        message_id="one@example.org",
        date=date,
        text=BodyPart([encode(text)]),
        html=BodyPart([encode(html)]),
    ).data
    assert data.count(b"\r") == data.count(b"\n") == data.count(b"\r\n")
    mail = message_from_bytes(data, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert not mail.defects
    return mail


@quietly
@given(anything)
@example("=?utf-8?q?forged?=")
@example("x" * 2000)
@example("né" * 200)
@example("a\r\nBcc: everybody@example.org\r\n\r\nbody")
@example("👩🏽\u200d🔬" * 30)
def test_any_subject_comes_back_as_one_clean_line(subject: str) -> None:
    line = assemble.text_header("Subject", subject)
    assert line.isascii()
    for part in line.split("\r\n"):
        words = part.removeprefix("Subject:").split()
        if len(words) == 1 and words[0].startswith("=?utf-8?"):
            assert len(words[0]) <= 75
            assert str(make_header(decode_header(words[0])))
        # a word of ASCII that has no space cannot be folded
        assert len(part) <= 76 or (len(words) == 1 and not words[0].startswith("=?"))
    message = assemble_and_parse(line)
    assert message["Subject"] == cut(one_line(subject), 900)
    assert [name for name in message if name == "Bcc"] == []


@quietly
@given(anything)
@example('Doe, Jane "J" <x@example.org>\\')
@example("=?utf-8?q?forged?=")
@example("Jörg\nBcc: everybody@example.org")
@example("." * 99)
def test_any_name_comes_back_and_the_address_stays_alone(name: str) -> None:
    line = assemble.mailbox_header("To", name, "jane@example.org")
    message = assemble_and_parse(line)
    assert [address.addr_spec for address in message["To"].addresses] == ["jane@example.org"]
    # the library's newer parser puts a space between encoded words of a name, against RFC 2047; its
    # older one does not
    encoded, address = parseaddr(line.partition(": ")[2])
    assert (str(make_header(decode_header(encoded))), address) == (
        cut(one_line(name), 100),
        "jane@example.org",
    )
    assert message.keys().count("Bcc") == 0


@quietly
@given(anything, anything)
@example("From here\n.\n..\n", "\t \n=\n")
@example("ü" * 300, "x" * 997)
def test_both_parts_come_back_as_they_were(text: str, html: str) -> None:
    text, html = (
        "\n".join(one_line(line) for line in part.splitlines()) + "\n" for part in (text, html)
    )
    message = assemble_and_parse(text=text, html=html)
    plain, rich = message.iter_parts()
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().replace("\r\n", "\n") == text
    assert rich.get_content().replace("\r\n", "\n") == html
    body = message.as_bytes().partition(b"\n\n")[2]
    assert max(map(len, body.split(b"\n"))) <= 76


def test_the_same_message_has_the_same_bytes_and_another_id_another_boundary() -> None:
    def wire(message_id: str) -> bytes:
        return assemble.assemble_message(
            [],
            message_id=message_id,
            date=NOON,
            text=BodyPart([encode("a\n")]),
            html=BodyPart([encode("b\n")]),
        ).data

    assert wire("one@example.org") == wire("one@example.org") == wire("<one@example.org>")
    first, second = (
        message_from_bytes(wire(name), policy=policy.default).get_boundary()
        for name in ("one@example.org", "two@example.org")
    )
    assert first != second


def test_the_date_has_a_numeric_zone() -> None:
    message = assemble_and_parse(
        date=datetime(2026, 4, 3, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    )
    assert message["Date"] == "Fri, 03 Apr 2026 12:00:00 +0530"


@pytest.mark.parametrize("value", ["a\r\nBcc: x", "a\x00", "a\tb", "ü", "", " a", "x" * 2000])
def test_a_value_that_would_need_encoding_is_refused_where_encoding_breaks_it(value: str) -> None:
    with pytest.raises(InputError, match="List-Unsubscribe"):
        assemble.exact_header("List-Unsubscribe", value)


@pytest.mark.parametrize(
    "value",
    ["", "no-at", "a@b\r\nBcc: x@y", "a b@c", "<a@b>>", "a@b@c", "ü@example.org", "a" * 900 + "@b"],
)
def test_an_invalid_message_id_is_refused(value: str) -> None:
    with pytest.raises(InputError, match="Message-ID"):
        assemble.format_message_id(value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "jane",
        "@example.org",
        "jane@",
        "jane@@example.org",
        "jané@example.org",
        "jane@example.org\r\nRCPT TO:<x@y>",
        "a b@c.org",
        "jane@exa mple.org",
        "jane@-example.org",
        "jane.@example.org",
        "<jane@example.org>",
        "jane@example.org>",
        "a@b.org, c@d.org",
        "jane@[::1]\n",
        "j" * 65 + "@example.org",
        "jane@" + "a." * 125 + "example.org",
    ],
)
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(AddressError):
        assemble.ascii_address(address)


@pytest.mark.parametrize(
    "local",
    [
        "jür\u202egen",
        "jür gen",
        "jür\u2028gen",
        "jür\r\ngen",
        "jür<gen",
        ".jür",
        "jür\ud800",
        "ü" * 33,
        "jür\u00a0gen",
    ],
)
def test_an_invalid_address_in_any_script_is_refused(local: str) -> None:
    with pytest.raises(AddressError):
        assemble.reader_address(f"{local}@example.org")


def test_a_readers_local_part_in_another_script_stays_as_it_is() -> None:
    assert assemble.reader_address("jürgen.李@bücher.example") == "jürgen.李@xn--bcher-kva.example"
    assert (
        assemble.mailbox_header("To", "Jürgen", "jürgen@example.org")
        == "To: =?utf-8?q?J=C3=BCrgen?= <jürgen@example.org>"
    )


def test_a_domain_in_another_script_travels_as_a_labels() -> None:
    assert assemble.ascii_address("jane@bücher.example") == "jane@xn--bcher-kva.example"
    assert (
        assemble.mailbox_header("To", "", "jane@straße.example") == "To: jane@xn--strae-oqa.example"
    )
    assert assemble.ascii_address("root@localhost") == "root@localhost"


def test_a_list_id_carries_its_name_and_label() -> None:
    assert (
        assemble.list_id_header("Daily, for all", "digest.example.org")
        == 'List-Id: "Daily, for all" <digest.example.org>'
    )
    assert assemble.list_id_header("", "digest.example.org") == "List-Id: <digest.example.org>"
