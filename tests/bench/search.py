"""Measure the search among as many as a million papers.

    python tests/bench/search.py --papers 1000000 --folder /tmp/search    the first run fills it
    python tests/bench/search.py --papers 1000000 --folder /tmp/search --repeat 5

Papers are the real ones below DIGEST_TEST_SHARED (default ../shared), then mixtures: the sentences
of three papers of one category and the halves of two titles, so that words and their company are
distributed as in real ones. They come in as a daily crawl would bring them, a thousand a day. The
store is filled by bulk inserts, not by ingest. The table gives the best and the worst of `--repeat`
searches that nothing cached, and what they found.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import random
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from digest.__main__ import _ONE_THREAD

os.environ |= dict.fromkeys(_ONE_THREAD, "1")  # as the command does, before numpy is imported

from digest import config, services, store
from digest.app import App
from digest.ranking import features
from digest.services import CorpusCache, SearchRequest

#: papers of one day, and of one step of filling
PER_DAY, STEP = 1000, 10_000
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def ago(days: int) -> date:
    return date.today() - timedelta(days=days)


class Text(NamedTuple):
    """What a paper of the bench is made of."""

    title: str
    abstract: str
    authors: list[str]
    categories: list[str]


def read_real() -> list[Text]:
    """Read the real papers, each once."""
    folder = Path(os.environ.get("DIGEST_TEST_SHARED", ROOT.parent / "shared")) / "dumps"
    texts: dict[str, Text] = {}
    for path in (folder / "arxiv-corpus.jsonl.gz", *sorted((folder / "arxiv").glob("*.gz"))):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for row in map(json.loads, file):
                abstract = row.get("abstract") or row.get("summary") or ""
                texts[row["id"].partition("v")[0]] = Text(
                    " ".join(row["title"].split()),
                    " ".join(abstract.split()),
                    row["authors"],
                    row["categories"],
                )
    return list(texts.values())


def make_texts(count: int) -> Iterator[Text]:
    """Yield real papers in a mixed order, then mixtures of them."""
    dice = random.Random(1)
    real = read_real()
    dice.shuffle(real)
    yield from real[:count]
    by_category: dict[str, list[Text]] = defaultdict(list)
    for text in real:
        by_category[(text.categories or [""])[0]].append(text)
    for _ in range(count - len(real)):
        first = dice.choice(real)
        kin = by_category[(first.categories or [""])[0]]
        second, third = dice.choice(kin), dice.choice(kin)
        sentences = [s for text in (first, second, third) for s in _SENTENCE.split(text.abstract)]
        own = len(_SENTENCE.split(first.abstract))
        title, other = first.title.split(), second.title.split()
        yield Text(
            " ".join(title[: (len(title) + 1) // 2] + other[len(other) // 2 :]),
            " ".join(dice.sample(sentences, min(own, len(sentences)))),
            third.authors,
            first.categories,
        )


def pack_words(texts: Sequence[tuple[str, str]]) -> tuple[list[bytes], features.Frequencies]:
    counts = features.vectorize([features.text_of(title, abstract) for title, abstract in texts])
    return features.pack(counts), features.Frequencies().add(counts)


def fill(app: App, count: int) -> None:
    """Fill an empty SQLite store."""
    started = time.perf_counter()
    today = date.today()
    at = f"{today} 00:00:00.000000"
    total = features.Frequencies()
    with app.store.writing() as tx:
        tx.exec_driver_sql(
            "INSERT INTO dumps (id, name, path, format, size, sha256, day, started_at, "
            "finished_at, read, new, updated, duplicate, skipped, rejected, skipped_why, "
            "incomplete) VALUES (1, 'bench', 'bench', 'arxiv', 1, 'x', ?, ?, ?, ?, ?, 0, 0, 0, 0, "
            "'{}', '')",
            (today.isoformat(), at, at, count, count),
        )
    texts = make_texts(count)
    with multiprocessing.Pool(2) as pool:
        for start in range(0, count, STEP):
            batch = list(islice(texts, STEP))
            pairs = [(text.title, text.abstract) for text in batch]
            half = (len(pairs) + 1) // 2
            packed: list[bytes] = []
            for blobs, counted in pool.map(pack_words, (pairs[:half], pairs[half:])):
                packed += blobs
                total = features.Frequencies(
                    papers=total.papers + counted.papers, counts=total.counts + counted.counts
                )
            write(app, start, count, batch, packed, today)
            print(f"\r{start + len(batch):>9,} papers", end="", flush=True)
    with app.store.writing() as tx:
        store.papers.save_frequencies(tx, features.VERSION, total.to_bytes())
        tx.exec_driver_sql("INSERT INTO paper_words (paper_words) VALUES ('rebuild')")
    print(f", filled in {time.perf_counter() - started:.0f} s")


def write(
    app: App, start: int, count: int, batch: Sequence[Text], packed: Sequence[bytes], today: date
) -> None:
    papers, names, records, vectors = [], [], [], []
    for ident, (text, blob) in enumerate(zip(batch, packed, strict=True), start + 1):
        day = (today - timedelta(days=(count - ident) // PER_DAY)).isoformat()
        papers.append(
            (
                ident,
                text.title,
                text.abstract,
                json.dumps(text.authors),
                json.dumps(text.categories),
                day,
            )
        )
        names.append(("arxiv", f"{10 + ident // 100_000:02d}01.{ident % 100_000:05d}", ident))
        records.append((ident, ident, day, ident.to_bytes(8, "big")))
        vectors.append((ident, features.VERSION, blob))
    with app.store.writing() as tx:
        for statement, rows in (
            (
                "INSERT INTO papers (id, title, abstract, authors, categories, first_seen, "
                "upvotes, comment, url, withdrawn) VALUES (?, ?, ?, ?, ?, ?, 0, '', '', 0)",
                papers,
            ),
            ("INSERT INTO identities (kind, value, paper_id) VALUES (?, ?, ?)", names),
            (
                "INSERT INTO records (id, paper_id, dump_id, line, day, fingerprint, entry, raw) "
                "VALUES (?, ?, 1, 1, ?, ?, '{}', '')",
                records,
            ),
            ("INSERT INTO vectors (paper_id, version, data) VALUES (?, ?, ?)", vectors),
        ):
            tx.exec_driver_sql(statement, rows)


# ----------------------------------------------------------------------------------------------
# searches

#: what is asked, typical and nasty
REQUESTS: dict[str, SearchRequest] = {
    "two telling words": SearchRequest(text="gaussian splatting"),
    "a frequent word": SearchRequest(text="model"),
    "frequent words": SearchRequest(text="model learning"),
    "many frequent words": SearchRequest(text="large language model learning data method results"),
    "frequent words without": SearchRequest(text="model -learning -the"),
    "stop words": SearchRequest(text="the of"),
    "one letter": SearchRequest(text="a"),
    "a phrase": SearchRequest(text='"reinforcement learning"'),
    "a phrase of frequent words": SearchRequest(text='"the model of"'),
    "a phrase that does not occur": SearchRequest(text='"of the learning the model"'),
    "words that never meet": SearchRequest(text="zebrafish blockchain quark"),
    "no hit": SearchRequest(text="xyzzyqq plughh"),
    "a frequent name": SearchRequest(author="wang"),
    "word and name": SearchRequest(text="model", author="yoshua bengio"),
    "word and category": SearchRequest(text="model", category="q-bio"),
    "rare word and category": SearchRequest(text="zebrafish", category="cs.CV"),
    "a category": SearchRequest(category="math"),
    "word and one old day": SearchRequest(text="model", since=ago(600), until=ago(600)),
    "word and old years": SearchRequest(text="model", since=ago(900), until=ago(500)),
    "word and a week": SearchRequest(text="model", since=ago(7)),
    "word and another source": SearchRequest(text="model", source="oai"),
    "newest first": SearchRequest(text="diffusion model", order="new"),
    "meaning": SearchRequest(text="robots that learn to walk on rough ground", order="meaning"),
    "meaning, category": SearchRequest(
        text="robots that learn to walk on rough ground", order="meaning", category="q-bio"
    ),
    "meaning, name": SearchRequest(text="protein folding", order="meaning", author="wang"),
    "meaning, old years": SearchRequest(
        text="protein folding", order="meaning", since=ago(900), until=ago(500)
    ),
    "words, then meaning": SearchRequest(text="robots walking rough ground legged zebrafish"),
    "a pasted abstract": SearchRequest(text="{abstract}"),
    "a pasted abstract by meaning": SearchRequest(text="{abstract}", order="meaning"),
}


def measure(app: App, repeat: int) -> None:
    """Print what each search takes: CPU, which others on the machine disturb less, and elapsed."""
    corpora = CorpusCache()
    with app.store.reading() as tx:
        papers = store.papers.load(tx, [store.papers.find_max_id(tx) // 2])
        abstract = next(iter(papers.values())).abstract[:2000].replace('"', "")
    started = time.perf_counter()
    with app.store.reading() as tx:
        while corpora.vectors.load(app, tx) is None:
            time.sleep(1)
    print(f"index of vectors ready after {time.perf_counter() - started:.1f} s")
    services.search(app, SearchRequest(text="anything at all"), corpora)
    print(f"{len(REQUESTS)} searches, {repeat} times, load {os.getloadavg()[0]:.1f}")
    print(f"{'':32} {'CPU ms':>14} {'elapsed ms':>14}   found")
    print(f"{'':32} {'least':>7}{'most':>7} {'least':>7}{'most':>7}")
    slowest = 0.0
    for name, request in REQUESTS.items():
        asked = replace(request, text=request.text.replace("{abstract}", abstract))
        cpu, wall = [], []
        for _ in range(repeat):
            began = time.thread_time(), time.perf_counter()
            result = services.search(app, asked, corpora)
            cpu.append(1000 * (time.thread_time() - began[0]))
            wall.append(1000 * (time.perf_counter() - began[1]))
        slowest = max(slowest, statistics.median(wall))
        near = f" + {len(result.near)} near" if result.near else ""
        print(
            f"{name:32} {min(cpu):7.0f}{max(cpu):7.0f} {min(wall):7.0f}{max(wall):7.0f}   "
            f"{result.total:,}{near}"
        )
    paper = next(iter(papers.values()))
    began = time.thread_time(), time.perf_counter()
    similar = services.find_similar(app, paper, corpora)
    print(
        f"{'similar papers':32} {1000 * (time.thread_time() - began[0]):7.0f}{'':7} "
        f"{1000 * (time.perf_counter() - began[1]):7.0f}{'':7}   {len(similar)}"
    )
    print(f"slowest median: {slowest:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--papers", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="keeps the store")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    path = options.folder / "digest.sqlite"
    values = {
        "DIGEST_STORE__URL": f"sqlite:///{path}",
        "DIGEST_INGEST__INBOX": str(options.folder / "inbox"),
    }
    app = App.open(config.load(None, values))
    with app.store.reading() as tx:
        stored = store.papers.count(tx)
    if not stored:
        fill(app, options.papers)
    elif stored != options.papers:
        raise SystemExit(f"{path} holds {stored:,} papers; choose another --folder")
    measure(app, options.repeat)
    app.close()


if __name__ == "__main__":
    main()
