"""Mails from pre-rendered fragments equal mails that are rendered whole."""

from __future__ import annotations

import quopri
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from dkim.canonicalization import Relaxed
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.errors import InputError, TemplateError
from digest.mail.mailer.envelope import dot_stuff
from digest.mail.messages import (
    Listed,
    Mailing,
    MessageContext,
    PaperLinks,
    ReaderLinks,
    fragments,
    frames,
    paper_list,
    render,
    write_digest,
    write_welcome,
)
from digest.mail.messages.encoding import BodyPart, decode, encode, is_dense
from digest.mail.messages.link_parts import split_link
from digest.mail.messages.placeholders import Gap, PlaceholderRead, make_placeholder
from digest.model import Message, Paper, Provenance, Slot, Subscriber
from tests.examples import examples
from tests.unit.mails import put

NOW = datetime(2026, 6, 12, 5, tzinfo=UTC)
quietly = settings(database=None, max_examples=examples(60))
odd = st.sampled_from(
    [
        "",
        "plain",
        "<script>alert(1)</script>",
        "a & b",
        "\"quoted\" 'so'",
        "\ufdd00\ufdd1",
        "{{ 7 * 7 }}",
        "语言模型",
        "ünï",
        "% %s",
        "a  b\tc ",
        "x" * 200,
        ".",
        "=",
    ]
)
lines = st.lists(st.sampled_from([*"ab =.\t\n", "é", "语", "<", "  ", "x" * 30]), max_size=60).map(
    "".join
)


def test_the_cards_of_a_day_are_kept_as_text_and_html_with_a_match_and_without() -> None:
    assert paper_list._prerender_card.cache_parameters()["maxsize"] >= 4 * 1700


@quietly
@given(st.lists(lines, max_size=8))
@example(["x" * 75, "y"])
@example(["x" * 76, " ", "\n", " \n"])
@example(["a ", " b\n", "."])
@example(["\u00e9" + "x" * 68 + " \n"])
@example(["", "\u00e9" + "x" * 68 + "\t\n"])
def test_encoded_texts_are_the_texts_side_by_side(pieces: list[str]) -> None:
    encoded = list(map(encode, pieces))
    whole, text = b"".join(encoded), "".join(pieces)
    assert decode(encoded) == text
    assert quopri.decodestring(whole) == text.replace("\n", "\r\n").encode()
    assert max(map(len, whole.split(b"\r\n"))) <= 76
    assert whole.count(b"\r\n") == whole.count(b"\n") == whole.count(b"\r")
    # whoever sends it need neither bring it into canonical form nor double dots; a canonical body
    # ends with its last line that is not empty
    assert Relaxed.canonicalize_body(whole + b"-\r\n") == whole + b"-\r\n"
    assert dot_stuff(whole) == whole


def test_a_control_character_that_stands_for_a_blank_becomes_one() -> None:
    assert decode([encode("a\x1eb  c\x1fd\n")]) == "a b  c\td\n"


def test_text_that_a_relay_would_rewrite_cannot_be_encoded() -> None:
    with pytest.raises(InputError, match="carriage return"):
        encode("bare\rreturn\n")


def test_chinese_goes_as_base64_and_can_be_read_back() -> None:
    text = "语言模型" * 40 + "的学习\n"
    part = BodyPart([encode(text)])
    assert part.encoding == "base64"
    assert b64decode(part.encoded).decode() == text.replace("\n", "\r\n")
    assert BodyPart([encode(text)], may_be_dense=False).encoding == "quoted-printable"
    assert not is_dense(encode("ab=c\n" * 40))


# ----------------------------------------------------------------------------------------------
# links

TOKEN = "k5qxm2vtr7" * 5 + "abcde"


@pytest.mark.parametrize(
    ("url", "around", "value"),
    [
        ("", ("", ""), ""),
        (
            f"https://example.org/t/{TOKEN}",
            ("https://example.org/t/", ""),
            f"{TOKEN}=\r\n".encode(),
        ),
        (
            f"http://[::1]:80/d/{TOKEN}/made",
            ("http://[::1]:80/d/", "/made"),
            f"{TOKEN}=\r\n".encode(),
        ),
        (
            f"https://example.org/d/{TOKEN}/made",
            ("https://example.org/d/", "/made"),
            f"{TOKEN}=\r\n".encode(),
        ),
        ("https://example.org/t/up", ("", ""), "https://example.org/t/up"),
        (f"https://example.org/{TOKEN * 2}", ("", ""), f"https://example.org/{TOKEN * 2}"),
        (f"https://example.org/é/{TOKEN}", ("", ""), f"https://example.org/%C3%A9/{TOKEN}"),
    ],
)
def test_a_link_is_parted_where_its_token_stands(
    url: str, around: tuple[str, str], value: bytes | str
) -> None:
    assert split_link("up", url) == (around, value)


@pytest.mark.parametrize("url", [f"javascript:/{TOKEN}", f"//example.org/{TOKEN}", TOKEN])
def test_what_is_no_link_is_not_parted(url: str) -> None:
    with pytest.raises(InputError, match="up must be an http or https address"):
        split_link("up", url)


# ----------------------------------------------------------------------------------------------
# placeholders


@pytest.mark.parametrize(
    "use",
    [
        "{{ text | upper }}",
        "{{ text | capitalize }}",
        "{{ text | length }}",
        "{{ text | safe }}",
        "{{ text | e }}",
        "{{ text | trim }}",
        "{{ text | default('x') }}",
        "{{ text ~ '!' }}",
        "{{ '%s' % text }}",
        "{{ '%s' | format(text) }}",
        "{{ text + 'x' }}",
        "{{ text[0] }}",
        "{{ text[:3] }}",
        "{{ text.upper() }}",
        "{{ text.name }}",
        "{{ text | wrap | wrap }}",
        "{{ [text] | join }}",
        "{{ [text, text] | sort }}",
        "{{ {text: 1} }}",
        "{{ [text] }}",
        "{{ text | replace('a', 'b') }}",
        "{{ text | tojson }}",
        "{% if text == 'x' %}{% endif %}",
        "{% if text != 'x' %}{% endif %}",
        "{% if 'x' in text %}{% endif %}",
        "{% if text in ['x'] %}{% endif %}",
        "{% if text < 'x' %}{% endif %}",
        "{% if text is string %}{% endif %}",
        "{% if text is iterable %}{% endif %}",
        "{% if text is sequence %}{% endif %}",
        "{% if text is number %}{% endif %}",
        "{% if text is undefined %}{% endif %}",
        "{% for letter in text %}{% endfor %}",
        "{{ text | int }}",
        "{{ text | pprint }}",
        "{{ range(text) }}",
    ],
)
@pytest.mark.parametrize("suffix", ["html", "txt"])
def test_a_template_that_reads_a_placeholder_is_detected(
    tmp_path: Path, use: str, suffix: str
) -> None:
    (tmp_path / f"x.{suffix}").write_text(use, "utf-8")
    with pytest.raises((PlaceholderRead, TemplateError)):
        render(f"x.{suffix}", {"text": make_placeholder("text", [])}, (tmp_path,))


@pytest.mark.parametrize(
    "use",
    [
        "{{ text }}",
        "{% set a = text %}{{ a }}",
        "{% macro m(t) %}<{{ t }}>{% endmacro %}{{ m(text) }}",
        "{% if text %}{{ text }}{% endif %}",
        "{% if text is none %}never{% else %}{{ text }}{% endif %}",
        "{% set a %}{{ text }}{% endset %}{{ a }}, {{ text }}",
        "{{ text | wrap(4, 'Why: ', '.') }}",
        "{{ text if text else 'none' }}",
    ],
)
@pytest.mark.parametrize("part_format", [fragments.TEXT, fragments.HTML])
@pytest.mark.parametrize(
    "value", ['<&> it\'s "so"', "word " * 40, "语" * 100], ids=["gaps", "words", "chinese"]
)
def test_a_filled_placeholder_equals_what_the_template_prints(
    tmp_path: Path, use: str, part_format: fragments.PartFormat, value: str
) -> None:
    (tmp_path / f"x.{part_format.suffix}").write_text(f"first\n{use}\nlast\n", "utf-8")
    gaps: list[Gap] = []
    value = value.strip()
    prerendered = fragments.prerender(
        "x", {"text": make_placeholder("text", gaps)}, gaps, ("text",), (tmp_path,), part_format
    )
    assert prerendered is not None
    (fragment,) = prerendered.fragments
    assert decode(fragment.fill([value])) == fragments.render_whole(
        "x", {"text": value}, (tmp_path,), part_format
    )


# ----------------------------------------------------------------------------------------------
# whole mails


def digest_of(
    title: str,
    reason: str,
    label: str,
    interest: str = "",
    slot: Slot = "normal",
    papers: int = 3,
    name: str = "",
    folders: tuple[Path, ...] = (),
    local: bool = False,
    tokens: int = 12,
) -> Message:
    base = "http://127.0.0.1:8025" if local else "https://papers.example.org"
    by_mail = "mailto:digest@papers.example.org?subject=More%20like%20this%20token" if local else ""
    item = Listed(
        paper=Paper(
            id=1,
            title=title,
            abstract=f"{title}. {reason}",
            authors=(title, "B. Author"),
            categories=("cs.LG",),
            first_seen=date(2026, 6, 11),
        ),
        reason=reason,
        label=label,
        links=PaperLinks(
            read="https://example.org/?a=1&b=2",
            up=f"{base}/t/{'up' * tokens}",
            down=f"{base}/t/{'down' * tokens}",
            up_by_mail=by_mail,
            down_by_mail=by_mail,
        ),
        interest=interest,
        slot=slot,
    )
    return write_digest(
        MessageContext(
            mailing=Mailing(
                from_address="digest@papers.example.org",
                domain="papers.example.org",
                base_url=base,
                postal_address="1 Street\nTown",
            ),
            message_id="one@papers.example.org",
            date=NOW,
            folders=folders,
        ),
        subscriber=Subscriber(id=7, email="alice@example.net", name=name, created=NOW),
        local_date=date(2026, 6, 12),
        listed=[
            replace(item, reason=f"{reason} {number}", seen_before=number == 2)
            for number in range(papers)
        ],
        made=Provenance(model="thumbs", features="words", at=NOW, dumps=(title,)),
        links=ReaderLinks(
            manage=f"{base}/m/{'a' * tokens}",
            unsubscribe=f"{base}/u/{'a' * 3 * tokens}",
            unsubscribe_by_mail=by_mail,
            rate=f"{base}/d/{'a' * 3 * tokens}",
            provenance=f"{base}/d/{'a' * 3 * tokens}/made",
        ),
    )


def without_fragments(patch: pytest.MonkeyPatch) -> None:
    nothing = paper_list._PaperFragments(None, None, None, None)
    patch.setattr(paper_list, "_prerender_paper", lambda *_: nothing)
    patch.setattr(paper_list, "_prerender_card", lambda *_: None)
    patch.setattr(frames, "_prerender_frame", lambda *_: None)
    patch.setattr(frames, "_prerender_line", lambda *_: None)


@quietly
@given(
    title=odd,
    reason=odd,
    label=odd,
    interest=odd,
    slot=st.sampled_from(["normal", "pinned", "exploration"]),
    papers=st.sampled_from([1, 3, 60]),
    local=st.booleans(),
    # with few letters a link is no link with a token
    tokens=st.sampled_from([1, 12]),
)
def test_a_digest_from_fragments_is_the_digest_rendered_whole(
    title: str,
    reason: str,
    label: str,
    interest: str,
    slot: Slot,
    papers: int,
    local: bool,
    tokens: int,
) -> None:
    fast = digest_of(title, reason, label, interest, slot, papers, local=local, tokens=tokens)
    with pytest.MonkeyPatch.context() as patch:
        without_fragments(patch)
        plain = digest_of(title, reason, label, interest, slot, papers, local=local, tokens=tokens)
    assert fast.text == plain.text
    # the length at which a digest is shortened includes soft line breaks
    assert fast.html == plain.html or papers == 60
    parsed = message_from_bytes(fast.data, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    read_back = [part.get_content().replace("\r\n", "\n") for part in parsed.iter_parts()]
    assert read_back == [fast.text, fast.html]
    assert fast.has_plain_lines
    assert dot_stuff(fast.data) == fast.data
    body = fast.data.partition(b"\r\n\r\n")[2]
    assert Relaxed.canonicalize_body(body) == body


def test_the_templates_that_ship_are_prerendered() -> None:
    digest_of("Title", "Because.", "good match", local=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "render_whole", None)
        patch.setattr(frames, "render", None)
        patch.setattr(paper_list, "render_whole", None)
        assert (
            digest_of(
                "Another", "Because.", "good match", "topic", "exploration", 60, local=True
            ).html.count("<h2")
            == 60
        )


def test_a_card_of_the_operators_that_looks_at_its_values_is_right_for_every_reader(
    tmp_path: Path,
) -> None:
    folders = put(
        tmp_path,
        "email/digest/card.html",
        "<p>{{ card.reason | upper }}{% if 'a' in card.label %} with a{% endif %}</p>\n",
    )
    for reason, label in (("one", "bad"), ("two", "good"), ("<three>", "bad")):
        html = digest_of("Title", reason, label, folders=folders, papers=1).html
        assert (
            f"<p>{reason.upper()} 0{' with a' if 'a' in label else ''}</p>".replace(
                "<THREE>", "&lt;THREE&gt;"
            )
            in html
        )


def test_a_body_of_the_operators_may_list_the_cards_itself(tmp_path: Path) -> None:
    folders = put(
        tmp_path,
        "email/digest/body.html",
        "<h1>{{ headline | upper }}</h1>{% for card in cards %}<p>{{ card.paper.title }}: {{ "
        "card.reason }}</p>{% endfor %}",
    )
    html = digest_of("A <b>", "one", "good", folders=folders, papers=2).html
    assert html == ("<h1>2 PAPERS TODAY</h1><p>A &lt;b&gt;: one 0</p><p>A &lt;b&gt;: one 1</p>\n")


def test_a_body_of_the_operators_may_place_the_listing_anywhere(tmp_path: Path) -> None:
    put(tmp_path, "email/digest/card.html", "<p>{{ card.paper.title }}</p>")
    folders = put(
        tmp_path, "email/digest/body.html", "<div>{{ listing }}</div>\n{{ subject | lower }}"
    )
    assert digest_of("A <b>", "one", "good", folders=folders, papers=2).html.startswith(
        "<div><p>A &lt;b&gt;</p>\n<p>A &lt;b&gt;</p></div>\na &lt;b&gt; and"
    )
    put(tmp_path / "other", "email/digest/card.html", "<p>{{ card.paper.title }}</p>")
    folders = put(tmp_path / "other", "email/digest/body.html", "<div>\n{{ listing }}\n</div>")
    assert (
        digest_of("A <b>", "one", "good", folders=folders, papers=2).html
        == "<div>\n<p>A &lt;b&gt;</p>\n<p>A &lt;b&gt;</p>\n</div>\n"
    )


def test_two_readers_never_see_each_others_words() -> None:
    first, second = (
        digest_of("Same title", f"because of {name}", "good match", name=name)
        for name in ("alice", "bob")
    )
    assert "alice" in first.html
    assert "because of bob" not in first.html + first.text
    assert "because of bob" in second.html
    assert "because of alice" not in second.html + second.text


def test_names_in_letters_are_each_readers_own() -> None:
    def welcome(name: str) -> Message:
        return write_welcome(
            MessageContext(
                mailing=Mailing(
                    from_address="digest@papers.example.org",
                    domain="papers.example.org",
                    base_url="https://papers.example.org",
                ),
                message_id="one@papers.example.org",
                date=NOW,
            ),
            subscriber=Subscriber(id=7, email="alice@example.net", name=name, created=NOW),
            links=ReaderLinks(
                manage="https://papers.example.org/m/a",
                unsubscribe="https://papers.example.org/u/a",
            ),
            first="https://papers.example.org/m/a/first",
        )

    assert "Welcome, Alice &lt;3" in welcome("Alice <3").html
    assert "Welcome, Bob" in welcome("Bob").html
    assert "Welcome, Bob" in welcome("Bob").text
