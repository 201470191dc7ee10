"""Crude counts of the entries of a dump, which know nothing of its parser."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from email import message_from_string
from typing import Any

from lxml import etree


def bibtex_entries(text: str) -> int:
    text = re.sub(r"@comment\s*\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", "", text, flags=re.IGNORECASE)
    kinds = re.findall(r"^[^%@\n]*@[ \t]*([^\s\"#%'(),={}@\\]+)\s*[({]", text, re.MULTILINE)
    return sum(kind.lower() not in ("comment", "string", "preamble") for kind in kinds)


def ris_entries(text: str) -> int:
    """Count records by their TY, and any text between an ER and the next TY."""
    tags = re.findall(r"^\s{0,3}([A-Z][A-Z0-9])[ \t]{0,3}-", text, re.MULTILINE)
    return sum(
        tag == "TY" or (place > 0 and tags[place - 1] == "ER") for place, tag in enumerate(tags)
    )


def medline_entries(text: str) -> int:
    """Count blocks between blank lines; a notice of retraction names one paper each time."""
    return sum(
        max(len(re.findall("^ROF ", block, re.MULTILINE)), 1)
        for block in re.split(r"\n\s*\n", text)
        if re.search("^[A-Z0-9]{2,4} *- ", block, re.MULTILINE)
    )


def refer_entries(text: str) -> int:
    """Count records by their type, and blocks that begin with another tag."""
    blocks = re.split(r"\n\s*\n", text)
    return sum(bool(re.match(r"%0|%A", block.strip())) for block in blocks)


def wos_entries(text: str) -> int:
    """Count the records by their ER."""
    return len(re.findall(r"^ER$", text, re.MULTILINE))


def wos_rows(text: str) -> int:
    """Count the lines that are no header."""
    lines = [line for line in text.splitlines() if line.strip()]
    return sum(not line.startswith("PT\t") for line in lines)


def csv_entries(text: str) -> int:
    """Count the rows below the header; an unclosed quote is one row, then count on."""
    sign = max(",;\t", key=text.split("\n", 1)[0].count)
    rows = 0
    while text.strip():
        cells = csv.reader(io.StringIO(text), delimiter=sign, strict=True)
        try:
            return rows + sum(1 for row in cells if row) - 1
        except csv.Error:
            done = cells.line_num
        lines = text.splitlines(keepends=True)
        bad = next(
            place
            for place in reversed(range(done))
            if not has_closed_quotes(lines[place:done], sign)
            and has_closed_quotes(lines[:place], sign)
        )
        rows, text = rows + 1, "".join(lines[:bad] + lines[bad + 1 :])
    return rows


def has_closed_quotes(lines: list[str], sign: str) -> bool:
    try:
        list(csv.reader(lines, delimiter=sign, strict=True))
    except csv.Error:
        return False
    return True


def listed_entries(text: str) -> int:
    lines = [line.strip() for line in text.splitlines()]
    return sum(1 for line in lines if line and not line.startswith("#"))


def page_entries(text: str) -> int:
    blocks = [line for line in text.splitlines() if line.strip()]
    date_place = next(
        place
        for place, line in enumerate(blocks)
        if re.fullmatch(r"[A-Z][a-z]{2} \d+(, \d+)?", line.strip())
    )
    return (len(blocks) - date_place - 1) // 2


def json_values(text: str) -> list[Any]:
    """Decode the JSON values of a text, with the elements of lists.

    Lines if most of them are objects, else values one after the other.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    objects = [decode_entry(line) for line in lines]
    if sum(isinstance(value, dict) for value in objects) * 2 > len(lines):
        return objects
    values: list[Any] = []
    position = 0
    while (position := len(text) - len(text[position:].lstrip())) < len(text):
        value, position = json.JSONDecoder(strict=False).raw_decode(text, position)
        values += value if isinstance(value, list) else [value]
    return values


def decode_entry(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def json_entries(text: str, *path: str) -> list[Any]:
    """Decode records, and those under a path of keys in pages."""
    entries: list[Any] = []
    for value in json_values(text):
        content = value
        for key in path:
            content = content.get(key) if isinstance(content, dict) else None
        entries += content if isinstance(content, list) else [value]
    return entries


def crossref_entries(text: str) -> int:
    works = [
        work
        for answer in json_entries(text, "message", "items")
        for work in json_entries(json.dumps(answer), "items")
    ]
    retracted = [
        {
            update["DOI"].lower()
            for update in work.get("update-to") or ()
            if update.get("type").lower() in ("retraction", "withdrawal", "removal")
        }
        - {str(work.get("DOI")).lower()}
        for work in works
        if isinstance(work, dict)
    ]
    return sum(len(papers) or 1 for papers in retracted) + sum(
        not isinstance(work, dict) for work in works
    )


def xml_counter(*names: str) -> Callable[[str], int]:
    def count(text: str) -> int:
        text = re.sub(r"<\?xml[^>]*\?>|<!DOCTYPE[^>\[]*(\[[^\]]*\])?>", "", text)
        root = etree.fromstring(f"<all>{text}</all>".encode(), etree.XMLParser(recover=True))
        return sum(len(root.findall(f".//{{*}}{name}")) for name in names)

    return count


def pubmed_entries(text: str) -> int:
    articles = xml_counter("PubmedArticle", "PubmedBookArticle")(text)
    bare = 0 if articles else xml_counter("MedlineCitation")(text)
    deleted = sum(
        block.count("<PMID")
        for block in re.findall(r"<DeleteCitation.*?</DeleteCitation>", text, re.DOTALL)
    )
    return articles + bare + deleted


def mail_entries(text: str) -> int:
    """Count the numbers in listings, the titles of alerts, and mails with neither."""
    mails = re.split(r"^From \S.*\d\d:\d\d.*\n", text, flags=re.MULTILINE)
    count = 0
    for mail in filter(str.strip, mails):
        parts = [
            bytes(part.get_payload(decode=True)).decode()
            for part in message_from_string(mail).walk()
            if not part.is_multipart()
        ]
        found = [
            *re.findall(r"^arXiv:", "".join(parts), re.MULTILINE),
            *re.findall(r'class="gse_alrt_title"', "".join(parts)),
            *set(re.findall(r"gov/(\d+)", "".join(parts))),
        ]
        count += len(found) or 1
    return count


COUNTED: dict[str, Callable[[str], int]] = {
    "bibtex": bibtex_entries,
    "ris": ris_entries,
    "medline": medline_entries,
    "refer": refer_entries,
    "wos": wos_entries,
    "wos-table": wos_rows,
    "markdown": lambda text: len(
        re.findall(r"^(?:[-*1] ?\.?|\| ?2|\|\*|and by).*$", text, re.MULTILINE)
    ),
    "csl-yaml": lambda text: len(
        re.findall(r"^- |^remark", text.partition("\n...")[0], re.MULTILINE)
    ),
    "csv": csv_entries,
    "id-list": listed_entries,
    "huggingface-page": page_entries,
    "huggingface-json": lambda text: len(json_entries(text)),
    "arxiv-daily": lambda text: len(json_entries(text)),
    "arxiv-snapshot": lambda text: len(json_entries(text)),
    "jsonl": lambda text: len(json_entries(text)),
    "csl-json": lambda text: len(json_entries(text, "items")),
    "zotero": lambda text: sum(not isinstance(entry, int) for entry in json_entries(text, "items")),
    "openalex": lambda text: len(json_entries(text, "results")),
    "semantic-scholar": lambda text: len(json_entries(text)),
    "semantic-scholar-api": lambda text: len(
        json_entries(text, "recommendedPapers" if '"recommendedPapers"' in text else "data")
    ),
    "biorxiv": lambda text: len(json_entries(text, "collection")),
    "crossref": crossref_entries,
    "ads": lambda text: len(json_entries(text, "response", "docs")),
    "core": lambda text: len(json_entries(text, "results")),
    "datacite": lambda text: len(json_entries(text, "data")),
    "dblp": lambda text: len(json_entries(text, "result", "hits", "hit")),
    "doaj": lambda text: len(json_entries(text, "results")),
    "europe-pmc": lambda text: len(json_entries(text, "resultList", "result")),
    "inspire": lambda text: len(json_entries(text, "hits", "hits")),
    "json-feed": lambda text: len(json_entries(text, "items")),
    "openreview": lambda text: len(json_entries(text, "notes")),
    "oai-pmh": lambda text: (
        xml_counter("record")(text)
        + len(re.findall(r"<header[^>]*>", text.rpartition("<ListIdentifiers>")[2]))
        * ("<ListIdentifiers>" in text)
    ),
    "feed": xml_counter("item", "entry"),
    "arxiv-api": xml_counter("entry"),
    "pubmed": pubmed_entries,
    "dblp-xml": xml_counter(
        *["article", "inproceedings", "incollection", "book", "phdthesis", "mastersthesis"],
        *["proceedings", "www", "data", "hit"],
    ),
    "endnote-xml": xml_counter("record"),
    "zotero-rdf": xml_counter(
        "Article", "Book", "BookSection", "Description", "Thesis", "Report", "Attachment", "Memo"
    ),
    "arxiv-mail": lambda text: len(re.findall(r"^arXiv:", text, re.MULTILINE)),
    "arxiv-page": lambda text: len(re.findall(r"<dt>", text)),
    "mail": mail_entries,
}
