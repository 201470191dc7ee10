"""Measure learning, scoring and choosing for many readers, without database reads.

It calls the functions that composing calls.

    OMP_NUM_THREADS=1 python tests/bench/recommend.py
            10,000 readers, 20-100 thumbs each, 1,000 new papers, one process
    OMP_NUM_THREADS=1 python tests/bench/recommend.py --readers 100000 --processes 2
    OMP_NUM_THREADS=1 python tests/bench/recommend.py --papers 5000 --svm 5
            also arxiv-sanity-lite's way: one LinearSVC a reader
    OMP_NUM_THREADS=1 python tests/bench/recommend.py --readers 5120 --against CHECKOUT
            batch by batch in turn with another checkout's code

Papers are the real arXiv days where DIGEST_TEST_SHARED (default ../shared) has them, else invented
ones. Prints CPU time a reader of one core, part by part, the time on the clock, and ratios to the
bare matrix product of the same sizes and to one LinearSVC a reader over 20,000 papers.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
import warnings
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from digest.model import Identity, Paper, Provenance, Quiet, Subscriber, SubscriberStatus
from digest.pipeline.steps.choose_digests import Candidates, add_reasons, choose_digest, rules_for
from digest.pipeline.steps.corpus_view import BatchContext
from digest.pipeline.steps.trained_readers import RecipeSplit, TrainedReader, train_profiles
from digest.ranking import features, profiles, recipes, scores, selection

#: readers of a batch
_TOGETHER = 1000
ROOT = Path(__file__).resolve().parents[2]
RATED, RECENT = 20_000, 1_000
TODAY = date(2026, 6, 10)


def load_papers(number: int) -> list[Paper]:
    folder = (
        Path(os.environ.get("DIGEST_TEST_SHARED") or ROOT.parent / "shared") / "dumps" / "arxiv"
    )
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
        if len(rows) >= number:
            break
    rng = np.random.default_rng(0)
    while len(rows) < number:  # missing papers are invented from words at their real frequencies
        words = [f"word{n}" for n in np.minimum(rng.zipf(1.3, 130), 30_000)]
        rows.append(
            {
                "title": " ".join(words[:10]),
                "summary": " ".join(words[10:]),
                "categories": [f"x.{rng.integers(40)}"],
                "authors": [],
            }
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


def make_readers(
    number: int,
    all_papers: list[Paper],
    rated_rows: profiles.RatedRows,
    seed: int = 1,
) -> list[TrainedReader]:
    """Make readers who like papers of two categories and dislike some of a third."""
    rng = np.random.default_rng(seed)
    by_category: dict[str, list[int]] = {}
    for place, paper in enumerate(all_papers):
        by_category.setdefault(paper.categories[0], []).append(place)
    names = [name for name, places in by_category.items() if len(places) >= 50]
    readers = []
    for n in range(number):
        first, second, third = (by_category[names[i]] for i in rng.integers(0, len(names), 3))
        thumbs = int(rng.integers(20, 101))
        ups = np.unique(
            np.concatenate((rng.choice(first, thumbs // 2), rng.choice(second, thumbs // 4)))
        )
        downs = np.unique(rng.choice(third, thumbs - thumbs // 2 - thumbs // 4))
        training_data = profiles.TrainingData(
            interests=(),
            phrases=(),
            liked=profiles.Rated.from_shared_rows(
                [all_papers[i] for i in ups],
                rated_rows,
                ups.tolist(),
                rng.uniform(0, 200, len(ups)).tolist(),
            ),
            disliked=profiles.Rated.from_shared_rows(
                [all_papers[i] for i in downs],
                rated_rows,
                downs.tolist(),
                rng.uniform(0, 200, len(downs)).tolist(),
            ),
            examples=profiles.Rated.from_shared_rows([], rated_rows, []),
        )
        subscriber = Subscriber(
            id=n + 1,
            email=f"reader{n}@example.org",
            status=SubscriberStatus.ACTIVE,
            created=datetime(2026, 1, 1, tzinfo=UTC),
        )
        readers.append(TrainedReader(subscriber=subscriber, training_data=training_data))
    return readers


def main() -> int:
    parser = argparse.ArgumentParser(description="Learn, score and choose for many readers.")
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--papers", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument(
        "--svm", type=int, default=0, metavar="N", help="readers for one LinearSVC each"
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="CHECKOUT",
        help="compare with the code there: the only measure on a machine that others use",
    )
    parser.add_argument("--in-turn", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.against:
        return compare_with_checkout(options.against, options.readers, options.papers)
    all_papers = load_papers(RATED + RECENT + options.papers)
    counts = features.vectorize(
        [features.text_of(paper.title, paper.abstract) for paper in all_papers]
    )
    began = time.process_time()
    features.vectorize(
        [features.text_of(paper.title, paper.abstract) for paper in all_papers[:2000]]
    )
    vectorised = (time.process_time() - began) / 2000
    space = features.fit_space(
        features.load_base_table(),
        features.Frequencies().add(counts),
        counts[RATED : RATED + RECENT],
    )
    began = time.process_time()
    rows = space.rows(counts)
    placed = (time.process_time() - began) / len(all_papers)
    print(
        f"features: {1000 * vectorised:.2f} ms a paper counted at ingest, {1000 * placed:.3f} ms a "
        f"paper placed in a round"
    )
    recent, new = all_papers[RATED : RATED + RECENT], all_papers[RATED + RECENT :]
    began = time.process_time()
    shared = BatchContext(
        day=scores.make_day(
            new,
            rows[RATED + RECENT :],
            recent,
            rows[RATED : RATED + RECENT],
            contributions=space.contributions(counts[RATED + RECENT :]),
        ),
        papers={paper.id: paper for paper in new},
        background=profiles.Background.from_papers(
            recent, rows[RATED : RATED + RECENT], space.frequencies
        ),
        provenance=Provenance(
            model="",
            features=features.VERSION,
            candidates=len(new),
            at=datetime(2026, 6, 10, 7, tzinfo=UTC),
        ),
        local_date=TODAY,
    )
    print(f"once a day: {time.process_time() - began:.2f} s")
    work = partial(choose_for_readers, shared, all_papers[:RATED], profiles.RatedRows(rows[:RATED]))
    if options.in_turn:
        for line in sys.stdin:
            print(json.dumps(work([(int(line), _TOGETHER)]).cpu), flush=True)
        return 0
    starts = range(0, options.readers, _TOGETHER)
    shares = [
        [
            (start, min(_TOGETHER, options.readers - start))
            for start in starts[n :: options.processes]
        ]
        for n in range(options.processes)
    ]
    with multiprocessing.get_context("fork").Pool(options.processes) as pool:
        results = pool.map(work, shares) if options.processes > 1 else [work(shares[0])]
    cpu = sum((np.array(batch.cpu) for batch in results), np.zeros(4)) / options.readers * 1000
    per_reader = float(cpu[:3].sum())
    print(
        f"{options.readers:,} readers, {len(new):,} papers, "
        f"{sum(batch.listed for batch in results):,} papers listed; CPU a reader of one core:"
    )
    print(
        f"  learn {cpu[0]:.2f}, score {cpu[1]:.2f}, choose {cpu[2]:.2f}: {per_reader:.2f} ms; "
        f"and the reasons of ten papers {cpu[3]:.2f} ms"
    )
    print(
        f"  on the clock, {options.processes} at once: "
        f"{max(batch.clock for batch in results):.1f} s, "
        f"with reasons {max(batch.clock_with_reasons for batch in results):.1f} s"
    )
    dense = np.random.default_rng(0).standard_normal((500, 1000), dtype=np.float32)
    other = np.random.default_rng(1).standard_normal((1000, len(new)), dtype=np.float32)
    began = time.process_time()
    for _ in range(20):
        dense @ other
    product = 1000 * (time.process_time() - began) / 20 / 500
    print(
        f"bare matrix product (1,000 numbers a reader and paper): {product:.3f} ms a reader; ratio "
        f"{per_reader / product:.0f}"
    )
    if options.svm:
        svm_ms = time_svm(options.svm, all_papers, rows[:RATED])
        print(
            f"LinearSVC over {RATED:,} papers: {svm_ms:.0f} ms a reader; "
            f"ratio {per_reader / svm_ms:.4f}"
        )
    memory = max(
        [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, *(batch.memory for batch in results)]
    )
    print(f"peak memory of a process {memory / 1024:.0f} MB, load {os.getloadavg()[0]:.1f}")
    return 0


def compare_with_checkout(checkout: Path, number: int, new: int) -> int:
    """Compare this code with another checkout, batch by batch in turn.

    Both run in processes that stay, so what slows the machine meets both alike.
    """
    command = [sys.executable, __file__, "--in-turn", "--papers", str(new)]
    folders = [checkout.resolve(), ROOT]
    both = [
        subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for folder in folders
    ]
    timings: list[list[list[float]]] = [[], []]
    for turn in range(1 + number // _TOGETHER):
        for index in (0, 1) if turn % 2 else (1, 0):
            process = both[index]
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{turn * _TOGETHER}\n")
            while not (line := process.stdout.readline()).startswith(
                "["
            ):  # the first lines report the features
                if not line:
                    return 1
            timings[index].append(json.loads(line))
    for process in both:
        process.communicate()
    cpu = (
        np.array(timings)[:, 1:] / _TOGETHER * 1000
    )  # the first batch of each also fills the caches
    whole = cpu[:, :, :3].sum(axis=2)
    for name, parts, sums in zip(("there", "here"), np.median(cpu, axis=1), whole, strict=True):
        print(
            f"{name}: learn {parts[0]:.2f}, score {parts[1]:.2f}, choose {parts[2]:.2f}, in all "
            f"{np.median(sums):.2f} ms (least {sums.min():.2f}),"
            f" reasons {parts[3]:.2f} ms"
        )
    ratios = np.median(cpu[1] / cpu[0], axis=0)
    print(
        f"here / there, pair by pair, {cpu.shape[1]} pairs of {_TOGETHER} readers, median: in all "
        f"{np.median(whole[1] / whole[0]):.2f}, "
        f"learn {ratios[0]:.2f}, score {ratios[1]:.2f}, choose {ratios[2]:.2f}, reasons "
        f"{ratios[3]:.2f}; load {os.getloadavg()[0]:.1f}"
    )
    return 0


class BatchResult(NamedTuple):
    """Cost of a process's batches, in CPU seconds, seconds on the clock and kB.

    The CPU is that of learning, scoring, choosing and writing reasons. The clock is given without
    and with writing reasons.
    """

    cpu: tuple[float, float, float, float]
    clock: float
    clock_with_reasons: float
    listed: int
    memory: int


def choose_for_readers(
    shared: BatchContext,
    all_papers: list[Paper],
    rated_rows: profiles.RatedRows,
    batches: list[tuple[int, int]],
) -> BatchResult:
    recipe, listed, clock = recipes.RECIPES[recipes.DEFAULT_RECIPE], 0, 0.0
    cpu, clock_with_reasons = [0.0] * 4, 0.0
    rules = selection.Rules(author_most=3, category_most=70, explore=True)
    among = frozenset(shared.papers)
    for start, number in batches:
        readers = make_readers(number, all_papers, rated_rows, seed=start + 1)
        laps, began = [time.process_time()], time.perf_counter()
        trained = train_profiles(RecipeSplit(recipe=recipe.name), shared.background, readers)
        batch = [Candidates(reader=reader, paper_ids=among) for reader in trained]
        learned = [reader.profiles[recipe.name] for reader in trained]
        laps.append(time.process_time())
        scored = recipes.score_all(recipe, learned, shared.day)
        laps.append(time.process_time())
        outcomes = [
            choose_digest(
                recipe, shared, candidates, rules_for(rules, shared, candidates), own_scores
            )
            for candidates, own_scores in zip(batch, scored, strict=True)
        ]
        laps.append(time.process_time())
        clock += time.perf_counter() - began
        chosen = [
            recipes.Chosen.from_scored(
                profiles_of_one, own_scores, shared.day, [item.score for item in outcome.items]
            )
            for profiles_of_one, own_scores, outcome in zip(learned, scored, outcomes, strict=True)
            if not isinstance(outcome, Quiet)
        ]
        explained = add_reasons(recipe, shared, outcomes, chosen)
        listed += sum(len(one.items) for one in explained if not isinstance(one, Quiet))
        laps.append(time.process_time())
        clock_with_reasons += time.perf_counter() - began
        cpu = [
            before + later - earlier
            for before, earlier, later in zip(cpu, laps, laps[1:], strict=False)
        ]
    return BatchResult(
        (cpu[0], cpu[1], cpu[2], cpu[3]),
        clock,
        clock_with_reasons,
        listed,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )


def time_svm(number: int, all_papers: list[Paper], rows: sp.csr_matrix) -> float:
    """Time the method of arxiv-sanity-lite: the reader's papers against all others."""
    from sklearn.svm import LinearSVC

    words = rows[:, : features.COLUMNS].tocsr()
    columns, places = np.unique(words.indices, return_inverse=True)
    compact = sp.csr_matrix(
        (words.data, places, words.indptr), shape=(words.shape[0], len(columns))
    )
    most_frequent = np.argsort(-np.bincount(places))[:20_000]
    compact = compact[:, most_frequent]
    took = 0.0
    for reader in make_readers(number, all_papers[:RATED], profiles.RatedRows(rows)):
        target = np.isin(np.arange(1, RATED + 1), reader.training_data.liked.paper_ids).astype(int)
        began = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            LinearSVC(class_weight="balanced", C=0.01, tol=1e-4, max_iter=10000).fit(
                compact, target
            )
        took += time.process_time() - began
    return 1000 * took / number


if __name__ == "__main__":
    sys.exit(main())
