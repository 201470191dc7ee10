"""A `digest serve` that takes and keeps no more on its last days than on its first.

The short form; `python -m tests.proofs soak` is the long one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attack.delivery import find_faketime
from tests.conftest import skip_or_fail
from tests.proofs.soak import READERS, Soak

pytestmark = pytest.mark.slow


def test_nothing_but_history_grows(tmp_path: Path) -> None:
    if find_faketime() is None:
        skip_or_fail("libfaketime (Debian's package faketime) is not installed")
    # A digest chooses from the papers of a week, so a day grows until then.
    report = Soak(tmp_path, days=10, warm=7, memory=25_000).run()
    assert report.wrong == []
    assert report.mails == 10 * READERS
    assert report.thumbs == 20
