"""What does choosing cost? Learn, score and choose for many readers, database reads not counted, through the function that composing uses.

    OMP_NUM_THREADS=1 python tests/bench/recommend.py       1,000 readers, 20-100 thumbs each, 1,000 new papers
    python tests/bench/recommend.py --readers 10000 --papers 5000
    python tests/bench/recommend.py --svm 20                also arxiv-sanity-lite's way: one LinearSVC a reader over 20,000 papers

Papers are the real arXiv days where DIGEST_TEST_SHARED (default ../shared) has them, else invented ones. CPU seconds of this process, one thread;
readers are independent, so their number only multiplies. Prints the cost of a reader beside that of the bare matrix product of the same sizes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import sys
import time
import warnings
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from digest import digests, features, profiles, recipes, scores
from digest.model import Identity, Made, Paper, Standing, Subscriber
from digest.pipeline.compose import _choose, _Sharing
from digest.pipeline.gather import Reader, Shared

ROOT = Path(__file__).resolve().parents[2]
RATED, RECENT = 20_000, 1_000
TODAY = date(2026, 6, 10)


def papers(number: int) -> list[Paper]:
    folder = Path(os.environ.get("DIGEST_TEST_SHARED") or ROOT.parent / "shared") / "dumps" / "arxiv"
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
        if len(rows) >= number:
            break
    rng = np.random.default_rng(0)
    while len(rows) < number:  # what is missing is invented, of words as frequent as words are
        words = [f"word{n}" for n in np.minimum(rng.zipf(1.3, 130), 30_000)]
        rows.append(
            {"title": " ".join(words[:10]), "summary": " ".join(words[10:]), "categories": [f"x.{rng.integers(40)}"], "authors": []}
        )
    return [
        Paper(
            id=n + 1,
            title=row["title"],
            abstract=row["summary"],
            authors=tuple(row["authors"]),
            categories=tuple(row["categories"]),
            first_seen=TODAY,
            identities=(Identity(kind="arxiv", value=f"2604.{n:05}"),),
        )
        for n, row in enumerate(rows[:number])
    ]


def readers(number: int, every: list[Paper], rows: sp.csr_matrix, among: frozenset[int]) -> list[Reader]:
    """Each likes papers of two categories and dislikes some of a third."""
    rng = np.random.default_rng(1)
    by_category: dict[str, list[int]] = {}
    for place, paper in enumerate(every):
        by_category.setdefault(paper.categories[0], []).append(place)
    names = [name for name, places in by_category.items() if len(places) >= 50]
    found = []
    for n in range(number):
        one, two, three = (by_category[names[i]] for i in rng.integers(0, len(names), 3))
        thumbs = int(rng.integers(20, 101))
        ups = np.unique(np.concatenate((rng.choice(one, thumbs // 2), rng.choice(two, thumbs // 4))))
        downs = np.unique(rng.choice(three, thumbs - thumbs // 2 - thumbs // 4))
        known = recipes.Known(
            interests=(),
            phrases=(),
            liked=profiles.rated([every[i] for i in ups], rows[ups], rng.uniform(0, 200, len(ups)).tolist()),
            disliked=profiles.rated([every[i] for i in downs], rows[downs], rng.uniform(0, 200, len(downs)).tolist()),
            examples=profiles.rated([], rows[:0]),
        )
        subscriber = Subscriber(
            id=n + 1, email=f"reader{n}@example.org", standing=Standing.ACTIVE, created=datetime(2026, 1, 1, tzinfo=UTC)
        )
        found.append(Reader(subscriber=subscriber, known=known, among=among, maybe_seen=frozenset()))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Learn, score and choose for many readers.")
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--papers", type=int, default=1000)
    parser.add_argument("--svm", type=int, default=0, metavar="N", help="readers for one LinearSVC each")
    asked = parser.parse_args()
    every = papers(RATED + RECENT + asked.papers)
    counts = features.vectorize([features.text_of(paper.title, paper.abstract) for paper in every])
    began = time.process_time()
    features.vectorize([features.text_of(paper.title, paper.abstract) for paper in every[:2000]])
    vectorised = (time.process_time() - began) / 2000
    space = features.space(features.base(), features.Frequencies().add(counts), counts[RATED : RATED + RECENT])
    began = time.process_time()
    rows = space.rows(counts)
    placed = (time.process_time() - began) / len(every)
    print(f"features: {1000 * vectorised:.2f} ms a paper counted at ingest, {1000 * placed:.3f} ms a paper placed in a round")
    recent, new = every[RATED : RATED + RECENT], every[RATED + RECENT :]
    began = time.process_time()
    shared = Shared(
        day=scores.day(new, rows[RATED + RECENT :], recent, rows[RATED : RATED + RECENT], spread=space.spread),
        papers={paper.id: paper for paper in new},
        background=profiles.background(recent, rows[RATED : RATED + RECENT]),
        made=Made(model="", features=features.VERSION, candidates=len(new), at=datetime(2026, 6, 10, 7, tzinfo=UTC)),
        local_date=TODAY,
    )
    print(f"once a day: {time.process_time() - began:.2f} s")
    sharing = _Sharing(recipe=recipes.OWN, recipe_b="", share=0, rules=digests.Rules())
    among = frozenset(paper.id for paper in new)
    rated = rows[:RATED]
    took = 0.0
    work = iter(range(asked.readers))
    while batch := list(islice(work, 500)):
        some = readers(len(batch), every[:RATED], rated, among)
        began = time.process_time()
        listed = sum(len(getattr(_choose(sharing, shared, reader), "items", ())) for reader in some)
        took += time.process_time() - began
    each = 1000 * took / asked.readers
    print(f"{asked.readers:,} readers, {len(new):,} papers: {each:.2f} ms of one core a reader (the last {len(some)} got {listed} papers)")
    print(f"100,000 readers on two cores at that rate: {each * 100_000 / 2000:.0f} s")
    dense = np.random.default_rng(0).standard_normal((500, 1000), dtype=np.float32)
    other = np.random.default_rng(1).standard_normal((1000, len(new)), dtype=np.float32)
    began = time.process_time()
    for _ in range(20):
        dense @ other
    product = (time.process_time() - began) / 20 / 500
    print(f"bare matrix product (1,000 numbers a reader and paper): {1000 * product:.3f} ms a reader; ratio {each / 1000 / product:.0f}")
    if asked.svm:
        print(f"LinearSVC over {RATED:,} papers: {svm(asked.svm, every, rated):.0f} ms a reader")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, load {os.getloadavg()[0]:.1f}")
    return 0


def svm(number: int, every: list[Paper], rows: sp.csr_matrix) -> float:
    """arxiv-sanity-lite's way: the reader's papers against all others."""
    from sklearn.svm import LinearSVC

    words = rows[:, : features.COLUMNS].tocsr()
    columns, places = np.unique(words.indices, return_inverse=True)
    compact = sp.csr_matrix((words.data, places, words.indptr), shape=(words.shape[0], len(columns)))
    kept = np.argsort(-np.bincount(places))[:20_000]
    compact = compact[:, kept]
    took = 0.0
    for reader in readers(number, every[:RATED], rows, frozenset()):
        target = np.isin(np.arange(1, RATED + 1), reader.known.liked.ids).astype(int)
        began = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            LinearSVC(class_weight="balanced", C=0.01, tol=1e-4, max_iter=10000).fit(compact, target)
        took += time.process_time() - began
    return 1000 * took / number


if __name__ == "__main__":
    sys.exit(main())
