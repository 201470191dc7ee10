"""Ask `digest evaluate` about readers whose taste is known.

Sixteen invented readers live through real arXiv days, then the report is made.

    python tests/bench/history.py --days 40 --folder /tmp/history
    digest evaluate --config /tmp/history/config.toml --html report.html
            once more, as an operator would

Needs the real dumps: DIGEST_TEST_SHARED, else `shared` beside the repository. Takes minutes: five
seconds a day, then a tenth a digest.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from digest import config, evaluate
from digest.app import App
from digest.model import Paper
from digest.subscriptions import SubscriptionRequest
from tests.fakes.readers import FakeReader, holds, live, within

Taste = Callable[[Paper], bool]
WORKDAYS = (1, 2, 3, 4, 5)


def match_both(first: Taste, second: Taste) -> Taste:
    return lambda paper: first(paper) and second(paper)


#: what they say, what they like, and whether they read at weekends
CAST: tuple[tuple[str, Taste, bool], ...] = (
    ("coding", within("cs.IT"), False),
    ("auction", within("cs.GT"), True),
    ("engineering", within("cs.CE"), False),
    ("rendering", within("cs.GR"), False),
    (
        "language",
        match_both(within("cs.CL"), holds("translation", "multilingual", "low-resource")),
        True,
    ),
    ("audio", holds("speech", "spoken"), False),
    ("medical", match_both(within("cs.CV"), holds("medical", "mri", "patholog", "lesion")), True),
    ("3D", holds("gaussian splat", "radiance field"), False),
    ("vehicle", holds("autonomous driving", "lidar", "traffic"), True),
    ("agent", match_both(within("cs.AI"), holds("planning", "agent")), True),
    ("law", holds("legal", "court"), True),
    ("teaching", holds("student", "education", "classroom"), False),
    ("safety", holds("jailbreak", "safety", "adversarial attack"), False),
    ("retrieval", holds("retrieval-augmented", "rag "), True),
    ("earth", holds("remote sensing", "satellite"), True),
    ("ethics", holds("fairness", "gender bias", "stereotyp"), False),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Live through real days with readers of known taste, and evaluate."
    )
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument(
        "--folder", type=Path, required=True, help="a new folder for the database and the mails"
    )
    parser.add_argument(
        "--against",
        default="recent",
        help="recipe that shares the digests of two readers in five; '' = none",
    )
    options = parser.parse_args()
    dumps = Path(os.environ.get("DIGEST_TEST_SHARED") or ROOT.parent / "shared") / "dumps" / "arxiv"
    files = sorted(dumps.glob("*.jsonl.gz"))[: options.days]
    if not files:
        print(
            f"no dumps at {dumps}; set DIGEST_TEST_SHARED to the folder that holds dumps/arxiv",
            file=sys.stderr,
        )
        return 1
    options.folder.mkdir(parents=True)
    settings = (
        f'[mail]\nsender = "digest@example.org"\n[evaluate]\nrecipe_b = "{options.against}"\n'
        f'share = 40\n[log]\nlevel = "warning"\n'
    )
    (options.folder / "config.toml").write_text(settings, encoding="utf-8")
    app = App.open(config.load(options.folder / "config.toml", {}))
    started = time.process_time()
    app = live(app, make_readers(), [(date.fromisoformat(file.name[:10]), file) for file in files])
    lived = time.process_time()
    report = evaluate.evaluate(app)
    app.close()
    print(report.verdict, *(comparison.verdict for comparison in report.comparisons), sep="\n")
    print(
        f"{len(files)} days lived in {lived - started:.0f} s of CPU; {report.replayed} digests "
        f"replayed in {time.process_time() - lived:.0f} s"
    )
    return 0


def make_readers() -> list[FakeReader]:
    return [
        FakeReader(
            request=SubscriptionRequest(
                email=f"reader{number}@example.org",
                keywords=(keyword,),
                size=10,
                days=None if weekends else WORKDAYS,
            ),
            likes=likes,
            patience=0.95,
        )
        for number, (keyword, likes, weekends) in enumerate(CAST)
    ]


if __name__ == "__main__":
    sys.exit(main())
