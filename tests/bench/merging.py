"""Judge which records become one paper, on pairs made of real titles and authors.

    python tests/bench/merging.py                2,000 pairs of each kind and what became of them
    python tests/bench/merging.py --pairs 100    fewer
    python tests/bench/merging.py --whole 9000
            so many papers, and a record of each without identifier, all at once

Titles and authors are those of the real arXiv days where DIGEST_TEST_SHARED (default ../shared) has
them; there is no benchmark without. Half of the kinds are pairs that are one paper, written as two
sources would write it. The others are traps. What is real of a pair and what is rewritten stands
with each kind: "real" pairs are two rows as arXiv has them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import time
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from digest import papers
from digest.model import Entry, Record

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("DIGEST_TEST_SHARED", ROOT.parent / "shared")) / "dumps"
GENERIC = ("Editorial", "Book review", "Preface", "Erratum", "In memoriam", "Letter to the Editor")


class Row(NamedTuple):
    ident: str
    title: str
    authors: tuple[str, ...]


Pair = tuple[Entry, Entry]


def read_rows() -> list[Row]:
    """Read each different (id, title, authors) of all days."""
    files = [*sorted((SHARED / "arxiv").glob("*.jsonl.gz")), SHARED / "arxiv-corpus.jsonl.gz"]
    rows: dict[Row, None] = {}
    for path in files:
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8") as file:
                for row in map(json.loads, file):
                    rows[Row(row["id"], row["title"], tuple(row["authors"]))] = None
    return [row for row in rows if row.authors]


def make_entry(title: str, authors: Sequence[str], **ids: str) -> Entry:
    """Clean a record as ingest does."""
    record = Record(
        line=1, raw="", title=title, authors=tuple(authors), ids=tuple(ids.items()), url=""
    )
    entry = papers.clean(record, "bench")
    assert isinstance(entry, Entry), entry
    return entry


def preprint(row: Row) -> Entry:
    return make_entry(row.title, row.authors, arxiv=row.ident)


def invert(name: str) -> str:
    """ "Jane Ann Doe" -> "Doe, Jane Ann"."""
    *given, family = name.split()
    return f"{family}, {' '.join(given)}" if given else family


def shorten(name: str) -> str:
    """ "Jane Ann Doe" -> "Doe JA", as PubMed writes names; particles stay with the family name."""
    words = name.split()
    first = next((n for n, word in enumerate(words[1:], 1) if word[0].islower()), len(words) - 1)
    return f"{' '.join(words[first:])} {''.join(word[0].upper() for word in words[:first])}".strip()


def initial(name: str) -> str:
    """ "Jane Doe" -> "J. Doe"."""
    *given, family = name.split()
    return " ".join((*(f"{word[0]}." for word in given), family))


def strip(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode() or text


#: kind -> the second record of a paper whose first is its arXiv record
SAME: dict[str, Callable[[Row], Entry]] = {
    "article with DOI, whole names": lambda r: make_entry(
        r.title, r.authors, doi=f"10.1000/{r.ident}"
    ),
    "article with DOI and PMID, names as in PubMed, a full stop": lambda r: make_entry(
        f"{r.title.rstrip('.')}.",
        [shorten(name) for name in r.authors],
        pmid=r.ident.replace(".", "")[-8:].lstrip("0"),
        doi=f"10.1000/{r.ident}",
    ),
    "article with DOI, initials, no accents, capitals": lambda r: make_entry(
        strip(r.title).upper(), [strip(initial(n)) for n in r.authors], doi=f"10.1000/{r.ident}"
    ),
    "article with DOI, authors by alphabet": lambda r: make_entry(
        r.title, sorted(r.authors), doi=f"10.1000/{r.ident}"
    ),
    "article with DOI, a collaboration first": lambda r: make_entry(
        r.title, ("NIMBUS Collaboration", *r.authors), doi=f"10.1000/{r.ident}"
    ),
    "another catalogue, family names first": lambda r: make_entry(
        r.title, [invert(n) for n in r.authors], openalex=f"W{r.ident.replace('.', '')}"
    ),
    "no identifier, names as in PubMed, three at most": lambda r: make_entry(
        r.title, [shorten(name) for name in r.authors[:3]]
    ),
    "no identifier, initials": lambda r: make_entry(r.title, [initial(n) for n in r.authors]),
    "no identifier, only a collaboration": lambda r: make_entry(r.title, ["NIMBUS Collaboration"]),
    "no identifier, no authors": lambda r: make_entry(r.title, []),
}


def make_pairs(rows: Sequence[Row], count: int) -> dict[str, tuple[bool, list[Pair]]]:
    """Make pairs: kind -> (whether they are one paper, the pairs)."""
    chance = random.Random(1)
    kinds: dict[str, tuple[bool, list[Pair]]] = {}
    for kind, write in SAME.items():
        chosen = chance.sample(rows, min(count, len(rows)))
        kinds[kind] = True, [(preprint(row), write(row)) for row in chosen]
    by_ident: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_ident[row.ident].append(row)
    kinds["real: versions of one id, title or authors changed"] = (
        True,
        [(preprint(a), preprint(b)) for v in by_ident.values() for a, b in combinations(v, 2)],
    )

    def article(row: Row, title: str, authors: Sequence[str], doi: str = "") -> Pair:
        return preprint(row), make_entry(title, authors, doi=doi or f"10.1000/{row.ident}")

    def sample() -> list[Row]:
        return chance.sample(rows, min(count, len(rows)))

    similar = list(find_similar(rows))[:count]
    kinds["real: two ids, one title or nearly, one first author"] = (
        False,
        [(preprint(a), preprint(b)) for a, b in similar],
    )
    kinds["the same, the second with a DOI alone, title not equal"] = (
        False,
        [article(a, b.title, b.authors) for a, b in similar if not equal_titles(a, b)],
    )
    kinds["the same, the second without identifier"] = (
        False,
        [
            (preprint(a), make_entry(b.title, b.authors))
            for a, b in similar
            if not equal_titles(a, b)
        ],
    )
    for label, title in (
        ("comment on it", "Comment on “{}”"),
        ("reply to it", "Reply to “{}”"),
        ("erratum", "Erratum: {}"),
        ("Part II", "{}. Part II"),
    ):
        kinds[f"{label}, same authors, DOI"] = (
            False,
            [article(row, title.format(row.title), row.authors) for row in sample()],
        )
        kinds[f"{label}, same authors, no identifier"] = (
            False,
            [(preprint(row), make_entry(title.format(row.title), row.authors)) for row in sample()],
        )
    kinds["its title by the authors of another paper, DOI"] = (
        False,
        [article(a, a.title, b.authors) for a, b in zip(sample(), sample(), strict=True)],
    )
    namesakes = list(find_namesakes(rows, chance))[:count]
    kinds["its title by others, the first with that family name"] = (
        False,
        [article(a, a.title, b.authors) for a, b in namesakes],
    )
    kinds["the same without identifier"] = (
        False,
        [(preprint(a), make_entry(a.title, b.authors)) for a, b in namesakes],
    )
    kinds["conference and journal of one publisher"] = (
        False,
        [
            (
                make_entry(row.title, row.authors, doi=f"10.1000/conf.{row.ident}"),
                make_entry(row.title, row.authors, doi=f"10.1000/j.{row.ident}"),
            )
            for row in sample()
        ],
    )
    kinds["two chapters with their book's DOI"] = (
        False,
        [
            (
                make_entry(a.title, a.authors, doi="10.1000/book"),
                make_entry(b.title, b.authors, doi="10.1000/book"),
            )
            for a, b in zip(sample(), sample(), strict=True)
            if not set(words_of(a.authors)) & set(words_of(b.authors))
        ],
    )
    kinds["a common title, no authors"] = (
        False,
        [(make_entry(t, []), make_entry(t, [], doi="10.1000/e")) for t in GENERIC],
    )
    kinds["a common title, other authors"] = (
        False,
        [
            (make_entry(t, a.authors), make_entry(t, b.authors))
            for t in GENERIC
            for a, b in zip(sample()[:50], sample()[:50], strict=True)
            if not set(words_of(a.authors)) & set(words_of(b.authors))
        ],
    )
    return kinds


def words_of(authors: Sequence[str]) -> list[str]:
    return re.findall(r"\w{2,}", " ".join(authors).casefold())


def equal_titles(left: Row, right: Row) -> bool:
    return papers.normalise_title(left.title) == papers.normalise_title(right.title)


def find_similar(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Find papers of one first author whose titles share half of their words."""
    by_author: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_author[row.authors[0]].append(row)
    for own in by_author.values():
        for left, right in combinations(own, 2):
            ours, theirs = set(words_of([left.title])), set(words_of([right.title]))
            if left.ident != right.ident and 2 * len(ours & theirs) >= len(ours | theirs):
                yield left, right


def find_namesakes(rows: Sequence[Row], chance: random.Random) -> Iterator[tuple[Row, Row]]:
    """Find papers whose first authors share the family name and not the initial."""
    by_family: dict[str, list[Row]] = defaultdict(list)
    for row in chance.sample(rows, len(rows)):
        by_family[row.authors[0].split()[-1]].append(row)
    for own in by_family.values():
        for left, right in zip(own[::2], own[1::2], strict=False):
            if left.authors[0][0] != right.authors[0][0]:
                yield left, right


def judge(kinds: dict[str, tuple[bool, list[Pair]]]) -> None:
    """Print how many pairs of each kind become one paper."""
    joined_right = joined_wrong = same_total = 0
    print(f"{'pairs':>6} {'one':>6}  kind")
    for kind, (same, pairs) in kinds.items():
        joined = sum(len(papers.cluster(pair)) == 1 for pair in pairs)
        print(f"{len(pairs):6} {joined:6}  {'SAME ' if same else 'TRAP '}{kind}")
        if same:
            joined_right, same_total = joined_right + joined, same_total + len(pairs)
        else:
            joined_wrong += joined
    traps = sum(len(pairs) for same, pairs in kinds.values() if not same)
    print(
        f"{same_total} pairs of one paper, {traps} traps: "
        f"precision {joined_right / (joined_right + joined_wrong):.4f}, "
        f"recall {joined_right / same_total:.4f}"
    )


def judge_whole(rows: Sequence[Row]) -> None:
    """Group papers and a record of each without identifier, all at once."""
    by_ident = {row.ident: row for row in rows}
    write = SAME["no identifier, names as in PubMed, three at most"]
    entries = [preprint(row) for row in by_ident.values()]
    entries += [write(row) for row in by_ident.values()]
    before = time.process_time()
    groups = papers.cluster(entries)
    seconds = time.process_time() - before
    count = len(by_ident)
    right = wrong = 0
    for members in groups:
        owners = [place for place in members if place < count]
        for place in members:
            if place >= count and owners:
                right, wrong = (
                    right + (owners == [place - count]),
                    wrong + (owners != [place - count]),
                )
    print(
        f"{count} papers at once, {1e6 * seconds / len(entries):.0f} us of CPU a record: "
        f"joined the right paper {right}, a wrong one {wrong}, none {count - right - wrong}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=2000, help="of each kind, at most")
    parser.add_argument("--whole", type=int, metavar="PAPERS", help="so many papers at once")
    options = parser.parse_args()
    rows = read_rows()
    if not rows:
        parser.error(f"no real dumps at {SHARED}; see DIGEST_TEST_SHARED in tests/README.md")
    if options.whole:
        judge_whole(rows[: options.whole])
    else:
        judge(make_pairs(rows, options.pairs))


if __name__ == "__main__":
    main()
