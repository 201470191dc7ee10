"""Measure digests on days that were judged in full, and fit the prior of the chances to them.

    python tests/bench/judged_days.py            each reader by a prior fitted without them
    python tests/bench/judged_days.py --fit      also print the prior fitted to all of them

Every paper of four days of arXiv was graded for six readers. The story: twelve days before are
known; the first day's digest comes from what a reader typed (cold); thumbs up go to the listed
papers that they would open and thumbs down to at most three others, on the first day and on the
second; the last two days are judged (warm). Each reader's story runs in a process of its own, since
the prior is replaced there before anything else is imported.

Needs the folder with the judged days: DIGEST_TEST_SHARED, else `shared` beside the repository.
Takes some minutes; prints tables.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("DIGEST_TEST_SHARED") or ROOT.parent / "shared")
DUMPS, JUDGED = SHARED / "dumps" / "arxiv", SHARED / "eval" / "days"
STEPS = {
    "2026-06-04": "cold",
    "2026-06-05": "second",
    "2026-06-10": "warm",
    "2026-06-11": "warm",
}
FIRST = min(STEPS)
#: what a reader may have told, and how much its evidence counts in the fit
VARIANTS = {"all": 1.0, "no categories": 0.3, "one keyword": 0.3, "thumbs": 0.5, "text": 0.5}
#: strength of the ridge on standardised columns
RIDGE = 3.0
RESAMPLES = 5000
#: papers of the order that are looked at
RANKED = 250
#: worlds in which an F1 is expected
DRAWS = 2000

Row = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fit", action="store_true", help="also print the prior of all readers")
    parser.add_argument("--story", metavar="READER", help=argparse.SUPPRESS)
    parser.add_argument("--weights", help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not (JUDGED / "qrels.tsv").is_file():
        print(f"no judged days at {JUDGED}; set DIGEST_TEST_SHARED", file=sys.stderr)
        return 1
    if options.story:
        json.dump(list(play(options.story, options.store, options.weights)), sys.stdout)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "base.db"
        _ingest_known_days(base)
        readers = [reader["id"] for reader in _readers()]
        gathered = {reader: _run_story(reader, base, None) for reader in readers}
        rows = []
        for reader in readers:
            others = [row for other in readers if other != reader for row in gathered[other]]
            rows += _run_story(reader, base, fit_prior(others))
    report(rows)
    if options.fit:
        print("prior:", np.round(fit_prior([row for own in gathered.values() for row in own]), 2))
    return 0


def _run_story(reader: str, base: Path, weights: Sequence[float] | None) -> list[Row]:
    command = [sys.executable, __file__, "--story", reader, "--store", str(base)]
    if weights is not None:
        command += ["--weights", json.dumps(list(weights))]
    with tempfile.TemporaryDirectory() as folder:
        environment = {key: value for key, value in os.environ.items() if key[:7] != "DIGEST_"}
        environment |= {
            "DIGEST_MAIL__SENDER": "daily@example.org",
            "DIGEST_TEST_SHARED": str(SHARED),
            "OMP_NUM_THREADS": "1",
        }
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    rows: list[Row] = json.loads(done.stdout)
    return rows


def _readers() -> list[Row]:
    readers: list[Row] = json.loads((JUDGED / "readers.json").read_text())
    return readers


def _grades() -> Mapping[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (JUDGED / "qrels.tsv").read_text().splitlines():
        reader, paper, grade = line.split("\t")
        grades[reader][paper] = int(grade)
    return grades


def _judged_days() -> dict[str, str]:
    """Return the judged day of each paper."""
    days: dict[str, str] = {}
    known = {ident for path in _known_files() for ident in _ids(path)}
    for day in STEPS:
        for ident in _ids(DUMPS / f"{day}.jsonl.gz"):
            if ident not in known:
                days.setdefault(ident, day)
    return days


def _known_files() -> list[Path]:
    first = (date.fromisoformat(FIRST) - timedelta(days=17)).isoformat()
    return [path for path in sorted(DUMPS.glob("*.jsonl.gz")) if first <= path.name[:10] < FIRST]


def _ids(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt") as lines:
        for line in lines:
            yield json.loads(line)["id"]


# ----------------------------------------------------------------------------------------------
# the story of one reader


def _open_app(store: Path, day: str) -> Any:
    from digest import config
    from digest.app import App
    from digest.cli.options import noon

    settings = config.load(
        None,
        {
            "DIGEST_STORE__URL": f"sqlite:///{store}",
            "DIGEST_MAIL__SENDER": "daily@example.org",
        },
    )
    app = App.open(settings, migrate=True)
    return app.at(noon(date.fromisoformat(day)))


def _ingest_known_days(store: Path) -> None:
    from digest import pipeline

    app = _open_app(store, (date.fromisoformat(FIRST) - timedelta(days=1)).isoformat())
    pipeline.ingest(app, _known_files(), backfill=True)
    app.close()


def play(reader: str, base: Path, weights: str | None) -> Iterator[Row]:
    """Yield the judged digest of each day, with the evidence of all papers of the day."""
    from digest.ranking import calibration

    if weights is not None:
        # Before anything that imports them.
        own = json.loads(weights)
        calibration._PRIORS = tuple(
            prior._replace(mean=mean) for prior, mean in zip(calibration._PRIORS, own, strict=True)
        )
        calibration.PRIOR = calibration.Calibration(weights=tuple(own))
    from digest import pipeline, services, subscriptions

    store = Path.cwd() / "digest.db"
    shutil.copy(base, store)
    (known,) = [one for one in _readers() if one["id"] == reader]
    grades, days = _grades()[reader], _judged_days()
    email = f"{reader}@example.org"
    for day, step in STEPS.items():
        app = _open_app(store, day)
        if day == FIRST:
            subscriptions.subscribe(app, _request(known, email), origin="command")
        pipeline.ingest(app, [DUMPS / f"{day}.jsonl.gz"], seen=date.fromisoformat(day))
        subscriber = subscriptions.find(app, email)
        # What composing does first.
        pipeline.recalibrate(app)
        result = services.preview(app, subscriber)
        today = date.fromisoformat(day)
        order = rank_papers(app, subscriber, today) if weights else []
        evidence = [] if weights else gather(app, subscriber, known["who"], today, grades)
        pipeline.compose(app)
        pipeline.send(app)
        shown = [
            (result.papers[item.score.paper_id].name.removeprefix("arxiv:"), item)
            for item in getattr(result.outcome, "items", ())
        ]
        yield (
            judge(reader, day, step, shown, grades, days)
            | judge_order(day, order, {item.score.paper_id for _, item in shown}, grades, days)
            | {"evidence": evidence}
        )
        if step != "warm":
            opened = [paper for paper, _ in shown if grades.get(paper)]
            others = [paper for paper, _ in shown if not grades.get(paper)][:3]
            for paper in (*opened, *others):
                vote = 1 if paper in opened else -1
                services.rate(app, subscriber, f"arxiv:{paper}", vote)
        app.close()


def _request(known: Row, email: str) -> Any:
    from digest.model import Interest
    from digest.subscriptions import SubscriptionRequest

    interests = tuple(
        Interest(
            name=one.get("name", "main"),
            keywords=tuple(one.get("keywords", ())),
            categories=tuple(one.get("categories", ())),
        )
        for one in known["interests"]
    )
    return SubscriptionRequest(email=email, timezone="UTC", hour=0, size=10, interests=interests)


def judge(
    reader: str,
    day: str,
    step: str,
    shown: Sequence[tuple[str, Any]],
    grades: Mapping[str, int],
    days: Mapping[str, str],
) -> Row:
    """Judge a digest; the drawn paper is counted apart."""
    normal = [(paper, item) for paper, item in shown if item.slot != "exploration"]
    listed = [paper for paper, _ in normal if paper in days]
    there = {paper: grade for paper, grade in grades.items() if days.get(paper) == day}
    there |= {paper: grades[paper] for paper in listed if paper in grades}
    opened = sum(paper in grades for paper in listed)
    fits = min(len(there), 10)
    sure = min(sum(grade == 2 for grade in there.values()), 10)
    return {
        "reader": reader,
        "step": step,
        "listed": len(listed),
        "opened": opened,
        "drawn": len(shown) - len(normal),
        "f1": 2 * opened / (len(listed) + fits) if listed or fits else 1.0,
        "recall2": sum(grades.get(paper) == 2 for paper in listed) / sure if sure else None,
        "listed_chances": [item.score.chance for paper, item in normal if paper in days],
        "labels": [(item.score.word, paper in grades) for paper, item in normal if paper in days],
    }


def rank_papers(app: Any, subscriber: Any, day: date) -> list[tuple[str, Any]]:
    """Return the best papers by name, as `digest preview --all` orders them."""
    from digest import store
    from digest.pipeline.compose import decide_for

    outcome = decide_for(app, replace(subscriber, size=RANKED, strictness="always"), day)
    items = getattr(outcome, "items", ())
    with app.store.reading() as tx:
        papers = store.papers.load(tx, [item.score.paper_id for item in items])
    return [(papers[item.score.paper_id].name.removeprefix("arxiv:"), item) for item in items]


def judge_order(
    day: str,
    order: Sequence[tuple[str, Any]],
    listed: Collection[int],
    grades: Mapping[str, int],
    days: Mapping[str, str],
) -> Row:
    """Judge the whole order, and whether fitting papers with a typed keyword in the title came."""
    from digest.ranking.calibration import LOWEST

    top = [paper for paper, _ in order if paper in days][:10]
    there = {paper: grade for paper, grade in grades.items() if days.get(paper) == day}
    there |= {paper: grades[paper] for paper in top if paper in grades}
    ideal = _discounted(sorted(there.values(), reverse=True)[:10])
    fitting = [item for paper, item in order if paper in grades and item.score.titled]
    return {
        "ndcg": _discounted([grades.get(paper, 0) for paper in top]) / ideal if ideal else None,
        "titled": [item.score.paper_id in listed for item in fitting],
        # Hundreds have the least chance there is, and mean less than it says.
        "other_chances": [
            item.score.chance
            for paper, item in order
            if days.get(paper) == day
            and item.score.paper_id not in listed
            and item.score.chance > LOWEST
        ],
    }


def expect_f1(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Return the mean F1 of these lists in each of DRAWS worlds in which the chances are right.

    Its spread is that of the measure: two rules that differ by less cannot be told apart.
    """
    draw = np.random.default_rng(2)
    means = np.zeros(DRAWS)
    for row in rows:
        chances, others = np.array(row["listed_chances"]), np.array(row["other_chances"])
        opened = (draw.random((DRAWS, len(chances))) < chances).sum(axis=1)
        missed = (draw.random((DRAWS, len(others))) < others).sum(axis=1)
        most = len(chances) + np.minimum(opened + missed, 10)
        means += np.where(most > 0, 2 * opened / np.maximum(most, 1), 1.0)
    return means / len(rows)


def _discounted(grades: Sequence[int]) -> float:
    """Return the discounted cumulative gain of grades in their order."""
    places = np.arange(2, len(grades) + 2)
    return float(((2.0 ** np.array(grades, dtype=np.float64) - 1) / np.log2(places)).sum())


def gather(
    app: Any, subscriber: Any, who: str, day: date, grades: Mapping[str, int]
) -> list[tuple[float, bool, list[list[float]]]]:
    """Gather (weight, graded, evidence of each profile) of all papers, for each variant."""
    from digest import store
    from digest.pipeline.learn import learn
    from digest.pipeline.steps.co_likes import CoLikeContext
    from digest.pipeline.steps.corpus_view import load_batch_context, open_view
    from digest.pipeline.steps.word_counts import load_frequencies
    from digest.ranking import recipes

    co_likes = CoLikeContext(app, day)
    recipe = recipes.RECIPES[recipes.DEFAULT_RECIPE]
    with app.store.reading() as tx:
        view = open_view(tx, now=app.now(), until=day, frequencies=load_frequencies(tx))
        ids = store.papers.list_seen_between(tx, day - timedelta(days=7), day)
        context = load_batch_context(tx, ids, day, view)
    papers = context.day.papers
    names = [paper.name.removeprefix("arxiv:") for paper in papers]
    gathered = []
    for variant, weight in VARIANTS.items():
        reader = _as_variant(subscriber, variant, who)
        (trained,) = learn(app, [reader], view, context.background, co_likes)
        if variant == "thumbs" and not trained.training_data.liked.titles:
            continue
        (scored,) = recipes.score_all(recipe, [trained.profiles[recipe.name]], context.day)
        for number, name in enumerate(names):
            if papers[number].id not in trained.rated_ids:
                rows = [one.evidence[number].round(4).tolist() for one in scored]
                gathered.append((weight, name in grades, rows))
    return gathered


def _as_variant(subscriber: Any, variant: str, who: str) -> Any:
    first, *_ = subscriber.interests
    if variant == "no categories":
        interests = tuple(replace(one, categories=()) for one in subscriber.interests)
    elif variant == "one keyword":
        interests = (replace(first, categories=(), keywords=first.keywords[:1]),)
    elif variant == "thumbs":
        interests = ()
    elif variant == "text":
        interests = (replace(first, categories=(), keywords=(), text=who),)
    else:
        interests = subscriber.interests
    return replace(subscriber, interests=interests)


# ----------------------------------------------------------------------------------------------
# the fit and the report


def fit_prior(rows: Sequence[Row]) -> list[float]:
    """Fit the constant and the weight of each column, not negative where a sign is expected.

    A paper counts by the profile that scores it highest.
    """
    from scipy.optimize import minimize

    from digest.ranking.calibration import _PRIORS

    papers = [paper for row in rows for paper in row["evidence"]]
    evidence = np.array([max(profiles, key=lambda one: one[0]) for _, _, profiles in papers])
    weight = np.array([weight for weight, _, _ in papers])
    liked = np.array([graded for _, graded, _ in papers], dtype=np.float64)
    means, deviations = evidence.mean(axis=0), evidence.std(axis=0) + 1e-9
    columns = np.column_stack((np.ones(len(liked)), (evidence - means) / deviations))
    ridge = np.array([0.0] + [RIDGE] * len(means))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_odds = columns @ weights
        chances = 1 / (1 + np.exp(-log_odds))
        value = weight @ (np.logaddexp(0, log_odds) - liked * log_odds)
        gradient = columns.T @ (weight * (chances - liked)) + ridge * weights
        return float(value + 0.5 * ridge @ weights**2), gradient

    bounds = [(0.0 if prior.sign else None, None) for prior in _PRIORS]
    best = minimize(loss, np.zeros(len(bounds)), jac=True, method="L-BFGS-B", bounds=bounds).x
    slopes = best[1:] / deviations
    return [float(best[0] - slopes @ means), *slopes.tolist()]


def report(rows: Sequence[Row]) -> None:
    readers = sorted({row["reader"] for row in rows})
    draw = np.random.default_rng(1)
    for step in ("cold", "second", "warm"):
        some = [row for row in rows if row["step"] == step]
        by_reader = [[row["f1"] for row in some if row["reader"] == one] for one in readers]
        resampled = sorted(
            float(np.mean(np.concatenate([by_reader[number] for number in numbers])))
            for numbers in draw.integers(0, len(readers), (RESAMPLES, len(readers)))
        )
        low, high = resampled[RESAMPLES // 40], resampled[-RESAMPLES // 40]
        recall = [row["recall2"] for row in some if row["recall2"] is not None]
        expected = expect_f1(some)
        print(
            f"{step:6} listed {sum(row['listed'] for row in some):3} "
            f"opened {sum(row['opened'] for row in some):3} "
            f"drawn {sum(row['drawn'] for row in some):2} "
            f"F1 {np.mean([row['f1'] for row in some]):.3f} ({low:.2f} to {high:.2f}) "
            f"recall of the surest {np.mean(recall):.3f} "
            f"nDCG@10 {np.mean([row['ndcg'] for row in some if row['ndcg'] is not None]):.3f}; "
            f"F1 by the chances {expected.mean():.3f} "
            f"({np.quantile(expected, 0.025):.2f} to {np.quantile(expected, 0.975):.2f})"
        )
    titled = [kept for row in rows for kept in row["titled"]]
    print(
        f"fitting papers with a typed keyword in the title: {sum(titled)} of {len(titled)} listed"
    )
    for word in ("strong match", "good match", ""):
        opened = [bool(kept) for row in rows for label, kept in row["labels"] if label == word]
        print(f"{word or 'no label':12} shown {len(opened):3} opened {np.mean(opened):.2f}")


if __name__ == "__main__":
    sys.exit(main())
