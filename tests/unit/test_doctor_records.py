"""Texts from the DNS are judged as receivers would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.doctor import records
from digest.mail.messages import dkim

KEY = dkim.read_key(dkim.generate_key("ed25519")).record
OTHER = dkim.read_key(dkim.generate_key("ed25519")).record
PLACE = "d._domainkey.papers.example"


@pytest.mark.parametrize(
    ("texts", "level"),
    [
        ([], "bad"),
        (["google-site-verification=x"], "bad"),
        (["v=spf1 mx -all"], "good"),
        (["something", "v=spf1 include:_spf.example.net ~all"], "good"),
        (["V=SPF1 redirect=_spf.example.net"], "good"),
        (["v=spf1 mx -all", "v=spf1 a -all"], "bad"),
        (["v=spf1 mx"], "warning"),
        (["v=spf1 mx ?all"], "good"),
        (["v=spf1 mx +all"], "bad"),
        (["v=spf1 all"], "bad"),
        (["v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(30)) + " -all"], "good"),
        (["v=spf10 -all"], "bad"),
    ],
)
def test_spf(texts: list[str], level: str) -> None:
    assert records.spf("papers.example", texts).level == level


@pytest.mark.parametrize(
    ("texts", "level", "message"),
    [
        ([KEY], "good", "the one that signs"),
        ([KEY.replace(" ", "")], "good", ""),
        ([KEY.replace("; p=", ";p= ")], "good", ""),
        ([], "bad", "there is none"),
        (["v=DKIM1; n=no key"], "bad", "there is none"),
        ([OTHER], "bad", "another key"),
        ([KEY.replace("k=ed25519", "k=rsa")], "bad", "another key"),
        (["v=DKIM1; k=ed25519; p="], "bad", "withdrawn"),
        ([KEY, OTHER], "bad", "there are 2"),
        ([KEY + "; t=y"], "warning", "test"),
        ([KEY + "; t=s"], "good", ""),
    ],
)
def test_dkim(texts: list[str], level: str, message: str) -> None:
    finding = records.dkim(PLACE, KEY, texts)
    assert finding.level == level
    assert message in finding.what
    if level == "bad":
        assert finding.remedy


@pytest.mark.parametrize(
    ("at", "texts", "level"),
    [
        ("papers.example", ["v=DMARC1; p=none"], "note"),
        ("papers.example", ["v=DMARC1; p=reject; sp=none"], "good"),
        ("example", ["v=DMARC1; p=reject; sp=none"], "note"),
        ("example", ["v=DMARC1; p=Quarantine"], "good"),
        ("papers.example", ["v=DMARC1"], "bad"),
        ("papers.example", ["v=DMARC1; p=maybe"], "bad"),
        ("papers.example", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "bad"),
        ("papers.example", ["v=spf1 -all"], "warning"),
        ("papers.example", [], "warning"),
    ],
)
def test_dmarc(at: str, texts: list[str], level: str) -> None:
    assert records.dmarc("papers.example", at, texts).level == level


@pytest.mark.parametrize(
    ("sender", "envelope", "expected"),
    [
        ("example.org", "example.org", True),
        ("papers.example.org", "bounces.papers.example.org", True),
        ("papers.example.org", "example.org", True),
        ("papers.example.org", "bounces.example.org", True),
        ("example.org", "example.net", False),
        ("example.org", "notexample.org", False),
        ("example.org", "other.org", False),
    ],
)
def test_alignment(sender: str, envelope: str, expected: bool) -> None:
    assert records.is_aligned(sender, envelope) is expected
    assert records.is_aligned(envelope, sender) is expected


@given(st.lists(st.text(max_size=80), max_size=3))
def test_any_texts_get_a_finding(texts: list[str]) -> None:
    for finding in (
        records.spf("a.example", texts),
        records.dkim(PLACE, KEY, texts),
        records.dmarc("a.example", "a.example", texts),
    ):
        assert finding.what
        assert finding.level == "good" or finding.remedy
