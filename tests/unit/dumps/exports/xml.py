"""Libraries in EndNote XML and Zotero RDF."""

from __future__ import annotations

from collections.abc import Callable
from html import escape as escape_xml

from tests.unit.dumps.exports.items import (
    MONTHS,
    Item,
    list_last_first,
    list_noted_ids,
)


def _endnote_xml(items: list[Item], style: str, own: Callable[[Item], str], app: str) -> str:
    def styled(text: str) -> str:
        return style.format(text=escape_xml(text, quote=False)) if text else ""

    def element(name: str, text: str) -> str:
        return f"<{name}>{styled(text)}</{name}>" if text else ""

    records = []
    for item in items:
        authors = "".join(element("author", name) for name in list_last_first(item))
        keywords = "".join(element("keyword", word) for word in item.keywords)
        day = f"{MONTHS[item.month - 1].capitalize()} {item.day}"
        records.append(
            f'<record><source-app name="{app}">{app}</source-app>'
            f"<rec-number>{item.number}</rec-number>"
            f'<ref-type name="Journal Article">17</ref-type>'
            f"<contributors><authors>{authors}</authors></contributors>"
            f"<titles>{element('title', item.title)}"
            f"{element('secondary-title', item.journal)}</titles>"
            f"<keywords>{keywords}</keywords>"
            f"<dates>{element('year', str(item.year))}"
            f"<pub-dates>{element('date', own(item) or day)}</pub-dates></dates>"
            f"{element('accession-num', item.pmid)}{element('abstract', item.abstract)}"
            f"{element('notes', item.note)}"
            f"<urls><related-urls>{element('url', item.url)}</related-urls>"
            f"<pdf-urls><url>internal-pdf://1/{escape_xml(item.file)}</url></pdf-urls></urls>"
            f"{element('custom2', item.pmcid)}{element('electronic-resource-num', item.doi)}"
            f"{element('remote-database-name', 'PubMed' if item.pmid else '')}</record>"
        )
    head = '<?xml version="1.0" encoding="UTF-8" ?><xml><records>'
    return head + "".join(records) + "</records></xml>"


STYLE = '<style face="normal" font="default" size="100%">{text}</style>'


def endnote_xml(items: list[Item]) -> str:
    return _endnote_xml(items, STYLE, lambda item: "", "EndNote")


def zotero_endnote_xml(items: list[Item]) -> str:
    return _endnote_xml(items, STYLE, lambda item: item.iso, "Zotero")


def mendeley_endnote_xml(items: list[Item]) -> str:
    return _endnote_xml(items, "{text}", lambda item: item.iso, "Mendeley")


def zotero_rdf(items: list[Item]) -> str:
    def person(last: str, first: str = "") -> str:
        given = f"<foaf:givenName>{first}</foaf:givenName>" if first else ""
        surname = f"<foaf:surname>{escape_xml(last)}</foaf:surname>"
        return f"<rdf:li><foaf:Person>{surname}{given}</foaf:Person></rdf:li>"

    names = {"article": "bib:Article", "thesis": "bib:Thesis", "report": "bib:Report"}
    names |= {"chapter": "bib:BookSection"}
    kinds = {"article": "journalArticle", "conference": "conferencePaper"}
    kinds |= {"chapter": "bookSection"}
    nodes = []
    for item in items:
        people = "".join(person(last, first) for first, last in item.people)
        people += person(item.group) if item.group else ""
        extra = list_noted_ids(item)
        doi = f"<dc:identifier>DOI {item.doi}</dc:identifier>" if item.doi else ""
        holder = "bib:Book" if item.kind == "chapter" else "bib:Journal"
        journal = f"<dc:title>{escape_xml(item.journal)}</dc:title>{doi}"
        place, outside = doi, ""
        if item.journal and item.kind != "preprint":
            place = f"<dcterms:isPartOf><{holder}>{journal}</{holder}></dcterms:isPartOf>"
            if item.kind == "article" and item.number % 2:
                address = f"urn:issn:1234-{item.number:04}"
                place = f'<dcterms:isPartOf rdf:resource="{address}"/>'
                outside = f'<bib:Journal rdf:about="{address}">{journal}</bib:Journal>\n'
        subjects = "".join(f"<dc:subject>{escape_xml(word)}</dc:subject>" for word in item.keywords)
        name = names.get(item.kind, "rdf:Description")
        nodes.append(
            f'<{name} rdf:about="{escape_xml(item.url)}">'
            f"<z:itemType>{kinds.get(item.kind, item.kind)}</z:itemType>{place}"
            f"<bib:authors><rdf:Seq>{people}</rdf:Seq></bib:authors>"
            f'<link:link rdf:resource="#item_{item.number}"/>{subjects}'
            f"<dc:title>{escape_xml(item.title)}</dc:title>"
            f"<dcterms:abstract>{escape_xml(item.abstract)}</dcterms:abstract>"
            f"<dc:date>{item.iso}</dc:date>"
            f"<dc:identifier><dcterms:URI><rdf:value>{escape_xml(item.url)}</rdf:value>"
            f"</dcterms:URI></dc:identifier>"
            f"<dc:description>{chr(10).join(extra)}</dc:description></{name}>\n{outside}"
            f'<z:Attachment rdf:about="#item_{item.number}"><z:itemType>attachment</z:itemType>'
            f"<dc:title>PDF</dc:title></z:Attachment>\n"
        )
    spaces = {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "z": "http://www.zotero.org/namespaces/export#",
        "dcterms": "http://purl.org/dc/terms/",
        "link": "http://purl.org/rss/1.0/modules/link/",
        "bib": "http://purl.org/net/biblio#",
        "dc": "http://purl.org/dc/elements/1.1/",
        "foaf": "http://xmlns.com/foaf/0.1/",
    }
    declared = "".join(f'\n xmlns:{prefix}="{address}"' for prefix, address in spaces.items())
    parts = "".join(
        f'<dcterms:hasPart rdf:resource="{escape_xml(item.url)}"/>' for item in items[:50]
    )
    collection = f"<z:Collection><dc:title>Sand</dc:title>{parts}</z:Collection>"
    return f"<rdf:RDF{declared}>\n{''.join(nodes)}{collection}</rdf:RDF>\n"
