"""Two recipes' digests for one reader and date -> one digest that both share, by team draft.

Both are measured at once and on the same day, so that what is liked says which of them chose
better. Each round a coin decides which recipe picks first; each then adds the best of its own list
that is not taken yet. The coin is seeded by reader, date and recipes: what is drawn can be drawn
again. Decides who picks what; knows no recipe and counts no thumb.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Sequence
from datetime import date

import numpy as np
from msgspec import structs

from digest.model import Item


def takes_part(subscriber_id: int, share: int, teams: tuple[str, str]) -> bool:
    """Whether a reader is among the `share` per cent whose digests two recipes share; the same
    answer on every day.
    """
    return bool(_seeded(teams, subscriber_id).integers(100) < share)


def draft(
    first: Sequence[Item],
    second: Sequence[Item],
    *,
    teams: tuple[str, str],
    subscriber_id: int,
    local_date: date,
    size: int,
    key: Callable[[int], Hashable] = lambda paper_id: paper_id,
) -> tuple[Item, ...]:
    """One list of at most `size` items from two, best first; `Item.team` says whose pick each is.

    `first` is the service's own. Its items outside the normal slot keep their places and belong to
    no team, and so do those that fill the digest when one list has nothing more to offer: from
    there on only the service's own are listed. Items whose `key` (of the paper's id) is equal are
    one paper to the draft; the item of the list that picks it stands.
    """
    coin = _seeded(teams, subscriber_id, local_date.toordinal())
    fixed = [(place, item) for place, item in enumerate(first[:size]) if item.slot != "normal"]
    taken = {key(item.score.paper_id) for _, item in fixed}
    lists = [[item for item in some if item.slot == "normal"] for some in (first, second)]
    room = size - len(fixed)
    chosen: list[Item] = []
    while len(chosen) < room:
        lists = [[item for item in some if key(item.score.paper_id) not in taken] for some in lists]
        rounds = [_picks(lists, order, key) for order in ((0, 1), (1, 0))]
        if not all(
            rounds
        ):  # whichever the coin would choose, else a list that runs out would bias the last round
            break
        for team, item in rounds[int(coin.integers(2))][: room - len(chosen)]:
            chosen.append(structs.replace(item, team=teams[team]))
            taken.add(key(item.score.paper_id))
    for item in lists[0]:
        if len(chosen) < room and key(item.score.paper_id) not in taken:
            chosen.append(structs.replace(item, team=""))
            taken.add(key(item.score.paper_id))
    for place, item in fixed:
        chosen.insert(place, item)
    return tuple(
        structs.replace(item, position=number) for number, item in enumerate(chosen, start=1)
    )


def _picks(
    lists: Sequence[Sequence[Item]], order: tuple[int, int], key: Callable[[int], Hashable]
) -> list[tuple[int, Item]]:
    """What each team takes in a round, in turn; nothing where one of them would find
    nothing left."""
    if not lists[0] or not lists[1]:
        return []
    lead, follow = order
    best = lists[lead][0]
    rest = [item for item in lists[follow] if key(item.score.paper_id) != key(best.score.paper_id)]
    return [(lead, best), (follow, rest[0])] if rest else []


def _seeded(teams: tuple[str, str], *numbers: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32("\n".join(teams).encode()), *numbers])
