"""What people call papers -> the stored papers that they mean."""

from __future__ import annotations

from collections.abc import Sequence

from digest import papers, store
from digest.app import App
from digest.errors import InputError, NotFoundError
from digest.model import Paper


def find(app: App, name: str) -> Paper:
    """A stored paper by arXiv id, DOI, link, `paper:17`, or its whole title.

    Raises as `rate` does.
    """
    with app.store.reading() as tx:
        idents = look_up(tx, name)
        if not idents:
            raise NotFoundError(
                f"no stored paper is called {name!r}. Give an arXiv id, a DOI, a link to either, "
                f"or the whole title"
            )
        if len(idents) > 1:
            raise InputError(
                f"{len(idents)} stored papers are called {name!r}: "
                f"{', '.join(f'paper:{i}' for i in idents)}. Name one of these"
            )
        return store.papers.load(tx, idents)[idents[0]]


def look_up(tx: store.Connection, name: str) -> list[int]:
    """Ids of the stored papers that a name may mean: one for an identifier, any number
    for a title."""
    return look_up_all(tx, [name])[name]


def look_up_all(tx: store.Connection, names: Sequence[str]) -> dict[str, list[int]]:
    """As `look_up`, for many names in a few queries."""
    keys: dict[str, tuple[str, str]] = {}
    numbers: dict[str, int] = {}
    for name in names:
        if name.startswith("paper:") and name.removeprefix("paper:").isdigit():
            numbers[name] = int(name.removeprefix("paper:"))
        elif (identity := papers.parse_name(name)) is not None:
            keys[name] = (identity.kind, identity.value)
        else:
            keys[name] = ("title", papers.normalise_title(name))
    found = store.papers.find_by_identities(tx, set(keys.values()))
    numbered = store.papers.load(tx, numbers.values())
    return {name: found.get(key, []) for name, key in keys.items()} | {
        name: [numbered[ident].id] if ident in numbered else [] for name, ident in numbers.items()
    }
