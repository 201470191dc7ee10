"""Spellings of e-mail addresses: which are one reader, and which are two."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import address_key

ONE = [
    ("Alice@Example.org", "alice@example.org"),
    ("MÜLLER@example.org", "müller@example.org"),
    ("STRAẞE@example.org", "straße@example.org"),
    ("e\u0301ric@example.org", "éric@example.org"),
    ("É\u0328@example.org", "E\u0328\u0301@example.org"),
    ("x@BÜCHER.example", "x@xn--bcher-kva.example"),
    ("x@Example.ORG", "x@example.org"),
    ("ΝΙΚΟΣ.ΠΑΠΠΑΣ@example.org", "νικος.παππας@example.org"),
    ("Πέτρος@example.org", "ΠΈΤΡΟΣ@example.org"),
]
TWO = [
    ("straße@example.org", "strasse@example.org"),
    ("ﬁnn@example.org", "finn@example.org"),
    ("ipek@example.org", "İpek@example.org"),
    ("ipek@example.org", "ıpek@example.org"),
    ("µ@example.org", "μ@example.org"),
    ("ſam@example.org", "sam@example.org"),
    ("x@straße.example", "x@strasse.example"),
]


@pytest.mark.parametrize(("first", "second"), ONE)
def test_spellings_of_one_address_share_a_key(first: str, second: str) -> None:
    assert address_key(first) == address_key(second)


@pytest.mark.parametrize(("first", "second"), TWO)
def test_addresses_that_differ_in_more_than_case_are_two(first: str, second: str) -> None:
    assert address_key(first) != address_key(second)


LETTERS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs"]), min_size=1, max_size=20)


@given(local=LETTERS)
def test_the_key_of_a_key_is_the_same_and_normalised(local: str) -> None:
    key = address_key(f"{local}@example.org")
    assert address_key(key) == key
    assert unicodedata.is_normalized("NFC", key)


@given(local=LETTERS, form=st.sampled_from(["NFC", "NFD"]))
def test_the_normal_form_of_accents_does_not_matter(local: str, form: str) -> None:
    spelled = unicodedata.normalize(form, local)  # type: ignore[arg-type]
    assert address_key(f"{spelled}@example.org") == address_key(f"{local}@example.org")


@given(first=LETTERS, second=LETTERS)
def test_readers_with_different_old_keys_stay_two(first: str, second: str) -> None:
    """Version 0.1.0 compared addresses by casefold, which is coarser."""
    first_local, second_local = (unicodedata.normalize("NFC", text) for text in (first, second))
    if address_key(f"{first_local}@x") == address_key(f"{second_local}@x"):
        folded = [
            unicodedata.normalize("NFC", unicodedata.normalize("NFD", t).casefold())
            for t in (first_local, second_local)
        ]
        assert folded[0] == folded[1]
