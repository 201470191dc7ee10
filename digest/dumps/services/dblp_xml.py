"""DBLP as XML: its dump, records and people's pages, and answers of its search for publications.

Described at https://dblp.org/faq/ and in dblp.dtd, which is not read: the entities that it defines
are those of HTML. Days of publication are not told, only years.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.fields import parse_day, strip_full_stop
from digest.dumps.formats import Confidence, Head
from digest.dumps.references import strip_version
from digest.dumps.services.pubmed_text import words_of
from digest.dumps.stream import Source
from digest.dumps.xml_text import (
    XmlEntry,
    attribute,
    child,
    children,
    read_xml_entries,
    text_of,
)
from digest.model import Record, Rejected, Skipped

_PAPERS: Final = ("article", "inproceedings", "incollection", "book", "phdthesis", "mastersthesis")
#: element -> reason
_NON_PAPERS: Final = {"proceedings": "a volume", "www": "a page of a person", "data": "a data set"}
_ROOTS: Final = frozenset({"dblp", "dblpperson"})
#: DBLP numbers people of the same name
_NUMBER: Final = re.compile(r" [0-9]{4}$")
_CORR: Final = re.compile(r"abs/((?:[a-z-]{2,20}/)?[0-9.]{7,10})")


class Dblp:
    """The format `dblp`.

    Fields: `title`, `author`, `ee`, `doi`, an arXiv number in `volume`, `journal`, `booktitle` or
    `venue`, `mdate`.

    Volumes, people and data sets are Skipped.
    """

    name = "dblp-xml"

    def sniff(self, head: Head) -> Confidence:
        tags = head.tags
        is_answer = tags[:1] == ("result",) and "hits" in tags
        is_record = bool(tags) and tags[0] in (*_PAPERS, *_NON_PAPERS) and b"mdate=" in head.data
        return (
            Confidence.YES
            if is_answer or is_record or not _ROOTS.isdisjoint(tags[:1])
            else Confidence.NO
        )

    def read(self, source: Source) -> Iterator[Record | Skipped | Rejected]:
        for entry in read_xml_entries(source, *_PAPERS, *_NON_PAPERS, "hit", also=("status",)):
            if isinstance(entry, Rejected):
                yield entry
            elif entry.name == "status":
                if (code := attribute(entry.node, "code")) != "200":
                    message = " ".join(text_of(entry.node).split())[:300]
                    source.mark_incomplete(
                        f"the server answered with an error: {code} {message}".rstrip()
                    )
            elif entry.name in _NON_PAPERS:
                yield Skipped(line=entry.line, raw=entry.raw, reason=_NON_PAPERS[entry.name])
            else:
                yield _read_entry(entry, source.today)


def _read_entry(entry: XmlEntry, today: date) -> Record | Skipped | Rejected:
    node = child(entry.node, "info") if entry.name == "hit" else entry.node
    if words_of(child(node, "type")) in ("Editorship", "Data and Artifacts"):
        return Skipped(line=entry.line, raw=entry.raw, reason="a volume or data set")
    title = strip_full_stop(words_of(child(node, "title")))
    if not title:
        return Rejected(line=entry.line, raw=entry.raw, reason="no title")
    people = child(node, "authors") if entry.name == "hit" else node
    authors = children(people, "author") or children(people, "editor")
    venue = next(
        filter(None, (words_of(child(node, name)) for name in ("journal", "booktitle", "venue"))),
        "",
    )
    report = _CORR.fullmatch(words_of(child(node, "volume")))
    # The links of a paper on arXiv lead to its DOI, not to its page.
    links = [] if report else [words_of(element) for element in children(node, "ee")]
    doi = words_of(child(node, "doi"))
    return Record(
        line=entry.line,
        raw=entry.raw,
        title=title,
        authors=tuple(name for author in authors if (name := _NUMBER.sub("", words_of(author)))),
        ids=(
            *((("id", report[1]),) if report else ()),
            *((("doi", doi),) if doi else ()),
            *(("url", strip_version(link)) for link in links),
        ),
        updated=parse_day(attribute(node, "mdate"), today),
        journal_ref="" if venue == "CoRR" else venue,
        url=next(iter(links), ""),
        withdrawn=attribute(node, "publtype") == "withdrawn",
    )


FORMAT = Dblp()
