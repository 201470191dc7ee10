"""The signed timestamp of a form: it is read back, and forgeries are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import LinkError, UnknownKeyError
from digest.mail import links
from digest.model import Link, LinkKey, Purpose
from digest.web.form_timestamps import read_timestamp, sign_timestamp

KEY, OTHER = LinkKey(id=1, secret=b"a" * 32), LinkKey(id=2, secret=b"b" * 32)
NOW = datetime(2026, 6, 9, 12, tzinfo=UTC)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))
def test_a_signed_timestamp_can_be_read(moment: datetime) -> None:
    read = read_timestamp(sign_timestamp(OTHER, moment), [KEY, OTHER])
    assert timedelta(0) <= moment - read < timedelta(milliseconds=1)


@given(st.integers(0, 8 * 23 - 1))
def test_a_changed_bit_is_detected(bit: int) -> None:
    raw = bytearray.fromhex(sign_timestamp(KEY, NOW))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(LinkError):
        read_timestamp(raw.hex(), [KEY])


@given(st.text())
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(LinkError):
        read_timestamp(text, [KEY])


def test_a_token_of_a_link_and_an_unknown_key_are_refused() -> None:
    token = links.write_token(Link(Purpose.UP, 1, 1, 1), KEY)
    with pytest.raises(LinkError):
        read_timestamp(token, [KEY])
    with pytest.raises(UnknownKeyError):
        read_timestamp(sign_timestamp(OTHER, NOW), [KEY])
