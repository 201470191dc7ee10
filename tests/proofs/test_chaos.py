"""A service whose processes are killed at random loses nothing and sends nothing twice.

The short form; `python -m tests.proofs chaos` is the long one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attack.delivery import find_faketime
from tests.conftest import skip_or_fail
from tests.proofs.chaos.chaos import Chaos
from tests.proofs.postgres_cluster import find_programs

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
#: what befalls the service at least once
_ACTS = {
    "scheduler killed",
    "sender killed",
    "web killed",
    "stopped",
    "mail server down",
    "database crashed",
    "one machine's clock an hour ahead",
    "clocks an hour back",
}


def test_no_reader_gets_two_digests_or_loses_a_day_or_a_paper(tmp_path: Path) -> None:
    if find_faketime() is None:
        skip_or_fail("libfaketime (Debian's package faketime) is not installed")
    if find_programs() is None:
        skip_or_fail("no programs of a PostgreSQL server are installed")
    processes = {"scheduler": 2, "sender": 2, "web": 1}
    report = Chaos(
        tmp_path, seconds=0, days=1, acts=8, between=1, kills=1, processes=processes
    ).run()
    assert report.wrong == []
    assert report.acts.keys() >= _ACTS
    assert report.mails >= 20
    assert report.thumbs > 0
