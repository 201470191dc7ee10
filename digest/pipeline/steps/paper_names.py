"""Look up the stored papers that people mean by a name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from digest import papers, store

#: the id of a paper, as far as a database can store it
_PAPER_ID = re.compile(r"paper:[0-9]{1,18}", re.ASCII)


def look_up(tx: store.Connection, name: str) -> list[int]:
    """Return the ids of the papers that a name may mean; a title may mean several."""
    return look_up_all(tx, [name])[name]


def look_up_all(tx: store.Connection, names: Sequence[str]) -> dict[str, list[int]]:
    """Look up many names in a few queries.

    A name is an arXiv id, a DOI, a link, `paper:17` or a title.
    """
    keys: dict[str, tuple[str, str]] = {}
    ids: dict[str, int] = {}
    for name in names:
        if _PAPER_ID.fullmatch(name):
            ids[name] = int(name.removeprefix("paper:"))
        elif (identity := papers.parse_name(name)) is not None:
            keys[name] = (identity.kind, identity.value)
        else:
            keys[name] = ("title", papers.normalise_title(name))
    by_identity = store.papers.find_by_identities(tx, set(keys.values()))
    by_id = store.papers.load(tx, ids.values())
    return {name: by_identity.get(key, []) for name, key in keys.items()} | {
        name: [by_id[ident].id] if ident in by_id else [] for name, ident in ids.items()
    }
