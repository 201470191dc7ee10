"""Two recipes' digests of one reader -> one, by team-draft interleaving.

Both recipes are measured on the same day and the same reader, so the thumbs show which of them
chose better (Radlinski, Kurup and Joachims, "How does clickthrough data reflect retrieval
quality?", 2008). Each round a coin decides which recipe picks first; each then adds the best paper
of its own list that is not listed yet. The coin is seeded by reader, date and recipes, so a digest
can be drawn again.

Decides which recipe picks what; runs no recipe and counts no thumbs.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Sequence
from datetime import date

import numpy as np
from msgspec import structs

from digest.model import Item

#: id of a paper -> what is equal for records of the same paper
PaperKey = Callable[[int], Hashable]


def takes_part(subscriber_id: int, share: int, teams: tuple[str, str]) -> bool:
    """Return whether a reader is among the `share` per cent with interleaved digests.

    The answer is the same on every day.
    """
    return bool(_seeded_random(teams, subscriber_id).integers(100) < share)


def interleave(
    first: Sequence[Item],
    second: Sequence[Item],
    *,
    teams: tuple[str, str],
    subscriber_id: int,
    local_date: date,
    size: int,
    key: PaperKey = lambda paper_id: paper_id,
) -> tuple[Item, ...]:
    """Merge two lists, best first, into one of at most `size` items.

    `Item.team` names the recipe that picked an item. Items outside the normal slot of the first
    list keep their positions and belong to no team. When one list has nothing left to pick, the
    first list fills the rest, again without a team.

    Args:
        first: the items of the service's own recipe.
        second: the items of the other recipe.
        teams: the names of the two recipes.
        key: items of equal key are the same paper; the item of the list that picks it is kept.
    """
    random = _seeded_random(teams, subscriber_id, local_date.toordinal())
    fixed = [
        (position, item) for position, item in enumerate(first[:size]) if item.slot != "normal"
    ]
    picked_keys = {key(item.score.paper_id) for _, item in fixed}
    room = size - len(fixed)
    lists = [[item for item in items if item.slot == "normal"] for items in (first, second)]
    picked: list[Item] = []
    while len(picked) < room:
        lists = [
            [item for item in items if key(item.score.paper_id) not in picked_keys]
            for items in lists
        ]
        # Both orders must be possible, else a list that runs out would bias the last round.
        rounds = [_pick_round(lists, order, key) for order in ((0, 1), (1, 0))]
        if not all(rounds):
            break
        for team, item in rounds[int(random.integers(2))][: room - len(picked)]:
            picked.append(structs.replace(item, team=teams[team]))
            picked_keys.add(key(item.score.paper_id))
    for item in lists[0]:
        if len(picked) < room and key(item.score.paper_id) not in picked_keys:
            picked.append(structs.replace(item, team=""))
            picked_keys.add(key(item.score.paper_id))
    for position, item in fixed:
        picked.insert(position, item)
    return tuple(
        structs.replace(item, position=number) for number, item in enumerate(picked, start=1)
    )


def _pick_round(
    lists: Sequence[Sequence[Item]], order: tuple[int, int], key: PaperKey
) -> list[tuple[int, Item]]:
    """Return each team's pick of a round, in turn; empty where one has none."""
    if not lists[0] or not lists[1]:
        return []
    leader, follower = order
    best = lists[leader][0]
    best_key = key(best.score.paper_id)
    others = [item for item in lists[follower] if key(item.score.paper_id) != best_key]
    return [(leader, best), (follower, others[0])] if others else []


def _seeded_random(teams: tuple[str, str], *numbers: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32("\n".join(teams).encode()), *numbers])
