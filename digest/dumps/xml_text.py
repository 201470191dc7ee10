"""XML text -> its entries, one at a time. Knows no format.

    for entry in read_xml_entries(source, "record", also=("error",)):
        if isinstance(entry, Rejected): ...           # pass it on
        # entry.node is the element, entry.line and entry.raw are its place and text
        title = text_of(entry.fields().get("title"))

`xml_split` cuts entries out of the bytes, and each is parsed on its own. So a damaged entry costs
only itself, one file may hold several documents, and memory holds one entry. No document type
declaration reaches the parser: an entity that only it defines is an error of the entry that uses
it, and nothing is expanded or fetched.
"""

from __future__ import annotations

import html
import html.entities
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from lxml import etree

from digest.dumps.stream import Source, raw_text, reject_too_long
from digest.dumps.xml_split import Splitter
from digest.encodings import UTF8
from digest.model import Rejected

#: an element: `tag`, `text`, `tail`, `get(name)`, iteration over its children
Node: TypeAlias = Any

#: tags in one entry; an element takes a hundred times the memory of its shortest tag
_TAG_LIMIT: Final = 400_000
#: different names of tags and attributes in one file; the parser keeps them for ever
_NAME_LIMIT: Final = 2000

_PREFIX: Final = re.compile(rb"[<\s]/?([A-Za-z_][\w.-]{0,100}):[A-Za-z_]")
_ENTITY: Final = re.compile(rb"&(?:([A-Za-z_:][\w.:-]{0,99});|(?!#))")
_TAG: Final = re.compile(rb"<([^\s/>!?]+)(\s[^<>]*=)?")
_ATTRIBUTE_NAME: Final = re.compile(rb"\s([^\s<>=\"']+)\s*=")
_ERROR_PLACE: Final = re.compile(
    r"[:,]? line \d+(?:, column \d+)?| \(<string>\)|[,:] (?:use|try) XML_PARSE_HUGE.*"
)
#: characters that XML forbids and we remove
_FORBIDDEN: Final = bytes(set(range(32)) - set(b"\t\n\r"))
#: entities that XML itself defines
_XML_ENTITIES: Final = frozenset({b"amp", b"lt", b"gt", b"quot", b"apos"})

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
class XmlEntry:
    """One element of the file, parsed."""

    #: local name
    name: str
    #: where it begins
    line: int
    #: its text as in the file, except for line ends
    raw: str
    node: Node

    def fields(self) -> dict[str, list[Node]]:
        """Group the children by local name."""
        return fields(self.node)


def read_xml_entries(
    source: Source, *names: str, also: tuple[str, ...] = ()
) -> Iterator[XmlEntry | Rejected]:
    """Read the elements with these local names in any document; never raises.

    An element within an entry belongs to that entry. Rejected are entries that never end, are
    longer than `stream.ITEM_CAP` or are not valid XML, and the end of an entry without beginning. A
    file or document that ends too early, or a web page instead of XML, marks the source as
    incomplete.

    Args:
        source: What is read.
        names: Local names of the entries.
        also: Local names of other elements that are yielded as well.
    """
    known_names: set[bytes] = set()
    for cut in Splitter(source, names, also).split():
        if cut.data is None:
            yield reject_too_long(cut.line)
            continue
        if cut.lacks_start:
            reason = f"damaged: no <{cut.name}> stands before this </{cut.name}>"
            yield Rejected(line=cut.line, raw=raw_text(cut.data), reason=reason)
            continue
        data, reason = source.to_utf8(cut.data, cut.encoding), ""
        node: Node = None
        if not cut.ended:
            reason = (
                "cut off in the middle of the record"
                if cut.last
                else f"has no end: its </{cut.name}> is missing"
            )
        elif data is None:
            reason = (
                "not UTF-8"
                if cut.encoding == UTF8
                else f"not {cut.encoding}, which the document says it is"
            )
        else:
            node, reason = _parse(data, cut.declarations, known_names)
        raw = raw_text(cut.data if data is None else data).replace("\r\n", "\n")
        if reason:
            yield Rejected(line=cut.line, raw=raw, reason=reason)
        else:
            yield XmlEntry(name=cut.name, line=cut.line, raw=raw, node=node)


def local_name(name: str) -> str:
    """Strip the namespace from the name of a tag or attribute."""
    return name.rpartition("}")[2]


def fields(node: Node) -> dict[str, list[Node]]:
    """Group the children of an element by local name."""
    by_name: dict[str, list[Node]] = {}
    for element in () if node is None else node:
        by_name.setdefault(element.tag.rpartition("}")[2], []).append(element)
    return by_name


def children(node: Node, name: str) -> list[Node]:
    """Find the children with a local name."""
    return (
        []
        if node is None
        else [
            element
            for element in node
            if element.tag.endswith(name) and local_name(element.tag) == name
        ]
    )


def child(node: Node, *path: str) -> Node:
    """Find the first descendant along a path of local names; None if there is none."""
    for name in path:
        if node is None:
            return None
        for element in node:
            if element.tag.endswith(name) and local_name(element.tag) == name:
                node = element
                break
        else:
            return None
    return node


def text_of(node: Node | list[Node]) -> str:
    """Join all text below an element or the first of a list; "" if there is none."""
    if isinstance(node, list):
        node = node[0] if node else None
    if node is None:
        return ""
    return node.text or "" if not len(node) else "".join(node.itertext())


def serialise_content(node: Node) -> str:
    """Return the content of an element as text with its markup (XHTML in Atom)."""
    if not len(node):
        return text_of(node)
    return html.escape(node.text or "", quote=False) + "".join(
        etree.tostring(element, encoding="unicode") for element in node
    )


def attribute(node: Node, name: str) -> str:
    """Return an attribute by local name; "" if there is none."""
    if node is None:
        return ""
    if (value := node.get(name)) is not None:
        return str(value)
    return next((str(value) for key, value in node.items() if local_name(key) == name), "")


def _parse(data: bytes, declarations: bytes, known_names: set[bytes]) -> tuple[Node, str]:
    """Return (the element, "") or (None, why it cannot be parsed)."""
    if data.count(b"<") > _TAG_LIMIT:
        return None, f"holds more than {_TAG_LIMIT:,} tags"
    new_names: set[bytes] = set()
    for name, attributes in set(_TAG.findall(data)):
        new_names.add(name)
        if attributes:
            new_names.update(_ATTRIBUTE_NAME.findall(attributes))
    new_names -= known_names
    if len(known_names) + len(new_names) > _NAME_LIMIT:
        return (
            None,
            f"the tags and attributes of the file have more than {_NAME_LIMIT:,} different names",
        )
    known_names |= new_names
    try:
        return _parse_element(data, declarations), ""
    except etree.XMLSyntaxError:
        pass
    # Many files hold control characters, HTML's entities, a bare "&", or prefixes that another part
    # of the document declares.
    data = _ENTITY.sub(_resolve_entity, data.translate(None, _FORBIDDEN))
    undeclared = {
        prefix for prefix in _PREFIX.findall(data) if b"xmlns:" + prefix + b"=" not in declarations
    }
    declarations += b"".join(
        b' xmlns:%s="%s"' % (prefix, prefix)
        for prefix in sorted(undeclared - {b"xml", b"xmlns"})[:100]
    )
    try:
        return _parse_element(data, declarations), ""
    except etree.XMLSyntaxError as error:
        return None, _describe_error(error)


def _parse_element(data: bytes, declarations: bytes) -> Node:
    # One parser for all entries: nothing of an entry stays in it.
    return etree.fromstring(b"<x" + declarations + b">" + data + b"</x>", _PARSER)[0]


def _resolve_entity(entity: re.Match[bytes]) -> bytes:
    """Escape a bare "&", resolve HTML's entities, and leave any other unchanged."""
    if (name := entity[1]) is None:
        return b"&amp;"
    text = None if name in _XML_ENTITIES else html.entities.html5.get(name.decode() + ";")
    return entity[0] if text is None else text.encode("ascii", "xmlcharrefreplace")


def _describe_error(error: etree.XMLSyntaxError) -> str:
    what = _ERROR_PLACE.sub("", str(error.msg or "it has no end"))
    return f"no valid XML: {what[:200]}"
