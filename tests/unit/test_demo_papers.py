"""The papers that ship: enough of them, well formed, and in words of our own."""

from __future__ import annotations

import gzip
import json
import re
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(str(resources.files("digest.demo") / "papers"))


def papers() -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted(FOLDER.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def test_there_are_enough_papers_of_enough_fields_over_enough_days() -> None:
    rows = papers()
    assert len(rows) == len({row["arxiv"] for row in rows}) >= 240
    assert len({category for row in rows for category in row["categories"][:2]}) >= 8
    days = {date.fromisoformat(path.stem) for path in FOLDER.glob("*.jsonl")}
    assert len(days) >= 5
    assert {date.fromisoformat(row["announced"]) for row in rows} == days


def test_each_abstract_has_two_to_four_sentences() -> None:
    for row in papers():
        sentences = re.findall(r"[.!?](?=\s+[A-Z0-9\"(]|$)", row["abstract"])
        assert 2 <= len(sentences) <= 4, row["arxiv"]


def _runs(text: str, length: int = 8) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+", text.casefold())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


@pytest.mark.shared
def test_no_eight_words_in_a_row_are_the_authors_and_the_facts_are(shared: Path) -> None:
    demo_papers = {row["arxiv"]: row for row in papers()}
    originals = {}
    for path in sorted((shared / "dumps" / "arxiv").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                original = json.loads(line)
                if original["id"] in demo_papers and original["id"] not in originals:
                    originals[original["id"]] = (original, path.name[:10])
    assert originals.keys() == demo_papers.keys()
    for ident, (original, day) in originals.items():
        ours = demo_papers[ident]
        assert not _runs(ours["abstract"]) & _runs(original["summary"]), ident
        facts = (
            " ".join(original["title"].split()),
            original["authors"],
            original["categories"],
            day,
        )
        assert (ours["title"], ours["authors"], ours["categories"], ours["announced"]) == facts
