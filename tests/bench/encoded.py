"""`digest.evaluate` with an encoder beside it, for the shared benchmark.

DIGEST_BENCH_ENCODED names a file with the vectors of a track's papers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from digest import evaluate

recommend = evaluate.recommend


def prepare(all_texts: Sequence[str]) -> None:
    """Prepare the texts as a service does whose config names an encoder."""
    vectors = np.load(os.environ["DIGEST_BENCH_ENCODED"])["E"].astype(np.float32)
    evaluate.prepare(all_texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
