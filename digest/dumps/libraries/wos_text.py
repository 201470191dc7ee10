"""Web of Science, "Export > Plain text file": `FN Clarivate ...`, records from PT to ER, `EF`.

Tags are described in the help of Web of Science, "Field Tags". A value goes on in indented lines;
of AU and its like, each line is another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from digest.dumps.formats import Confidence, Head
from digest.dumps.libraries.wos_fields import build_record
from digest.dumps.stream import Source
from digest.dumps.tagged_text import Layout, TaggedRecord, join_lines, read_tagged_records
from digest.model import Record, Rejected, Skipped

_LAYOUT: Final = Layout(
    tag=re.compile(rb"([A-Z][A-Z0-9])(?: (.*))?", re.DOTALL),
    first="PT",
    last="ER",
    titles=("TI",),
    outside=frozenset({b"FN", b"VR", b"EF"}),
)
_FIRST_RECORD: Final = re.compile(r"PT [A-Z]")
_NAMES: Final = frozenset({"AU", "AF", "CA"})


class WebOfScience:
    """The format `wos`.

    Fields: TI, AB, AF or AU, CA, DI, PM, EA, PD and PY, SO, WC or SC, DT.
    """

    name = "wos"

    def sniff(self, head: Head) -> Confidence:
        lines = head.lines
        begins = bool(lines) and (
            _FIRST_RECORD.fullmatch(lines[0]) is not None or lines[0].startswith("FN ")
        )
        is_ours = begins and any(map(_FIRST_RECORD.fullmatch, lines[:4]))
        return Confidence.YES if is_ours else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        for record in read_tagged_records(source, _LAYOUT):
            yield (
                record
                if isinstance(record, Rejected)
                else build_record(record.line, record.raw, _join_values(record), source.today)
            )


def _join_values(record: TaggedRecord) -> dict[str, str]:
    fields: dict[str, str] = {}
    for tag, value in record.pairs:
        joined = value.replace("\n", "; ") if tag in _NAMES else join_lines(value)
        fields.setdefault(tag, joined)
    return fields


FORMAT = WebOfScience()
