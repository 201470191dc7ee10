"""A library of 500 entries, as each program exports it, is read without a loss."""

from __future__ import annotations

import pytest

from digest.model import Entry, Record, Skipped
from digest.papers import clean
from tests.unit.dumps.conftest import MakeDump
from tests.unit.dumps.exports import LAYOUTS
from tests.unit.dumps.exports.items import make_items


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_of_a_library_is_lost(layout: str, make_dump: MakeDump) -> None:
    format, has_days, kinds, write = LAYOUTS[layout]
    items = make_items()
    dump = make_dump(write(items))
    assert dump.format == format
    outcomes = [entry for entry in dump.records() if not isinstance(entry, Skipped)]
    assert dump.incomplete is None
    assert len(outcomes) == len(items) == 500
    losses = []
    for item, record in zip(items, outcomes, strict=True):
        assert isinstance(record, Record), record
        entry = clean(record, format)
        assert isinstance(entry, Entry), entry
        expected = {
            "title": item.title,
            "authors": item.names,
            "identities": {name for name in item.identities if name.partition(":")[0] in kinds},
            "submitted": item.iso if has_days else None,
            "url": item.url,
        }
        read = {
            "title": entry.title,
            "authors": list(entry.authors),
            "identities": {f"{one.kind}:{one.value}" for one in entry.identities},
            "submitted": entry.submitted and entry.submitted.isoformat(),
            "url": entry.url,
        }
        losses += [
            f"{name}: {read[name]!r}, not {value!r}"
            for name, value in expected.items()
            if read[name] != value
        ]
        assert item.abstract in entry.abstract
    assert losses[:20] == []
