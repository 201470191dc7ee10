"""The page of Hugging Face copied as text: its day, and missing blocks."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.dumps.conftest import MakeDump, papers, rejections


def page(*blocks: str, date_line: str = "Aug 29") -> str:
    preamble = (
        "new",
        "Get trending papers in your email inbox!",
        "Subscribe",
        "Daily Papers",
        "byJane Doe and the research community",
    )
    return "\n\n".join((*preamble, date_line, *blocks))


def abstract(number: int) -> str:
    return f"Abstract {number}. " + "It is invented and claims nothing at all. " * 5


@pytest.mark.parametrize(
    ("date_line", "name", "today", "day"),
    [
        ("Aug 29", "page.txt", date(2026, 11, 19), date(2026, 8, 29)),
        ("Aug 29", "page.txt", date(2026, 8, 29), date(2026, 8, 29)),
        ("Aug 29", "page.txt", date(2026, 8, 28), date(2025, 8, 29)),
        ("Aug 29", "page-2023.txt", date(2026, 11, 19), date(2023, 8, 29)),
        ("Aug 29", "2024-08-30.txt", date(2026, 11, 19), date(2024, 8, 29)),
        ("Feb 29", "page.txt", date(2026, 11, 19), date(2024, 2, 29)),
        ("Feb 29", "page-2023.txt", date(2026, 11, 19), date(2024, 2, 29)),
        ("Dec 31", "page.txt", date(2026, 1, 1), date(2025, 12, 31)),
        ("Aug 29, 2022", "page.txt", date(2026, 11, 19), date(2022, 8, 29)),
    ],
)
def test_a_page_finds_the_year_of_its_day(
    date_line: str, name: str, today: date, day: date, make_dump: MakeDump
) -> None:
    dump = make_dump(page("Title", abstract(1), date_line=date_line), name=name, today=today)
    (paper,) = papers(dump)
    assert (paper.picked, paper.rank, paper.submitted, paper.announced) == (day, 1, None, None)


def test_a_page_without_its_heading_is_read(make_dump: MakeDump) -> None:
    dump = make_dump(page("Title", abstract(1)).replace("Daily Papers\n\n", ""))
    assert [(record.title, record.line) for record in papers(dump)] == [("Title", 11)]


def test_a_page_that_misses_an_abstract_keeps_what_came_before(make_dump: MakeDump) -> None:
    blocks = [
        "Title 1",
        abstract(1),
        "Title 2",
        abstract(2),
        "Title 3, a Longer One",
        abstract(4),
        "Title 4",
        abstract(5),
    ]
    del blocks[3]
    dump = make_dump(page(*blocks))
    assert [record.title for record in papers(dump)] == ["Title 1"]
    rejected = rejections(dump)
    assert [line for line, _ in rejected] == [17, 19, 21, 23, 25]
    assert {reason for _, reason in rejected} == {
        "the page slipped: no abstract follows the title on line 17"
    }


def test_a_page_that_misses_a_title_keeps_what_came_before(make_dump: MakeDump) -> None:
    dump = make_dump(page("Title 1", abstract(1), abstract(2), "Title 3", abstract(3)))
    assert [(record.title, record.rank) for record in papers(dump)] == [("Title 1", 1)]
    assert [line for line, _ in rejections(dump)] == [17, 19, 21]


def test_a_page_that_ends_after_a_title_says_so(make_dump: MakeDump) -> None:
    dump = make_dump(page("Title 1", abstract(1), "Title 2", abstract(2), "Title 3"))
    assert [record.title for record in papers(dump)] == ["Title 1", "Title 2"]
    assert rejections(dump) == [(21, "cut off after its title: the abstract is missing")]
    assert dump.incomplete == "the page ends after a title"


def test_a_page_cut_in_its_preamble_says_so(make_dump: MakeDump) -> None:
    dump = make_dump("new\n\nGet trending papers in your email inbox!\n\nSubscr")
    assert (list(dump.records()), dump.incomplete) == ([], "the page ends before its date")


def test_a_page_without_a_date_line_is_rejected_block_by_block(make_dump: MakeDump) -> None:
    dump = make_dump(
        page(
            *(text for number in range(6) for text in (f"Title {number}", abstract(number))),
            date_line="Foo 99",
        )
    )
    assert papers(dump) == []
    assert len(rejections(dump)) == 18
