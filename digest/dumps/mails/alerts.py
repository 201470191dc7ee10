"""Alert mails of Google Scholar, and of services that name their papers by links.

Google Scholar tells title, link, authors (shortened), venue and a snippet. The others tell title
and link; what else stands there differs from mail to mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from lxml import etree

from digest.dumps.mails.html_text import has_class, words_of
from digest.dumps.names import split_names
from digest.dumps.references import find_arxiv_ids, strip_version
from digest.dumps.stream import RAW_CAP
from digest.dumps.xml_text import Node
from digest.model import Record, Rejected

_SCHOLAR_TITLE: Final = "gse_alrt_title"
_SCHOLAR_SNIPPET: Final = "gse_alrt_sni"
_SCHOLAR_LINK: Final = re.compile(r"scholar\.google\.[a-z.]{2,10}/scholar_url\?", re.IGNORECASE)
_ARXIV_LINK: Final = re.compile(r"https?://(?:[a-z]+\.)?arxiv\.org/", re.IGNORECASE)
#: between authors, venue and publisher of a byline: "J Doe, K Roe - Journal of Things, 2026"
_BYLINE: Final = re.compile(r"\s[-–—]\s")
_YEAR: Final = re.compile(r",?\s*(?:19|20)[0-9]{2}\s*$")
_ELLIPSIS: Final = "…"
#: characters; a longer link is none
_LINK_CAP: Final = 4000

_SCIENCEDIRECT: Final = r"https?://www\.sciencedirect\.com/science/article/(?:abs/)?pii/\w{5,40}"
#: end of the sender's domain -> shape of the links to papers
_LINKS: Final = {
    domain: re.compile(shape, re.IGNORECASE)
    for domain, shape in {
        "nih.gov": r"https?://pubmed\.ncbi\.nlm\.nih\.gov/[0-9]{1,9}(?![0-9])/?",
        "sciencedirect.com": _SCIENCEDIRECT,
        "elsevier.com": _SCIENCEDIRECT,
        "semanticscholar.org": r"https?://www\.semanticscholar\.org/paper/[^\s?#&\"]{8,400}",
        "researchgate.net": (
            r"https?://www\.researchgate\.net/publication/[0-9]{1,12}(?:_[\w-]{1,400})?"
        ),
    }.items()
}
#: words that a title has at least; "Read more" and "View abstract" are none
_TITLE_WORDS: Final = 3


def read_alert(root: Node, sender: str, *, line: int) -> Iterator[Record | Rejected]:
    """Read the papers in the HTML of an alert.

    Args:
        root: The HTML.
        sender: The address that the mail is from.
        line: Of the mail.
    """
    titles = [node for node in root.iter(etree.Element) if _is_scholar_title(node)]
    if titles:
        yield from (_read_scholar(node, line) for node in titles)
        return
    domain = sender.rpartition("@")[2].lower()
    shape = next(
        (shape for name, shape in _LINKS.items() if domain == name or domain.endswith(f".{name}")),
        None,
    )
    if shape is not None:
        yield from _read_links(root, shape, line)


def _is_scholar_title(node: Node) -> bool:
    if has_class(node, _SCHOLAR_TITLE):
        return True
    parent = node.getparent()
    return (
        node.tag == "a"
        and parent is not None
        and parent.tag == "h3"
        and _SCHOLAR_LINK.search((node.get("href") or "")[:_LINK_CAP]) is not None
    )


def _read_scholar(title: Node, line: int) -> Record | Rejected:
    link = _unwrap_link(title.get("href") or "")
    heading = title
    while heading.getparent() is not None and heading.tag != "h3":
        heading = heading.getparent()
    texts: list[str] = []
    snippet = ""
    for node in islice(heading.itersiblings(etree.Element), 10):
        if node.tag == "h3":
            break
        if has_class(node, _SCHOLAR_SNIPPET):
            snippet = words_of(node)
            break
        if node.tag == "div":
            texts.append(words_of(node))
    byline = texts[0] if texts else ""
    snippet = snippet or (texts[1] if len(texts) > 1 else "")
    raw = "\n".join(filter(None, (words_of(title), byline, snippet, link)))[:RAW_CAP]
    if not words_of(title):
        return Rejected(line=line, raw=raw, reason="no title")
    names, venue = [*(part.strip(f" ,{_ELLIPSIS}") for part in _BYLINE.split(byline)), ""][:2]
    ids = (*find_arxiv_ids(venue), *_name_link(link))
    return Record(
        line=line,
        raw=raw,
        title=words_of(title),
        abstract=_mark_as_excerpt(snippet),
        authors=split_names(names),
        ids=ids,
        journal_ref="" if "arxiv" in venue.lower() else _YEAR.sub("", venue),
        url="" if _ARXIV_LINK.match(link) else link,
    )


def _name_link(link: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and text of a link: arXiv's names the paper, whichever file it leads to."""
    if link:
        yield "id" if _ARXIV_LINK.match(link) else "url", strip_version(link)


def _mark_as_excerpt(snippet: str) -> str:
    """End a snippet with an ellipsis, by which it yields to any abstract."""
    return f"{snippet.rstrip(' .' + _ELLIPSIS)} {_ELLIPSIS}" if snippet else ""


def _unwrap_link(link: str) -> str:
    """Return the page to which a link of Google Scholar leads."""
    if len(link) > _LINK_CAP:
        return ""
    link = link.strip()
    if _SCHOLAR_LINK.search(link):
        try:
            return parse_qs(urlsplit(link).query, max_num_fields=100).get("url", [""])[0]
        except ValueError:
            return ""
    return link


def _read_links(root: Node, shape: re.Pattern[str], line: int) -> Iterator[Record]:
    seen = set[str]()
    for node in root.iter("a"):
        link = (node.get("href") or "")[:_LINK_CAP]
        match = shape.search(link) or shape.search(unquote(link))
        title = words_of(node)
        if match is None or match[0] in seen or len(title.split()) < _TITLE_WORDS:
            continue
        seen.add(match[0])
        yield Record(
            line=line,
            raw=f"{title}\n{match[0]}"[:RAW_CAP],
            title=title,
            ids=(("url", match[0]),),
            url=match[0],
        )
