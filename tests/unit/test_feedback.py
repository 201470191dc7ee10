"""Tokens of links: they name one purpose, reader, paper and message, survive a change of case, and cannot be made or changed."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import feedback
from digest.errors import LinkError
from digest.model import Link, LinkKey, Purpose

KEY = LinkKey(id=1, secret=b"k" * 32)
OTHER = LinkKey(id=2, secret=b"o" * 32)
ids = st.integers(0, 2**40 - 1)
links = st.builds(Link, purpose=st.sampled_from(Purpose), subscriber_id=ids, paper_id=ids, message_id=ids)


@given(links)
def test_a_token_names_what_it_was_made_for(link: Link) -> None:
    assert feedback.read_token(feedback.write_token(link, KEY), [KEY]) == link


@given(links)
def test_a_token_survives_gateways_that_change_case(link: Link) -> None:
    token = feedback.write_token(link, KEY)
    assert token == token.lower()
    assert feedback.read_token(token.upper(), [KEY]) == link


@given(links)
def test_a_token_has_no_punctuation_and_fits_a_line(link: Link) -> None:
    token = feedback.write_token(link, KEY)
    assert set(token) <= set(string.ascii_lowercase + string.digits)
    assert len(token) == 55


@given(links, st.integers(0, 54), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_letter_of_a_token_can_be_changed(link: Link, place: int, letter: str) -> None:
    token = feedback.write_token(link, KEY)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(LinkError):
            feedback.read_token(changed, [KEY])


@given(st.text())
def test_garbage_is_no_token(text: str) -> None:
    with pytest.raises(LinkError):
        feedback.read_token(text, [KEY])


@given(links, links)
def test_the_halves_of_two_tokens_do_not_fit(one: Link, two: Link) -> None:
    if one != two:
        left, right = feedback.write_token(one, KEY), feedback.write_token(two, KEY)
        with pytest.raises(LinkError):
            feedback.read_token(left[:29] + right[29:], [KEY])


def test_an_old_key_still_reads_and_an_unknown_one_does_not() -> None:
    link = Link(purpose=Purpose.UNSUBSCRIBE, subscriber_id=7)
    token = feedback.write_token(link, KEY)
    assert feedback.read_token(token, [OTHER, KEY]) == link
    with pytest.raises(LinkError):
        feedback.read_token(token, [OTHER])


def test_a_key_of_the_same_id_and_another_secret_does_not_read() -> None:
    token = feedback.write_token(Link(purpose=Purpose.UP, subscriber_id=7, paper_id=1), KEY)
    with pytest.raises(LinkError):
        feedback.read_token(token, [LinkKey(id=1, secret=b"x" * 32)])


def test_an_id_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="ids must be"):
        feedback.write_token(Link(purpose=Purpose.UP, subscriber_id=2**40), KEY)


def test_a_key_is_not_shown_when_printed() -> None:
    assert "kkkk" not in repr(KEY)
