"""Papers for reference managers: what is written is read back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import dumps, papers
from digest.model import Identity, Paper, Record

PAPER = Paper(
    id=7,
    title="Müller & sons: 50% of {graphs} in O(n_k)",
    abstract="We prove that a_b < c^d, ~ twice\\never.",
    authors=("Jane Q. Doe", "Vincent van der Berg", "Plato", "The NIMBUS Collaboration"),
    categories=("cs.DS",),
    identities=(
        Identity(kind="arxiv", value="2606.01234"),
        Identity(kind="doi", value="10.1000/a_b%c"),
    ),
    first_seen=date(2026, 6, 9),
    journal_ref="Annals of Tests 3",
    url="https://arxiv.org/abs/2606.01234",
)
WRITERS = {".bib": papers.to_bibtex, ".ris": papers.to_ris, ".json": papers.to_csl}


def read_back(folder: Path, suffix: str, paper: Paper) -> Record:
    path = folder / f"paper{suffix}"
    path.write_text(WRITERS[suffix](paper), encoding="utf-8", newline="")
    (record,) = dumps.open_dump(path, today=date(2026, 6, 9)).records()
    assert isinstance(record, Record), record
    return record


@pytest.mark.parametrize("suffix", WRITERS)
def test_what_is_written_is_read_back(tmp_path: Path, suffix: str) -> None:
    entry = papers.clean(read_back(tmp_path, suffix, PAPER), "test")
    assert papers.normalise_title(entry.title) == papers.normalise_title(PAPER.title)
    assert entry.authors == PAPER.authors
    assert set(entry.identities) == set(PAPER.identities)
    assert entry.submitted == date(2026, 6, 9) or suffix == ".bib"


def test_a_bare_paper_is_written_too(tmp_path: Path) -> None:
    bare = Paper(id=1, title="只有标题", first_seen=date(2026, 6, 9))
    for suffix in WRITERS:
        assert read_back(tmp_path, suffix, bare).title.strip("{}") == "只有标题"


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60))
def test_no_text_breaks_a_file(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("citations")
    paper = replace(PAPER, title=f"A {text} b", abstract=text, journal_ref=text)
    for suffix in WRITERS:
        read_back(folder, suffix, paper)


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        (".bib", papers.many_to_bibtex),
        (".ris", papers.many_to_ris),
        (".json", papers.many_to_csl),
    ],
)
def test_several_papers_are_read_back_each_under_its_own_key(
    tmp_path: Path, suffix: str, write: Callable[[Iterable[Paper]], str]
) -> None:
    several = [
        replace(PAPER, id=number, identities=(Identity(kind="arxiv", value=f"2606.0000{number}"),))
        for number in (1, 2, 3)
    ]
    path = tmp_path / f"papers{suffix}"
    path.write_text(write(several), encoding="utf-8", newline="")
    records = list(dumps.open_dump(path, today=date(2026, 6, 9)).records())
    assert all(isinstance(record, Record) for record in records)
    assert len(records) == len(several)
    keys = re.findall(r'@\w+\{(.*?),$|"id": "(.*?)"', path.read_text("utf-8"), re.MULTILINE)
    assert len(set(keys)) == len(keys)
    path.write_text(write([]), encoding="utf-8")
    assert path.read_text("utf-8") in ("", "[]")
