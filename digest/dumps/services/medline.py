"""MEDLINE text of PubMed: "Cite > Download .nbib", "Save > PubMed", and answers of efetch.

Tags are described at https://www.nlm.nih.gov/bsd/mms/medlineelements.html. Each record begins with
PMID; nothing marks its end. The rules for titles, days and notices are those of PubMed XML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from digest.dumps.fields import parse_day, strip_full_stop
from digest.dumps.formats import Confidence, Head
from digest.dumps.services.pubmed_text import (
    NOTICE_TYPES,
    RETRACTION_TYPES,
    choose_title,
    find_submission_day,
    parse_date_text,
)
from digest.dumps.stream import Source
from digest.dumps.tagged_text import (
    Layout,
    TaggedRecord,
    join_lines,
    read_tagged_records,
    sniff_first_line,
)
from digest.model import Record, Rejected, Removal, Skipped

_LAYOUT: Final = Layout(
    tag=re.compile(rb"(?=[A-Z0-9 ]{4}-)([A-Z][A-Z0-9]{1,3}) {0,2}-(?:[ \t](.*))?", re.DOTALL),
    first="PMID",
    titles=("TI", "TT", "BTI"),
    blank_ends=True,
)
_FIRST_LINE: Final = re.compile(r"PMID- {0,3}[0-9]")
_DOI: Final = re.compile(r"(10\.[0-9]{4,9}/\S{1,500}) ?\[doi\]", re.IGNORECASE)
_CITED_DOI: Final = re.compile(r"\bdoi: ?(10\.[0-9]{4,9}/\S{1,500})", re.IGNORECASE)
#: the last name comes first, without a comma: "van Doe JA Jr"
_SHORT_NAME: Final = re.compile(r"([^,]+) ([A-Z]{1,4})( (?:Jr|Sr))?")
_CITED_PMID: Final = re.compile(r"\bPMID: ?([0-9]{1,9})\b")
_STATUS: Final = re.compile(r"(\S{1,40}) [0-9:]{0,8} ?\[(pubmed|entrez)\]")


class Medline:
    """The format `medline`.

    Fields: PMID, DOI and PMC; TI, AB, FAU or AU, CN; JT or TA; main MH; DP, DEP, PHST, LR; PT.
    """

    name = "medline"

    def sniff(self, head: Head) -> Confidence:
        return sniff_first_line(head, _FIRST_LINE)

    def read(self, source: Source) -> Iterator[Record | Removal | Skipped | Rejected]:
        for record in read_tagged_records(source, _LAYOUT):
            if isinstance(record, Rejected):
                yield record
            else:
                yield from _read_record(record, source.today)


def _read_record(
    record: TaggedRecord, today: date
) -> Iterator[Record | Removal | Skipped | Rejected]:
    types = {value.lower() for value in record.values("PT")}
    if types & RETRACTION_TYPES:
        yield from _read_retraction(record)
        return
    notice = next((reason for kind, reason in NOTICE_TYPES.items() if kind in types), None)
    if notice is not None:
        yield Skipped(line=record.line, raw=record.raw, reason=notice)
        return
    title = choose_title(
        join_lines(record.first("TI")), join_lines(record.first("TT"))
    ) or strip_full_stop(join_lines(record.first("BTI")))
    if not title:
        yield Rejected(line=record.line, raw=record.raw, reason="no title")
        return
    abstract = join_lines(record.first("AB", "OAB"))
    announced = _find_pubmed_day(record, today)
    published = [parse_date_text(value) for value in record.values("DP")]
    published += [
        (day.year, day.month, day.day)
        for value in record.values("DEP")
        if (day := parse_day(value, today))
    ]
    yield Record(
        line=record.line,
        raw=record.raw,
        title=title,
        abstract=abstract,
        authors=_read_authors(record),
        categories=tuple(
            heading.partition("/")[0].replace("*", "").strip()
            for heading in map(join_lines, record.values("MH"))
            if "*" in heading
        ),
        ids=tuple(_find_ids(record)),
        submitted=find_submission_day(published, announced, today),
        announced=announced,
        updated=parse_day(record.first("LR"), today),
        journal_ref=join_lines(record.first("JT", "TA")),
        withdrawn="retracted publication" in types or bool(record.values("RIN")),
    )


def _read_retraction(record: TaggedRecord) -> Iterator[Removal | Skipped]:
    """Read a retraction notice: one Removal for each paper that it names."""
    targets = []
    for citation in map(join_lines, record.values("ROF")):
        shapes = (("pmid", _CITED_PMID), ("doi", _CITED_DOI))
        targets.append(
            tuple(
                (kind, match[1].rstrip("."))
                for kind, shape in shapes
                if (match := shape.search(citation))
            )
        )
    targets = [ids for ids in targets if ids]
    if not targets:
        yield Skipped(line=record.line, raw=record.raw, reason="retraction notice")
    for ids in targets:
        yield Removal(line=record.line, raw=record.raw, ids=ids, reason="retraction")


def _read_authors(record: TaggedRecord) -> tuple[str, ...]:
    """Read people with their full names, if they are given, and groups, in their order."""
    people = "FAU" if record.values("FAU") else "AU"
    names = []
    for tag, value in record.pairs:
        if tag in (people, "CN") and (name := join_lines(value)):
            short = _SHORT_NAME.fullmatch(name) if tag == "AU" else None
            names.append(", ".join(filter(None, short.groups())) if short else name)
    return tuple(names)


def _find_ids(record: TaggedRecord) -> Iterator[tuple[str, str]]:
    for value in record.values("PMID"):
        yield "pmid", value
    for value in record.values("LID", "AID"):
        if (match := _DOI.fullmatch(value.replace("\n", ""))) is not None:
            yield "doi", match[1]
    for value in record.values("PMC"):
        yield "pmcid", value


def _find_pubmed_day(record: TaggedRecord, today: date) -> date | None:
    """Find the day on which PubMed made the record public."""
    days = {
        match[2]: parse_day(match[1], today)
        for value in record.values("PHST")
        if (match := _STATUS.fullmatch(value))
    }
    return days.get("pubmed") or days.get("entrez") or parse_day(record.first("EDAT"), today)


FORMAT = Medline()
