"""Ask the Dask cluster that composes whether it answers, and has the same versions."""

from __future__ import annotations

from collections.abc import Iterator

from digest.app import make_cluster
from digest.config import Config
from digest.doctor.findings import Finding, bad, good
from digest.errors import DigestError


def check_workers(config: Config) -> Iterator[Finding]:
    """Check the cluster, where one is configured."""
    address = config.workers.dask
    if not address:
        return
    try:
        count = make_cluster(config.workers).check()
    except DigestError as error:
        yield bad("workers", str(error), "Until this works no digest is composed")
        return
    yield good("workers", f"the Dask cluster at {address} has {count} workers of these versions")
