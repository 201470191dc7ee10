"""TXT records -> findings: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 9989).

All functions are pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from digest.doctor.findings import Finding, bad, good, note, warning
from digest.doctor.spf_records import find_spf_records


def parse_tags(text: str) -> dict[str, str]:
    """Parse a record such as `v=DMARC1; p=none` into pairs.

    Blanks in values are removed, as both RFCs require.
    """
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    return {name.strip().lower(): re.sub(r"\s+", "", value) for name, _, value in pairs}


def spf(domain: str, texts: Sequence[str]) -> Finding:
    """Judge an SPF record by itself; `digest.doctor.spf` evaluates it for our servers."""
    records = find_spf_records(texts)
    place = f"SPF of {domain}"
    if not records:
        remedy = (
            f"Publish at {domain} a TXT record that names the servers which send for it, as in "
            f'"v=spf1 mx a:mail.example.org -all"'
        )
        return bad(
            "dns", f"{place}: there is none, and large mailbox providers refuse such mail", remedy
        )
    if len(records) > 1:
        return bad(
            "dns",
            f"{place}: there are {len(records)}, which counts as none (RFC 7208, 4.5)",
            "Keep one, with all that they name",
        )
    terms = records[0].split()[1:]
    last = next(
        (term.lower() for term in terms if re.fullmatch(r"[+?~-]?all", term, re.IGNORECASE)), ""
    )
    if last in ("all", "+all"):
        return bad(
            "dns",
            f"{place}: it ends with {last}, which lets everybody send",
            "End it with -all or ~all",
        )
    if not last and not any(term.lower().startswith("redirect=") for term in terms):
        return warning(
            "dns",
            f"{place}: it says nothing about servers that it does not name",
            "End it with -all or ~all",
        )
    return good("dns", f"{place}: {records[0]}")


def dkim(place: str, ours: str, texts: Sequence[str]) -> Finding:
    """Judge the published DKIM key; `ours` is the record that it should be."""
    remedy = (
        f"Publish at {place} a TXT record with: {ours}  (`digest dkim` prints it for a zone file)"
    )
    records = [text for text in texts if "p" in parse_tags(text)]
    if not records:
        return bad("dns", f"DKIM key at {place}: there is none, so every signature fails", remedy)
    if len(records) > 1:
        return bad(
            "dns",
            f"DKIM key at {place}: there are {len(records)}, and which one counts is up to the "
            f"receiver",
            "Keep the right one. " + remedy,
        )
    expected, published = parse_tags(ours), parse_tags(records[0])
    if not published["p"]:
        return bad(
            "dns",
            f"DKIM key at {place}: it was withdrawn (its p= is empty)",
            "Sign with a new key under another selector, or publish this one again",
        )
    if published["p"] != expected["p"] or published.get("k", "rsa") != expected.get("k", "rsa"):
        return bad(
            "dns",
            f"DKIM key at {place}: it is another key than the one that signs, so every signature "
            f"fails",
            remedy,
        )
    if "t" in published and "y" in published["t"].split(":"):
        return warning(
            "dns",
            f"DKIM key at {place}: it is marked as a test (t=y), so receivers may ignore it",
            "Remove t=y from the record",
        )
    return good("dns", f"DKIM key at {place}: it is the one that signs")


def dmarc(domain: str, found_at: str, texts: Sequence[str]) -> Finding:
    """Judge the DMARC policy of the domain in From.

    Args:
        domain: in From.
        found_at: the domain with the record: the same or one above it.
        texts: TXT records there.
    """
    records = [text for text in texts if text.lower().replace(" ", "").startswith("v=dmarc1")]
    place = f"DMARC of {domain}"
    if not records:
        remedy = (
            f'Publish at _dmarc.{domain} the TXT record "v=DMARC1; p=none; '
            f'rua=mailto:you@{domain}"; once reports show that all passes, p=quarantine'
        )
        return warning(
            "dns",
            f"{place}: there is none; large mailbox providers ask for it above 5,000 mails a day",
            remedy,
        )
    if len(records) > 1:
        return bad("dns", f"{place}: there are {len(records)}, which counts as none", "Keep one")
    policy = (
        parse_tags(records[0])
        .get("sp" if found_at != domain and "sp" in parse_tags(records[0]) else "p", "")
        .lower()
    )
    if policy not in ("none", "quarantine", "reject"):
        return bad(
            "dns",
            f"{place}: its policy p={policy or '(absent)'} is not one of none, quarantine, reject",
            "Correct the record",
        )
    above = "" if found_at == domain else f", from {found_at}"
    if policy == "none":
        return note(
            "dns",
            f"{place}: p=none{above}: valid, but receivers are not asked to refuse forgeries",
            "Move to p=quarantine once reports show that all passes",
        )
    return good("dns", f"{place}: p={policy}{above}")


def is_aligned(sender: str, envelope: str) -> bool:
    """Return whether the envelope's domain is aligned with From, as DMARC requires.

    Without the list of public suffixes this is certain only if one domain is below the other.
    """
    first, second = sender.lower().rstrip("."), envelope.lower().rstrip(".")
    return (
        first == second
        or first.endswith(f".{second}")
        or second.endswith(f".{first}")
        or (first.count(".") > 1 and first.split(".", 1)[1] == second.split(".", 1)[-1])
    )
