"""Tokens of links: their fields, upper and lower case, and forgery."""

from __future__ import annotations

import base64
import hmac
import string
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import LinkError, UnknownKeyError
from digest.mail import links
from digest.model import Link, LinkKey, Purpose

KEY = LinkKey(id=1, secret=b"k" * 32)
OTHER = LinkKey(id=2, secret=b"o" * 32)
#: key id, link, and the token that version 0.1.0 wrote for it with the secret 0, 1, ... 31
SENT = [
    (1, Link(Purpose.UP, 1, 2, 3), "aeaqcaaaaaaacaaaaaaaeaaaaaaahcc57oahdp45iuggoil6qpku56a"),
    (
        1,
        Link(Purpose.DOWN, 7, 8589934597, 123456789),
        "aeaqeaaaaaaaoaqaaaaakaahlpgrkpppagito7ii6waiwkufzlhkgty",
    ),
    (
        1,
        Link(Purpose.UNSUBSCRIBE, 42, 0, 9),
        "aeaqgaaaaaacuaaaaaaaaaaaaaaasavicaqpskyal7lzpfh4jew4jbq",
    ),
    (
        255,
        Link(Purpose.MANAGE, 1099511627775, 1099511627775, 1099511627775),
        "ah7qj777777777777777777777777re4svdcpqu2xyz5pu3leb5opky",
    ),
    (0, Link(Purpose.CONFIRM, 0, 0, 0), "aeaakaaaaaaaaaaaaaaaaaaaaaaabmamjmxfxltnxqbjmhpvuhq4wha"),
    (
        200,
        Link(Purpose.BOUNCE, 99, 0, 1099511627775),
        "aheamaaaaaaggaaaaaaab77777777a22hmztbx52kvlhsgtcsuwrmwq",
    ),
    (
        68,
        Link(Purpose.UP, 558616790225, 1087133182857, 991110786884),
        "afcadaqqe7cnd7i6f7vytzwczzxuix33eqvih37pm3uq4zaqupdm2qa",
    ),
    (
        241,
        Link(Purpose.DOWN, 836022225947, 462949041686, 1069849980556),
        "ahyqfqvgz3gbw26j5hdbn6iya4xiywhng32otuivsr7ymebla42bg3a",
    ),
    (
        14,
        Link(Purpose.UNSUBSCRIBE, 950861988493, 7589884249, 982241122904),
        "aehahxldzkbi2aoemryvtzfseinfr3nvpc5dgpsk3whb7dqhullrs7q",
    ),
    (
        136,
        Link(Purpose.MANAGE, 227398206114, 699656303417, 47376023260),
        "ageainhr7vbkfixgypztscyh2s7ny467f27qwshruelvqsapw3aznuy",
    ),
    (
        13,
        Link(Purpose.CONFIRM, 841303493337, 475394828281, 931874933826),
        "aegqlq7btcfns3vpxvt7twhycmgeegks33guzveocg745midedtgsra",
    ),
    (
        14,
        Link(Purpose.BOUNCE, 487597455548, 965352745103, 1090660417519),
        "aeham4mhck4lzygdqhui77pqnu766uwwnlt2a5bnqsa6n3sptviobxq",
    ),
]
ids = st.integers(0, 2**40 - 1)
any_links = st.lists(st.builds(Link, st.sampled_from(list(Purpose)), ids, ids, ids), max_size=30)
keys = st.builds(LinkKey, id=st.integers(0, 255), secret=st.binary(min_size=1, max_size=100))


@given(any_links, keys)
def test_tokens_written_together_are_those_written_one_by_one(
    signed: list[Link], key: LinkKey
) -> None:
    assert links.write_tokens(signed, key) == [links.write_token(link, key) for link in signed]


LINKS = st.builds(
    Link, purpose=st.sampled_from(Purpose), subscriber_id=ids, paper_id=ids, message_id=ids
)


@given(LINKS)
def test_a_token_names_what_it_was_made_for(link: Link) -> None:
    assert links.read_token(links.write_token(link, KEY), [KEY]) == link


@given(LINKS)
def test_a_token_survives_gateways_that_change_case(link: Link) -> None:
    token = links.write_token(link, KEY)
    assert token == token.lower()
    assert links.read_token(token.upper(), [KEY]) == link


@given(LINKS)
def test_a_token_has_no_punctuation_and_fits_a_line(link: Link) -> None:
    token = links.write_token(link, KEY)
    assert set(token) <= set(string.ascii_lowercase + string.digits)
    assert len(token) == 55


@given(LINKS, st.integers(0, 54), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_letter_of_a_token_can_be_changed(link: Link, place: int, letter: str) -> None:
    token = links.write_token(link, KEY)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(LinkError):
            links.read_token(changed, [KEY])


@given(st.text())
def test_garbage_is_no_token(text: str) -> None:
    with pytest.raises(LinkError):
        links.read_token(text, [KEY])


@given(LINKS, LINKS)
def test_the_halves_of_two_tokens_do_not_fit(first: Link, second: Link) -> None:
    if first != second:
        left, right = links.write_token(first, KEY), links.write_token(second, KEY)
        with pytest.raises(LinkError):
            links.read_token(left[:29] + right[29:], [KEY])


def test_an_old_key_still_reads_and_an_unknown_one_does_not() -> None:
    link = Link(purpose=Purpose.UNSUBSCRIBE, subscriber_id=7)
    token = links.write_token(link, KEY)
    assert links.read_token(token, [OTHER, KEY]) == link
    with pytest.raises(LinkError):
        links.read_token(token, [OTHER])


def test_a_key_of_the_same_id_and_another_secret_does_not_read() -> None:
    token = links.write_token(Link(purpose=Purpose.UP, subscriber_id=7, paper_id=1), KEY)
    with pytest.raises(LinkError):
        links.read_token(token, [LinkKey(id=1, secret=b"x" * 32)])


def test_an_id_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="ids must be"):
        links.write_token(Link(purpose=Purpose.UP, subscriber_id=2**40), KEY)


def test_a_key_is_not_shown_when_printed() -> None:
    assert "kkkk" not in repr(KEY)


# ----------------------------------------------------------------------------------------------
# by mail


def bounce(subscriber_id: int = 7, message_id: int = 9) -> Link:
    return Link(purpose=Purpose.BOUNCE, subscriber_id=subscriber_id, message_id=message_id)


@given(ids, ids)
def test_a_bounce_address_names_reader_and_message_and_fits_smtp(
    subscriber_id: int, message_id: int
) -> None:
    link = bounce(subscriber_id, message_id)
    address = links.write_bounce_address(link, KEY, "bounces.example.org")
    assert len(address.partition("@")[0]) <= 64
    for arrived in (
        address,
        address.upper(),
        f"<{address}>",
        f" {address}\r\n",
        address.replace("bounces.example.org", "elsewhere"),
    ):
        assert links.read_bounce_address(arrived, [OTHER, KEY]) == link


@given(LINKS)
def test_a_token_from_a_page_is_no_bounce_address(link: Link) -> None:
    address = f"b+{links.write_token(link, KEY)}@bounces.example.org"
    if link.purpose is Purpose.BOUNCE:
        assert links.read_bounce_address(address, [KEY]) == link
    else:
        with pytest.raises(LinkError):
            links.read_bounce_address(address, [KEY])


@given(
    st.text()
    | st.text(string.ascii_lowercase + string.digits + "b+@", min_size=50, max_size=70).map(
        "b+".__add__
    )
)
def test_garbage_is_neither_a_bounce_address_nor_an_answer(text: str) -> None:
    for read in (links.read_bounce_address, links.read_subject):
        with pytest.raises(LinkError):
            read(text, [KEY])


def test_a_forged_bounce_address_suppresses_nobody() -> None:
    address = links.write_bounce_address(
        bounce(), LinkKey(id=1, secret=b"x" * 32), "bounces.example.org"
    )
    with pytest.raises(LinkError):
        links.read_bounce_address(address, [KEY, OTHER])


answers = st.builds(
    Link,
    purpose=st.sampled_from(sorted(links.ANSWERS)),
    subscriber_id=ids,
    paper_id=ids,
    message_id=ids,
)


@given(
    answers,
    st.sampled_from(
        [
            "digest@example.org",
            "di+gest@example.org",
            "o'neil@example.org",
            "a&b%c?d#e/f@example.org",
        ]
    ),
)
def test_an_answer_by_mail_arrives_as_it_was_offered(link: Link, mailbox: str) -> None:
    parts = urlsplit(links.write_mailto(link, KEY, mailbox))
    assert (parts.scheme, unquote(parts.path), parts.fragment) == ("mailto", mailbox, "")
    (subject,) = parse_qs(parts.query, strict_parsing=True)["subject"]
    assert subject.startswith(links.ANSWERS[link.purpose])
    assert links.read_subject(subject, [OTHER, KEY]) == link


@given(
    answers,
    st.sampled_from(
        [
            "{}",
            "Re: {}",
            "AW: Fwd: {} (was: x)",
            "[{}]",
            "<{}>.",
            "re:{}",
            "{} {}",
            "Unsubscribe%20{}",
        ]
    ),
    st.booleans(),
)
def test_text_that_mail_programs_put_around_a_token_is_ignored(
    link: Link, pattern: str, upper: bool
) -> None:
    token = links.write_token(link, KEY)
    assert (
        links.read_subject(pattern.replace("{}", token.upper() if upper else token), [KEY]) == link
    )


@given(LINKS, LINKS)
def test_mail_carries_only_answers_and_one_at_a_time(link: Link, second: Link) -> None:
    token = links.write_token(link, KEY)
    if link.purpose not in links.ANSWERS:
        with pytest.raises(LinkError):
            links.read_subject(f"please {token}", [KEY])
        with pytest.raises(ValueError, match="by mail"):
            links.write_mailto(link, KEY, "digest@example.org")
    if link != second:
        with pytest.raises(LinkError):
            links.read_subject(f"{token} {links.write_token(second, KEY)}", [KEY])
    with pytest.raises(LinkError):
        links.read_subject(f"x{token}", [KEY])


def test_a_newer_key_is_distinguished_from_a_forgery() -> None:
    token = links.write_token(Link(purpose=Purpose.UP, subscriber_id=7, paper_id=1), OTHER)
    with pytest.raises(UnknownKeyError):
        links.read_token(token, [KEY])
    with pytest.raises(UnknownKeyError):
        links.read_subject(f"More like this {token}", [KEY])
    with pytest.raises(UnknownKeyError):
        links.read_bounce_address(links.write_bounce_address(bounce(), OTHER, "x.example"), [KEY])


@pytest.mark.parametrize(("key_id", "link", "token"), SENT)
def test_tokens_of_mails_sent_long_ago_are_written_and_read_as_ever(
    key_id: int, link: Link, token: str
) -> None:
    key = LinkKey(id=key_id, secret=bytes(range(32)))
    assert links.write_token(link, key) == token
    assert links.read_token(token, [key]) == link


def test_a_token_holds_its_fields_in_order_and_its_mac() -> None:
    """Built by hand, so that a change of the code cannot change the format."""
    body = bytes.fromhex("0107 02 0000000003 0000000004 0000000005")
    mac = hmac.new(bytes(range(32)), body, "sha256").digest()[:16]
    token = base64.b32encode(body + mac).decode().rstrip("=").lower()
    link = Link(Purpose.DOWN, subscriber_id=3, paper_id=4, message_id=5)
    assert links.write_token(link, LinkKey(id=7, secret=bytes(range(32)))) == token
