"""A service whose processes are killed at random loses nothing and sends nothing twice.

The short form; `python -m tests.proofs chaos` is the long one.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.attack.delivery import find_faketime
from tests.conftest import skip_or_fail
from tests.proofs.chaos.chaos import Chaos
from tests.proofs.postgres_cluster import find_programs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgres,
    pytest.mark.skipif(
        "DIGEST_TEST_PROOFS" not in os.environ, reason="DIGEST_TEST_PROOFS=1 runs it"
    ),
]


def test_no_reader_gets_two_digests_or_loses_a_day_or_a_paper(tmp_path: Path) -> None:
    if find_faketime() is None:
        skip_or_fail("libfaketime (Debian's package faketime) is not installed")
    if find_programs() is None:
        skip_or_fail("no programs of a PostgreSQL server are installed")
    report = Chaos(tmp_path, seconds=25, days=1, between=2, kills=1).run()
    assert report.wrong == []
    assert report.acts["killed"] + report.acts["stopped"] >= 6
    assert report.acts["database crashed"]
    assert report.acts["mail server down"]
    assert report.mails >= 20
    assert report.thumbs > 0
