"""Measure how many fitting papers have a typed keyword in the title, on the judged days.

    python tests/bench/typed.py

For each reader of the shared collection, from what they typed alone: how many papers of the four
days fit; how many of these have a keyword in the title; and how many get the right to a place by it
(`scores.find_keywords`). The same for the papers that do not fit.

Needs the folder with the collection: DIGEST_TEST_SHARED, else `shared` beside the repository.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from digest.model import Interest, Paper
from digest.ranking import features, profiles, scores

ROOT = Path(__file__).resolve().parents[2]
JUDGED = ("2026-06-04", "2026-06-05", "2026-06-10", "2026-06-11")
BEFORE = ("2026-05-27", "2026-05-28", "2026-05-29", "2026-06-01", "2026-06-02", "2026-06-03")


def main() -> int:
    assert __doc__
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    shared = Path(os.environ.get("DIGEST_TEST_SHARED") or ROOT.parent / "shared")
    days = shared / "eval" / "days"
    if not (days / "readers.json").is_file():
        print(f"no judged days at {days}; set DIGEST_TEST_SHARED", file=sys.stderr)
        return 1
    readers = json.loads((days / "readers.json").read_text())
    graded = {
        tuple(line.split("\t")[:2])
        for line in (days / "qrels.tsv").read_text().splitlines()
        if line.split("\t")[2] != "0"
    }
    papers, names = load_papers(shared / "dumps" / "arxiv")
    counts = features.vectorize([features.text_of(paper.title, paper.abstract) for paper in papers])
    frequencies = features.Frequencies().add(counts)
    space = features.fit_space(features.load_base_table(), frequencies, counts[:1000])
    judged = [number for number, paper in enumerate(papers) if str(paper.first_seen) in JUDGED]
    day = scores.make_day([papers[number] for number in judged], space.rows(counts[judged]))
    total: Counter[str] = Counter()
    for reader in readers:
        is_fitting = np.array([(reader["id"], names[number]) in graded for number in judged])
        found = count_titles(reader["interests"], space, day, is_fitting)
        total += found
        print(f"{reader['id']:6}{describe(found)}")
    print(f"{'all':6}{describe(total)}")
    return 0


def load_papers(folder: Path) -> tuple[list[Paper], list[str]]:
    """Load the papers of some days, each once, with their arXiv ids."""
    records: dict[str, Paper] = {}
    for day in (*BEFORE, *JUDGED):
        with gzip.open(folder / f"{day}.jsonl.gz", "rt") as file:
            for record in map(json.loads, file):
                paper = Paper(
                    id=len(records) + 1,
                    title=record["title"],
                    abstract=record["summary"],
                    categories=tuple(record["categories"]),
                    first_seen=date.fromisoformat(day),
                )
                records.setdefault(record["id"], paper)
    return list(records.values()), list(records)


def count_titles(
    interests: list[dict[str, Any]],
    space: features.Space,
    day: scores.Day,
    is_fitting: np.ndarray[Any, np.dtype[np.bool_]],
) -> Counter[str]:
    """Count the papers that have a keyword in the title, and those that get a right by it."""
    in_title, by_right = np.zeros(day.competing, bool), np.zeros(day.competing, bool)
    background = profiles.Background.from_papers([], space.rows(features.vectorize([])))
    for fields in interests:
        keywords = tuple(fields["keywords"])
        interest = Interest(keywords=keywords, categories=tuple(fields.get("categories", ())))
        profile = profiles.train([interest], background, phrases=space.parse_keywords(keywords))
        for keyword, _, title_rows in scores.find_keywords(profile, day):
            by_right[title_rows] |= keyword.strength > 0
        for keyword in profile.keywords:
            in_title[day.rows_holding(keyword.phrase.spelling, in_title=True)] = True
    return Counter(
        fit=int(is_fitting.sum()),
        fit_titled=int((in_title & is_fitting).sum()),
        fit_by_right=int((by_right & is_fitting).sum()),
        other_titled=int((in_title & ~is_fitting).sum()),
        other_by_right=int((by_right & ~is_fitting).sum()),
    )


def describe(found: Counter[str]) -> str:
    return (
        f"fitting {found['fit']:4}: {found['fit_titled']:3} with a keyword in the title, "
        f"{found['fit_by_right']:3} by right; not fitting: {found['other_titled']:3} and "
        f"{found['other_by_right']:3}"
    )


if __name__ == "__main__":
    sys.exit(main())
