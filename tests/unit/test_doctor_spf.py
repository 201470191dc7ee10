"""SPF of RFC 7208: whether a record lets a server send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.doctor import spf

HERE, THERE = "192.0.2.65", "198.51.100.7"

#: the zone of the RFC's appendix A
EXAMPLE: dict[str, Sequence[str]] = {
    "A example.com": ["192.0.2.10", "192.0.2.11"],
    "MX example.com": ["mail-a.example.com.", "mail-b.example.com."],
    "A amy.example.com": [HERE],
    "A bob.example.com": ["192.0.2.66"],
    "A mail-a.example.com": ["192.0.2.129"],
    "A mail-b.example.com": ["192.0.2.130"],
    "MX example.org": ["mail-c.example.org."],
    "A mail-c.example.org": ["192.0.2.140"],
    "PTR 192.0.2.10": ["example.com"],
    "PTR 192.0.2.65": ["amy.example.com"],
    "PTR 192.0.2.140": ["mail-c.example.org"],
    "PTR 10.0.0.4": ["bob.example.com"],
}


class Zone:
    """A DNS zone as a table of "TYPE name", which counts look-ups."""

    def __init__(self, records: Mapping[str, Sequence[str]]) -> None:
        self.records, self.asked = records, 0

    def _ask(self, kind: str, name: str) -> list[str]:
        self.asked += 1
        return list(self.records.get(f"{kind} {name}", []))

    def txt(self, name: str) -> list[str]:
        return self._ask("TXT", name)

    def mx(self, name: str) -> list[str]:
        return self._ask("MX", name)

    def addresses(self, name: str) -> list[str]:
        return self._ask("A", name) + list(self.records.get(f"AAAA {name}", []))

    def names(self, address: str) -> list[str]:
        return self._ask("PTR", address)


def check_spf(
    record: str,
    address: str = HERE,
    more: Mapping[str, Sequence[str]] | None = None,
    **options: str,
) -> spf.Verdict:
    return spf.check(
        "example.com",
        address,
        Zone(EXAMPLE | {"TXT example.com": [record]} | dict(more or {})),
        **options,
    )


@pytest.mark.parametrize(
    ("record", "passes", "fails"),
    [
        ("v=spf1 +all", ["192.0.2.129", "1.2.3.4"], []),
        ("v=spf1 a -all", ["192.0.2.10", "192.0.2.11"], ["192.0.2.65"]),
        ("v=spf1 a:example.org -all", [], ["192.0.2.10"]),
        ("v=spf1 mx -all", ["192.0.2.129", "192.0.2.130"], ["192.0.2.10"]),
        ("v=spf1 mx:example.org -all", ["192.0.2.140"], ["192.0.2.129"]),
        ("v=spf1 mx mx:example.org -all", ["192.0.2.129", "192.0.2.140"], ["192.0.2.10"]),
        ("v=spf1 mx/30 mx:example.org/30 -all", ["192.0.2.131", "192.0.2.143"], ["192.0.2.132"]),
        ("v=spf1 ptr -all", ["192.0.2.10", "192.0.2.65"], ["192.0.2.140", "10.0.0.4"]),
        ("v=spf1 ip4:192.0.2.128/28 -all", ["192.0.2.129"], ["192.0.2.65"]),
    ],
)
def test_the_examples_of_the_rfc(record: str, passes: list[str], fails: list[str]) -> None:
    assert [check_spf(record, address).result for address in passes + fails] == ["pass"] * len(
        passes
    ) + ["fail"] * len(fails)


@pytest.mark.parametrize(
    ("record", "result", "by"),
    [
        ("v=spf1", "neutral", ""),
        ("v=spf1 a mx", "neutral", ""),
        ("v=spf1 ~all", "softfail", "~all"),
        ("v=spf1 ?a:amy.example.com -all", "neutral", "?a:amy.example.com"),
        ("v=spf1 -ip4:192.0.2.0/24 +all", "fail", "-ip4:192.0.2.0/24"),
        ("V=SPF1 A:amy.example.com -ALL", "pass", "A:amy.example.com"),
        ("v=spf1 moo=cow ip4:192.0.2.65 -all", "pass", "ip4:192.0.2.65"),
        ("v=spf1 ip6:2001:db8::/32 ip4:192.0.2.65 -all", "pass", "ip4:192.0.2.65"),
        ("v=spf1 a:amy.example.com//64 -all", "pass", "a:amy.example.com//64"),
        ("v=spf1 a:amy.example.com/32//64 -all", "pass", "a:amy.example.com/32//64"),
        ("v=spf1 a:bob.example.com/24 -all", "pass", "a:bob.example.com/24"),
        ("v=spf1 a/0 -all", "pass", "a/0"),
        (
            "v=spf1 include:in.example.net -all",
            "pass",
            "include:in.example.net > ip4:192.0.2.64/26",
        ),
        (
            "v=spf1 -include:in.example.net +all",
            "fail",
            "-include:in.example.net > ip4:192.0.2.64/26",
        ),
        ("v=spf1 include:out.example.net ~all", "softfail", "~all"),
        ("v=spf1 include:out.example.net", "neutral", ""),
        (
            "v=spf1 include:deep.example.net -all",
            "pass",
            "include:deep.example.net > include:in.example.net > ip4:192.0.2.64/26",
        ),
        ("v=spf1 redirect=in.example.net", "pass", "redirect=in.example.net > ip4:192.0.2.64/26"),
        ("v=spf1 redirect=out.example.net", "fail", "redirect=out.example.net > -all"),
        ("v=spf1 redirect=in.example.net -all", "fail", "-all"),
        (
            "v=spf1 mx redirect=in.example.net",
            "pass",
            "redirect=in.example.net > ip4:192.0.2.64/26",
        ),
        ("v=spf1 exists:%{i}.list.example.net -all", "pass", "exists:%{i}.list.example.net"),
        (
            "v=spf1 exists:%{ir}.%{v}.list.example.net -all",
            "pass",
            "exists:%{ir}.%{v}.list.example.net",
        ),
        (
            "v=spf1 include:%{d2}.spf.example.net -all",
            "pass",
            "include:%{d2}.spf.example.net > all",
        ),
        ("v=spf1 exp=why.%{d} a:amy.example.com -all", "pass", "a:amy.example.com"),
    ],
)
def test_the_matching_mechanism_is_named(record: str, result: str, by: str) -> None:
    more = {
        "TXT in.example.net": ["v=spf1 ip4:192.0.2.64/26 -all"],
        "TXT out.example.net": ["v=spf1 ip4:203.0.113.0/24 -all"],
        "TXT deep.example.net": [
            "something else",
            "v=spf1 include:out.example.net include:in.example.net -all",
        ],
        "TXT example.com.spf.example.net": ["v=spf1 all"],
        "A 192.0.2.65.list.example.net": ["127.0.0.2"],
        "A 65.2.0.192.in-addr.list.example.net": ["127.0.0.2"],
    }
    assert check_spf(record, more=more) == spf.Verdict(result=result, by=by)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ("v=spf1 -all a:", "'a:'"),
        ("v=spf1 ip4:192.0.2.0/33 -all", "ip4:192.0.2.0/33"),
        ("v=spf1 ip4:2001:db8::1 -all", "not a mechanism"),
        ("v=spf1 ip6:192.0.2.1 -all", "not a mechanism"),
        ("v=spf1 ip4 -all", "not a mechanism"),
        ("v=spf1 a/33 -all", "not a mechanism"),
        ("v=spf1 a//129 -all", "not a mechanism"),
        ("v=spf1 include -all", "not a mechanism"),
        ("v=spf1 include:in.example.net/24 -all", "not a mechanism"),
        ("v=spf1 -all:example.net", "not a mechanism"),
        ("v=spf1 ptr/24 -all", "not a mechanism"),
        ("v=spf1 mail.example.com -all", "'mail.example.com'"),
        ("v=spf1 192.0.2.65 -all", "'192.0.2.65'"),
        ("v=spf1 redirect=a.example redirect=b.example", "twice"),
        ("v=spf1 redirect=", "is empty"),
        ("v=spf1 include:nothing.example.net -all", "nothing.example.net, which has no record"),
        ("v=spf1 redirect=nothing.example.net", "nothing.example.net, which has no record"),
        ("v=spf1 include:two.example.net -all", "two.example.net has 2 records"),
        ("v=spf1 include:ring.example.net -all", "more than 10 look-ups"),
        ("v=spf1 exists:%{x}.example.net -all", "macro"),
        ("v=spf1 exists:%{d0}.example.net -all", "macro"),
        ("v=spf1 exists:100%.example.net -all", "macro"),
        (
            "v=spf1 a:v1.example.net a:v2.example.net mx:v3.example.net -all",
            "find nothing, the last one at v3.example.net",
        ),
        ("v=spf1 mx:many.example.net -all", "has 11 mail servers"),
    ],
)
def test_an_invalid_record_gives_its_error(record: str, problem: str) -> None:
    more = {
        "TXT two.example.net": ["v=spf1 -all", "v=spf1 +all"],
        "TXT ring.example.net": ["v=spf1 include:ring.example.net -all"],
        "MX many.example.net": [f"mx{n}.example.net." for n in range(11)],
    }
    verdict = check_spf(record, more=more)
    assert (verdict.result, verdict.by) == ("permerror", "")
    assert problem in verdict.problem


def test_a_domain_without_a_record_gives_none() -> None:
    assert spf.check(
        "example.net", HERE, Zone({"TXT example.net": ["v=spf10 +all", "other"]})
    ) == spf.Verdict(result="none")


def test_ipv6_addresses_match_only_ipv6_networks() -> None:
    more = {"AAAA six.example.net": ["2001:db8::7"], "A six.example.net": [HERE]}
    for record, address, result in (
        ("v=spf1 a:six.example.net -all", "2001:db8::7", "pass"),
        ("v=spf1 a:six.example.net//64 -all", "2001:db8::9", "pass"),
        ("v=spf1 a:six.example.net/24 -all", "2001:db8::9", "fail"),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8:1::9", "pass"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::7", "fail"),
        ("v=spf1 a:six.example.net -all", f"::ffff:{HERE}", "pass"),
        ("v=spf1 exists:%{ir}.%{v}.example.net -all", "2001:db8::cb01", "pass"),
    ):
        name = ".".join(f"{int(ip_address('2001:db8::cb01')):032x}"[::-1]) + ".ip6.example.net"
        assert check_spf(record, address, more | {f"A {name}": ["127.0.0.2"]}).result == result, (
            record
        )


@pytest.mark.parametrize(
    ("text", "expansion"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{S}.%%%-", "strong-bad%40email.example.com.%%20"),
        ("%{h}.%{p}", "mx.example.com.unknown"),
    ],
)
def test_the_macros_of_the_rfc(text: str, expansion: str) -> None:
    zone = Zone(
        {"TXT email.example.com": [f"v=spf1 exists:{text} -all"], f"A {expansion}": ["127.0.0.2"]}
    )
    verdict = spf.check(
        "email.example.com",
        "192.0.2.3",
        zone,
        sender="strong-bad@email.example.com",
        hello="mx.example.com",
    )
    assert verdict.result == "pass"


def test_a_name_that_macros_make_too_long_loses_its_first_labels() -> None:
    sender = "x" * 60 + "." + "y" * 60 + "." + "z" * 60 + "." + "w" * 60 + "@example.com"
    zone = {"A " + ".".join(letter * 60 for letter in "yzw") + ".example.com": ["127.0.0.2"]}
    assert check_spf("v=spf1 exists:%{l}.%{d} -all", more=zone, sender=sender).result == "pass"


def test_ten_look_ups_are_allowed_and_those_of_included_records_count() -> None:
    four = {
        "TXT four.example.net": [
            "v=spf1 a:example.com a:amy.example.com a:bob.example.com mx:example.org -all"
        ]
    }
    # 5 + 3
    eight = (
        "v=spf1 include:four.example.net a:mail-a.example.com a:mail-b.example.com "
        "a:mail-c.example.org"
    )
    last = " a:example.com a:bob.example.com"
    assert check_spf(f"{eight}{last} ip4:203.0.113.9 -all", "203.0.113.9", four).result == "pass"
    assert (
        check_spf(f"{eight}{last} mx ip4:203.0.113.9 -all", "203.0.113.9", four).result
        == "permerror"
    )
    assert check_spf(f"ip4:203.0.113.9 {eight}", "203.0.113.9").result == "none"
    # receivers stop at the first match, so one before the eleventh look-up passes
    assert (
        check_spf(f"v=spf1 ip4:203.0.113.9 {eight[7:]}{last} mx -all", "203.0.113.9", four).result
        == "pass"
    )


@pytest.mark.parametrize(
    ("record", "many"),
    [
        ("v=spf1 -all", 0),
        ("v=spf1 ip4:192.0.2.1 exp=why.example.net -all", 0),
        ("v=spf1 a mx ptr exists:x.example.net -all", 4),
        ("v=spf1 include:three.example.net include:three.example.net -all", 8),
        ("v=spf1 redirect=three.example.net", 4),
        ("v=spf1 redirect=three.example.net -all", 0),
        ("v=spf1 +all a", 1),
        ("v=spf1 include:ring.example.net -all", 100),
    ],
)
def test_look_ups_are_counted_as_if_nothing_matched(record: str, many: int) -> None:
    more = {
        "TXT three.example.net": ["v=spf1 a mx a:amy.example.com -all"],
        "TXT ring.example.net": ["v=spf1 include:ring.example.net -all"],
    }
    assert spf.lookups("example.com", Zone(EXAMPLE | {"TXT example.com": [record]} | more)) == many


words = st.text(st.sampled_from("aimxp4 6:/.%{}d-~=+?l0123rediinclude"), max_size=60)


@given(words, words)
def test_any_record_gets_a_verdict_at_a_bounded_cost(record: str, other: str) -> None:
    zone = Zone(
        {
            "TXT example.com": [f"v=spf1 {record} include:other.example"],
            "TXT other.example": [f"v=spf1 {other} redirect=example.com"],
        }
    )
    verdict = spf.check("example.com", HERE, zone)
    assert bool(verdict.problem) is (verdict.result == "permerror")
    assert zone.asked <= 1 + spf.LOOKUPS_MAX * (1 + spf.NAMES_MAX)
    assert spf.lookups("example.com", zone) <= 100
