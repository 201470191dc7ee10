"""A reader's library in the layouts in which programs export it."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.dumps.exports import bibtex, csl, tagged, xml
from tests.unit.dumps.exports.items import Item

#: layout -> format, whole days, kinds of identifiers that it carries, what writes it
_DAY, _ALL = True, frozenset({"arxiv", "doi", "pmid", "pmcid"})
_NO_PUBMED = frozenset({"arxiv", "doi"})
LAYOUTS: dict[str, tuple[str, bool, frozenset[str], Callable[[list[Item]], str]]] = {
    "Zotero, BibTeX": ("bibtex", not _DAY, _ALL, bibtex.zotero_bibtex),
    "Zotero, BibLaTeX": ("bibtex", _DAY, _ALL, bibtex.zotero_biblatex),
    "Zotero, RIS": ("ris", _DAY, _ALL, tagged.zotero_ris),
    "Zotero, Refer": ("refer", _DAY, _NO_PUBMED, tagged.zotero_refer),
    "Zotero, EndNote XML": ("endnote-xml", _DAY, _ALL, xml.zotero_endnote_xml),
    "Zotero, RDF": ("zotero-rdf", _DAY, _ALL, xml.zotero_rdf),
    "Zotero, CSL-JSON": ("csl-json", _DAY, _ALL, csl.zotero_csl),
    "Mendeley, BibTeX": ("bibtex", not _DAY, _ALL - {"pmcid"}, bibtex.mendeley_bibtex),
    "Mendeley, RIS": ("ris", _DAY, _NO_PUBMED, tagged.mendeley_ris),
    "Mendeley, EndNote XML": ("endnote-xml", _DAY, _ALL, xml.mendeley_endnote_xml),
    "EndNote, BibTeX": ("bibtex", not _DAY, _NO_PUBMED, bibtex.endnote_bibtex),
    "EndNote, RIS": ("ris", _DAY, _ALL, tagged.endnote_ris),
    "EndNote, tagged": ("refer", _DAY, _ALL, tagged.endnote_refer),
    "EndNote, XML": ("endnote-xml", _DAY, _ALL, xml.endnote_xml),
    "JabRef, BibLaTeX": ("bibtex", _DAY, _ALL, bibtex.jabref_bibtex),
    "JabRef, Refer": ("refer", _DAY, _NO_PUBMED, tagged.jabref_refer),
    "Paperpile, BibTeX": ("bibtex", not _DAY, _ALL, bibtex.paperpile_bibtex),
    "Paperpile, RIS": ("ris", _DAY, _NO_PUBMED, tagged.paperpile_ris),
    "Paperpile, CSL-JSON": ("csl-json", _DAY, _ALL, csl.paperpile_csl),
}
