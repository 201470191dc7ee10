"""An operator's own history, evaluated: which readers and digests are looked at, and the report on
them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.evaluate import measures, teams
from digest.evaluate import report as reports
from digest.evaluate.replay import FREQUENCIES_REMAIN, REMAINS, Rated, rated, recounted, replay
from digest.evaluate.report import Report
from digest.model import Subscriber

#: readers looked at, drawn evenly where there are more, and the newest digests of each that are
#: replayed
READERS, DIGESTS = 100, 30


def evaluate(
    app: App,
    *,
    since: date | None = None,
    only: Subscriber | None = None,
    readers: int = READERS,
    digests: int = DIGESTS,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Replay what was sent, and report.

    Args:
        since: the first local date looked at; what was thumbed earlier is still learned from.
        only: this reader alone.
        readers: how many readers at most; an even draw where there are more.
        digests: how many digests of each reader at most are replayed, the newest.
        progress: called with the number of digests replayed and of all.

    Raises:
        NotFoundError: the one reader asked for has given no thumb.
    """
    own = app.config.digest.recipe
    with app.store.reading() as tx:
        raters = store.past.count_thumbs_by_reader(tx)
        chosen = _choose(raters, only, readers)
        past = store.past.load_digests(tx, chosen)
        votes = store.feedback.load_votes(tx, chosen)
    reached = [one for one in rated(past, votes) if since is None or one.past.local_date >= since]
    telling = [one for one in reached if one.ups and len(one.votes) > 1]
    wanted = _newest(telling, digests)
    replayed = replay(app, wanted, past, votes, progress)
    usable = [one for one in replayed if 1 in one.votes and len(one.votes) > 1]
    report = Report(
        own=own,
        raters=len(raters),
        readers=len({one.past.subscriber_id for one in reached if any(one.votes)}),
        thumbs_up=sum(one.votes.count(1) for one in reached),
        thumbs_down=sum(one.votes.count(-1) for one in reached),
        digests=len(reached),
        replayed=len(usable),
        since=min((one.past.local_date for one in reached), default=None),
        until=max((one.past.local_date for one in reached), default=None),
        positions=reports.by_position(reached),
        slots=reports.by_slot(reached),
        matches=reports.by_match(reached, own),
        exploration=reports.explored(reached),
        comparisons=teams.compare(reached),
    )
    report.enough = (
        report.replayed >= reports.DIGESTS
        and sum(one.votes.count(1) for one in usable) >= reports.THUMBS_UP
    )
    if report.enough:
        report.unit = reports.unit_of(usable)
        report.rows = reports.compare_recipes(usable, own)
        report.steps = reports.learning(usable, own)
    report.verdict = reports.verdict(report)
    report.caveats = _caveats(report, recounted=recounted(app))
    if only is None and len(chosen) < len(raters):
        report.caveats.append(
            f"{len(chosen)} of {len(raters)} readers with thumbs were drawn (--readers)"
        )
    if len(wanted) < len(telling):
        report.caveats.append(
            f"of each reader the newest {digests} digests at most were replayed (--digests)"
        )
    return report


def _choose(raters: dict[int, int], only: Subscriber | None, most: int) -> list[int]:
    if only is not None:
        if only.id not in raters:
            raise NotFoundError(
                f"{only.email} has given no thumb yet: there is nothing to evaluate"
            )
        return [only.id]
    everybody = sorted(raters)
    if len(everybody) <= most:
        return everybody
    return sorted(
        np.random.default_rng(measures.SEED).choice(everybody, size=most, replace=False).tolist()
    )


def _newest(reached: Sequence[Rated], most: int) -> list[Rated]:
    """At most so many of each reader, in the order in which they were composed."""
    left: dict[int, int] = {}
    kept = []
    for one in reversed(reached):
        left[one.past.subscriber_id] = left.get(one.past.subscriber_id, most) - 1
        if left[one.past.subscriber_id] >= 0:
            kept.append(one)
    return kept[::-1]


def _caveats(report: Report, *, recounted: bool) -> list[str]:
    """What the figures cannot say, most important first."""
    found = [
        "only papers that were in the mails could get a thumb, so recipes are compared on these "
        "papers alone; a recipe that would have found "
        "better ones is not rewarded for it. Two recipes that share digests ([evaluate] recipe_b) "
        "are compared without this limit",
        "readers see the top of a mail first: orders close to the one that was sent gain a little "
        "by that",
        *REMAINS,
    ]
    if not recounted:
        found.append(FREQUENCIES_REMAIN)
    if report.unit == "digests" and report.enough:
        found.append(
            f"the intervals speak of these readers alone; from {measures.READERS} readers on they "
            f"speak of others like them"
        )
    return found
