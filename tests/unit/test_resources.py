"""Venue, code and project page of a paper, from what its source says."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import Identity, Paper
from digest.papers import find_resources
from digest.papers.venues import VENUE_CAP, read_venue


@pytest.mark.parametrize(
    ("comment", "venue"),
    [
        ("Accepted to ICML 2026", "ICML 2026"),
        ("Accepted by CVPR2026 (highlight). 12 pages", "CVPR 2026"),
        ("15 pages; accepted to ICPR 2026", "ICPR 2026"),
        ("To appear at CVPR'26", "CVPR 2026"),
        ("6 pages, 2 figures, IPCAI 2026", "IPCAI 2026"),
        ("Accepted to Findings of ACL 2026", "ACL 2026 Findings"),
        ("Accepted at the 5th Toy Workshop, CVPR 2026", "CVPR 2026 workshop"),
        ("Accepted at the 15th Conference on Things and Words (CTW 2026)", "CTW 2026"),
        ("Published in the 2025 8th Conference on Noise (ICON). More follows", "ICON 2025"),
        ("Accepted for publication in IEEE Transactions on Toys", "IEEE Transactions on Toys"),
        ("Accepted to Journal of Invented Results, 2026", "Journal of Invented Results 2026"),
        ("MICCAI 2026 Accepted Paper", "MICCAI 2026"),
        ("Published in ICTOY, 2025", "ICTOY 2025"),
        ("Submitted to NeurIPS 2026", ""),
        ("Under review at ICML 2026", ""),
        ("ECCV 2026 under review", ""),
        ("Extended version of a paper accepted to ICML 2026", ""),
        ("Rejected by ICML 2026", ""),
        ("19 pages, 6 figures", ""),
        ("Preprint, June 2026", ""),
        ("Accepted by the authors", ""),
        ("Accepted for publication", ""),
        ("Published on arXiv in 2026", ""),
        ("12 pages. The data of 2026 are new", ""),
        ("", ""),
    ],
)
def test_a_comment_names_a_venue_only_where_it_says_so(comment: str, venue: str) -> None:
    assert read_venue(comment) == venue


@pytest.mark.parametrize(
    ("reference", "venue"),
    [
        ("J. Inv. Phys. 112, 012345 (2026)", "J. Inv. Phys. 112, 012345 (2026)"),
        ("Proceedings of the 43rd Conference on Toys (ICT 2026), pages 1-9.", "ICT 2026"),
        ("arXiv preprint", ""),
    ],
)
def test_the_sources_own_field_is_taken_before_a_comment(reference: str, venue: str) -> None:
    assert read_venue("", reference) == venue
    assert read_venue("Accepted to ICML 2026", reference) == (venue or "ICML 2026")


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_venue_is_never_longer_than_its_line(comment: str, reference: str) -> None:
    assert len(read_venue(comment, reference)) <= VENUE_CAP + len(" workshop") + 1


def make(**fields: object) -> Paper:
    defaults = {"id": 1, "title": "A Title", "first_seen": date(2026, 6, 1)}
    return Paper(**(defaults | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Code: https://github.com/a/b.", (("Code", "https://github.com/a/b"),)),
        ("(see github.com/a/b)", (("Code", "https://github.com/a/b"),)),
        (r"at \url{https://gitlab.com/a/b}.", (("Code", "https://gitlab.com/a/b"),)),
        ("https://github.com/ is a host", ()),
        ("https://a-lab.github.io/toys/", (("Project", "https://a-lab.github.io/toys/"),)),
        ("Project page: https://toys.example/x", (("Project", "https://toys.example/x"),)),
        ("See https://toys.example/x for a tool", ()),
        ("https://huggingface.co/datasets/a/b", (("Data", "https://huggingface.co/datasets/a/b"),)),
        ("https://huggingface.co/a/b", (("Model", "https://huggingface.co/a/b"),)),
        ("https://huggingface.co/papers/2606.00001", ()),
        ("https://github.com@evil.example/a/b", ()),
        ("we use evilgithub.com/a/b", ()),
    ],
)
def test_links_are_those_that_stand_in_comment_or_abstract(
    text: str, links: tuple[tuple[str, str], ...]
) -> None:
    assert find_resources(make(comment=text)).links == links
    assert find_resources(make(abstract=text)).links == links


def test_the_comment_wins_over_the_abstract_and_each_label_stands_once() -> None:
    paper = make(
        comment="Code: https://github.com/own/code",
        abstract="https://a.github.io/ and https://github.com/other/code",
    )
    assert find_resources(paper).links == (
        ("Code", "https://github.com/own/code"),
        ("Project", "https://a.github.io/"),
    )


def test_a_field_of_the_source_wins_over_comment_and_abstract() -> None:
    paper = make(
        comment="Accepted to ICML 2026. Code: https://github.com/own/code",
        journal_ref="J. Toys 3 (2026) 14",
        code_url="https://github.com/source/code",
        project_url="https://toys.example/",
    )
    resources = find_resources(paper)
    assert resources.venue == "J. Toys 3 (2026) 14"
    assert resources.links == (
        ("Code", "https://github.com/source/code"),
        ("Project", "https://toys.example/"),
    )


def test_a_paper_of_arxiv_has_its_identifier_pdf_and_html() -> None:
    paper = make(
        identities=(Identity(kind="arxiv", value="2606.01234"),),
        url="https://arxiv.org/abs/2606.01234",
    )
    resources = find_resources(paper)
    assert resources.identifier == "arXiv:2606.01234"
    assert resources.page == "https://arxiv.org/abs/2606.01234"
    assert not resources.is_search
    assert resources.links == (
        ("PDF", "https://arxiv.org/pdf/2606.01234"),
        ("HTML", "https://arxiv.org/html/2606.01234"),
    )


def test_only_a_picked_paper_without_a_page_is_searched_by_title() -> None:
    picked = find_resources(make(title="A & B: 50%?", picked=date(2026, 6, 1)))
    assert picked.is_search
    assert picked.page == "https://arxiv.org/search/?searchtype=title&query=A+%26+B%3A+50%25%3F"
    assert find_resources(make()).page == ""


@pytest.mark.parametrize(
    ("comment", "rest"),
    [
        ("Accepted to ICML 2026. Best paper. Code: https://github.com/a/b", "Best paper"),
        ("9 pages, 3 figures. Code available at https://github.com/a/b", ""),
        ("Won the Data Fusion Contest; 12pages", "Won the Data Fusion Contest"),
        ("Under review", ""),
        ("To appear in the Journal of Bees", "To appear in the Journal of Bees"),
        ("ECCV", "ECCV"),
        ("Code at this URL", ""),
        ("arXiv admin note: text overlap with arXiv:2601.01234", ""),
        ("This version of the contribution has been accepted after peer review", ""),
        ("The first two authors contributed equally. Technical report", "Technical report"),
        ("Project page: https://a.github.io/x", ""),
    ],
)
def test_of_a_comment_only_what_says_something_of_the_work_is_shown(
    comment: str, rest: str
) -> None:
    assert find_resources(make(comment=comment)).comment == rest
