"""Compare the clocks of two machines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from digest.doctor.findings import Finding, bad, good, warning


def compare_clock(machine: str, their_time: datetime) -> Iterator[Finding]:
    """Compare another machine's clock with ours. A few seconds of delay are normal."""
    difference = abs((datetime.now(UTC) - their_time).total_seconds())
    remedy = "Synchronise both machines with NTP"
    if difference > 60:
        yield bad(
            "clock",
            f"this machine and {machine} are {difference:.0f} s apart: "
            f"hours, leases and signatures go wrong",
            remedy,
        )
    elif difference > 5:
        yield warning("clock", f"this machine and {machine} are {difference:.0f} s apart", remedy)
    else:
        yield good("clock", f"this machine and {machine} agree")
