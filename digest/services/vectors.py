"""learn: word vectors trained on the stored papers, by hand or when the corpus has grown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import scipy.sparse as sp

from digest import store
from digest.app import App
from digest.errors import InputError, StoppedError
from digest.pipeline.steps.training_data import load_word_vectors
from digest.ranking import features

#: the newest papers that training looks at; more teach little more and cost memory
MOST = 200_000
#: an install with fewer papers keeps the vectors of the package
ENOUGH = 2_000
#: trained again when the corpus is so many times as large as the last time
GROWN = 1.5

_CHUNK = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorsInfo:
    """The word vectors in force."""

    version: str
    words: int
    #: trained on the papers of this install, or shipped with the package
    own: bool
    #: papers that they were trained on, here and before
    papers: int
    made_at: datetime | None
    #: stored papers now
    stored: int

    @property
    def json(self) -> dict[str, object]:
        return {
            "version": self.version,
            "words": self.words,
            "dimensions": features.DIMENSIONS,
            "own": self.own,
            "papers": self.papers,
            "made_at": None if self.made_at is None else self.made_at.isoformat(),
            "stored": self.stored,
        }


def vectors_info(app: App) -> VectorsInfo:
    with app.store.reading() as tx:
        trained = store.vectors.load_newest(tx)
        table = load_word_vectors(tx)
        stored = store.papers.count(tx)
    own = trained is not None and trained.version == table.version
    return VectorsInfo(
        version=table.version,
        words=len(table.columns),
        own=own,
        papers=table.papers,
        made_at=trained.made_at if trained is not None and own else None,
        stored=stored,
    )


def train_vectors(
    app: App,
    *,
    from_nothing: bool = False,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> features.Table:
    """Train on the newest stored papers, going on from the table that ships with the package.

    The result is put in force: the next round ranks with it; stored papers and profiles stay.

    Args:
        stop: asked every few moments.

    Raises:
        InputError: there are too few papers.
        StoppedError: `stop` said so; all is as before.
    """

    def step(done: int, steps: int) -> None:
        _ask(stop)
        if progress:
            progress(done, steps)

    titles, abstracts = _counts(app, stop)
    if titles.shape[0] < features.MIN_TRAINING_PAPERS:
        raise InputError(
            f"{titles.shape[0]} stored papers teach no word vectors, at least "
            f"{features.MIN_TRAINING_PAPERS} are needed. `digest ingest` more, or keep the "
            f"package's"
        )
    table = features.train(
        titles,
        abstracts,
        start=None if from_nothing else features.load_base_table(),
        seed=seed,
        progress=step,
    )
    with app.store.writing() as tx:
        trained = store.vectors.Trained(
            version=table.version, papers=titles.shape[0], made_at=app.now(), data=table.to_bytes()
        )
        store.vectors.save(tx, trained)
    return table


def vectors_due(app: App) -> bool:
    """Has the corpus grown so much that training again is worth it?"""
    with app.store.reading() as tx:
        trained = store.vectors.load_newest(tx)
        stored = store.papers.count(tx)
    return stored >= ENOUGH and (trained is None or min(stored, MOST) >= GROWN * trained.papers)


def _ask(stop: Callable[[], bool]) -> None:
    if stop():
        raise StoppedError("stopped; the word vectors are as they were")


def _counts(app: App, stop: Callable[[], bool]) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    titles, abstracts = [], []
    with app.store.reading() as tx:
        texts = islice(store.papers.iterate_texts(tx), MOST)
        for some in _chunks(texts):
            _ask(stop)
            titles.append(features.vectorize([title for title, _ in some]))
            abstracts.append(features.vectorize([abstract for _, abstract in some]))
    empty = features.vectorize([])
    return sp.vstack([empty, *titles], format="csr"), sp.vstack([empty, *abstracts], format="csr")


def _chunks(texts: Iterator[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    while some := list(islice(texts, _CHUNK)):
        yield some
