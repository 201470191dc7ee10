"""Secrets are hidden in every spelling and place, and no other text is."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, urlencode

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest import redaction
from digest.mail import links
from digest.model import Link, LinkKey, Purpose
from digest.redaction import COVER, find_secrets_in_url, redact, redact_json, register_secrets


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redaction, "_known", {})
    return


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "quoted": lambda secret: quote(secret, safe=""),
    "quoted but slashes": quote,
    "plus": quote_plus,
    "form": lambda secret: urlencode({"other": secret}),
    "httpx": lambda secret: str(httpx.URL("http://h/").copy_merge_params({"other": secret})),
    "json": json.dumps,
    "json as it is": lambda secret: json.dumps(secret, ensure_ascii=False),
    "repr": repr,
    "html": html.escape,
    "hex": lambda secret: secret.encode().hex(),
    "AUTH LOGIN": lambda secret: base64.b64encode(secret.encode()).decode(),
    "AUTH PLAIN": lambda secret: base64.b64encode(f"\0ops@h.org\0{secret}".encode()).decode(),
    "Basic": lambda secret: base64.b64encode(f"me:{secret}".encode()).decode(),
    "Basic, urlsafe": lambda secret: base64.urlsafe_b64encode(f"u1:{secret}".encode()).decode(),
}
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=8, max_size=24)


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(secret=SECRETS)
@example(secret="p/ss w+rd&<ö>'\"=%20\\")
@example(secret="aaaaaaaaaaaa")
def test_a_known_secret_is_hidden_in_every_spelling(spelling: str, secret: str) -> None:
    redaction._known.clear()
    register_secrets(secret)
    spelled = SPELLINGS[spelling](secret)
    shown = redact(f"log: {spelled} (end)")
    assert COVER in shown
    assert secret not in shown.replace(COVER, "")
    # the rest of the Base64 encodes the user's name and two letters shared with neighbours
    bare = base64.b64encode(secret.encode()).decode().rstrip("=")[:-2]
    assert bare not in shown
    assert shown.startswith("log: ")
    assert shown.endswith("(end)")


@given(st.binary(min_size=16, max_size=32))
def test_a_key_of_bytes_is_hidden_too(key: bytes) -> None:
    redaction._known.clear()
    register_secrets(key)
    for spelled in (repr(key), key.hex(), key.hex().upper(), base64.b64encode(key).decode()):
        shown = redact(f"[{spelled}]")
        assert COVER in shown
        assert spelled not in shown


@given(st.text(st.characters(categories=["L", "P", "Zs"]), max_size=40))
def test_text_without_secrets_stays_as_it_is(text: str) -> None:
    redaction._known.clear()
    register_secrets("swordfish-7")
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:pw1@h/db", f"postgresql://me:{COVER}@h/db"),
        ("https://me:pw1@h/x?mail=a@b.org", f"https://me:{COVER}@h/x?mail=a@b.org"),
        ("https://tok1@h/x", f"https://{COVER}@h/x"),
        ("postgresql://me@h/db", "postgresql://me@h/db"),
        ("http://127.0.0.1:80/x?mail=a@b.org", "http://127.0.0.1:80/x?mail=a@b.org"),
        ("GET /w?api_key=k1&rows=5", f"GET /w?api_key={COVER}&rows=5"),
        ("/w?rows=5&apiKey=k1 HTTP/1.1", f"/w?rows=5&apiKey={COVER} HTTP/1.1"),
        ("/w?X-Amz-Signature=k1", f"/w?X-Amz-Signature={COVER}"),
        ("/w?access_token=k1#x", f"/w?access_token={COVER}#x"),
        ("/w?sig=k1", f"/w?sig={COVER}"),
        ("/w?resumptionToken=a|b&author=c&keyword=d", "/w?resumptionToken=a|b&author=c&keyword=d"),
        ("Authorization: Basic dTpw", f"Authorization: Basic {COVER}"),
        ("x -----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY----- y", f"x {COVER} y"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMC4", COVER),
    ],
)
def test_secrets_by_place_are_hidden_without_registration(text: str, shown: str) -> None:
    assert redact(text) == shown


@given(st.integers(0, 2**40 - 1), st.binary(min_size=32, max_size=32), st.sampled_from(Purpose))
def test_the_token_of_a_link_is_hidden_everywhere(
    number: int, secret: bytes, purpose: Purpose
) -> None:
    key = LinkKey(id=1, secret=secret)
    token = links.write_token(Link(purpose, number), key)
    for text in (
        f"GET /m/{token}/delete",
        f"/m/{token.upper()}",
        f"mailto:a@b.org?subject=Unsubscribe%20{token}",
        f"b+{token}@bounces.example.org",
        f"('{token}')",
    ):
        assert token not in redact(text).lower()
    assert token[:9] in redact(f"{token}a"), "a longer word is none"


def test_secrets_in_json_texts_are_hidden_and_keys_stay() -> None:
    register_secrets("papers")
    report = {"papers": 3, "said": ["no papers", {"papers": "papers"}], "at": None}
    assert redact_json(report) == {
        "papers": 3,
        "said": [f"no {COVER}", {"papers": COVER}],
        "at": None,
    }


def test_short_values_are_ignored_and_the_oldest_dropped() -> None:
    register_secrets("abc", "", b"xy")
    assert redact("abc xy") == "abc xy"
    register_secrets("password-1")
    register_secrets(*(number.to_bytes(32) for number in range(1000, 2000)))
    assert redact("password-1") == COVER, "keys that were rotated push out no password"
    assert redact(f"{(1999).to_bytes(32).hex()} {(1000).to_bytes(32).hex()[:9]}")[:10] == COVER
    for number in range(1000):
        register_secrets(f"secret-{number}-")
    assert redact("secret-999- secret-1-") == f"{COVER} secret-1-"


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("sqlite:///digest.sqlite", set()),
        ("postgresql://me@h/db", set()),
        ("postgresql://me:p%40ss@h/db", {"p%40ss", "p@ss"}),
        ("postgresql://me:pa/s@s@h/db", {"pa/s@s"}),
        ("postgresql://h/db?user=me&password=pw", {"pw"}),
        ("https://user:word@h/feed?token=t%20k&lang=en", {"word", "t k"}),
        ("https://tok@h/feed", {"tok"}),
        ("https://h/feed?u=9fK3aa81cB77d0e2Qz41&day=2026-06-09", {"9fK3aa81cB77d0e2Qz41"}),
        ("https://h/feed?name=graph-neural-networks-and-more&n=12345678901234567890", set()),
        ("http://[bad", set()),
    ],
)
def test_secrets_in_a_url_are_found(url: str, secrets: set[str]) -> None:
    assert set(find_secrets_in_url(url)) == secrets
