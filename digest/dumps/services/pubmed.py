"""PubMed XML: yearly baseline, daily update files and answers of efetch.

Articles, book chapters and deletions, described at
https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html. A record that comes again replaces
the earlier one, which is done by the store. The identifiers of an article's references are not
read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.formats import Confidence, Head
from digest.dumps.services.pubmed_text import (
    NOTICE_TYPES,
    RETRACTION_TYPES,
    choose_title,
    find_submission_day,
    make_complete_day,
    parse_date_parts,
    words_of,
)
from digest.dumps.stream import Source
from digest.dumps.xml_text import (
    Node,
    XmlEntry,
    attribute,
    child,
    children,
    read_xml_entries,
    text_of,
)
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

_DOI: Final = re.compile(r"doi:\s*(10\.[0-9]{4,9}/\S{1,500})", re.IGNORECASE)


class PubMed:
    """The format `pubmed`.

    Fields: `PMID`, `ArticleId` and `ELocationID`, `ArticleTitle`, `Abstract`, `AuthorList`,
    `MeshHeading` (major), dates, publication types.
    """

    name = "pubmed"

    def sniff(self, head: Head) -> Confidence:
        return Confidence.YES if any(name in _ROOTS for name in head.tags[:1]) else Confidence.NO

    def read(self, source: Source) -> Iterator[Record | Removal | Skipped | Rejected]:
        for entry in read_xml_entries(source, *_ARTICLES, *_DELETIONS, also=("ERROR",)):
            if isinstance(entry, Rejected):
                yield entry
            elif entry.name == "ERROR":
                source.mark_incomplete(f"the answer is an error: {words_of(entry.node)[:200]}")
            elif entry.name in _DELETIONS:
                yield from _read_deletions(entry)
            elif entry.name == "PubmedBookArticle":
                yield _read_book(entry, source.today)
            else:
                yield from _read_article(entry, source.today)


def _read_deletions(piece: XmlEntry) -> Iterator[Removal]:
    for pmid in children(piece.node, "PMID"):
        line = piece.line + max(pmid.sourceline - piece.node.sourceline, 0)
        yield Removal(
            line=line,
            raw=f"<PMID>{text_of(pmid)}</PMID>",
            ids=(("pmid", text_of(pmid).strip()),),
            reason="deleted by the source",
        )


def _read_article(piece: XmlEntry, today: date) -> Iterator[Record | Removal | Skipped]:
    citation = (
        piece.node if piece.name == "MedlineCitation" else child(piece.node, "MedlineCitation")
    )
    article, data = child(citation, "Article"), child(piece.node, "PubmedData")
    types = {
        words_of(element).lower()
        for element in children(child(article, "PublicationTypeList"), "PublicationType")
    }
    related = children(child(citation, "CommentsCorrectionsList"), "CommentsCorrections")
    if types & RETRACTION_TYPES:
        yield from _read_retraction(piece, related)
        return
    notice = next((reason for kind, reason in NOTICE_TYPES.items() if kind in types), None)
    if notice is not None:
        yield Skipped(line=piece.line, raw=piece.raw, reason=notice)
        return
    title, abstract = (
        _read_title(child(article, "ArticleTitle"), child(article, "VernacularTitle")),
        _read_abstract(article, citation),
    )
    published = [
        parse_date_parts(element)
        for element in (
            *children(article, "ArticleDate"),
            child(article, "Journal", "JournalIssue", "PubDate"),
        )
    ]
    announced = _find_pubmed_day(data, today)
    yield Record(
        line=piece.line,
        raw=piece.raw,
        title=title,
        abstract=abstract,
        authors=_read_authors(children(article, "AuthorList")),
        categories=_read_major_topics(citation),
        ids=(*_read_pmid(citation), *_find_ids(data), *_find_dois(article)),
        version=_parse_version(child(citation, "PMID")),
        submitted=find_submission_day(published, announced, today),
        announced=announced,
        updated=make_complete_day(parse_date_parts(child(citation, "DateRevised")), today),
        withdrawn="retracted publication" in types
        or any(attribute(element, "RefType") == "RetractionIn" for element in related),
    )


def _read_retraction(piece: XmlEntry, related: list[Node]) -> Iterator[Removal | Skipped]:
    """Read a retraction notice: one Removal for each paper that it names."""
    targets = []
    for element in related:
        if attribute(element, "RefType") == "RetractionOf":
            doi = _DOI.search(text_of(child(element, "RefSource")))
            candidates = (
                ("pmid", words_of(child(element, "PMID"))),
                ("doi", doi[1] if doi else ""),
            )
            targets.append(tuple((kind, value) for kind, value in candidates if value))
    targets = [ids for ids in targets if ids]
    if not targets:
        yield Skipped(line=piece.line, raw=piece.raw, reason="retraction notice")
    for ids in targets:
        yield Removal(line=piece.line, raw=piece.raw, ids=ids, reason="retraction")


def _read_book(piece: XmlEntry, today: date) -> Record | Skipped:
    document, data = child(piece.node, "BookDocument"), child(piece.node, "PubmedBookData")
    book = child(document, "Book")
    announced = _find_pubmed_day(data, today)
    published = [
        parse_date_parts(child(document, "ContributionDate")),
        parse_date_parts(child(book, "PubDate")),
    ]
    lists = children(document, "AuthorList") or children(book, "AuthorList")
    return Record(
        line=piece.line,
        raw=piece.raw,
        title=_read_title(child(document, "ArticleTitle"), child(document, "VernacularTitle"))
        or _read_title(child(book, "BookTitle"), None),
        abstract=_read_abstract(document, document),
        authors=_read_authors(lists),
        ids=(*_read_pmid(document), *_find_ids(data), *_find_ids(document), *_find_dois(book)),
        version=_parse_version(child(document, "PMID")),
        submitted=find_submission_day(published, announced, today),
        announced=announced,
        updated=make_complete_day(parse_date_parts(child(document, "DateRevised")), today),
    )


def _read_title(node: Node, vernacular: Node) -> str:
    """Read the title without the brackets of a translation, else the original title."""
    return choose_title(words_of(node), words_of(vernacular))


def _read_abstract(node: Node, around: Node) -> str:
    """Read the parts of the abstract with their labels, else of the other abstract.

    The other abstract is in simpler words or another language.
    """
    parts = children(child(node, "Abstract"), "AbstractText") or children(
        child(around, "OtherAbstract"), "AbstractText"
    )
    texts = []
    for part in parts:
        label, text = attribute(part, "Label").strip(), words_of(part)
        if label and label.upper() != "UNLABELLED":
            text = f"{label.rstrip(':')}: {text}" if text else ""
        texts.append(text)
    return "\n\n".join(filter(None, texts))


def _read_authors(lists: list[Node]) -> tuple[str, ...]:
    """Read the valid names of authors and groups, first name first; no editors."""
    author_lists = [node for node in lists if attribute(node, "Type") != "editors"] or lists
    names = []
    for author in (author for node in author_lists[:1] for author in children(node, "Author")):
        if attribute(author, "ValidYN") != "N":
            parts = (
                words_of(child(author, "ForeName")) or words_of(child(author, "Initials")),
                words_of(child(author, "LastName")),
                words_of(child(author, "Suffix")),
            )
            names.append(words_of(child(author, "CollectiveName")) or " ".join(filter(None, parts)))
    return tuple(filter(None, names))


def _read_major_topics(citation: Node) -> tuple[str, ...]:
    """Read the MeSH headings that are a main topic of the paper."""
    headings = children(child(citation, "MeshHeadingList"), "MeshHeading")
    major = [
        heading
        for heading in headings
        if any(attribute(part, "MajorTopicYN") == "Y" for part in heading)
    ]
    return tuple(filter(None, (words_of(child(heading, "DescriptorName")) for heading in major)))


def _read_pmid(node: Node) -> tuple[tuple[str, str], ...]:
    number = words_of(child(node, "PMID"))
    return (("pmid", number),) if number else ()


def _find_ids(data: Node) -> Iterator[tuple[str, str]]:
    """Find the DOI and PubMed Central number of the article itself.

    Only in direct children: the references further down have the same lists.
    """
    kinds = {"doi": "doi", "pmc": "pmcid", "pubmed": "pmid"}
    for element in children(child(data, "ArticleIdList"), "ArticleId"):
        kind, text = kinds.get(attribute(element, "IdType")), words_of(element)
        if kind and text:
            yield kind, text


def _find_dois(article: Node) -> Iterator[tuple[str, str]]:
    for element in children(article, "ELocationID"):
        if (
            attribute(element, "EIdType") == "doi"
            and attribute(element, "ValidYN") != "N"
            and (text := words_of(element))
        ):
            yield "doi", text


def _parse_version(node: Node) -> int | None:
    """Parse the record's version from 2 on.

    Nearly all records stay at version 1, which must not rank below version 3 of a preprint.
    """
    text = attribute(node, "Version")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    return number if number > 1 else None


def _find_pubmed_day(data: Node, today: date) -> date | None:
    """Find the day on which PubMed made the record public."""
    days = {
        attribute(element, "PubStatus"): make_complete_day(parse_date_parts(element), today)
        for element in children(child(data, "History"), "PubMedPubDate")
    }
    return days.get("pubmed") or days.get("entrez")


FORMAT = PubMed()
