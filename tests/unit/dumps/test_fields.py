"""Fields that formats share: withdrawals, days, authors, and the raw text."""

from __future__ import annotations

import json
from datetime import date

import pytest

from digest.dumps import stream as stream_module
from tests.unit.dumps.conftest import FOLDER, MakeDump, papers, row


@pytest.mark.parametrize(
    ("comment", "summary", "withdrawn"),
    [
        ("Withdrawn", "Text.", True),
        ("This paper has been withdrawn by the authors due to an error", "Text.", True),
        ("withdrawn by arXiv administrators", "Text.", True),
        (None, "This paper has been withdrawn by the author.", True),
        (None, "This submission was temporarily withdrawn.", True),
        ("Withdrawn from a workshop of 2025; extended since", "Text.", False),
        ("not withdrawn, only moved", "Text.", False),
        ("12 pages", "A source that was withdrawn later misleads its readers.", False),
        (None, None, False),
    ],
)
def test_the_comment_or_abstract_says_that_a_paper_is_withdrawn(
    comment: str | None, summary: str | None, withdrawn: bool, make_dump: MakeDump
) -> None:
    assert (
        papers(make_dump(row(1, comment=comment, summary=summary) + "\n"))[0].withdrawn is withdrawn
    )


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-06-30", date(2026, 6, 30)),
        ("2026-6-3", date(2026, 6, 3)),
        ("2026-06-30T23:00:00.000Z", date(2026, 6, 30)),
        ("2026/6/30", date(2026, 6, 30)),
        ("20260630", date(2026, 6, 30)),
        ("Tue, 30 Jun 2026 10:00:00 GMT", date(2026, 6, 30)),
        ("30 June 2026", date(2026, 6, 30)),
        ("30.06.2026", date(2026, 6, 30)),
        ("3.6.2026 10:00", date(2026, 6, 3)),
        ("2026-06", date(2026, 6, 1)),
        ("30.13.2026", None),
        ("06/07/2026", None),
        ("2026-02-30", None),
        ("2026", None),
        ("1899-12-31", None),
        ("1900-01-01", date(1900, 1, 1)),
        ("2028-11-19", date(2028, 11, 19)),
        ("2028-11-21", None),
        ("99999-01-01", None),
        ("٢٠٢٦-٠٦-٣٠", None),
        ("yesterday", None),
    ],
)
def test_a_day_is_read_as_written_or_dropped(
    written: str, day: date | None, make_dump: MakeDump
) -> None:
    (paper,) = papers(make_dump(json.dumps({"title": "A", "submitted": written}) + "\n"))
    assert paper.submitted == day


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Doe, Jane; Roe, Kim", ("Doe, Jane", "Roe, Kim")),
        ("Doe, Jane and Roe, Kim", ("Doe, Jane", "Roe, Kim")),
        ("Jane Doe, Kim Roe, and Lee Poe", ("Jane Doe", "Kim Roe", "Lee Poe")),
        ("Doe, Jane", ("Doe, Jane",)),
        ("Jane Doe", ("Jane Doe",)),
        ([" ", "Jane Doe", None], ("Jane Doe",)),
        ([{"name": "Jane Doe"}, {"given": "Kim", "family": "Roe"}, {}], ("Jane Doe", "Kim Roe")),
        ("", ()),
    ],
)
def test_authors_are_split(written: object, names: tuple[str, ...], make_dump: MakeDump) -> None:
    (paper,) = papers(make_dump(json.dumps({"title": "A", "authors": written}) + "\n"))
    assert paper.authors == names


def test_hidden_authors_are_not_shown(make_dump: MakeDump) -> None:
    dump = make_dump((FOLDER / "huggingface-daily.json").read_bytes())
    assert papers(dump)[0].authors == ("Jane Doe", "K. Roe")


def test_raw_text_is_cut_at_64_ki_characters(make_dump: MakeDump) -> None:
    (paper,) = papers(make_dump(row(1, summary="ü" * 100_000) + "\n"))
    assert len(paper.raw) == stream_module.RAW_CAP
    assert len(paper.abstract) == 100_000
