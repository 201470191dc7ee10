"""Settings of what is kept for how long: `[keep]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from digest.config.value_types import Section

#: days for which papers compete; what the next digests are made from must not be younger
_LEAST = 31


def _check_days(days: int) -> int:
    if 0 < days < _LEAST:
        raise ValueError(
            f"must be 0 (for ever) or at least {_LEAST}, since the next digests are made from the "
            "last month"
        )
    return days


Days = Annotated[int, Field(ge=0, le=36_600), AfterValidator(_check_days)]


class KeepSection(Section):
    """How many days history is kept; 0 = for ever, else at least 31.

    `serve` prunes once a day, `digest db prune` at once. What stays whatever the days: readers,
    thumbs, papers, which paper was listed when and how its digest was made, the ledger.
    """

    raw_days: Days = Field(
        31,
        description="the text of each record as its dump had it, from when the dump was read; "
        "papers are made from the cleaned record, which stays",
    )
    rejects_days: Days = Field(
        92, description="records that could not be used; their number stays with the dump"
    )
    reasons_days: Days = Field(
        366,
        description="what lifted and lowered each listed paper; what its reason names stays",
    )
    deliveries_days: Days = Field(
        184, description="attempts to deliver messages that have reached their end"
    )
    rounds_days: Days = Field(
        92,
        description="reports of past fetches, ingests, composes and sends, and old letters "
        "to the operator; the newest report stays",
    )
    dumps_days: Days = Field(
        0,
        description="files of the inbox that were read to their end; without them, their rejected "
        "records cannot be tried again",
    )
