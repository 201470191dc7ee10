"""The protocol of formats, the head by which they are recognised, their list.

A format is a module below this package with a module-level `FORMAT`. Nothing else registers it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from enum import IntEnum
from functools import cache, cached_property
from itertools import islice
from typing import Any, Final, Protocol

from digest.dumps.json_split import Splitter
from digest.dumps.json_text import decode_object, is_json_lines
from digest.dumps.stream import Source
from digest.dumps.xml_split import find_outer_names
from digest.model import Record, Rejected, Removal, Skipped

_KEY: Final = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*(:?)|([{\[])|([}\]])', re.DOTALL)


class Confidence(IntEnum):
    """How sure a format is that a file is its own; the surest format reads it."""

    NO = 0
    #: the columns fit, but a more special format may fit as well
    PERHAPS = 1
    YES = 2


class Head:
    """The first unpacked bytes of a file.

    Its properties are computed at most once.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def text(self) -> str:
        """The head as text, without bytes that are not UTF-8."""
        return self.data.decode("utf-8", "ignore")

    @cached_property
    def lines(self) -> list[str]:
        """The first 40 lines that are not blank, stripped."""
        return list(islice((line for line in map(str.strip, self.text.splitlines()) if line), 40))

    @cached_property
    def is_json(self) -> bool:
        """Whether this is JSON: a list, an object, or JSON lines.

        The first of the lines may be damaged.
        """
        return self.data.lstrip()[:1] in (b"{", b"[") or is_json_lines(self.data)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The first complete JSON records, at most 20.

        Lines, elements of a top-level list, or the only object.
        """
        if not self.is_json:
            return []
        if is_json_lines(self.data):
            pieces: Iterator[bytes] = iter(self.data.split(b"\n"))
        else:
            pieces = (
                data for _, data, whole in Splitter().split(iter((self.data,))) if data and whole
            )
        candidates = (decode_object(piece) for piece in islice(pieces, 60))
        return list(islice((record for record in candidates if record is not None), 20))

    @cached_property
    def keys(self) -> frozenset[str]:
        """Keys of the first JSON records.

        They are found even if the first record does not end within the head.
        """
        if self.records:
            return frozenset(key for record in self.records for key in record)
        return frozenset(_find_outer_keys(self.data)) if self.is_json else frozenset()

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Local names of the first 200 XML elements, the root first; empty if not XML."""
        return tuple(find_outer_names(self.data))


class Format(Protocol):
    """A file format of papers.

    `sniff` looks at the head of a file and says how sure it is. `read` reads the source once and
    yields for every entry a Record, a Removal (another paper is retracted or deleted), Skipped (not
    a paper, by rule) or Rejected (with a reason). Neither may raise, whatever the bytes are.
    """

    #: shown and stored; lower case, with hyphens
    name: str

    def sniff(self, head: Head) -> Confidence: ...

    def read(self, source: Source) -> Iterator[Record | Removal | Skipped | Rejected]: ...


@cache
def find_formats() -> dict[str, Format]:
    """Find every format: the `FORMAT` of each module below this package, by its name."""
    formats: dict[str, Format] = {}
    package = sys.modules[__package__]
    for module in pkgutil.walk_packages(package.__path__, f"{__package__}."):
        format: Format | None = getattr(importlib.import_module(module.name), "FORMAT", None)
        if format is not None:
            formats[format.name] = format
    return dict(sorted(formats.items()))


def recognise_format(head: Head) -> Format | None:
    """Return the format that is surest of this head; None if none is."""
    confidence, _, best = max(
        (
            (format.sniff(head), -position, format)
            for position, format in enumerate(find_formats().values())
        ),
        key=lambda candidate: candidate[:2],
    )
    return best if confidence else None


def _find_outer_keys(data: bytes) -> Iterator[str]:
    """Yield the keys of the outermost object of JSON text that may end anywhere."""
    depth = 0
    outer_depth = 0
    for token in _KEY.finditer(data):
        if token[3]:
            depth += 1
            outer_depth = outer_depth or (depth if token[3] == b"{" else 0)
        elif token[4]:
            depth -= 1
            if outer_depth and depth < outer_depth:
                return
        elif token[2] and depth == outer_depth:
            yield token[1].decode("utf-8", "replace")
