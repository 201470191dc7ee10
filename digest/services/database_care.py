"""Check the database as a whole, and give free space back to the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from digest import store
from digest.app import App
from digest.errors import StoreError
from digest.services.vector_index import find_index_problem
from digest.store.checks import Check


def check_database(app: App, *, quick: bool = False) -> Iterator[Check]:
    """Check the database: damage, indexes, and what must hold between the rows.

    Args:
        quick: leave out the index of words, during whose check writers of SQLite wait.

    Raises:
        StoreError: the database does not answer.
    """
    health = store.health.examine(app.store)
    yield Check(
        name="the database is not damaged",
        problem="; ".join(health.damage),
        remedy=store.checks.RESTORE if health.damage else "",
    )
    yield Check(
        name="what is committed survives a power cut",
        problem="; ".join(health.unsafe),
        remedy="Change the setting" if health.unsafe else "",
    )
    with app.store.snapshot() as tx:
        yield from store.checks.check_rules(tx)
    if not quick:
        yield store.checks.check_word_index(app.store)
    problem = find_index_problem(app)
    yield Check(
        name="the file of vectors is sound",
        problem=problem,
        remedy="digest vectors index" if problem else "",
    )


def vacuum_database(app: App, *, full: bool = False, words: bool = False) -> tuple[int, int]:
    """Give free space back to the disk.

    Args:
        full: PostgreSQL: rewrite the tables, which locks each of them meanwhile.
        words: make the index of words anew first.

    Returns:
        Bytes that the database took before and takes now.

    Raises:
        StoreError: another process uses it, or the disk has too little space.
    """
    before = store.health.measure_file(app.store)
    file = app.store.file
    if file is not None:
        free = shutil.disk_usage(file.parent).free
        # The new file is written beside the old one, and then over it by way of the log.
        if free < 2 * store.health.measure_size(app.store):
            raise StoreError(
                f"{app.store.display_name}: the disk has {free / 1e6:,.0f} MB free, and twice "
                f"{store.health.measure_size(app.store) / 1e6:,.0f} MB are needed. Make space, "
                "then run it again"
            )
    store.checks.vacuum(app.store, full=full, words=words)
    return before, store.health.measure_file(app.store)
