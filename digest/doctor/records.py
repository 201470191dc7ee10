"""Texts from the DNS -> what they are worth: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 9989).

Pure: who asks is elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from digest.doctor.findings import Finding, bad, good, note, warning
from digest.doctor.spf import records_in as spf_records


def tags(text: str) -> dict[str, str]:
    """`v=DMARC1; p=none` as pairs; blanks inside values are taken out, as both RFCs have it for
    keys.
    """
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    return {name.strip().lower(): re.sub(r"\s+", "", value) for name, _, value in pairs}


def spf(domain: str, texts: Sequence[str]) -> Finding:
    """The record that says which servers send for a domain of envelope senders; whether it names
    ours is worked out by `spf`.
    """
    found = spf_records(texts)
    place = f"SPF of {domain}"
    if not found:
        remedy = (
            f"Publish at {domain} a TXT record that names the servers which send for it, as in "
            f'"v=spf1 mx a:mail.example.org -all"'
        )
        return bad(
            "dns", f"{place}: there is none, and large mailbox providers refuse such mail", remedy
        )
    if len(found) > 1:
        return bad(
            "dns",
            f"{place}: there are {len(found)}, which counts as none (RFC 7208, 4.5)",
            "Keep one, with all that they name",
        )
    terms = found[0].split()[1:]
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
            f"{place}: it says nothing of servers that it does not name",
            "End it with -all or ~all",
        )
    return good("dns", f"{place}: {found[0]}")


def dkim(place: str, ours: str, texts: Sequence[str]) -> Finding:
    """The published half of the key that signs; `ours` is the record that it should be."""
    remedy = (
        f"Publish at {place} a TXT record with: {ours}  (`digest dkim` prints it for a zone file)"
    )
    found = [text for text in texts if "p" in tags(text)]
    if not found:
        return bad("dns", f"DKIM key at {place}: there is none, so every signature fails", remedy)
    if len(found) > 1:
        return bad(
            "dns",
            f"DKIM key at {place}: there are {len(found)}, and which one counts is up to the "
            f"receiver",
            "Keep the right one. " + remedy,
        )
    wanted, there = tags(ours), tags(found[0])
    if not there["p"]:
        return bad(
            "dns",
            f"DKIM key at {place}: it was withdrawn (its p= is empty)",
            "Sign with a new key under another selector, or publish this one again",
        )
    if there["p"] != wanted["p"] or there.get("k", "rsa") != wanted.get("k", "rsa"):
        return bad(
            "dns",
            f"DKIM key at {place}: it is another key than the one that signs, so every signature "
            f"fails",
            remedy,
        )
    if "t" in there and "y" in there["t"].split(":"):
        return warning(
            "dns",
            f"DKIM key at {place}: it says that it is a test (t=y), and receivers may ignore it",
            "Take t=y out of the record",
        )
    return good("dns", f"DKIM key at {place}: it is the one that signs")


def dmarc(domain: str, found_at: str, texts: Sequence[str]) -> Finding:
    """The policy of the domain in From; `found_at` is where it was found, the domain or one above
    it.
    """
    found = [text for text in texts if text.lower().replace(" ", "").startswith("v=dmarc1")]
    place = f"DMARC of {domain}"
    if not found:
        remedy = (
            f'Publish at _dmarc.{domain} the TXT record "v=DMARC1; p=none; '
            f'rua=mailto:you@{domain}"; once reports show that all passes, p=quarantine'
        )
        return warning(
            "dns",
            f"{place}: there is none; large mailbox providers ask for it above 5,000 mails a day",
            remedy,
        )
    if len(found) > 1:
        return bad("dns", f"{place}: there are {len(found)}, which counts as none", "Keep one")
    policy = (
        tags(found[0])
        .get("sp" if found_at != domain and "sp" in tags(found[0]) else "p", "")
        .lower()
    )
    if policy not in ("none", "quarantine", "reject"):
        return bad(
            "dns",
            f"{place}: its policy p={policy or '(absent)'} is none of none, quarantine, reject",
            "Mend the record",
        )
    above = "" if found_at == domain else f", from {found_at}"
    if policy == "none":
        return note(
            "dns",
            f"{place}: p=none{above}: taken as present, and nobody is told to refuse forgeries",
            "Move to p=quarantine once reports show that all passes",
        )
    return good("dns", f"{place}: p={policy}{above}")


def aligned(sender: str, envelope: str) -> bool:
    """Whether DMARC would take an SPF pass of the envelope's domain for the one in From.

    Without the list of public suffixes only what is below one of the two is sure.
    """
    one, other = sender.lower().rstrip("."), envelope.lower().rstrip(".")
    return (
        one == other
        or one.endswith(f".{other}")
        or other.endswith(f".{one}")
        or (one.count(".") > 1 and one.split(".", 1)[1] == other.split(".", 1)[-1])
    )
