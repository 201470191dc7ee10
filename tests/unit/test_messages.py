"""The contents of a digest, read as a mail program reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.messages import provenance, texts
from digest.model import Interest, Message, Resources
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
        assert "Author 1, Author 2, Author 3 … Author 500 (500)" in text
        assert "Author 4" not in text
        for fact in (
            "Good match",
            "cs.LG, stat.ML, cs.AI · 31 December 2025 · 12 upvotes · no. 3 on Daily Papers, "
            "11 June",
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
        assert "Guided by your 11 thumbs." in text
        assert (
            "model thumbs; features words-1; thumbs 9 up, 2 down; dumps monday, tuesday; at "
            "12 June 2026, 05:00 UTC" in text
        )
        assert "1 paper today, of 1,200 read" in text
        assert "Friday, 12 June" in text
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
    assert "    A, B, C, D, E\n" in digest(make_listed(1, authors=tuple("ABCDE"))).text
    assert "    A, B, C … F (6)\n" in digest(make_listed(1, authors=tuple("ABCDEF"))).text
    assert "\n\n\n" not in digest(make_listed(1, authors=())).text


def test_a_reason_that_says_only_the_day_is_left_out() -> None:
    text = digest(replace(make_listed(1), reason="New on 11 June.")).text
    assert " · 11 June" in text
    assert "Why:" not in text
    assert "\n\n\n" not in text
    other = digest(replace(make_listed(1), reason="New on 10 June.")).text
    assert "Why: New on 10 June." in other


@pytest.mark.parametrize(
    ("earlier", "headline"),
    [
        (0, "3 papers today, of 1,200 read"),
        (1, "3 papers, 1 of an earlier day; 1,200 read today"),
        (2, "3 papers, 2 of earlier days; 1,200 read today"),
        (3, "3 papers of earlier days; 1,200 read today"),
    ],
)
def test_the_heading_tells_papers_of_earlier_days_apart(earlier: int, headline: str) -> None:
    listed = [
        replace(make_listed(number), from_day=date(2026, 6, 10) if number <= earlier else None)
        for number in (1, 2, 3)
    ]
    assert f"\n{headline}\n" in digest(*listed).text


@pytest.mark.parametrize(
    ("wishes", "model", "thumbs", "words"),
    [
        ({}, "trending", (0, 0), "We know nothing of your field yet, so here is a mix of today"),
        ({"keywords": ("robot",)}, "keywords", (0, 0), "so these follow your keywords."),
        ({"categories": ("cs.RO",)}, "keywords", (0, 0), "so this is a mix of your categories."),
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
        ({"keywords": ("-robot",)}, "keywords", (0, 0), "We only know what you leave out"),
        ({}, "thumbs", (3, 0), "Guided by your 3 thumbs."),
        ({}, "thumbs", (0, 1), "Guided by your first thumb."),
        ({"papers": ("2606.00001",)}, "thumbs", (1, 1), "by your example papers and 2 thumbs."),
        ({"keywords": ("robot",)}, "thumbs", (19, 1), "Guided by your 20 thumbs."),
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
        ("example papers", bool(interest.papers) and model in ("examples", "thumbs")),
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
    name=foreign,
    postal=foreign,
    address=st.sampled_from([ALICE.email, "a" * 64 + "@" + "b" * 60 + ".example"]),
)
def test_whatever_an_operator_calls_the_service_no_header_is_added_or_garbled(
    name: str, postal: str, address: str
) -> None:
    named = replace(
        MAILING,
        name=name,
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
    # the box (10), less the gap in its place (2)
    reason = 0 if "<b>Why:</b>" in message.html else 8
    return authors + read + abstract + reason


def test_the_titles_stand_on_top_with_the_numbers_of_the_cards() -> None:
    message = digest(*(make_listed(number) for number in (1, 2, 3)))
    top, _, below = message.text.partition("-" * 72 + "\n\n")
    assert "1.  Title 1\n2.  Title 2\n3.  Title 3\n" in top
    assert [line for line in below.splitlines() if line[:1].isdigit()] == [
        "1.  Title 1",
        "2.  Title 2",
        "3.  Title 3",
    ]
    html = "".join(message.html.split("\n"))
    for number in (1, 2, 3):
        assert html.count(f'href="#p{number}"') == html.count(f'name="p{number}"') == 1
    assert 'href="#' not in digest().html, "one paper needs no list"


def test_a_long_digest_lists_its_first_titles_and_says_how_many_follow() -> None:
    message = digest(*(make_listed(number) for number in range(1, 36)))
    assert message.html.count("<li") == 30
    assert "And 5 more below." in message.text
    assert "And 5 more below." in message.html


@pytest.mark.parametrize(
    ("papers", "candidates", "days", "headline"),
    [
        (4, 252, (1, 2, 3), "4 papers today, of 252 read"),
        (1, 1830, (5,), "1 paper this week, of 1,830 read"),
        (2, 0, (1, 2), "2 papers today"),
    ],
)
def test_the_heading_says_how_many_of_how_many(
    papers: int, candidates: int, days: tuple[int, ...], headline: str
) -> None:
    message = digest(
        *map(make_listed, range(1, papers + 1)),
        made=replace(MADE, candidates=candidates),
        subscriber=replace(ALICE, days=days),
    )
    assert f">{headline}</h1>" in message.html
    assert f"\n{headline}\n" in message.text


def test_a_paper_shows_where_it_was_published_and_where_its_parts_are() -> None:
    item = replace(
        make_listed(1),
        resources=Resources(
            identifier="arXiv:2606.01234",
            links=(("PDF", "https://arxiv.org/pdf/2606.01234"), ("Code", "https://github.com/a/b")),
            venue="ICML 2026",
            comment="9 pages",
        ),
    )
    message = digest(item)
    assert "ICML 2026 · 9 pages" in message.html
    assert "    ICML 2026 · 9 pages\n" in message.text
    assert "    Read (arXiv:2606.01234):\n" in message.text
    assert "    PDF:\n    <https://arxiv.org/pdf/2606.01234>\n" in message.text
    assert 'aria-label="Code: Title 1"\nhref="https://github.com/a/b">Code</a>' in message.html


def test_a_link_of_a_paper_that_is_no_web_address_is_left_out() -> None:
    item = replace(make_listed(1), resources=Resources(links=(("Code", "javascript:alert(1)"),)))
    message = digest(item)
    assert "Code" not in message.text
    assert "javascript" not in message.text + message.html


def test_a_paper_without_a_page_is_searched_by_its_title() -> None:
    search = "https://arxiv.org/search/?searchtype=title&query=Title"
    item = replace(
        make_listed(1, read=search, picked=date(2026, 6, 10), rank=2),
        resources=Resources(page=search, is_search=True),
    )
    message = digest(item)
    assert f"    Find it by its title:\n    <{search}>\n" in message.text
    assert ">Find it</a>" in message.html
    assert "Good match · no. 2 on Daily Papers, 10 June\n" in message.text


def test_a_paper_without_a_label_begins_its_line_with_the_facts() -> None:
    item = replace(make_listed(1, categories=("cs.LG",)), label="")
    assert "    cs.LG · 11 June\n" in digest(item).text
    assert " · cs.LG" not in digest(item).html
    assert "· cs.LG" in digest(make_listed(1, categories=("cs.LG",))).text


def test_how_a_digest_was_made_stands_behind_a_link_that_readers_can_open() -> None:
    links = replace(
        LINKS,
        rate="https://papers.example.org/d/abc",
        provenance="https://papers.example.org/d/abc/made",
    )
    message = digest(links=links)
    assert "How was this made?\n<https://papers.example.org/d/abc/made>" in message.text
    assert "model thumbs" not in message.text + message.html
    here = replace(MAILING, base_url="http://127.0.0.1:8025")
    assert "How this was made: model thumbs;" in digest(links=links, mailing=here).text


def test_all_papers_can_be_rated_on_one_page() -> None:
    links = replace(LINKS, rate="https://papers.example.org/d/abc")
    two = (make_listed(1), make_listed(2))
    message = digest(*two, links=links)
    assert "Rate all of today’s on one page:\n<https://papers.example.org/d/abc>" in message.text
    assert 'href="https://papers.example.org/d/abc"' in "".join(message.html.split("\n"))
    assert "Rate all" not in digest(*two).text
    weekly = digest(*two, links=links, subscriber=replace(ALICE, days=(1,)))
    assert "Rate all of this week’s" in weekly.text


def test_only_who_said_nothing_is_asked_for_two_thumbs_or_three_words() -> None:
    links = replace(LINKS, rate="https://papers.example.org/d/abc")
    silent = replace(MADE, model="trending", thumbs_up=0, thumbs_down=0)
    message = digest(make_listed(1), make_listed(2), made=silent, links=links)
    for part in (message.text, message.html):
        assert "Two thumbs or three words are enough" in part
    assert "Write three words in your settings:\n<https://papers" in message.text
    assert "Two thumbs" not in digest(links=links).text
