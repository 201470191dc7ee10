"""DKIM signatures, verified by dkimpy."""

from __future__ import annotations

import dataclasses
import re
import stat
from base64 import b64decode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import dkim as verifier
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from dkim.canonicalization import Relaxed
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.cli.dkim import _write_key
from digest.errors import ConfigError, InputError, MailerError
from digest.mail.messages import Signer, dkim
from tests import golden
from tests.conftest import make_app
from tests.examples import examples
from tests.unit.mails import MAILING, digest

AT = datetime(2026, 6, 12, 5, tzinfo=UTC)
SIGNERS = [
    Signer(domain="papers.example.org", selector="digest", key=dkim.read_key(dkim.generate_key())),
    Signer(
        domain="papers.example.org",
        selector="second",
        key=dkim.read_key(dkim.generate_key("ed25519")),
    ),
]
RSA, ED25519 = SIGNERS
PUBLISHED = {
    f"{signer.selector}._domainkey.{signer.domain}.".encode(): signer.key.record.encode()
    for signer in SIGNERS
}
quietly = settings(database=None, max_examples=examples(80))

#: any octet but those that end a line, and the two that the verifier, unlike RFC 6376, counts as
#: blanks
octets = st.binary(max_size=40).map(
    lambda raw: bytes(octet for octet in raw if octet not in b"\r\n\x0b\x0c")
)
odd = st.sampled_from(
    [
        b"",
        b" ",
        b"\t",
        b"a  b\t\tc ",
        b".",
        b"..",
        b"From here",
        b"=",
        b"-- ",
        b"\xff\x00",
        b"\xc3\xa9 \t",
    ]
)
body_lines = st.lists(octets | odd, max_size=12)
bodies = st.builds(
    lambda lines, empty: b"".join(line + b"\r\n" for line in lines) + b"\r\n" * empty,
    body_lines,
    st.integers(0, 3),
)
#: a header's value, folded here and there, with something visible in each line
values = st.lists(
    st.tuples(
        st.sampled_from([b" ", b"\t", b" \t ", b"  "]),
        st.from_regex(rb"[!-~]{1,20}[ \t]{0,3}[!-~]?", fullmatch=True),
    ),
    min_size=1,
    max_size=4,
)
names = st.sampled_from(
    [
        b"Subject",
        b"subject",
        b"TO",
        b"List-Id",
        b"List-Unsubscribe",
        b"X-Other",
        b"Feedback-ID",
        b"Received",
    ]
)


def join_lines(value: list[tuple[bytes, bytes]]) -> bytes:
    return b"\r\n".join(blank + text for blank, text in value)


headers = st.lists(
    st.builds(lambda name, value: name + b":" + join_lines(value) + b"\r\n", names, values),
    max_size=8,
)


def sign(data: bytes, signers: Sequence[Signer], *, at: datetime) -> bytes:
    head, _, body = data.partition(b"\r\n\r\n")
    return dkim.sign_message(head, Relaxed.canonicalize_body(body), signers, at=at) + data


def is_valid(data: bytes, index: int = 0) -> bool:
    try:
        return bool(
            verifier.DKIM(data).verify(index, dnsfunc=lambda name, timeout=5: PUBLISHED[name])
        )
    except verifier.ValidationError:  # raised if the body has changed
        return False


def join_message(extra: list[bytes], body: bytes) -> bytes:
    return b"From: Digest <digest@papers.example.org>\r\n" + b"".join(extra) + b"\r\n" + body


@quietly
@given(headers, bodies)
@example([b"To: \xc3\xa4lice@example.org\r\n"], b"")
@example([], b"")
@example([], b"\r\n\r\n\r\n")
@example([], b" \t \r\n \r\n")
@example([b"Subject: one\r\n", b"Subject:  two\r\n", b"subject:\tthree \r\n"], b"x\r\n")
def test_whatever_a_message_holds_both_signatures_verify(extra: list[bytes], body: bytes) -> None:
    signed = sign(join_message(extra, body), SIGNERS, at=AT)
    assert is_valid(signed, 0)
    assert is_valid(signed, 1)


@pytest.mark.parametrize("case", golden.cases())
def test_every_golden_mail_can_be_signed_and_stays_as_it_is(case: str) -> None:
    data = golden.write(case).data
    signed = sign(data, SIGNERS, at=AT)
    assert signed.endswith(data)
    assert signed == sign(data, SIGNERS, at=AT)
    assert is_valid(signed, 0)
    assert is_valid(signed, 1)
    assert max(map(len, signed.removesuffix(data).split(b"\r\n"))) <= 76


def test_the_signed_headers_are_those_that_receivers_require() -> None:
    signed = sign(golden.write("digest-plain").data, [RSA], at=AT)
    field = re.sub(rb"\s+", b"", signed.partition(b"\r\nFrom:")[0]).decode()
    tags = dict(tag.partition("=")[::2] for tag in field.removeprefix("DKIM-Signature:").split(";"))
    assert (tags["v"], tags["a"], tags["c"]) == ("1", "rsa-sha256", "relaxed/relaxed")
    assert (tags["d"], tags["s"], tags["t"]) == (
        "papers.example.org",
        "digest",
        str(int(AT.timestamp())),
    )
    assert "l" not in tags
    named = tags["h"].split(":")
    for name in (
        *(
            "from",
            "to",
            "subject",
            "date",
            "message-id",
            "mime-version",
            "content-type",
            "auto-submitted",
            "feedback-id",
        ),
        *("list-id", "list-unsubscribe", "list-unsubscribe-post"),
    ):
        assert name in named
    assert named.count("from") == 2
    assert len(b64decode(tags["b"])) == 256


def change_body(data: bytes) -> bytes:
    return data[:-4] + b"x\r\n"


def header_adder(name: bytes) -> Callable[[bytes], bytes]:
    return lambda data: name + b": Mallory <mallory@example.net>\r\n" + data


def replacer(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert data.count(old) >= 1
        return data.replace(old, new)

    return change


@pytest.mark.parametrize(
    "change",
    [
        change_body,
        *(
            header_adder(name)
            for name in (b"From", b"Reply-To", b"To", b"Subject", b"Date", b"Content-Type")
        ),
        replacer(b"To: Alice Example", b"To: Malice Example"),
        replacer(b"https://papers.example.org/u/", b"https://papers.example.com/u/"),
        replacer(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b""),
        replacer(b"Message-ID: <d", b"Message-ID: <e"),
        replacer(b"t=1781240400", b"t=1781240401"),
    ],
)
@pytest.mark.parametrize("index", [0, 1])
def test_a_change_in_transit_breaks_the_signature(
    change: Callable[[bytes], bytes], index: int
) -> None:
    signed = sign(golden.write("digest-plain").data, SIGNERS, at=AT)
    assert is_valid(signed, index)
    assert not is_valid(change(signed), index)


def test_legitimate_changes_by_relays_keep_the_signature() -> None:
    signed = sign(golden.write("digest-plain").data, SIGNERS, at=AT)
    relayed = (
        b"Received: from a by b; Fri, 12 Jun 2026 05:00:01 +0000\r\nSender: list@example.net\r\n"
        + signed
    )
    relayed = (
        relayed.replace(b"\r\nSubject: ", b"\r\nSUBJECT:   ").replace(
            b"; boundary", b";\r\n\tboundary"
        )
        + b"\r\n\r\n"
    )
    assert is_valid(relayed, 0)
    assert is_valid(relayed, 1)


def test_a_mail_that_is_signed_by_a_thread_is_the_same_mail() -> None:
    mailing = dataclasses.replace(MAILING, signers=tuple(SIGNERS))
    plain = digest(mailing=mailing)
    with ThreadPoolExecutor(1) as signing:
        meanwhile = digest(mailing=mailing, signing=signing)
        unsigned = digest(signing=signing)
    assert meanwhile.signed == meanwhile.signed == plain.signed == plain.data
    assert is_valid(meanwhile.signed, 0)
    assert is_valid(meanwhile.signed, 1)
    assert unsigned.signed == unsigned.data == digest().data


def test_without_a_key_nothing_is_added() -> None:
    assert sign(b"From: x\r\n\r\n", [], at=AT) == b"From: x\r\n\r\n"


# ----------------------------------------------------------------------------------------------
# keys


def test_a_record_says_what_kind_of_key_it_publishes() -> None:
    assert RSA.key.record.startswith("v=DKIM1; k=rsa; p=MII")
    assert re.fullmatch(r"v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=", ED25519.key.record)
    assert "key" not in repr(RSA)


def make_weak_key() -> bytes:
    return rsa.generate_private_key(65537, 1024).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def make_elliptic_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


def make_encrypted_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )


@pytest.mark.parametrize(
    ("pem", "expected"),
    [
        (lambda: b"", "no private key"),
        (lambda: b"secret", "no private key"),
        (make_weak_key, "1024 bits"),
        (make_elliptic_key, "neither RSA nor"),
        (make_encrypted_key, "password"),
    ],
)
def test_a_key_that_cannot_serve_is_refused_with_the_reason(
    pem: Callable[[], bytes], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        dkim.read_key(pem())


def test_a_key_in_the_format_of_other_signers_is_read() -> None:
    private = RSA.key._private
    assert isinstance(private, rsa.RSAPrivateKey)
    traditional = private.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    assert dkim.read_key(traditional).record == RSA.key.record


def test_a_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "dkim.pem"
    assert _write_key(path, b"first")
    assert not _write_key(path, b"second")
    assert path.read_bytes() == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("settings_of_mail", "expected"),
    [
        ({"dkim_selector": "two words"}, "names a DNS record"),
        ({"sender": "dïgest@example.org"}, "mail.sender.*ASCII"),
        ({"reply_to": "a@-b.example"}, "mail.reply_to"),
        ({"bounce_domain": "two words"}, "mail.bounce_domain"),
        ({"domain": "two words"}, "mail.domain"),
    ],
)
def test_a_setting_that_would_break_every_signature_is_refused_at_the_start(
    tmp_path: Path, settings_of_mail: dict[str, str], expected: str
) -> None:
    values = {f"mail__{key}": value for key, value in settings_of_mail.items()}
    with pytest.raises(ConfigError, match=expected):
        make_app(tmp_path, **values).close()


@pytest.mark.parametrize(
    ("key", "file", "expected"),
    [
        ("dkim_key_file", "absent.pem", "absent.pem.*cannot be read.*digest dkim"),
        ("dkim_key_file", "garbage.pem", "garbage.pem.*no private key"),
        ("dkim_key_file", "ed25519.pem", "kind ed25519, and rsa is needed"),
        ("dkim_ed25519_key_file", "rsa.pem", "kind rsa, and ed25519 is needed"),
    ],
)
def test_an_unusable_key_stops_only_sending(
    tmp_path: Path, key: str, file: str, expected: str
) -> None:
    pems = {"garbage": b"x", "ed25519": dkim.generate_key("ed25519"), "rsa": dkim.generate_key()}
    for name, pem in pems.items():
        (tmp_path / f"{name}.pem").write_bytes(pem)
    app = make_app(tmp_path, **{f"mail__{key}": str(tmp_path / file)})
    with pytest.raises(MailerError, match=expected):
        app.make_mailer()
    app.close()


def test_an_app_signs_for_the_domain_of_its_sender(tmp_path: Path) -> None:
    (tmp_path / "dkim.pem").write_bytes(dkim.generate_key())
    app = make_app(
        tmp_path,
        mail__sender="digest@bücher.example",
        mail__domain="other.example",
        mail__dkim_key_file=str(tmp_path / "dkim.pem"),
    )
    (signer,) = app.mailing.signers
    assert (signer.domain, signer.selector) == ("xn--bcher-kva.example", "digest")
    app.close()
