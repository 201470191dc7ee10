"""Invented libraries of a reader: the entries, and how programs escape their texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["article", "conference", "thesis", "preprint", "chapter", "report"]

PEOPLE = (
    ("Jane", "Doe"),
    ("Kim", "Müller"),
    ("Renée", "Poe-Şahin"),
    ("Jan", "van der Berg"),
    ("Łukasz", "Żak"),
    ("R. S.", "O'Roe"),
    ("Åsa", "Nuñez y Ruíz"),
    ("伟", "王"),
)
GROUPS = ("The Sand and Sea Consortium", "Dune Study Group")
SUBJECTS = (
    "Dunes that walk",
    "A CNN for sand & gravel",
    "What did 50 % of the grains do?",
    "Über die Größe naïver Körner",
    "GraphNet2: C++ in the desert",
    "Sand_box models (part #1)",
    "“Quoted” grains – a review",
    "Grains with p < 0.05 and q > 2",
    "The α-phase of sand at 20 °C",
    "On Łódź's façades: sand, wind & rain",
    "$5 a ton: prices of sand",
    'The "grain": what is it?',
)


@dataclass(frozen=True, kw_only=True)
class Item:
    """An entry as its reader knows it."""

    number: int
    kind: Kind
    title: str
    people: tuple[tuple[str, str], ...]
    group: str
    year: int
    month: int
    day: int
    doi: str
    arxiv: str
    pmid: str
    pmcid: str
    url: str
    journal: str
    abstract: str
    keywords: tuple[str, ...] = ("sand & sea", "größe", "100 %")
    note: str = "Read it again, p. 3: {braces} & more."
    folders: tuple[str, ...] = field(default=("Sand/Walking", "To read"))

    @property
    def key(self) -> str:
        return f"doe{self.year}{self.number}"

    @property
    def iso(self) -> str:
        return f"{self.year}-{self.month:02}-{self.day:02}"

    @property
    def file(self) -> str:
        return f"Doe - {self.year} - {self.number}; a file.pdf"

    @property
    def names(self) -> list[str]:
        """Names as they should be read; those in Chinese signs begin with the family's."""
        names = [
            f"{first} {last}" if last.isascii() or last[0] < "\u3000" else f"{last}{first}"
            for first, last in self.people
        ]
        return [*names, *([self.group] if self.group else [])]

    @property
    def identities(self) -> set[str]:
        """Identities as they should be read."""
        doi = "" if self.doi.startswith("10.48550/") else self.doi
        values = {"arxiv": self.arxiv, "doi": doi, "pmid": self.pmid, "pmcid": self.pmcid}
        return {f"{kind}:{value}" for kind, value in values.items() if value}


def make_items(count: int = 500) -> list[Item]:
    """Make entries of every kind, always the same."""
    return [_make_item(number) for number in range(1, count + 1)]


def _make_item(number: int) -> Item:
    kinds: tuple[Kind, ...] = ("article", "conference", "thesis", "preprint", "chapter", "report")
    kind = kinds[number * 7 % 6]
    arxiv = f"24{number % 12 + 1:02}.{number:05}" if kind == "preprint" else ""
    has_doi = kind in ("article", "conference") or (kind == "chapter" and number % 2 == 0)
    has_pmid = kind == "article" and number % 3 == 0
    doi = f"10.1000/sand_{number}.(x)" if has_doi else ""
    url = f"https://example.org/sand/{number}?a=1&b=%20_c"
    return Item(
        number=number,
        kind=kind,
        title=f"{SUBJECTS[number % len(SUBJECTS)]} {number}",
        people=tuple(PEOPLE[(number + place) % len(PEOPLE)] for place in range(number % 4 + 1)),
        group=GROUPS[number % 2] if number % 5 == 0 else "",
        year=1990 + number % 35,
        month=number % 12 + 1,
        day=number % 28 + 1,
        doi=f"10.48550/arXiv.{arxiv}" if arxiv and number % 4 else doi,
        arxiv=arxiv,
        pmid=str(41000000 + number) if has_pmid else "",
        pmcid=f"PMC{7100000 + number}" if has_pmid and number % 2 else "",
        url=f"http://arxiv.org/abs/{arxiv}" if arxiv else url,
        journal="" if kind in ("thesis", "report") else "Journal of Sand & Sea",
        abstract=f"We walked over dune {number}. It moved by 3 % & we did not.",
    )


# ----------------------------------------------------------------------------------------------
# TeX

_SPECIAL = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"{\textbackslash}",
    "~": r"{\textasciitilde}",
    "^": r"{\textasciicircum}",
    "<": r"{\textless}",
    ">": r"{\textgreater}",
}
_ACCENTS = {
    "ü": r"{\"{u}}",
    "Ü": r"{\"{U}}",
    "ö": r"{\"{o}}",
    "ï": r"{\"{\i}}",
    "é": r"{\'{e}}",
    "í": r"{\'{i}}",
    "ó": r"{\'{o}}",
    "ź": r"{\'{z}}",
    "Ş": r"{\c{S}}",
    "ç": r"{\c{c}}",
    "ñ": r"{\~{n}}",
    "Å": r"{\AA}",
    "Ł": r"{\L}",
    "Ż": r"{\.{Z}}",
    "ß": r"{\ss}",
    "α": r"$\alpha$",
    "°": r"{\textdegree}",
    "–": "--",
    "“": "``",
    "”": "''",
    '"': '{"}',
}


def escape(text: str) -> str:
    """Escape what means something in TeX, as Zotero and JabRef do."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def escape_all(text: str) -> str:
    """Escape accents as well, as Mendeley and Paperpile do."""
    both = _SPECIAL | _ACCENTS
    return "".join(both.get(character, character) for character in text)


def protect(text: str) -> str:
    """Put words with capitals in braces, as Zotero does."""
    return " ".join(
        f"{{{word}}}" if word[:1].isupper() or word[1:] != word[1:].lower() else word
        for word in text.split(" ")
    )


# ----------------------------------------------------------------------------------------------
# other programs


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def join_fields(pairs: Iterable[tuple[str, str]], shape: str, between: str) -> str:
    """Write the fields that have a value."""
    return between.join(shape.format(name=name, value=value) for name, value in pairs if value)


def list_last_first(item: Item) -> list[str]:
    """List the names with the last name first."""
    return [f"{last}, {first}" for first, last in item.people] + [item.group] * bool(item.group)


def list_noted_ids(item: Item) -> list[str]:
    """List identifiers as they stand in Zotero's field Extra."""
    noted = [f"PMID: {item.pmid}"] * bool(item.pmid)
    return noted + [f"PMCID: {item.pmcid}"] * bool(item.pmcid)
