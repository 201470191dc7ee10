"""A file of each format, for tests that hold for all formats."""

from __future__ import annotations

import re

from digest.dumps import Dump
from digest.model import Rejected

MIB = 1024**2
ABSTRACT = "It is invented and claims nothing at all. " * 6

#: format -> text before the records, a record with TITLE, ID and DAY, text between records, text
#: after the records
XML = {
    "oai-pmh": (
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>',
        "<record><header><identifier>oai:arXiv.org:ID</identifier><datestamp>DAY</datestamp><"
        "/header><metadata>"
        "<arXiv "
        'xmlns="http://arxiv.org/OAI/arXiv/"><id>ID</id><title>TITLE</title></arXiv>'
        "</metadata></record>",
        "\n",
        "</ListRecords></OAI-PMH>",
    ),
    "feed": (
        '<rss version="2.0"><channel><title>News</title>',
        "<item><title>TITLE</title><link>https://arxiv.org/abs/ID</link><pubDate>DAY</pubDate><"
        "/item>",
        "\n",
        "</channel></rss>",
    ),
    "arxiv-api": (
        '<feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:arxiv="http://arxiv.org/schemas/atom"><id>http://arxiv.org/api/x</id>',
        "<entry><id>http://arxiv.org/abs/ID</id><title>TITLE</title><published>DAY</published><"
        "/entry>",
        "\n",
        "</feed>",
    ),
    "pubmed": (
        "<PubmedArticleSet>",
        "<PubmedArticle><MedlineCitation><PMID>17</PMID><DateRevised><Year>DAY</Year></DateRevised>"
        "<Article><ArticleTitle>TITLE</ArticleTitle>"
        "<ELocationID "
        'EIdType="doi">10.1000/ID</ELocationID></Article></MedlineCitation></PubmedArticle>',
        "\n",
        "</PubmedArticleSet>",
    ),
    "dblp-xml": (
        "<dblp>",
        '<article mdate="DAY" key="x"><title>TITLE</title><ee>https://doi.org/10.1000/ID</ee>'
        "</article>",
        "\n",
        "</dblp>",
    ),
    "endnote-xml": (
        "<xml><records>",
        '<record><ref-type name="Journal Article">17</ref-type><titles><title><style>TITLE</style>'
        "</title></titles><dates><pub-dates><date>DAY</date></pub-dates></dates>"
        "<electronic-resource-num>10.1000/ID</electronic-resource-num></record>",
        "\n",
        "</records></xml>",
    ),
    "zotero-rdf": (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:z="http://www.zotero.org/namespaces/export#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">',
        "<rdf:Description><z:itemType>preprint</z:itemType><dc:title>TITLE</dc:title>"
        "<dc:date>DAY</dc:date><dc:identifier>DOI 10.1000/ID</dc:identifier></rdf:Description>",
        "\n",
        "</rdf:RDF>",
    ),
}
JSON = {
    "ads": (
        '{"responseHeader":{"status":0},"response":{"numFound":3,"docs":[',
        '{"bibcode":"2026A","title":["TITLE"],"author":["Doe,J."],"doi":["10.1000/ID"],'
        '"pubdate":"DAY","entry_date":"DAY"}',
        ",\n",
        "]}}",
    ),
    "core": (
        '{"totalHits":3,"results":[',
        '{"id":17,"title":"TITLE","yearPublished":2026,"downloadUrl":"","doi":"10.1000/ID",'
        '"publishedDate":"DAY","depositedDate":"DAY"}',
        ",\n",
        "]}",
    ),
    "datacite": (
        '{"data":[',
        '{"id":"10.1000/ID","type":"dois","attributes":{"doi":"10.1000/ID",'
        '"titles":[{"title":"TITLE"}],"types":{"resourceTypeGeneral":"Preprint"},'
        '"registered":"DAY","dates":[{"date":"DAY","dateType":"Issued"}]}}',
        ",\n",
        '],"meta":{"total":3}}',
    ),
    "dblp": (
        '{"result":{"hits":{"@total":"3","hit":[',
        '{"@id":"17","info":{"title":"TITLE","doi":"10.1000/ID","year":"DAY"}}',
        ",\n",
        "]}}}",
    ),
    "doaj": (
        '{"total":3,"results":[',
        '{"id":"17","created_date":"DAY","bibjson":{"title":"TITLE",'
        '"identifier":[{"type":"doi","id":"10.1000/ID"}],"year":"2026","month":"DAY"}}',
        ",\n",
        "]}",
    ),
    "europe-pmc": (
        '{"version":"6.9","hitCount":3,"resultList":{"result":[',
        '{"id":"17","source":"MED","title":"TITLE","doi":"10.1000/ID",'
        '"firstPublicationDate":"DAY","firstIndexDate":"DAY"}',
        ",\n",
        "]}}",
    ),
    "inspire": (
        '{"hits":{"hits":[',
        '{"id":"17","created":"DAY","metadata":{"titles":[{"title":"TITLE"}],'
        '"dois":[{"value":"10.1000/ID"}],"preprint_date":"DAY"}}',
        ",\n",
        '],"total":3}}',
    ),
    "json-feed": (
        '{"version":"https://jsonfeed.org/version/1.1","title":"News","items":[',
        '{"id":"https://arxiv.org/abs/ID","title":"TITLE","date_published":"DAY",'
        '"date_modified":"DAY"}',
        ",\n",
        "]}",
    ),
    "openreview": (
        '{"notes":[',
        '{"id":"aB17","forum":"aB17","cdate":1780000000000,"content":{"title":"TITLE",'
        '"html":"https://doi.org/10.1000/ID","venue":"DAY"}}',
        ",\n",
        "]}",
    ),
    "arxiv-daily": (
        "",
        '{"id":"ID","title":"TITLE","abs":"https://arxiv.org/abs/ID","summary":"",'
        '"authors":[],"announced":"DAY"}',
        "\n",
        "\n",
    ),
    "arxiv-snapshot": (
        "",
        '{"id":"ID","title":"TITLE","authors_parsed":[["Doe","Jane",""]],"update_date":"DAY",'
        '"versions":[]}',
        "\n",
        "\n",
    ),
    "biorxiv": (
        '{"messages":[{"status":"ok"}],"collection":[',
        '{"doi":"10.1101/ID","title":"TITLE","jatsxml":"x","date":"DAY","version":"1"}',
        ",\n",
        "]}",
    ),
    "crossref": (
        '{"status":"ok","message-type":"work-list","message":{"items":[',
        '{"DOI":"10.1000/ID","title":["TITLE"],"created":{"date-time":"DAY"},'
        '"issued":{"date-parts":[["DAY"]]},"type":"journal-article"}',
        ",\n",
        "]}}",
    ),
    "csl-json": (
        "[",
        '{"type":"article-journal","title":"TITLE","author":[{"family":"Doe"}],'
        '"DOI":"10.1000/ID","issued":{"raw":"DAY"}}',
        ",\n",
        "]",
    ),
    "huggingface-json": (
        "[",
        '{"paper":{"id":"ID","title":"TITLE","publishedAt":"DAY","upvotes":1},"publishedAt":"DAY"}',
        ",\n",
        "]",
    ),
    "jsonl": ("", '{"title":"TITLE","id":"ID","submitted":"DAY","announced":"DAY"}', "\n", "\n"),
    "openalex": (
        '{"meta":{"count":3},"results":[',
        '{"id":"https://openalex.org/W17","doi":"10.1000/ID","title":"TITLE",'
        '"abstract_inverted_index":null,"publication_date":"DAY"}',
        ",\n",
        "]}",
    ),
    "semantic-scholar": (
        "",
        '{"corpusid":17,"title":"TITLE","externalids":{"DOI":"10.1000/ID"},'
        '"publicationdate":"DAY"}',
        "\n",
        "\n",
    ),
    "semantic-scholar-api": (
        '{"total":3,"data":[',
        '{"paperId":"0123456789012345678901234567890123456789","title":"TITLE",'
        '"externalIds":{"DOI":"10.1000/ID"},"publicationDate":"DAY"}',
        ",\n",
        "]}",
    ),
    "zotero": (
        "[",
        '{"data":{"itemType":"journalArticle","title":"TITLE","DOI":"10.1000/ID","date":"DAY",'
        '"dateAdded":"DAY"}}',
        ",\n",
        "]",
    ),
}
RULE = "-" * 78
RULE_BETWEEN = f"\n{RULE}\n"
END = f"\n{'%%%---' * 13}\n"
#: an entry of arXiv's listing mails
LISTED = (
    "\\\\\narXiv:ID\nDate: DAY   (5kb)\n\nTitle: TITLE\n"
    "Authors: Jane Doe\nCategories: cs.LG\n\\\\\n"
    "  It is invented.\n\\\\ ( https://arxiv.org/abs/ID ,  5kb)"
)
TEXT = {
    "csv": ("title,id,submitted\n", "TITLE,ID,DAY", "\n", "\n"),
    "bibtex": (
        "",
        "@article{key, title = {TITLE}, eprint = {ID}, archiveprefix = {arXiv}, date = {DAY}}",
        "\n",
        "\n",
    ),
    "ris": (
        "",
        "TY  - JOUR\nTI  - TITLE\nUR  - https://arxiv.org/abs/ID\nDA  - DAY\nER  - ",
        "\n",
        "\n",
    ),
    "medline": (
        "",
        "PMID- 17\nTI  - TITLE\nLID - 10.1000/ID [doi]\nDEP - DAY\n",
        "\n",
        "\n",
    ),
    "refer": ("", "%0 Journal Article\n%T TITLE\n%R 10.1000/ID\n%8 DAY", "\n\n", "\n"),
    "wos": (
        "FN Clarivate Analytics Web of Science\nVR 1.0\n",
        "PT J\nTI TITLE\nDI 10.1000/ID\nPD DAY\nER",
        "\n\n",
        "\n\nEF\n",
    ),
    "wos-table": ("PT\tAU\tTI\tSO\tDI\tPD\n", "J\t\tTITLE\t\t10.1000/ID\tDAY", "\n", "\n"),
    "csl-yaml": (
        "---\nreferences:\n",
        '- id: key\n  type: article-journal\n  title: "TITLE"\n  DOI: "10.1000/ID"\n  issued: DAY',
        "\n",
        "\n...\n",
    ),
    "huggingface-page": (
        "Get trending papers in your email inbox!\n\nDaily Papers\n\nbyJane Doe and the research "
        "community\n\nAug 29\n\n",
        f"TITLE\n\n{ABSTRACT}",
        "\n\n",
        "\n",
    ),
    "markdown": ("", "- [TITLE](https://arxiv.org/abs/ID) - Jane Doe, DAY", "\n", "\n"),
    "id-list": ("", "https://arxiv.org/abs/ID # TITLE", "\n", "\n"),
    "arxiv-mail": (
        f"{RULE}\n Submissions to:\nMachine Learning\n{RULE}\n",
        LISTED,
        RULE_BETWEEN,
        END,
    ),
    "mail": (
        "From: lists@example.org\nSubject: cs daily\nDate: Tue, 9 Jun 2026 01:00:00 GMT\n\n",
        LISTED,
        RULE_BETWEEN,
        END,
    ),
    "arxiv-page": (
        "<!DOCTYPE html><html><body><h3>Tuesday, 9 June 2026</h3><dl>\n",
        "<dt><a href='/abs/ID'>arXiv:ID</a></dt><dd><div class='list-title'>TITLE</div>"
        "<p>DAY</p></dd>",
        "\n",
        "</dl></body></html>",
    ),
}
PARTS = XML | JSON | TEXT
#: an id-list has no titles
TITLED = {name: parts for name, parts in PARTS.items() if name != "id-list"}

#: formats whose files declare their encoding; entries of the others may be in Windows-1252
DECLARE_ENCODING = tuple(XML)
MAY_BE_WINDOWS_1252 = sorted(TITLED.keys() - XML.keys())


def format_text(format: str, *titles: str, id: str = "2604.00001", day: str = "2026-04-01") -> str:
    before, record, between, after = PARTS[format]
    record = re.sub(r"\bID\b", lambda _: id, re.sub(r"\bDAY\b", lambda _: day, record))
    return before + between.join(record.replace("TITLE", title) for title in titles) + after


def reasons(dump: Dump) -> list[str]:
    return [entry.reason for entry in dump.records() if isinstance(entry, Rejected)]
