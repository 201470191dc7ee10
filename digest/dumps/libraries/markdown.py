"""Markdown lists and tables of links to papers, such as "awesome" lists and daily lists.

An item is a line. Its title is the text of the link, or bold, or in a table's column of titles;
links named "pdf" and the like belong to the title before them. What else a line says is too
various to be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from digest.dumps.formats import Confidence, Head
from digest.dumps.references import strip_version
from digest.dumps.stream import RAW_CAP, Source, raw_text, reject_too_long
from digest.dumps.tables.columns import find_column
from digest.model import Record, Rejected, Skipped

#: characters
_LINE_CAP: Final = 64 * 1024
_TITLE_CAP: Final = 1000
_LINK: Final = re.compile(
    r"(?<!!)\[([^\[\]]*+(?:\[[^\[\]]*+\][^\[\]]*+){0,3}+)\]"
    r"\(\s?<?(https?://(?:[^\s<>()]|\([^\s<>()]{0,200}\))++)>?(?:\s\"[^\"]{0,400}\")?\s?\)"
)
_BARE_LINK: Final = re.compile(r"https?://[^\s<>()\[\]|\"]{1,1000}")
#: pages of papers, by host and path
_PAPER: Final = re.compile(
    r"https?://(?:www\.)?(?:"
    r"(?:[a-z]{1,20}\.)?arxiv\.org/(?:abs|pdf|html|format)/"
    r"|(?:dx\.)?doi\.org/10\.|[^/]{1,100}/(?:[^?#]{1,300}/)?10\.[0-9]{4,9}/"
    r"|pubmed\.ncbi\.nlm\.nih\.gov/[0-9]|ncbi\.nlm\.nih\.gov/(?:pubmed|pmc/articles)/"
    r"|pmc\.ncbi\.nlm\.nih\.gov/articles/|europepmc\.org/(?:article|abstract)/"
    r"|(?:bio|med)rxiv\.org/content/|openreview\.net/(?:forum|pdf)|aclanthology\.org/[^#?]"
    r"|aclweb\.org/anthology/|semanticscholar\.org/(?:paper|arxiv)/|api\.semanticscholar\.org/"
    r"|huggingface\.co/papers/[0-9]|alphaxiv\.org/(?:abs|overview)/|openalex\.org/w[0-9]"
    r"|proceedings\.mlr\.press/v|(?:papers|proceedings)\.(?:nips|neurips)\.cc/paper"
    r"|openaccess\.thecvf\.com/content|jmlr\.org/papers/|ieeexplore\.ieee\.org/(?:abstract/)?doc"
    r"|sciencedirect\.com/science/article/|nature\.com/articles/|eprint\.iacr\.org/[0-9]{4}/"
    r"|ojs\.aaai\.org/index\.php/|ijcai\.org/proceedings/|hal\.science/|inspirehep\.net/literature/"
    r")",
    re.IGNORECASE,
)
_ARXIV: Final = re.compile(r"[0-9]{4}\.[0-9]{4,5}|[a-z-]{2,12}/[0-9]{7}", re.IGNORECASE)
_ITEM: Final = re.compile(r"\s*(?:>\s?)*(?:[-*+•]\s|[0-9]{1,4}[.)]\s|#{1,6}\s|\||\*{0,2}\[)")
_BOLD: Final = re.compile(r"\*\*([^*|]{3,400})\*\*|__([^_|]{3,400})__")
_RULE: Final = re.compile(r"[\s|:-]+")
_MARKS: Final = re.compile(r"[*`]+|^_+|_+$|\\(?=[\\`*_{}\[\]()#+.!$-])")
#: texts of links that are no titles
_NO_TITLE: Final = re.compile(
    r"!.*|\W*(?:(?:the|full|original|project|official|our|read|download|view|see|click|"
    r"open|new)?\s?"
    r"(?:paper|papers|pdf|html|abs|abstract|arxiv|biorxiv|medrxiv|doi|link|links|url|page|website|"
    r"homepage|code|github|repo|repository|data|dataset|demo|video|slides|poster|blog|post|article|"
    r"preprint|publication|published|here|source|model|models|openreview|pubmed|acl|supp|"
    r"supplementary|bibtex|bib|cite|arxiv link|paper link|pdf link)?)?\W*"
    r"|.*\bet\.? ?al\b.*|\W*(?:arxiv:?\s?)?[0-9][0-9./v-]*\W*(?:\[.*\]|pdf|arxiv)?"
    r"|[A-Z][A-Za-z&-]{1,14}['’ ]{0,2}(?:19|20)?[0-9]{2}",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(kw_only=True, slots=True)
class _Paper:
    title: str
    links: list[str] = field(default_factory=list)


class Markdown:
    """The format `markdown`."""

    name = "markdown"

    def sniff(self, head: Head) -> Confidence:
        if head.is_json or head.tags or "](" not in head.text:
            return Confidence.NO
        leads_to_papers = any(_PAPER.match(link[2]) for link in _LINK.finditer(head.text))
        return Confidence.PERHAPS if leads_to_papers else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        title_column: int | None = None
        for number, data, _ in source.lines():
            if data is None or len(data) > 4 * _LINE_CAP:
                yield reject_too_long(number)
                continue
            if (line := source.decode(data)) is None:
                yield Rejected(line=number, raw=raw_text(data), reason="not UTF-8")
                continue
            cells = line.split("|") if line.lstrip().startswith("|") else []
            if not cells:
                title_column = None
            elif title_column is None and "](" not in line:
                title_column = _find_title_column(cells)
                continue
            yield from _read_line(number, line, cells, title_column)


def find_papers(line: str, title: str = "") -> list[tuple[str, tuple[str, ...]]]:
    """Find the papers that a line links: (title or "", links).

    Args:
        line: A line of Markdown.
        title: The title, where the line's table has a column for it.
    """
    is_item = _ITEM.match(line) is not None
    title = title or next(filter(None, map(_read_title, _find_bold(line))), "")
    papers = [_Paper(title=title)]
    for position, link in enumerate(_LINK.finditer(line)):
        text, url = _read_title(link[1]), link[2]
        is_paper = _PAPER.match(url) is not None
        may_be_title = is_item and not title and text
        is_first = position == 0 and (is_paper or text.count(" ") > 1)
        if may_be_title and (is_first or (is_paper and " " in text)):
            papers.append(_Paper(title=text))
        if is_paper:
            if papers[-1].links and _name_other_papers(papers[-1].links[0], url):
                papers.append(_Paper(title=""))
            papers[-1].links.append(url)
    if not any(paper.links for paper in papers):
        papers += [
            _Paper(title=title, links=[url.rstrip(".,;:!?'")])
            for url in _BARE_LINK.findall(line)
            if _PAPER.match(url)
        ]
    return [(paper.title, tuple(paper.links)) for paper in papers if paper.links]


def _read_line(
    number: int, line: str, cells: list[str], title_column: int | None
) -> Iterator[Record | Skipped]:
    title = ""
    if title_column is not None and title_column < len(cells):
        title = _read_title(_LINK.sub(r"\1", cells[title_column]))
    raw = line[:RAW_CAP]
    papers = find_papers(line[:_LINE_CAP], title)
    for title, links in papers:
        yield Record(
            line=number,
            raw=raw,
            title=title,
            ids=tuple(("url", strip_version(link)) for link in links),
            fragment=not title,
        )
    is_entry = _ITEM.match(line) and not line.lstrip().startswith("#")
    if not papers and is_entry and not _RULE.fullmatch(line):
        yield Skipped(line=number, raw=raw, reason="no link to a paper")


def _find_title_column(cells: list[str]) -> int | None:
    for position, cell in enumerate(cells):
        name = cell.strip(" *_")
        if find_column(name) == "title" or name.lower() in ("paper", "papers"):
            return position
    return None


def _find_bold(line: str) -> list[str]:
    return [match[1] or match[2] for match in _BOLD.finditer(_LINK.sub("", line))]


def _read_title(text: str) -> str:
    """Read a title without marks; "" where the text is none, such as "pdf" or a date."""
    if len(text) > _TITLE_CAP:
        return ""
    title = _MARKS.sub("", text.strip()).strip()
    return "" if _NO_TITLE.fullmatch(title) else title


def _name_other_papers(link: str, other: str) -> bool:
    """Whether two links hold different numbers of arXiv."""
    number, other_number = _ARXIV.search(link), _ARXIV.search(other)
    return number is not None and other_number is not None and number[0] != other_number[0]


FORMAT = Markdown()
