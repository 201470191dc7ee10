"""Libraries in RIS and in EndNote's tagged text."""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.dumps.exports.items import (
    MONTHS,
    Item,
    join_fields,
    list_last_first,
    list_noted_ids,
)


def zotero_ris(items: list[Item]) -> str:
    kinds = {"conference": "CONF", "thesis": "THES", "chapter": "CHAP", "report": "RPRT"}
    records = []
    for item in items:
        extra = list_noted_ids(item)
        tags = [
            ("TY", kinds.get(item.kind, "JOUR")),
            ("TI", item.title),
            *(("AU", name) for name in list_last_first(item)),
            ("T2", item.journal),
            ("AB", item.abstract),
            ("DA", f"{item.year}/{item.month:02}/{item.day:02}/"),
            ("PY", str(item.year)),
            ("DO", item.doi),
            ("VL", "3"),
            ("N1", "\n".join(extra)),
            ("N1", f"<p>{item.note}</p>"),
            ("UR", item.url),
            ("Y2", "2025/01/02/"),
            ("L1", f"files/{item.number}/{item.file}"),
            *(("KW", word) for word in item.keywords),
        ]
        records.append(join_fields(tags, "{name}  - {value}", "\n") + "\nER  - \n")
    return "\n".join(records)


def mendeley_ris(items: list[Item]) -> str:
    records = []
    for item in items:
        tags = [
            ("TY", "JOUR"),
            ("T1", item.title),
            *(("A1", name) for name in list_last_first(item)),
            ("Y1", f"{item.year}/{item.month:02}/{item.day:02}/"),
            ("N2", item.abstract),
            ("JF", item.journal),
            ("VL", "3"),
            ("DO", item.doi),
            ("UR", item.url),
            ("L1", f"file:///home/jane/{item.file}"),
            *(("KW", word) for word in item.keywords),
        ]
        records.append(join_fields(tags, "{name}  - {value}", "\r\n") + "\r\nER  - \r\n\r\n")
    return "".join(records)


def endnote_ris(items: list[Item]) -> str:
    records = []
    for item in items:
        tags = [
            ("TY", "JOUR"),
            ("AB", item.abstract),
            ("AD", "Department of Sand, Example City."),
            ("AN", item.pmid),
            *(("AU", name) for name in list_last_first(item)),
            ("C2", item.pmcid),
            ("DA", f"{MONTHS[item.month - 1].capitalize()} {item.day}"),
            ("DB", "PubMed" if item.pmid else ""),
            ("DO", item.doi),
            ("DP", "NLM"),
            ("ET", "2025/01/02"),
            ("KW", "\n".join(item.keywords)),
            ("L1", f"internal-pdf://123456/{item.file}"),
            ("N1", item.note),
            ("PY", str(item.year)),
            ("SN", "1234-5678 (Electronic)\n1234-5678 (Linking)"),
            ("T2", item.journal),
            ("TI", item.title),
            ("UR", f"{item.url}\nhttps://example.org/{item.number}.pdf"),
            ("VL", "3"),
            ("ID", str(item.number)),
        ]
        records.append(join_fields(tags, "{name}  - {value}", "\n") + "\nER  - \n\n\n")
    return "\ufeff" + "".join(records)


def paperpile_ris(items: list[Item]) -> str:
    records = []
    for item in items:
        tags = [
            ("TY", "JOUR"),
            ("AU", "\nAU  - ".join(list_last_first(item))),
            ("TI", item.title),
            ("JO", item.journal),
            ("Y1", f"{item.year}/{item.month:02}/{item.day:02}/"),
            ("AB", item.abstract),
            ("UR", item.url),
            ("DO", item.doi),
            ("L1", f"https://app.example.org/view/{item.number}"),
            ("KW", ";".join(item.keywords)),
        ]
        records.append(join_fields(tags, "{name}  - {value}", "\n") + "\nER  - \n\n")
    return "".join(records)


def _refer(items: list[Item], kind: str, *, own: Callable[[Item], list[tuple[str, str]]]) -> str:
    records = []
    for item in items:
        tags = [("0", kind), *own(item)]
        records.append(join_fields(tags, "%{name} {value}", "\n"))
    return "\n\n".join(records) + "\n"


def endnote_refer(items: list[Item]) -> str:
    def own(item: Item) -> list[tuple[str, str]]:
        names = [f"{last}, {first}" for first, last in item.people]
        return [
            *(("A", name) for name in names + [f"{item.group},"] * bool(item.group)),
            ("D", str(item.year)),
            ("T", item.title),
            ("J", item.journal),
            ("8", f"{MONTHS[item.month - 1].capitalize()} {item.day}"),
            ("!", item.title[:20]),
            ("@", "1234-5678 (Electronic)\n1234-5678 (Linking)"),
            ("2", item.pmcid),
            ("R", item.doi),
            ("X", f"{item.abstract}\n\nAnd a second paragraph."),
            ("M", item.pmid),
            ("Z", item.note),
            ("U", f"{item.url}\nhttps://example.org/{item.number}.pdf"),
            ("+", "Department of Sand, Example City."),
            ("~", "PubMed" if item.pmid else ""),
            ("W", "NLM" if item.pmid else ""),
            (">", f"internal-pdf://123456/{item.file}"),
            ("K", "\n".join(item.keywords)),
        ]

    return _refer(items, "Journal Article", own=own).replace("\n\n%0", "\n\n\n%0")


def zotero_refer(items: list[Item]) -> str:
    def own(item: Item) -> list[tuple[str, str]]:
        return [
            ("T", item.title),
            *(("A", name) for name in list_last_first(item)),
            ("B" if item.kind == "conference" else "J", item.journal),
            ("D", item.iso),
            ("R", item.doi),
            ("U", item.url),
            ("X", item.abstract),
            *(("K", word) for word in item.keywords),
        ]

    return _refer(items, "Conference Proceedings", own=own)


def jabref_refer(items: list[Item]) -> str:
    def own(item: Item) -> list[tuple[str, str]]:
        return [
            ("T", item.title),
            *(("A", name) for name in item.names[: len(item.people)]),
            ("A", item.group),
            ("D", str(item.year)),
            ("8", f"{item.iso}"),
            ("J", item.journal),
            ("R", item.doi),
            ("U", item.url),
            ("X", item.abstract),
            ("F", item.key),
        ]

    return _refer(items, "Generic", own=own)
