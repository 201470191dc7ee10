"""An operator's own history evaluated: the readers, digests and the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.evaluate import comparison, measures, rates, teams
from digest.evaluate.reconstruction import can_recount_words
from digest.evaluate.replay import FREQUENCIES_LIMITATION, LIMITATIONS, match_thumbs, replay
from digest.evaluate.report import MIN_DIGESTS, MIN_THUMBS_UP, Report, write_verdict
from digest.evaluate.reranking import RatedDigest
from digest.model import Subscriber

#: readers at most, drawn evenly where there are more, and the newest digests of each at most
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
        since: the first local date that is evaluated; recipes still learn from earlier thumbs.
        only: this reader alone.
        readers: how many readers at most; an even draw where there are more.
        digests: how many digests of each reader at most are replayed, the newest.
        progress: called with the number of digests replayed and of all.

    Raises:
        NotFoundError: the given reader has given no thumb.
    """
    own_recipe = app.config.digest.recipe
    with app.store.reading() as tx:
        raters = store.past.count_thumbs_by_reader(tx)
        reader_ids = _choose_readers(raters, only, readers)
        past = store.past.load_digests(tx, reader_ids)
        votes = store.feedback.load_votes(tx, reader_ids)
    rated_digests = [
        rated
        for rated in match_thumbs(past, votes)
        if since is None or rated.digest.local_date >= since
    ]
    comparable = [rated for rated in rated_digests if rated.thumbs_up and len(rated.votes) > 1]
    chosen = _newest_of_each_reader(comparable, digests)
    replayed = [
        digest
        for digest in replay(app, chosen, past, votes, progress)
        if 1 in digest.votes and len(digest.votes) > 1
    ]
    report = _count_thumbs(rated_digests, own_recipe, raters=len(raters), replayed=len(replayed))
    thumbs_up = sum(digest.votes.count(1) for digest in replayed)
    report.enough = len(replayed) >= MIN_DIGESTS and thumbs_up >= MIN_THUMBS_UP
    if report.enough:
        report.unit = comparison.choose_unit(replayed)
        report.rows = comparison.compare_recipes(replayed, own_recipe)
        report.steps = comparison.learning_curve(replayed, own_recipe)
    report.verdict = write_verdict(report)
    report.caveats = _write_caveats(report, recounted=can_recount_words(app))
    if only is None and len(reader_ids) < len(raters):
        report.caveats.append(
            f"{len(reader_ids)} of {len(raters)} readers with thumbs were drawn (--readers)"
        )
    if len(chosen) < len(comparable):
        report.caveats.append(
            f"of each reader the newest {digests} digests at most were replayed (--digests)"
        )
    return report


def _count_thumbs(
    rated_digests: Sequence[RatedDigest], own_recipe: str, *, raters: int, replayed: int
) -> Report:
    """Return a report of what can be counted without replaying."""
    dates = [rated.digest.local_date for rated in rated_digests]
    return Report(
        own=own_recipe,
        raters=raters,
        readers=len({rated.digest.subscriber_id for rated in rated_digests if any(rated.votes)}),
        thumbs_up=sum(rated.votes.count(1) for rated in rated_digests),
        thumbs_down=sum(rated.votes.count(-1) for rated in rated_digests),
        digests=len(rated_digests),
        replayed=replayed,
        since=min(dates, default=None),
        until=max(dates, default=None),
        positions=rates.rate_by_position(rated_digests),
        slots=rates.rate_by_slot(rated_digests),
        matches=rates.rate_by_match(rated_digests, own_recipe),
        exploration=rates.rate_exploration(rated_digests),
        comparisons=teams.compare(rated_digests),
    )


def _choose_readers(raters: dict[int, int], only: Subscriber | None, limit: int) -> list[int]:
    if only is not None:
        if only.id not in raters:
            raise NotFoundError(
                f"{only.email} has given no thumb yet: there is nothing to evaluate"
            )
        return [only.id]
    everybody = sorted(raters)
    if len(everybody) <= limit:
        return everybody
    random = np.random.default_rng(measures.SEED)
    return sorted(random.choice(everybody, size=limit, replace=False).tolist())


def _newest_of_each_reader(rated_digests: Sequence[RatedDigest], limit: int) -> list[RatedDigest]:
    """Return at most `limit` digests of each reader, in the order of composition."""
    left: dict[int, int] = {}
    newest = []
    for rated in reversed(rated_digests):
        subscriber_id = rated.digest.subscriber_id
        left[subscriber_id] = left.get(subscriber_id, limit) - 1
        if left[subscriber_id] >= 0:
            newest.append(rated)
    return newest[::-1]


def _write_caveats(report: Report, *, recounted: bool) -> list[str]:
    """Return what the figures cannot say, most important first."""
    caveats = [
        "only papers that were in the mails could get a thumb, so recipes are compared on these "
        "papers alone; a recipe that would have found better ones is not rewarded for it. Two "
        "recipes that share digests ([evaluate] recipe_b) are compared without this limit",
        "readers see the top of a mail first: orders close to the one that was sent gain a little "
        "by that",
        *LIMITATIONS,
    ]
    if not recounted:
        caveats.append(FREQUENCIES_LIMITATION)
    if report.unit == "digests" and report.enough:
        caveats.append(
            f"the intervals speak of these readers alone; from {measures.READERS} readers on they "
            f"speak of others like them"
        )
    return caveats
