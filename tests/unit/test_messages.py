"""The contents of a digest, read as a mail program reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.messages import provenance, texts
from digest.model import Interest, Message
from tests.examples import examples
from tests.unit.mails import (
    ALICE,
    BY_MAIL,
    LINKS,
    MADE,
    MAILING,
    digest,
    head,
    make_listed,
    parse_mail,
)

quietly = settings(database=None, max_examples=examples(60))


def test_both_parts_show_all_of_a_paper() -> None:
    paper = {
        "authors": tuple(f"Author {n}" for n in range(1, 501)),
        "categories": ("cs.LG", "stat.ML", "cs.AI"),
        "submitted": date(2025, 12, 31),
        "upvotes": 12,
        "picked": date(2026, 6, 11),
        "rank": 3,
    }
    message = digest(make_listed(1, **paper))
    for part in (message.text, message.html):
        text = " ".join(part.split())
        assert "Author 1, Author 2, Author 3, Author 4, Author 5 et al." in text
        assert "Author 6" not in text
        for fact in (
            "Good match",
            "cs.LG, stat.ML, cs.AI · 31 December 2025 · 12 upvotes · Daily Papers no. 3",
            "An abstract.",
            "Reason 1.",
        ):
            assert fact in text
        for link in (
            "https://example.org/paper",
            "https://papers.example.org/t/up1",
            "https://papers.example.org/t/down1",
        ):
            assert link in text
        assert "Chosen from 1,200 new papers, guided by your 11 thumbs." in text
        assert (
            "model thumbs; features words-1; thumbs 9 up, 2 down; dumps monday, tuesday; at "
            "2026-06-12 05:00 UTC" in text
        )
        assert "1 paper for Friday, 12 June" in text
        assert "You get this because" in text
        assert LINKS.manage in text
        assert LINKS.unsubscribe in text


def test_a_paper_shows_the_category_for_which_it_is_listed() -> None:
    # "in cs.LG, which you follow" beside "cs.GR, cs.AI" looked wrong
    text = digest(make_listed(1, categories=("cs.GR", "cs.AI", "cs.CV", "cs.LG"))).text
    assert "cs.GR, cs.AI, cs.CV, cs.LG ·" in text
    subjects = ("Ecology, Evolution and Systematics", "Plant Science", "Forestry", "Soil Science")
    assert "Ecology, Evolution and Systematics, Plant Science · " in " ".join(
        digest(make_listed(1, categories=subjects)).text.split()
    )


def test_only_a_paper_that_may_have_been_seen_says_so() -> None:
    seen, fresh = digest(make_listed(1, seen_before=True)), digest(make_listed(1))
    assert "You may have seen this one" in seen.text
    assert "You may have seen this one" in seen.html
    assert "You may have seen" not in fresh.text + fresh.html


def test_a_paper_without_an_abstract_has_a_note_instead() -> None:
    message = digest(make_listed(1, abstract=" \n "))
    assert "The source gives no abstract." in message.text
    assert "The source gives no abstract." in message.html


def test_a_paper_without_a_page_has_thumbs_and_no_read_link() -> None:
    message = digest(make_listed(1, read="javascript:alert(1)"))
    assert "javascript" not in message.text + message.html
    assert "Read:" not in message.text
    assert "More like this" in message.text


def test_five_authors_are_all_listed_and_no_authors_leave_no_gap() -> None:
    five = digest(make_listed(1, authors=tuple("ABCDE")))
    assert "A, B, C, D, E\n" in five.text
    assert "et al." not in five.text
    assert "\n\n\n" not in digest(make_listed(1, authors=())).text


@pytest.mark.parametrize(
    ("wishes", "model", "thumbs", "words"),
    [
        ({}, "trending", (0, 0), "You have told us nothing yet; here is a mix of today"),
        ({"keywords": ("robot",)}, "keywords", (0, 0), "so these follow your keywords."),
        ({"categories": ("cs.RO",)}, "keywords", (0, 0), "so these follow your categories."),
        ({"authors": ("J. Doe",)}, "keywords", (0, 0), "so these follow your authors."),
        (
            {"keywords": ("robot",), "categories": ("-cs.RO",), "authors": ("J. Doe",)},
            "keywords",
            (0, 0),
            "so these follow your keywords and authors.",
        ),
        ({"papers": ("2606.00001",)}, "examples", (0, 0), "so these follow your example papers."),
        ({"papers": ("2606.00001",)}, "trending", (0, 0), "No thumbs yet; here is a mix of today"),
        ({"text": "tactile sensing"}, "examples", (0, 0), "so these follow your own words."),
        ({"keywords": ("-robot",)}, "keywords", (0, 0), "You have only told us what to leave out"),
        ({}, "thumbs", (3, 0), "guided by your 3 thumbs."),
        ({}, "thumbs", (0, 1), "guided by your 1 thumb."),
        ({"papers": ("2606.00001",)}, "thumbs", (1, 1), "guided by your 2 thumbs."),
        ({"keywords": ("robot",)}, "new", (0, 0), "No thumbs yet."),
    ],
)
def test_the_digest_names_its_inputs_and_omits_empty_ones(
    wishes: dict[str, tuple[str, ...]], model: str, thumbs: tuple[int, int], words: str
) -> None:
    interest = Interest(**wishes)  # type: ignore[arg-type]
    summary = provenance.summary(
        replace(MADE, model=model, thumbs_up=thumbs[0], thumbs_down=thumbs[1]), (interest,)
    )
    assert words in summary
    for word, there in (
        ("example papers", bool(interest.papers) and model == "examples"),
        ("keywords", any(not wish.startswith("-") for wish in interest.keywords)),
        ("categories", any(not wish.startswith("-") for wish in interest.categories)),
        ("authors", bool(interest.authors)),
        ("liked", False),
        ("guided by", sum(thumbs) > 0),
    ):
        assert there or word not in summary


def test_the_line_after_the_subject_names_the_next_two_papers() -> None:
    assert ">Also: Title 2 · Title 3&#847;" in digest(*map(make_listed, range(1, 5))).html
    assert ">Reason 1.&#847;" in digest(make_listed(1)).html


def test_every_link_of_the_text_part_stands_alone_in_angle_brackets() -> None:
    for line in digest(*map(make_listed, range(1, 4))).text.splitlines():
        if "://" in line:
            assert line.strip().startswith("<")
            assert line.strip().endswith(">")
        else:
            assert len(line) <= texts.WIDTH


def test_a_postal_address_is_printed_where_one_is_set() -> None:
    message = digest(
        mailing=replace(MAILING, postal_address="Example Institute\n1 Example Street & Sons")
    )
    assert "Example Institute\n1 Example Street & Sons\n" in message.text
    assert "Example Institute<br>1 Example Street &amp; Sons" in message.html


foreign = st.text(st.characters(), max_size=120) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</h2></td>",
        "a & b",
        "$x_{i}$ \\alpha",
        "🦊👩🏽\u200d🔬",
        "\u202eedirrevo",
        "عنوان",
        "x" * 400,
        "\ud800",
        "\r\nBcc: x@y",
        "{{ 7*7 }}",
    ]
)


@quietly
@given(
    title=foreign,
    abstract=foreign,
    author=foreign,
    category=foreign,
    reason=foreign,
    name=foreign,
    read=foreign,
)
def test_whatever_a_dump_or_a_reader_writes_stays_text(**written: str) -> None:
    paper = make_listed(
        1,
        title=written["title"],
        abstract=written["abstract"],
        authors=(written["author"],),
        categories=(written["category"],),
        read=written["read"],
    )
    message = digest(
        replace(paper, reason=written["reason"]), subscriber=replace(ALICE, name=written["name"])
    )
    parsed = parse_mail(message)
    assert sorted(parsed.keys()) == sorted(parse_mail(digest()).keys())
    assert [address.addr_spec for address in parsed["To"].addresses] == ["alice@example.net"]
    assert "<script" not in message.html
    assert message.html.count("<") == digest(make_listed(1)).html.count("<") - missing_tags(message)


@quietly
@given(
    product=foreign,
    name=foreign,
    listing=foreign,
    postal=foreign,
    address=st.sampled_from([ALICE.email, "a" * 64 + "@" + "b" * 60 + ".example"]),
)
def test_whatever_an_operator_calls_the_service_no_header_is_added_or_garbled(
    product: str, name: str, listing: str, postal: str, address: str
) -> None:
    named = replace(
        MAILING,
        product=product,
        from_name=name,
        list_name=listing,
        postal_address=postal,
        reply_to="help@example.org",
    )
    message = digest(
        mailing=named,
        subscriber=replace(ALICE, email=address),
        links=replace(LINKS, unsubscribe_by_mail=BY_MAIL),
    )
    parsed = parse_mail(message)
    assert sorted(parsed.keys()) == sorted([*parse_mail(digest()).keys(), "Reply-To"])
    for header, expected in (
        ("From", MAILING.from_address),
        ("To", address),
        ("Reply-To", "help@example.org"),
    ):
        assert [address.addr_spec for address in parsed[header].addresses] == [expected]
    top = head(message)
    assert f"\r\nList-Unsubscribe: <{LINKS.unsubscribe}>,\r\n <{BY_MAIL}>\r\n" in top
    assert top.count("<digest.papers.example.org>") == 1
    assert max(map(len, message.data.split(b"\r\n"))) <= 998
    assert max(map(len, top.split("\r\n"))) <= 200


def missing_tags(message: Message) -> int:
    """Return the tags of a digest of one ordinary paper that this one lacks.

    Grouped by the parts that may be left out.
    """
    authors = 0 if 'padding-top:4px;font-size:14px;color:#5a5f64">' in message.html else 2
    # the linked title (2), the button with its cell (4) and the gap beside it (2)
    read = 0 if ">Read</a>" in message.html else 8
    abstract = -2 if "The source gives no abstract" in message.html else 0
    return authors + read + abstract
