"""How many examples a property test tries, and whether everything runs."""

from __future__ import annotations

import os

#: everything runs in full length, and nothing may be missing on the machine
FULL = bool(os.environ.get("DIGEST_TEST_ALL"))


def examples(count: int) -> int:
    """Return how many of `count` examples to try.

    All of them with DIGEST_TEST_ALL=1, else a fifth, at least 10.
    """
    return count if FULL else min(count, max(10, count // 5))
