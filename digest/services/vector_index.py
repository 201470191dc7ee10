"""The index of the search by meaning: kept in a file beside the database, followed as papers come.

The file is derived from the store and can be deleted. It is written whole, under another name, and
renamed, so a crash leaves the old one. It is not trusted where its checksum, its word vectors or
its last record are not those of the store, as after a restored backup; then it is made anew.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest import private, store
from digest.app import App
from digest.errors import StoreError
from digest.pipeline.steps.corpus_view import BACKGROUND_SIZE, load_word_vectors
from digest.pipeline.steps.word_counts import load_counts, load_frequencies
from digest.ranking import features
from digest.ranking.features import VectorIndex

log = logging.getLogger("digest.search")

#: papers that are added while a search waits; more are added beside it
_MOST_WAITED_FOR = 2000
#: the space is fitted anew when so many times as many papers are stored
_OUTGROWN = 2.0
_BATCH = 5000

Progress = Callable[[int], None]
"""Called with the number of papers that are indexed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedIndex:
    """An index with the space that its codes were made in."""

    index: VectorIndex
    space: features.Space

    def dense_row(self, counts: sp.csr_matrix) -> NDArray[np.float32]:
        """Return the dense row of a text's words; zeros where no word has a vector."""
        row: NDArray[np.float32] = self.space.dense_rows(counts)[0]
        return row


class VectorIndexCache:
    """Keeps the index in memory, and brings it up to date. Threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: LoadedIndex | None = None
        self._state: Hashable = None

    def load(self, app: App, tx: store.Connection) -> LoadedIndex | None:
        """Return the index; None while it is made for the first time.

        A few new papers are added first. Where there are many, a thread adds them, and the index
        is returned as it is.
        """
        if self._state == _read_state(tx) or not self._lock.acquire(blocking=False):
            return self._loaded
        release = True
        try:
            state = _read_state(tx)
            loaded = self._loaded or _read_file(app, tx)
            pending = _count_pending(tx, loaded)
            if pending <= _MOST_WAITED_FOR:
                self._loaded, self._state = update_index(app, tx, loaded), state
            else:
                if loaded is not None and _is_current(tx, loaded.index):
                    self._loaded = loaded
                threading.Thread(
                    target=self._update_beside, args=(app, loaded), daemon=True
                ).start()
                release = False
            return self._loaded
        finally:
            if release:
                self._lock.release()

    def _update_beside(self, app: App, loaded: LoadedIndex | None) -> None:
        """Bring the index up to date in a thread of its own, which holds the lock."""
        try:
            with app.store.reading() as tx:
                state = _read_state(tx)
                self._loaded, self._state = update_index(app, tx, loaded), state
        except StoreError as error:
            log.warning("search index not updated: %s", error)
        finally:
            self._lock.release()


def rebuild_index(app: App, progress: Progress = lambda _: None) -> VectorIndex:
    """Make the index of all papers anew, and its file where the store has one."""
    with app.store.reading() as tx:
        return update_index(app, tx, None, progress=progress).index


def find_index_file(app: App) -> Path | None:
    """Return the path of the index; None where it is only in memory, as with PostgreSQL."""
    file = app.store.file
    return None if file is None else file.with_name(file.name + ".vectors")


def update_index(
    app: App,
    tx: store.Connection,
    loaded: LoadedIndex | None,
    *,
    progress: Progress = lambda _: None,
) -> LoadedIndex:
    """Add what came since; make the index anew where it does not fit the store."""
    record, fingerprint = store.search.find_last_record(tx)
    if loaded is not None and _is_current(tx, loaded.index):
        space, index = loaded.space, loaded.index
        changed = _list_pending(tx, index)
        if not changed and index.last_record == record:
            return loaded
        for start in range(0, len(changed), _BATCH):
            index = _add(tx, index, space, changed[start : start + _BATCH])
    else:
        space = _fit_space(tx)
        index = VectorIndex.empty(space)
        parts = []
        for packed in store.papers.iterate_vectors(tx, features.VERSION, _BATCH):
            dense = space.dense_rows(load_counts(tx, packed))
            parts.append(index.add(np.array(list(packed), np.int64), dense))
            progress(sum(len(part.ids) for part in parts))
        if parts:
            index = replace(
                index,
                ids=np.concatenate([part.ids for part in parts]),
                codes=np.concatenate([part.codes for part in parts], axis=1),
            )
    index = replace(index, last_record=record, fingerprint=fingerprint)
    _write_file(app, index)
    return LoadedIndex(index=index, space=space)


def _fit_space(tx: store.Connection) -> features.Space:
    # papers of all times, since the space stays
    newest = store.papers.find_max_id(tx)
    step = max(1, newest // BACKGROUND_SIZE)
    packed = store.papers.load_vectors(tx, features.VERSION, range(newest, 0, -step))
    return features.fit_space(load_word_vectors(tx), load_frequencies(tx), load_counts(tx, packed))


def _add(
    tx: store.Connection, index: VectorIndex, space: features.Space, papers: Sequence[int]
) -> VectorIndex:
    packed = store.papers.load_vectors(tx, features.VERSION, papers)
    ids = sorted(packed)
    if not ids:
        return index
    counts = load_counts(tx, {ident: packed[ident] for ident in ids})
    return index.add(np.array(ids, np.int64), space.dense_rows(counts))


def _read_state(tx: store.Connection) -> Hashable:
    last = store.search.find_last_record(tx), store.papers.find_max_id(tx)
    return last, store.search.find_vectors_version(tx)


def _count_pending(tx: store.Connection, loaded: LoadedIndex | None) -> int:
    if loaded is None or not _is_current(tx, loaded.index):
        return store.papers.find_max_id(tx)
    return len(_list_pending(tx, loaded.index))


def _list_pending(tx: store.Connection, index: VectorIndex) -> list[int]:
    last_paper = int(index.ids[-1]) if len(index.ids) else 0
    return store.search.list_changed(tx, index.last_record, last_paper)


def _is_current(tx: store.Connection, index: VectorIndex) -> bool:
    """Return whether an index is of this store and its word vectors, and not outgrown."""
    version = store.search.find_vectors_version(tx) or features.load_base_table().version
    return (
        index.version == features.name_version(version)
        and index.last_record > 0
        and store.search.load_fingerprint(tx, index.last_record) == index.fingerprint
        and len(index.ids) <= _OUTGROWN * index.fitted_papers
    )


def _read_file(app: App, tx: store.Connection) -> LoadedIndex | None:
    path = find_index_file(app)
    if path is None or not path.exists():
        return None
    try:
        index = VectorIndex.from_buffer(np.memmap(path, np.uint8, mode="r"))
    except (OSError, ValueError) as error:
        log.warning("search index made anew path=%s: %s", path, error)
        return None
    table = load_word_vectors(tx)
    if features.name_version(table.version) != index.version:
        return None
    return LoadedIndex(index=index, space=index.open_space(table))


def find_index_problem(app: App) -> str:
    """Say what is wrong with the file of the index, "" = nothing, or there is no file."""
    path = find_index_file(app)
    if path is None or not path.exists():
        return ""
    try:
        index = VectorIndex.from_buffer(np.memmap(path, np.uint8, mode="r"))
    except (OSError, ValueError) as error:
        return f"{path}: {error}; the next search makes it anew"
    with app.store.reading() as tx:
        is_ours = store.search.load_fingerprint(tx, index.last_record) == index.fingerprint and len(
            index.ids
        ) <= store.papers.find_max_id(tx)
    return "" if is_ours else f"{path}: is of another database; the next search makes it anew"


def _write_file(app: App, index: VectorIndex) -> None:
    """Replace the file at once; a failure costs only the next start its time."""
    path = find_index_file(app)
    if path is None:
        return
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with private.create_file(part) as file:
            file.write(index.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        log.warning("search index not kept path=%s: %s", path, error)
