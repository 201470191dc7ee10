"""Notices about other papers, and papers that say they are withdrawn, in every format."""

from __future__ import annotations

import pytest

from digest.dumps.notices import judge_record
from digest.model import Record, Rejected, Skipped
from tests.unit.dumps.conftest import MakeDump
from tests.unit.dumps.every_format import TITLED, format_text

JOURNAL = (("doi", "10.1000/17"),)
ARXIV = (("arxiv", "2604.00001"),)


def judge(title: str, ids: tuple[tuple[str, str], ...] = JOURNAL, abstract: str = "") -> str:
    record = Record(line=1, raw="", title=title, ids=ids, abstract=abstract)
    outcome = judge_record(record)
    if isinstance(outcome, Skipped):
        return outcome.reason
    return "withdrawn" if outcome.withdrawn else "paper"


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Author Correction: Salt in lakes", "correction notice"),
        ("Publisher Correction to: Salt in lakes", "correction notice"),
        ("Publisher’s Note: Salt in lakes", "editor's note"),
        ("<b>Author Correction:</b> Salt in lakes", "correction notice"),
        ("Erratum: Salt in lakes", "erratum notice"),
        ("Erratum to “Salt in lakes”", "erratum notice"),
        ("[Erratum] ", "erratum notice"),
        ("Errata", "erratum notice"),
        ("Corrigendum for Salt in lakes", "corrigendum notice"),
        ("Retraction Note: Salt in lakes", "retraction notice"),
        ("RETRACTION NOTICE TO Salt in lakes", "retraction notice"),
        ("Notice of Retraction: Salt in lakes", "retraction notice"),
        ("Editorial Expression of Concern: Salt in lakes", "concern notice"),
    ],
)
def test_notices_are_known_by_their_titles_everywhere(title: str, reason: str) -> None:
    assert judge(title) == reason
    assert judge(title, ARXIV) == reason


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Correction: Salt in lakes", "correction notice"),
        ("Correction to: Salt in lakes", "correction notice"),
        ("Corrections to “Salt in lakes”", "correction notice"),
        ("Correction for Doe et al., Salt in lakes", "correction notice"),
        ("Retraction: Salt in lakes", "retraction notice"),
        ("Withdrawal: Salt in lakes", "withdrawal notice"),
        ("Addendum: Salt in lakes", "addendum notice"),
        ("Correction", "correction notice"),
    ],
)
@pytest.mark.parametrize("arxiv", [ARXIV, (("url", "https://arxiv.org/abs/2604.1"),)])
def test_titles_that_a_paper_could_have_are_notices_only_in_journals(
    title: str, reason: str, arxiv: tuple[tuple[str, str], ...]
) -> None:
    assert judge(title) == reason
    assert judge(title, arxiv) == "paper"


@pytest.mark.parametrize(
    "title",
    [
        "Correction of motion artefacts in scans",
        "Corrections to the mass of a toy",
        "Erratum-free codes",
        "Errata in large corpora",
        "Retraction of a ball onto its rim",
        "Withdrawal symptoms in owls",
        "Removal of noise: a survey",
        "Author correction behaviour in encyclopedias",
        "Publisher corrections are rare",
        "Expression of concern in letters of patients",
        "Notes on toys",
    ],
)
@pytest.mark.parametrize("ids", [JOURNAL, ARXIV])
def test_papers_that_begin_similarly_stay(title: str, ids: tuple[tuple[str, str], ...]) -> None:
    assert judge(title, ids) == "paper"


def test_a_paper_whose_text_says_so_is_withdrawn() -> None:
    assert judge("RETRACTED ARTICLE: Salt in lakes") == "withdrawn"
    assert judge("<i>Withdrawn:</i> Salt in lakes") == "withdrawn"
    assert judge("Salt", abstract="<p>This article has been <b>withdrawn</b>.</p>") == "withdrawn"
    assert judge("Salt", abstract="Why patients have withdrawn from trials.") == "paper"


@pytest.mark.parametrize("format", sorted(TITLED))
def test_every_format_skips_notices_and_marks_withdrawn_papers(
    format: str, make_dump: MakeDump
) -> None:
    text = format_text(
        format, "Erratum to: Salt in lakes", "RETRACTED: Salt in lakes", "Salt in rivers"
    )
    notice, withdrawn, paper = (
        entry for entry in make_dump(text).records() if not isinstance(entry, Rejected)
    )
    assert isinstance(notice, Skipped)
    assert notice.reason == "erratum notice"
    assert isinstance(withdrawn, Record)
    assert withdrawn.withdrawn
    assert isinstance(paper, Record)
    assert not paper.withdrawn


@pytest.mark.parametrize("format", sorted(TITLED))
def test_a_notice_is_skipped_at_its_line(format: str, make_dump: MakeDump) -> None:
    notice = next(iter(make_dump(format_text(format, "Corrigendum: Salt in lakes")).records()))
    assert isinstance(notice, Skipped)
    assert notice.line >= 1
    assert "Corrigendum" in notice.raw
