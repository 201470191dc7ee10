"""PubMed XML: the yearly baseline and daily update files, and what efetch answers with; articles,
book chapters and deletions.

Described at https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html. A record that comes
again replaces the earlier one; that is the store's affair. References within an article carry
identifiers of their own, which are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.fields import is_withdrawn, make_day, month_number
from digest.dumps.formats import Head, Sure
from digest.dumps.jats import script
from digest.dumps.notices import title_says_withdrawn
from digest.dumps.stream import Source
from digest.dumps.xml_text import Node, Piece, attribute, child, children, text_of, xml_entries
from digest.model import Record, Rejected, Removal, Skipped

_ARTICLES: Final = ("PubmedArticle", "PubmedBookArticle", "MedlineCitation")
_DELETIONS: Final = ("DeleteCitation", "DeleteDocument")
_ROOTS: Final = frozenset(
    {
        *_ARTICLES,
        *_DELETIONS,
        "PubmedArticleSet",
        "PubmedBookArticleSet",
        "MedlineCitationSet",
        "eFetchResult",
    }
)

#: publication type -> reason, for notices about other papers that bring no text of their own
_NOTICES: Final = {"published erratum": "erratum notice", "expression of concern": "concern notice"}
_RETRACTION: Final = frozenset({"retraction of publication", "retraction notice"})
_TRANSLATED: Final = re.compile(r"\[(.+)\]\.?", re.DOTALL)
_UNTITLED: Final = frozenset({"", "not available", "in process citation"})
#: the full stop that PubMed puts behind a title, but not that of an initial or of "..."
_FULL_STOP: Final = re.compile(r"(?<![.\s])(?<!\b[A-Za-z])\.$")
_MEDLINE_DATE: Final = re.compile(
    r"\s*([0-9]{4})(?:\s+([A-Za-z]{3})[a-z]*(?:\s+([0-9]{1,2}))?(?![A-Za-z0-9]))?"
)
_DOI: Final = re.compile(r"doi:\s*(10\.[0-9]{4,9}/\S{1,500})", re.IGNORECASE)

Parts = tuple[int, ...]


class PubMed:
    """`PMID`, `ArticleId` and `ELocationID`, `ArticleTitle`, `Abstract`, `AuthorList`,
    `MeshHeading` (major), dates, publication types.
    """

    name = "pubmed"

    def sniff(self, head: Head) -> Sure:
        return Sure.YES if any(name in _ROOTS for name in head.tags[:1]) else Sure.NO

    def read(self, source: Source) -> Iterator[Record | Removal | Skipped | Rejected]:
        for one in xml_entries(source, *_ARTICLES, *_DELETIONS, also=("ERROR",)):
            if isinstance(one, Rejected):
                yield one
            elif one.name == "ERROR":
                source.cut(f"the answer is an error: {_words(one.node)[:200]}")
            elif one.name in _DELETIONS:
                yield from _deletions(one)
            elif one.name == "PubmedBookArticle":
                yield _book(one, source.today)
            else:
                yield from _article(one, source.today)


def _deletions(piece: Piece) -> Iterator[Removal]:
    for one in children(piece.node, "PMID"):
        line = piece.line + max(one.sourceline - piece.node.sourceline, 0)
        yield Removal(
            line=line,
            raw=f"<PMID>{text_of(one)}</PMID>",
            ids=(("pmid", text_of(one).strip()),),
            reason="deleted by the source",
        )


def _article(piece: Piece, today: date) -> Iterator[Record | Removal | Skipped]:
    citation = (
        piece.node if piece.name == "MedlineCitation" else child(piece.node, "MedlineCitation")
    )
    article, data = child(citation, "Article"), child(piece.node, "PubmedData")
    types = {
        _words(one).lower()
        for one in children(child(article, "PublicationTypeList"), "PublicationType")
    }
    remarks = children(child(citation, "CommentsCorrectionsList"), "CommentsCorrections")
    if types & _RETRACTION:
        yield from _retraction(piece, remarks)
        return
    notice = next((reason for kind, reason in _NOTICES.items() if kind in types), None)
    if notice is not None:
        yield Skipped(line=piece.line, raw=piece.raw, reason=notice)
        return
    title, abstract = (
        _title(child(article, "ArticleTitle"), child(article, "VernacularTitle")),
        _abstract(article, citation),
    )
    published = [
        _parts(one)
        for one in (
            *children(article, "ArticleDate"),
            child(article, "Journal", "JournalIssue", "PubDate"),
        )
    ]
    announced = _history(data, today)
    yield Record(
        line=piece.line,
        raw=piece.raw,
        title=title,
        abstract=abstract,
        authors=_authors(children(article, "AuthorList")),
        categories=_topics(citation),
        ids=(*_pmid(citation), *_ids(data), *_locations(article)),
        version=_version(child(citation, "PMID")),
        submitted=_submitted(published, announced, today),
        announced=announced,
        updated=_day(_parts(child(citation, "DateRevised")), today),
        withdrawn="retracted publication" in types
        or any(attribute(one, "RefType") == "RetractionIn" for one in remarks)
        or title_says_withdrawn(title)
        or is_withdrawn(None, abstract),
    )


def _retraction(piece: Piece, remarks: list[Node]) -> Iterator[Removal | Skipped]:
    """What a notice of retraction takes back: one Removal for each paper that it names."""
    targets = []
    for one in remarks:
        if attribute(one, "RefType") == "RetractionOf":
            doi = _DOI.search(text_of(child(one, "RefSource")))
            named = (("pmid", _words(child(one, "PMID"))), ("doi", doi[1] if doi else ""))
            targets.append(tuple((kind, value) for kind, value in named if value))
    targets = [ids for ids in targets if ids]
    if not targets:
        yield Skipped(line=piece.line, raw=piece.raw, reason="retraction notice")
    for ids in targets:
        yield Removal(line=piece.line, raw=piece.raw, ids=ids, reason="retraction")


def _book(piece: Piece, today: date) -> Record | Skipped:
    document, data = child(piece.node, "BookDocument"), child(piece.node, "PubmedBookData")
    book = child(document, "Book")
    announced = _history(data, today)
    published = [_parts(child(document, "ContributionDate")), _parts(child(book, "PubDate"))]
    lists = children(document, "AuthorList") or children(book, "AuthorList")
    return Record(
        line=piece.line,
        raw=piece.raw,
        title=_title(child(document, "ArticleTitle"), child(document, "VernacularTitle"))
        or _title(child(book, "BookTitle"), None),
        abstract=_abstract(document, document),
        authors=_authors(lists),
        ids=(*_pmid(document), *_ids(data), *_ids(document), *_locations(book)),
        version=_version(child(document, "PMID")),
        submitted=_submitted(published, announced, today),
        announced=announced,
        updated=_day(_parts(child(document, "DateRevised")), today),
    )


def _title(node: Node, vernacular: Node) -> str:
    """The title without the brackets that mark a translation; the original one where there is no
    translation.
    """
    title = _words(node)
    if (translated := _TRANSLATED.fullmatch(title)) is not None and _is_closed(translated[1]):
        title = translated[1]
    title = _FULL_STOP.sub("", title)
    return title if title.lower() not in _UNTITLED else _FULL_STOP.sub("", _words(vernacular))


def _is_closed(inner: str) -> bool:
    """Whether brackets around this text belong to each other, which those of "[18F]FDG or [11C]" do
    not.
    """
    depth = 0
    for sign in inner:
        depth += (sign == "[") - (sign == "]")
        if depth < 0:
            return False
    return depth == 0


def _abstract(node: Node, around: Node) -> str:
    """The parts of the abstract with their labels, else those of the first abstract in other words
    or another language.
    """
    parts = children(child(node, "Abstract"), "AbstractText") or children(
        child(around, "OtherAbstract"), "AbstractText"
    )
    texts = []
    for one in parts:
        label, text = attribute(one, "Label").strip(), _words(one)
        if label and label.upper() != "UNLABELLED":
            text = f"{label.rstrip(':')}: {text}" if text else ""
        texts.append(text)
    return "\n\n".join(filter(None, texts))


def _authors(lists: list[Node]) -> tuple[str, ...]:
    """Names in the order in which they are spoken, and those of groups; not the ones that were
    found to be wrong, and no editors.
    """
    writers = [one for one in lists if attribute(one, "Type") != "editors"] or lists
    names = []
    for one in (author for node in writers[:1] for author in children(node, "Author")):
        if attribute(one, "ValidYN") != "N":
            person = (
                _words(child(one, "ForeName")) or _words(child(one, "Initials")),
                _words(child(one, "LastName")),
            )
            names.append(
                _words(child(one, "CollectiveName"))
                or " ".join(filter(None, (*person, _words(child(one, "Suffix")))))
            )
    return tuple(filter(None, names))


def _topics(citation: Node) -> tuple[str, ...]:
    """Headings of the subject index that are a main point of the paper."""
    headings = children(child(citation, "MeshHeadingList"), "MeshHeading")
    major = [one for one in headings if any(attribute(part, "MajorTopicYN") == "Y" for part in one)]
    return tuple(filter(None, (_words(child(one, "DescriptorName")) for one in major)))


def _pmid(node: Node) -> tuple[tuple[str, str], ...]:
    number = _words(child(node, "PMID"))
    return (("pmid", number),) if number else ()


def _ids(data: Node) -> Iterator[tuple[str, str]]:
    """DOI and PubMed Central number of the article itself: only direct children, the references
    further down have lists like it.
    """
    kinds = {"doi": "doi", "pmc": "pmcid", "pubmed": "pmid"}
    for one in children(child(data, "ArticleIdList"), "ArticleId"):
        kind, text = kinds.get(attribute(one, "IdType")), _words(one)
        if kind and text:
            yield kind, text


def _locations(article: Node) -> Iterator[tuple[str, str]]:
    for one in children(article, "ELocationID"):
        if (
            attribute(one, "EIdType") == "doi"
            and attribute(one, "ValidYN") != "N"
            and (text := _words(one))
        ):
            yield "doi", text


def _version(node: Node) -> int | None:
    """The record's version from the second one on.

    Nearly all have the first for ever, which must not stand below a preprint's third.
    """
    text = attribute(node, "Version")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    return number if number > 1 else None


def _history(data: Node, today: date) -> date | None:
    """The day on which PubMed made the record public."""
    days = {
        attribute(one, "PubStatus"): _day(_parts(one), today)
        for one in children(child(data, "History"), "PubMedPubDate")
    }
    return days.get("pubmed") or days.get("entrez")


def _submitted(published: list[Parts], announced: date | None, today: date) -> date | None:
    """The earliest whole day of publication; else the first of the earliest month; else the day in
    PubMed, where it is of that year.
    """
    for wanted in (3, 2):
        days = [
            day
            for parts in published
            if len(parts) == wanted and (day := _day((*parts, 1)[:3], today))
        ]
        if days:
            return min(days)
    return (
        announced
        if announced and any(parts[:1] == (announced.year,) for parts in published)
        else None
    )


def _parts(node: Node) -> Parts:
    """Year, month, day as far as they are known; a range ("2026 Mar-Apr", "2025 Dec-2026 Jan") is
    its beginning, a season only its year.
    """
    if node is None:
        return ()
    texts = {one.tag.rpartition("}")[2]: (one.text or "").strip() for one in node}
    if (found := _MEDLINE_DATE.match(texts.get("MedlineDate", ""))) is not None:
        year, month, day = found.groups(default="")
    else:
        year, month, day = (texts.get(name, "") for name in ("Year", "Month", "Day"))
    numbers = (_number(year, 4), month_number(month[:3]) or _number(month, 2), _number(day, 2))
    known = next((place for place, number in enumerate(numbers) if not number), 3)
    return tuple(filter(None, numbers[:known]))


def _number(text: str, digits: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else 0


def _day(parts: Parts, today: date) -> date | None:
    return make_day(parts[0], parts[1], parts[2], today) if len(parts) == 3 else None


def _words(node: Node) -> str:
    """All text below an element on one line; H<sub>2</sub>O and 10<sup>-3</sup> keep
    their shape."""
    if node is None:
        return ""
    if len(node):
        for one in node.iter("{*}sub", "{*}sup"):
            if not len(one) and one.text:
                one.text = script(one.tag.rpartition("}")[2], one.text)
    return " ".join(text_of(node).split())


FORMAT = PubMed()
