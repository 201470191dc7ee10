"""CSL-YAML: the items of CSL-JSON as YAML, of Pandoc and of Better BibTeX.

A list under `references:`, alone or in the head of a Markdown document. Described at
https://pandoc.org/MANUAL.html#specifying-bibliographic-data.

Each item is cut out by its indentation and parsed on its own, as events: anchors and aliases, which
grow without bounds, are refused, and every value is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import msgspec
import yaml

from digest.dumps.formats import Confidence, Head
from digest.dumps.libraries.csl_json import read_items
from digest.dumps.stream import ITEM_CAP, RAW_CAP, Source, raw_text, reject_too_long
from digest.model import Record, Rejected

_LIST: Final = re.compile(rb"references:[ \t]*(?:#.*)?$")
_ITEM: Final = re.compile(rb"([ \t]*)-(?:[ \t]|$)")
_KEY: Final = re.compile(rb"[\w-]{1,100}:(?:[ \t]|$)")
_HEAD: Final = re.compile(
    r"^references:[ \t]*(?:#[^\n]*)?\r?\n\s*-[ \t]+(?:[\w-]{1,40}:|\{)", re.MULTILINE
)
_FIRST_LINE: Final = re.compile(r"---|#.*|[\w-]{1,100}:.*")
#: Pandoc's mark of words that keep their capitals
_NO_CASE: Final = re.compile(r"\[([^\[\]]{0,200})\]\{\.nocase\}")
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_DEPTH_CAP: Final = 20
_VALUES_CAP: Final = 200_000
_Loader: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
#: YAML has no control characters but these
_CONTROLS: Final = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), " ")


class CslYaml:
    """The format `csl-yaml`; its fields are those of `csl-json`."""

    name = "csl-yaml"

    def sniff(self, head: Head) -> Confidence:
        is_ours = (
            head.lines and _FIRST_LINE.fullmatch(head.lines[0]) and _HEAD.search(head.text[:20_000])
        )
        return Confidence.YES if is_ours else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Rejected]:
        for block in _split_blocks(source):
            if block.is_too_long:
                yield reject_too_long(block.number)
                continue
            data = b"\n".join(block.lines)
            text = source.decode(data)
            raw = raw_text(data) if text is None else text[:RAW_CAP]
            try:
                item = msgspec.json.encode(_parse_item(block, text))
            except (_ItemError, yaml.YAMLError, UnicodeError) as error:
                reason = f"no valid YAML: {getattr(error, 'problem', None) or error}"
                if isinstance(error, _ItemError):
                    reason = str(error)
                yield Rejected(line=block.number, raw=raw, reason=reason)
                continue
            for entry in read_items(source, iter([(block.number, item, True)])):
                yield msgspec.structs.replace(entry, raw=raw)


class _ItemError(Exception):
    """An item cannot be used; the message says why."""


@dataclass(kw_only=True, slots=True)
class _Block:
    """Lines of the file: an item, or what stands between items."""

    number: int
    is_item: bool
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    is_too_long: bool = False

    def append(self, line: bytes | None) -> None:
        self.size += ITEM_CAP if line is None else len(line)
        if line is None or self.size > ITEM_CAP:
            self.is_too_long = True
            self.lines.clear()
        if not self.is_too_long:
            self.lines.append(line or b"")


def _split_blocks(source: Source) -> Iterator[_Block]:
    """Yield the items of each list, and blocks of several lines between them.

    A line of its own, such as "lang: en", belongs to the document around the list.
    """
    block: _Block | None = None
    in_list, indent = False, -1
    for number, line, _ in source.lines():
        text = line or b"x"
        item = _ITEM.match(text) if in_list else None
        if item is not None and indent in (-1, len(item[1])):
            starts, indent = "item", len(item[1])
        elif _LIST.match(text):
            starts, in_list, indent = "list", True, -1
        elif text.startswith((b"---", b"...")):
            starts, in_list = "text", False
        elif in_list and text.strip() and (block is None or _KEY.match(text)):
            starts = "other"
        else:
            starts = ""
        if starts:
            if block is not None and (block.is_item or len(block.lines) != 1):
                yield block
            block = (
                _Block(number=number, is_item=starts == "item")
                if starts in ("item", "other")
                else None
            )
        if block is not None:
            block.append(line)
    if block is not None and (block.is_item or len(block.lines) != 1):
        yield block


def _parse_item(block: _Block, text: str | None) -> dict[str, Any]:
    """Parse a list of one item, with the names and dates of CSL-JSON.

    Raises:
        _ItemError: If it is no item.
        yaml.YAMLError: If it is no YAML.
    """
    if not block.is_item:
        raise _ItemError("stands between the items of the list")
    if text is None:
        raise _ItemError("not UTF-8")
    events = yaml.parse(text.translate(_CONTROLS), Loader=_Loader)
    for event in islice(events, 3):
        if isinstance(event, yaml.SequenceStartEvent):
            break
    items = _build_list(events, [0], 0)
    item = items[0] if len(items) == 1 else None
    for _ in events:  # an error may follow
        pass
    if not isinstance(item, dict):
        raise _ItemError("no item with keys and values")
    if isinstance(item.get("title"), str):
        item["title"] = _NO_CASE.sub(r"\1", item["title"])
    if "issued" in item:
        item["issued"] = _to_date_parts(item["issued"])
    return item


def _to_date_parts(issued: Any) -> Any:
    """Rewrite [{"year": ..., "month": ..., "day": ...}] as CSL-JSON does."""
    first = next(iter(issued), None) if isinstance(issued, list) else issued
    if not isinstance(first, dict) or "year" not in first:
        return first
    parts = [first.get(part) for part in ("year", "month", "day")]
    return {"date-parts": [[part for part in parts if isinstance(part, str)]]}


def _build_value(event: Any, events: Iterator[Any], count: list[int], depth: int) -> Any:
    """Build the value that begins with this event, of texts, lists and dictionaries."""
    count[0] += 1
    if count[0] > _VALUES_CAP:
        raise _ItemError(f"holds more than {_VALUES_CAP:,} values")
    if depth > _DEPTH_CAP:
        raise _ItemError("nested too deeply")
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise _ItemError("holds an anchor or alias of YAML")
    if isinstance(event, yaml.SequenceStartEvent):
        return _build_list(events, count, depth + 1)
    if isinstance(event, yaml.MappingStartEvent):
        return _build_dictionary(events, count, depth + 1)
    return None if event.style is None and event.value in _NULL else event.value


def _build_list(events: Iterator[Any], count: list[int], depth: int) -> list[Any]:
    values = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        values.append(_build_value(event, events, count, depth))
    return values


def _build_dictionary(events: Iterator[Any], count: list[int], depth: int) -> dict[str, Any]:
    values = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        key = _build_value(event, events, count, depth)
        value = _build_value(next(events), events, count, depth)
        if isinstance(key, str):
            values[key] = value
    return values


FORMAT = CslYaml()
