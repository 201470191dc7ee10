"""HTML of mails and pages -> elements and their text. Knows no mail and no page."""

from __future__ import annotations

from typing import Final

from lxml import etree

from digest.dumps.xml_text import Node

#: tags of one text; each takes a hundred times its memory
_TAG_LIMIT: Final = 100_000


def parse_html(data: str) -> tuple[Node, str]:
    """Parse HTML, however damaged, without scripts: (its root, "") or (None, why not)."""
    if data.count("<") > _TAG_LIMIT:
        return None, f"holds more than {_TAG_LIMIT:,} tags"
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(data.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        return None, "no HTML that could be read"
    etree.strip_elements(root, "script", "style", with_tail=False)
    return root, ""


def words_of(node: Node) -> str:
    """Join all text below an element on one line; "" for None."""
    return "" if node is None else " ".join("".join(node.itertext()).split())


def has_class(node: Node, name: str) -> bool:
    """Whether an element has a class; a class may be one of several."""
    return name in (node.get("class") or "").split()


def find_by_class(root: Node, name: str) -> Node:
    """Return the first element with a class; None if there is none."""
    return next((node for node in root.iter(etree.Element) if has_class(node, name)), None)
