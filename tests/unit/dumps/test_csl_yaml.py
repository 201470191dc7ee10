"""CSL-YAML: where items begin and end, and values that YAML may hold but CSL does not."""

from __future__ import annotations

import time
from datetime import date

import pytest

from tests.unit.dumps.conftest import MakeDump, entries, only, rejections, titles


def document(*items: str, before: str = "references:\n") -> str:
    return before + "".join(items)


ITEM = "- id: a\n  type: book\n  title: A Title\n"


@pytest.mark.parametrize(
    "text",
    [
        "references:\n" + ITEM,
        "---\ntitle: My thesis\nreferences:\n" + ITEM + "lang: de\n---\n\n# Text\n- no item\n",
        "references: # mine\r\n" + ITEM.replace("\n", "\r\n") + "...\r\n",
        "# mine\nreferences:\n\n" + ITEM.replace("- ", "    - ").replace("\n  ", "\n      "),
        "references:\n-  type: book\n   # a remark\n\n   title: >-\n     A\n     Title\n",
        'references:\n- {id: a, type: book, title: "A Title"}\n',
    ],
)
def test_an_item_is_read_whatever_stands_around_it(text: str, make_dump: MakeDump) -> None:
    dump = make_dump(text)
    assert dump.format == "csl-yaml"
    (entry,) = entries(dump)
    assert entry.title == "A Title"
    assert rejections(dump) == []


@pytest.mark.parametrize(
    ("issued", "day"),
    [
        ("2026-06-09", date(2026, 6, 9)),
        ("'2026-06'", date(2026, 6, 1)),
        ("2026", None),
        ("\n  - year: 2026\n    month: 06\n    day: 9", date(2026, 6, 9)),
        ("\n    year: 2026\n    month: 6", date(2026, 6, 1)),
        ("\n    date-parts:\n    - - 2026\n      - 6\n      - 9", date(2026, 6, 9)),
        ("\n    literal: in June", None),
        ("[]", None),
        ("~", None),
    ],
)
def test_a_day_is_read_as_it_is_written(issued: str, day: date | None, make_dump: MakeDump) -> None:
    assert only(make_dump(document(ITEM, f"  issued: {issued}\n"))).submitted == day


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("- id: a\n  title: &x A\n", "holds an anchor or alias of YAML"),
        ("- id: a\n  title: *x\n", "holds an anchor or alias of YAML"),
        ("- id: a\n  title: [" + "[" * 30 + "]" * 31 + "\n", "nested too deeply"),
        ("- id: a\n  title: [" + "[" * 50_000 + "\n", "nested too deeply"),
        ("- id: a\n  x: [" + "a, " * 210_000 + "]\n", "holds more than 200,000 values"),
        ("- id: a\n\ttitle: A\n", "no valid YAML: "),
        ("- id: a\n  title: [A, B]\n", "title: expected text or nothing, got a list"),
        ("- []\n", "no item with keys and values"),
        ("-\n", "no item with keys and values"),
        ("- id: !!python/object/apply:os.system [ls]\n", ""),
        ("- id: a\n  title: A\n? [a, b]\n: c\n", ""),
    ],
)
def test_a_trap_is_one_rejected_item(item: str, reason: str, make_dump: MakeDump) -> None:
    began = time.process_time()
    dump = make_dump(document(ITEM, item, ITEM.replace("A Title", "Behind")))
    assert [title for title in titles(dump) if title] == ["A Title", "Behind"]
    assert all(why.startswith(reason) for _, why in rejections(dump))
    assert len(rejections(dump)) == (1 if reason else len(rejections(dump)))
    assert time.process_time() - began < 5
