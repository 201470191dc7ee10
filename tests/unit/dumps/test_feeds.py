"""Feeds: arXiv's daily announcements, its search answers, and journals.

Also which reader takes which feed.
"""

from __future__ import annotations

import time

import pytest

from digest.dumps import open_dump
from digest.model import Skipped
from tests.unit.dumps.conftest import FOLDER, TODAY, MakeDump, entries

ATOM = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" '
    'xmlns:arxiv="http://arxiv.org/schemas/atom"'
)
API_ENTRY = (
    "<entry><id>http://arxiv.org/abs/2604.00001v1</id><title>T</title><arxiv:primary_category "
    "term='cs.LG'/></entry>"
)


def rss(*items: str, title: str = "News") -> str:
    return (
        f'<rss version="2.0" xmlns:dc="d" '
        f'xmlns:media="m"><channel><title>{title}</title>{"".join(items)}</channel></rss>'
    )


def api(*entries: str, total: int = 1, start: int = 0) -> str:
    totals = (
        f"<opensearch:totalResults>{total}</opensearch:totalResults>"
        f"<opensearch:startIndex>{start}</opensearch:startIndex>"
    )
    return (
        f'<?xml version="1.0"?>\n<feed '
        f"{ATOM}><id>http://arxiv.org/api/x</id>{totals}{''.join(entries)}</feed>\n"
    )


def test_replacements_are_skipped_and_counted() -> None:
    for name, count in (("arxiv-rss.xml", 4), ("arxiv-atom.xml", 1)):
        reasons = [
            entry.reason
            for entry in open_dump(FOLDER / name, today=TODAY).records()
            if isinstance(entry, Skipped)
        ]
        assert reasons == ["replacement notice"] * count


def test_an_empty_feed_of_a_weekend_is_whole(make_dump: MakeDump) -> None:
    dump = make_dump(rss(title="cs.LG updates on arXiv.org"))
    assert (dump.format, list(dump.records()), dump.incomplete) == ("feed", [], None)


def test_an_error_served_as_a_feed_leaves_the_file_incomplete(make_dump: MakeDump) -> None:
    dump = make_dump(
        rss(
            "<item><title>Bad</title><link>https://arxiv.org/abs/x</link></item>",
            title="Feed error for query: cs.XX",
        )
    )
    assert [type(entry) for entry in dump.records()] == [Skipped]
    assert dump.incomplete == "the server answered with an error: Feed error for query: cs.XX"


def test_media_and_other_links_do_not_hide_the_page(make_dump: MakeDump) -> None:
    item = "<item><title>T</title><media:title>no</media:title><link/><link>https://example.org/1</link></item>"
    (entry,) = entries(make_dump(rss(item)))
    assert (entry.title, entry.url) == ("T", "https://example.org/1")


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("<author>jane@example.org (Jane Doe)</author>", ("Jane Doe",)),
        ("<author>jane@example.org</author>", ()),
        (
            "<dc:creator>Jane Doe</dc:creator><dc:creator>Doe, Kim</dc:creator>",
            ("Jane Doe", "Kim Doe"),
        ),
        (
            "<dc:creator>Jane Doe, Kim Roe and Lee Poe</dc:creator>",
            ("Jane Doe", "Kim Roe", "Lee Poe"),
        ),
    ],
)
def test_authors_are_read_in_several_forms(
    author: str, names: tuple[str, ...], make_dump: MakeDump
) -> None:
    (entry,) = entries(
        make_dump(rss(f"<item><title>T</title><link>https://example.org/1</link>{author}</item>"))
    )
    assert entry.authors == names


@pytest.mark.parametrize("inside", ["title", "description", "dc:creator", "author", "category"])
def test_a_long_run_of_spaces_takes_linear_time(inside: str, make_dump: MakeDump) -> None:
    spaces = " " * 500_000
    item = f"<item><title>T</title><link>https://example.org/1</link><{inside}>x{spaces}y{spaces}</{inside}></item>"
    assert (
        len(
            list(
                make_dump(
                    rss(
                        item,
                        item.replace("<link>", "<guid>oai:arXiv.org:2604.00001v1</guid><link>"),
                    )
                ).records()
            )
        )
        == 2
    )


def test_a_bare_entry_is_read(make_dump: MakeDump) -> None:
    dump = make_dump(
        f"<entry {ATOM}><title>T</title><id>urn:x</id><link href='https://example.org/1'/></entry>"
    )
    assert dump.format == "feed"
    assert [entry.url for entry in entries(dump)] == ["https://example.org/1"]


def test_answers_of_the_api_are_distinguished_from_feeds(make_dump: MakeDump) -> None:
    assert make_dump(api(API_ENTRY)).format == "arxiv-api"
    assert make_dump(f"<feed {ATOM}>{API_ENTRY}</feed>").format == "arxiv-api"
    assert (
        make_dump(
            f"<feed "
            f"{ATOM}><title>News</title><entry><title>T</title><published>2026-04-01</published><"
            f"/entry></feed>"
        ).format
        == "feed"
    )


def test_an_error_of_the_api_leaves_the_file_incomplete(make_dump: MakeDump) -> None:
    error = (
        "<entry><id>https://arxiv.org/api/errors#bad</id><title>Error</title><summary>incorrect "
        "id\n format</summary></entry>"
    )
    dump = make_dump(api(API_ENTRY) + api(error))
    assert [entry.title for entry in entries(dump)] == ["T"]
    assert dump.incomplete == "the server answered with an error: incorrect id format"


def test_an_empty_page_that_should_not_be_empty_is_noticed(make_dump: MakeDump) -> None:
    for pages, missing in (
        (api(total=7, start=3) + api(API_ENTRY), 4),
        (api(API_ENTRY) + api(total=9), 9),
    ):
        dump = make_dump(pages)
        assert len(entries(dump)) == 1
        assert dump.incomplete == f"a page without entries where {missing} results were announced"


def test_an_empty_last_page_is_whole(make_dump: MakeDump) -> None:
    for dump in (make_dump(api(total=0)), make_dump(api(total=7, start=7))):
        assert (list(dump.records()), dump.incomplete) == ([], None)


@pytest.mark.parametrize(
    ("summary", "abstract", "authors"),
    [
        # Elsevier
        (
            "Publication date: June 2026. Source: Tiny Policy. Author(s): Jane Doe, Kim Roe",
            "",
            ("Jane Doe", "Kim Roe"),
        ),
        (
            "<p>Publication date: Available online 8 June 2026</p><p><b>Source:</b> Tiny "
            "Policy</p><p>Author(s): Jane Doe</p>",
            "",
            ("Jane Doe",),
        ),
        (
            "<p>Publication date: July 2026</p><p><b>Source:</b> Tiny Policy, Volume 5, Part "
            "A</p><p>Author(s): </p>",
            "",
            (),
        ),
        # Wiley, SAGE, Taylor & Francis
        ("Tiny Trees, Ahead of Print.", "", ()),
        ("Tiny Trees, EarlyView.", "", ()),
        ("Tiny Trees, Accepted Article. <br/>We saw trees.", "We saw trees.", ()),
        ("Tiny Trees, Volume 3, Issue 2, Page 1-9, June 2026. ", "", ()),
        ("Volume 3, Issue 2, Page 1-9, June 2026.", "", ()),
        ("Volume 3, Issue 2-3, February-March 2026, Page 1-9<br/>. ", "", ()),
        ("Tiny Trees, Volume 3, Issue 2, Page 1-9. <br/>We saw trees.", "We saw trees.", ()),
        (
            "In the tale of trees, Volume 3, Issue 2, and others, grow.",
            "In the tale of trees, Volume 3, Issue 2, and others, grow.",
            (),
        ),
        # headings
        ("<h2>ABSTRACT</h2><p>We saw trees.</p>", "We saw trees.", ()),
        ("<p>Abstract: We saw trees.</p>", "We saw trees.", ()),
        ("AbstractWe saw trees.", "We saw trees.", ()),
        ("Abstract trees are seen.", "Abstract trees are seen.", ()),
        ("Summary of trees.", "Summary of trees.", ()),
        # ACS
        (
            "<p><img alt='x' src='https://example.org/x'/></p><div><cite>Tiny</cite></div>"
            "<div>DOI: 10.1000/x.1</div>",
            "",
            (),
        ),
        # MDPI
        (
            "<p>Tiny Bees, Vol. 2, Pages 12: T</p><p>Tiny Bees <a href='https://example.org'>doi: "
            "10.1000/b2</a></p><p>Authors: Jane Doe</p><p>We saw bees.</p>",
            "We saw bees.",
            ("Jane Doe",),
        ),
        # PLOS
        (
            "<p>by Jane Doe, Kim Roe</p>We saw fish.",
            "We saw fish.",
            ("Jane Doe", "Kim Roe"),
        ),
        (
            "<p>by the shore of a very long lake we saw fish</p>More.",
            "by the shore of a very long lake we saw fish\n\nMore.",
            (),
        ),
        # RSC
        (
            "<div>Tiny Sci., 2026, Advance Article<br/>DOI: 10.1000/c1, Paper</div><div>Jane Doe, "
            "Kim Roe<br/>It grew.<br/>To cite this article before page numbers are assigned, "
            "...<br/>The content of this RSS Feed (c) The Royal Society of Chemistry</div>",
            "It grew.",
            ("Jane Doe", "Kim Roe"),
        ),
    ],
)
def test_layouts_of_publishers_are_parted_from_abstracts(
    summary: str, abstract: str, authors: tuple[str, ...], make_dump: MakeDump
) -> None:
    item = (
        "<item><title>T</title><link>https://example.org/1</link>"
        f"<description><![CDATA[{summary}]]></description></item>"
    )
    (entry,) = entries(make_dump(rss(item)))
    assert (entry.abstract, entry.authors) == (abstract, authors)


def test_the_abstract_may_be_the_longer_of_two_texts(make_dump: MakeDump) -> None:
    item = (
        "<item><title>T</title><link>https://example.org/1</link><description>Tiny Trees, Volume "
        "3, Issue 2, June 2026.</description><encoded>&lt;h2&gt;Abstract&lt;/h2&gt;&lt;p&gt;Oaks."
        "&lt;/p&gt;</encoded></item>"
    )
    (entry,) = entries(make_dump(rss(item)))
    assert entry.abstract == "Oaks."


def test_an_abstract_on_the_abstract_keeps_its_first_word(make_dump: MakeDump) -> None:
    item = (
        "<item><title>{}</title><link>https://example.org/1</link>"
        "<description>Abstract Domains are sets.</description></item>"
    )
    (entry,) = entries(make_dump(rss(item.format("On abstract domains"))))
    assert entry.abstract == "Abstract Domains are sets."
    (entry,) = entries(make_dump(rss(item.format("On sets"))))
    assert entry.abstract == "Domains are sets."


def test_a_doi_in_a_layout_is_an_identifier(make_dump: MakeDump) -> None:
    item = (
        "<item><title>T</title><link>https://example.org/1</link><description><![CDATA[<div>Tiny "
        "Sci., 2026, 1, 2<br/>DOI: 10.1000/c1, Paper</div><div>Jane Doe<br/>The content of this "
        "RSS Feed (c) X</div>]]></description></item>"
    )
    (entry,) = entries(make_dump(rss(item)))
    assert [identity.value for identity in entry.identities] == ["10.1000/c1"]
    assert (entry.abstract, entry.authors) == ("", ("Jane Doe",))


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("[ASAP] Small molecules", "Small molecules"),
        ("Tiny Bees, Vol. 2, Pages 12: A Small Bee: Found", "A Small Bee: Found"),
        ("Tiny Bees, Vol. 16, Page e12: A Bee", "A Bee"),
        ("Bees: Vol. 2 of a tale", "Bees: Vol. 2 of a tale"),
    ],
)
def test_journals_and_marks_leave_the_title(written: str, title: str, make_dump: MakeDump) -> None:
    item = f"<item><title>{written}</title><link>https://example.org/1</link></item>"
    (entry,) = entries(make_dump(rss(item)))
    assert entry.title == title


@pytest.mark.parametrize(
    "unit",
    [
        *["Publication date: ", "Volume 1, ", "Volume 1, Issue 2", ", Ahead of Print", "by a\n"],
        *["Author(s): ", "a, Vol. 1, Pages 2: ", "Abstract ", "\n", "<img ", "doi: 10.1000/"],
    ],
)
def test_long_summaries_take_linear_time(unit: str, make_dump: MakeDump) -> None:
    text = (unit * (200_000 // len(unit))).replace("<", "&lt;")
    item = f"<item><title>T</title><link>x</link><description>{text}</description></item>"
    start = time.process_time()
    assert len(list(make_dump(rss(item)).records())) == 1
    assert time.process_time() - start < 4
