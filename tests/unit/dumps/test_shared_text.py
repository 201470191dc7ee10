"""Real dumps, if they are available: no title or abstract shows TeX, a tag or an entity."""

from __future__ import annotations

import html.entities
import re
from collections import Counter
from pathlib import Path

import pytest

from digest.dumps import open_dump
from digest.model import Entry, Record
from digest.papers import clean, tex_names
from digest.papers.tex_parts import find_symbol
from tests.unit.dumps.conftest import TODAY

pytestmark = pytest.mark.shared

MACRO = re.compile(r"\\([A-Za-z]+)")
TAG = re.compile(
    r"</?(?:i|b|u|p|a|em|strong|sub|sup|br|span|div|ul|li|h[1-6]|bold|italic|math|m[a-z]+|"
    r"(?:jats|mml):[\w-]+)(?:\s[^<>]*)?/?>"
)
ENTITY = re.compile(r"&(#[0-9]+;|#x[0-9A-Fa-f]+;|[A-Za-z][A-Za-z0-9]*;)")
#: names in angle brackets of papers about tokens and canvases
OWN_NAMES = {"<motion/>", "<memory>"}


def find_leftovers(text: str) -> list[str]:
    macros = [macro[0] for macro in MACRO.finditer(text) if is_known(macro[1])]
    tags = [tag[0] for tag in TAG.finditer(text) if tag[0] not in OWN_NAMES]
    entities = [
        entity[0]
        for entity in ENTITY.finditer(text)
        if entity[1].startswith("#") or entity[1] in html.entities.html5
    ]
    return macros + tags + entities


def is_known(name: str) -> bool:
    return (
        name in tex_names.PASSED
        or name in tex_names.SILENT
        or name in tex_names.DROPPED
        or name in tex_names.MATH_ACCENTS
        or find_symbol(name) is not None
    )


def test_no_real_paper_shows_tex_tags_or_entities(shared: Path) -> None:
    papers: set[tuple[str, str]] = set()
    leftovers: list[str] = []
    backslashes: Counter[str] = Counter()
    for path in sorted((shared / "dumps").rglob("*.*")):
        dump = open_dump(path, today=TODAY)
        for record in dump.records():
            assert isinstance(record, Record), record
            key = (record.title, record.abstract)
            if key in papers:
                continue
            papers.add(key)
            entry = clean(record, dump.format)
            assert isinstance(entry, Entry), entry
            leftovers += find_leftovers(entry.title) + find_leftovers(entry.abstract)
            backslashes["title"] += "\\" in entry.title
            backslashes["abstract"] += "\\" in entry.abstract
    assert len(papers) > 70_000
    assert leftovers == []
    assert backslashes["title"] == 0
    assert backslashes["abstract"] < 20  # escaped letters of code, letters nobody can explain
