"""XML text -> its entries, one at a time. Knows no format.

    for one in xml_entries(source, "record", also=("error",)):
        if isinstance(one, Rejected): ...           # hand it on
        # one.node is the element, one.line and one.raw its place and text
        title = text_of(one.fields().get("title"))

Entries are found in the bytes and cut out before anything is parsed, then parsed on their own. So a
damaged entry costs itself only, any number of documents may follow each other in one file, memory
holds one entry, and no document type declaration ever reaches the parser: an entity that only it
defines is an error of the entry that uses it, and nothing is expanded or fetched.
"""

from __future__ import annotations

import html
import html.entities
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from lxml import etree

from digest.dumps.stream import Source, raw_text, too_long
from digest.dumps.xml_split import Splitter
from digest.model import Rejected

#: an element: `tag`, `text`, `tail`, `get(name)`, iteration over its children
Node: TypeAlias = Any

#: tags of one entry: an element takes a hundred times the memory of its shortest tag
_TAGS: Final = 400_000
#: different names of tags and attributes in one file; the parser never forgets one, not even with
#: the next file
_NAMES: Final = 2000

_PREFIX: Final = re.compile(rb"[<\s]/?([A-Za-z_][\w.-]{0,100}):[A-Za-z_]")
_ENTITY: Final = re.compile(rb"&(?:([A-Za-z_:][\w.:-]{0,99});|(?!#))")
_TAG: Final = re.compile(rb"<([^\s/>!?]+)(\s[^<>]*=)?")
_ATTRIBUTE_NAME: Final = re.compile(rb"\s([^\s<>=\"']+)\s*=")
_PLACE: Final = re.compile(
    r"[:,]? line \d+(?:, column \d+)?| \(<string>\)|[,:] (?:use|try) XML_PARSE_HUGE.*"
)
#: characters that XML forbids; NUL is left to be refused, since it speaks of a damaged file
_CONTROLS: Final = bytes(set(range(1, 32)) - set(b"\t\n\r"))
#: entities that XML itself knows
_KNOWN: Final = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})
#: encodings in which `<` is `<` and nothing else; UTF-8 needs no decoding here
_ENCODINGS: Final = re.compile(
    r"iso8859-\d+|cp12\d\d|koi8-[rut]|mac-\w+|gb2312|gbk|gb18030|big5|euc_\w+|cp437|cp850|cp932|shift_jis"
)

_PARSER: Final = etree.XMLParser(
    encoding="utf-8",
    resolve_entities=False,
    load_dtd=False,
    no_network=True,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One entry: its local name, the line on which it begins, its text as it stood in the file
    (line ends apart), and the parsed element.
    """

    name: str
    line: int
    raw: str
    node: Node

    def fields(self) -> dict[str, list[Node]]:
        """Children by local name."""
        return fields(self.node)


def xml_entries(
    source: Source, *names: str, also: tuple[str, ...] = ()
) -> Iterator[Piece | Rejected]:
    """Elements with these local names, whatever namespace and document they are in, in the order of
    the file; never raises.

    `also` names elements that are no entries but are wanted as well. The end of an entry without a
    beginning is Rejected. An element within one that was found belongs to that one. One that never
    ends, is longer than `stream.ITEM_CAP`, or is no valid XML is Rejected; a file or document that
    ends too early, and a web page where XML should be, are noted on the source.
    """
    known: set[bytes] = set()
    for cut in Splitter(source, names, also).split():
        if cut.data is None:
            yield too_long(cut.line)
            continue
        if cut.unbegun:
            reason = f"damaged: no <{cut.name}> stands before this </{cut.name}>"
            yield Rejected(line=cut.line, raw=raw_text(cut.data), reason=reason)
            continue
        data, reason = _as_utf8(cut.data, cut.encoding)
        node: Node = None
        if not cut.ended:
            reason = (
                "cut off in the middle of the record"
                if cut.last
                else f"has no end: its </{cut.name}> is missing"
            )
        elif not reason:
            node, reason = _parsed(data, cut.around, known)
        raw = raw_text(data).replace("\r\n", "\n")
        if reason:
            yield Rejected(line=cut.line, raw=raw, reason=reason)
        else:
            yield Piece(name=cut.name, line=cut.line, raw=raw, node=node)


def local(name: str) -> str:
    """A tag's or attribute's name without its namespace."""
    return name.rpartition("}")[2]


def fields(node: Node) -> dict[str, list[Node]]:
    """Children of an element by local name, in their order."""
    found: dict[str, list[Node]] = {}
    for one in () if node is None else node:
        found.setdefault(one.tag.rpartition("}")[2], []).append(one)
    return found


def children(node: Node, name: str) -> list[Node]:
    """Children with a local name."""
    return (
        []
        if node is None
        else [one for one in node if one.tag.endswith(name) and local(one.tag) == name]
    )


def child(node: Node, *path: str) -> Node:
    """The first child with a local name, then its first child with the next one; None where there
    is none.
    """
    for name in path:
        if node is None:
            return None
        for one in node:
            if one.tag.endswith(name) and local(one.tag) == name:
                node = one
                break
        else:
            return None
    return node


def text_of(node: Node | list[Node]) -> str:
    """All text below an element (or the first one of a list), through all mark-up, as it stands; ""
    for None and an empty list.
    """
    if isinstance(node, list):
        node = node[0] if node else None
    if node is None:
        return ""
    return node.text or "" if not len(node) else "".join(node.itertext())


def mark_up_of(node: Node) -> str:
    """What an element holds, with mark-up within it (XHTML in Atom) written out; `text_of` where it
    holds text only.
    """
    if not len(node):
        return text_of(node)
    return html.escape(node.text or "", quote=False) + "".join(
        etree.tostring(one, encoding="unicode") for one in node
    )


def attribute(node: Node, name: str) -> str:
    """An attribute by local name; "" where there is none."""
    if node is None:
        return ""
    if (value := node.get(name)) is not None:
        return str(value)
    return next((str(value) for key, value in node.items() if local(key) == name), "")


def _as_utf8(data: bytes, encoding: str) -> tuple[bytes, str]:
    """(the bytes as UTF-8, "") or (the bytes, why they are not what their document declares)."""
    if not _ENCODINGS.fullmatch(encoding):
        return data, ""
    try:
        return data.decode(encoding).encode(), ""
    except (UnicodeError, LookupError):
        return data, f"not {encoding}, which the document says it is"


def _parsed(data: bytes, around: bytes, known: set[bytes]) -> tuple[Node, str]:
    """(the element, "") or (None, why there is none)."""
    if data.count(b"<") > _TAGS:
        return None, f"holds more than {_TAGS:,} tags"
    new: set[bytes] = set()
    for name, attributes in set(_TAG.findall(data)):
        new.add(name)
        if attributes:
            new.update(_ATTRIBUTE_NAME.findall(attributes))
    new -= known
    if len(known) + len(new) > _NAMES:
        return (
            None,
            f"the tags and attributes of the file have more than {_NAMES:,} different names",
        )
    known |= new
    try:
        return _element(data, around), ""
    except etree.XMLSyntaxError:
        pass
    # Many files have control characters, HTML's entities or a bare "&" in them, or prefixes that a
    # part of the document declared which was cut away.
    data = _ENTITY.sub(_resolved, data.translate(None, _CONTROLS))
    missing = {
        prefix for prefix in _PREFIX.findall(data) if b"xmlns:" + prefix + b"=" not in around
    }
    around += b"".join(
        b' xmlns:%s="%s"' % (prefix, prefix)
        for prefix in sorted(missing - {b"xml", b"xmlns"})[:100]
    )
    try:
        return _element(data, around), ""
    except etree.XMLSyntaxError as error:
        return None, _why(data, error)


def _element(data: bytes, around: bytes) -> Node:
    # One parser for all: what it was given last cannot be told from it.
    return etree.fromstring(b"<x" + around + b">" + data + b"</x>", _PARSER)[0]


def _resolved(entity: re.Match[bytes]) -> bytes:
    """A bare "&" as what it means, HTML's entities as their characters; any other is left for the
    parser to refuse.
    """
    if (name := entity[1]) is None:
        return b"&amp;"
    text = None if name in _KNOWN else html.entities.html5.get(name.decode() + ";")
    return entity[0] if text is None else text.encode("ascii", "xmlcharrefreplace")


def _why(data: bytes, error: etree.XMLSyntaxError) -> str:
    if b"\0" in data:
        return "holds NUL bytes"
    try:
        data.decode("utf-8")
    except UnicodeError:
        return "not UTF-8"
    what = _PLACE.sub("", str(error.msg or "it has no end"))
    return f"no valid XML: {what[:200]}"
