"""The protocol that a format follows, what it is given to recognise its files, and the list of all
formats.

A format is a module of this package with a module-level `FORMAT`; it is found by being there. Holds
no format itself.
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

from digest.dumps.json_text import Splitter, decode_object, is_json_lines
from digest.dumps.stream import Source
from digest.dumps.xml_split import outer_names
from digest.model import Record, Rejected, Removal, Skipped

_KEY: Final = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*(:?)|([{\[])|([}\]])', re.DOTALL)


class Sure(IntEnum):
    """How sure a format is that a file is its own; the surest reads it."""

    NO = 0
    #: its columns would do, and so may those of a more special format
    PERHAPS = 1
    YES = 2


class Head:
    """The first bytes of a file, unpacked, and what several formats want to know of them, each
    worked out at most once.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def text(self) -> str:
        """The head as text; what is no UTF-8 (a character cut at the end, too) is left out."""
        return self.data.decode("utf-8", "ignore")

    @cached_property
    def lines(self) -> list[str]:
        """The first 40 lines that are not blank, stripped."""
        return list(islice((line for line in map(str.strip, self.text.splitlines()) if line), 40))

    @cached_property
    def is_json(self) -> bool:
        """Whether this is JSON text: a list, an object, or JSON lines of which the first may be
        bad.
        """
        return self.data.lstrip()[:1] in (b"{", b"[") or is_json_lines(self.data)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The first whole JSON records, at most 20: lines, elements of a top-level list, or the one
        object.
        """
        if not self.is_json:
            return []
        if is_json_lines(self.data):
            pieces: Iterator[bytes] = iter(self.data.split(b"\n"))
        else:
            pieces = (
                data for _, data, whole in Splitter().split(iter((self.data,))) if data and whole
            )
        found = (decode_object(piece) for piece in islice(pieces, 60))
        return list(islice((record for record in found if record is not None), 20))

    @cached_property
    def keys(self) -> frozenset[str]:
        """Keys of the first JSON records, also where the first one does not end within the head."""
        if self.records:
            return frozenset(key for record in self.records for key in record)
        return frozenset(_outer_keys(self.data)) if self.is_json else frozenset()

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """Local names of the first XML elements, at most 200, in the order in which they begin: the
        root is the first. Empty for no XML.
        """
        return tuple(outer_names(self.data))


class Format(Protocol):
    """One way to write down papers.

    `sniff` sees the head of a file and says how sure it is; it must not raise. `read` goes over the
    source once and gives, for every entry in it, a Record, or Removal (another paper is retracted
    or deleted), or Skipped (understood, no paper by rule), or Rejected (with reason); it must not
    raise either, whatever the bytes are.
    """

    #: as shown and stored; lower-case, with hyphens
    name: str

    def sniff(self, head: Head) -> Sure: ...

    def read(self, source: Source) -> Iterator[Record | Removal | Skipped | Rejected]: ...


@cache
def all_formats() -> dict[str, Format]:
    """Every format by its name: the `FORMAT` of each module of this package that has one."""
    found: dict[str, Format] = {}
    for module in pkgutil.iter_modules(sys.modules[__package__].__path__):
        one: Format | None = getattr(
            importlib.import_module(f"{__package__}.{module.name}"), "FORMAT", None
        )
        if one is not None:
            found[one.name] = one
    return dict(sorted(found.items()))


def recognise(head: Head) -> Format | None:
    """The format that is surest of this head; None where none is."""
    sure, _, best = max(
        ((one.sniff(head), -place, one) for place, one in enumerate(all_formats().values())),
        key=lambda found: found[:2],
    )
    return best if sure else None


def _outer_keys(data: bytes) -> Iterator[str]:
    """Keys of the outermost object of JSON text that may be cut anywhere."""
    depth = 0
    outer = 0
    for sign in _KEY.finditer(data):
        if sign[3]:
            depth += 1
            outer = outer or (depth if sign[3] == b"{" else 0)
        elif sign[4]:
            depth -= 1
            if outer and depth < outer:
                return
        elif sign[2] and depth == outer:
            yield sign[1].decode("utf-8", "replace")
