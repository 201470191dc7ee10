"""Titles by which a record is no paper."""

from __future__ import annotations

import json

import pytest

from digest.dumps.notices import is_front_matter
from tests.unit.dumps.conftest import MakeDump, skipped_lines, titles


@pytest.mark.parametrize(
    "title",
    [
        "Editorial Board",
        "EDITORIAL BOARD",
        "Editorial Advisory Board",
        "Editorial Board/Aims and Scope",
        "Issue Information",
        "Issue Information - TOC",
        "Issue Publication Information",
        "Issue Editorial Masthead",
        "Table of Contents",
        "Contents list",
        "Front Matter",
        "Back matter",
        "Cover Image",
        "Cover Image, Volume 3, Issue 6",
        "Inside front cover",
        "Front Cover.",
        "Title page",
        "Author Index",
    ],
)
def test_pages_around_the_papers_are_front_matter(title: str) -> None:
    assert is_front_matter(title)


@pytest.mark.parametrize(
    "title",
    [
        "Editorial",
        "Editorial boards and their women",
        "Editorial Board Members as Authors: A Study",
        "Cover images in learned hashing",
        "Contents of sea water",
        "Table of Contents Extraction from Books",
        "Information",
        "Front matters",
        "Mastheads of small papers",
        "",
    ],
)
def test_papers_on_them_are_papers(title: str) -> None:
    assert not is_front_matter(title)


def test_front_matter_is_skipped_in_every_format(make_dump: MakeDump) -> None:
    reason = "front matter of an issue"
    for text in (
        "title,doi\nEditorial Board,10.1000/1\nA paper,10.1000/2\n",
        "\n".join(json.dumps({"title": title}) for title in ("Cover Image", "A paper")),
        "@article{a, title={Issue Information}}\n@article{b, title={A paper}}\n",
    ):
        dump = make_dump(text)
        assert titles(dump) == ["A paper"]
        assert [why for _, why in skipped_lines(dump)] == [reason]
