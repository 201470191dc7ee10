"""learn: train from what is stored.

Three things are learned, each at its own pace: the profiles of readers in every round, the
calibration of scores as thumbs come in, and word vectors as the corpus grows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import scipy.sparse as sp

from digest import store
from digest.app import App
from digest.errors import InputError, StoppedError
from digest.model import Subscriber
from digest.pipeline.steps.calibrations import fit_calibration, ratings_to_fit
from digest.pipeline.steps.co_likes import CoLikeContext
from digest.pipeline.steps.corpus_view import CorpusView
from digest.pipeline.steps.trained_readers import RecipeSplit, TrainedReader, train_profiles
from digest.pipeline.steps.training_data import read_training_data
from digest.ranking import features, profiles

log = logging.getLogger("digest.pipeline")

#: the newest papers that word vectors are trained on; more teach little and cost memory
MAX_TRAINING_PAPERS = 200_000
#: a service with fewer papers keeps the word vectors of the package
MIN_CORPUS_PAPERS = 2_000
#: word vectors are trained again when the corpus has grown by this factor
RETRAIN_GROWTH = 1.5

_PAPERS_AT_ONCE = 2_000


def learn(
    app: App,
    readers: Sequence[Subscriber],
    view: CorpusView,
    background: profiles.Background,
    co_likes: CoLikeContext,
) -> list[TrainedReader]:
    """Train the profiles of a few readers from their stored ratings and settings.

    A round reads the same for batches of readers, and its workers train.

    Args:
        view: the papers and the feature space of this round.
        background: recent papers that stand for what nobody asked for.
        co_likes: what the thumbs of all readers add.

    Returns:
        One entry for each reader, in order.
    """
    untrained, _ = read_training_data(app, readers, view, co_likes)
    return train_profiles(RecipeSplit.from_config(app.config), background, untrained)


def recalibrate(app: App) -> None:
    """Fit the calibration of each recipe again when enough thumbs have come.

    Costs one look at an index where they have not.
    """
    now = app.now()
    with app.store.reading() as tx:
        ratings_by_recipe = ratings_to_fit(tx, now)
    if not ratings_by_recipe:
        return
    with app.store.writing() as tx:
        for recipe, ratings in ratings_by_recipe.items():
            fitted = fit_calibration(ratings)
            store.calibrations.save(tx, recipe, fitted.to_bytes(), now=now)
            log.info(
                "calibrate recipe=%s ratings=%d error=%s", recipe, fitted.ratings, fitted.error
            )


def word_vectors_due(app: App) -> bool:
    """Whether the corpus has grown enough to train word vectors again."""
    with app.store.reading() as tx:
        trained = store.vectors.load_newest(tx)
        stored = store.papers.count(tx)
    if stored < MIN_CORPUS_PAPERS:
        return False
    return trained is None or min(stored, MAX_TRAINING_PAPERS) >= RETRAIN_GROWTH * trained.papers


def train_word_vectors(
    app: App,
    *,
    from_nothing: bool = False,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> features.Table:
    """Train word vectors on the newest stored papers, and put them in force.

    The next round ranks with them; stored papers and profiles stay as they are.

    Args:
        from_nothing: do not start from the word vectors of the package.
        progress: called with the number of steps done and of all steps.
        stop: asked every few moments.

    Raises:
        InputError: there are too few papers.
        StoppedError: `stop` said so; the word vectors are as they were.
    """

    def step(done: int, steps: int) -> None:
        _raise_if_stopped(stop)
        if progress:
            progress(done, steps)

    titles, abstracts = _count_words(app, stop)
    if titles.shape[0] < features.MIN_TRAINING_PAPERS:
        raise InputError(
            f"{titles.shape[0]} stored papers are too few to train word vectors: at least "
            f"{features.MIN_TRAINING_PAPERS} are needed. `digest ingest` more, or keep the "
            f"package's"
        )
    start = None if from_nothing else features.load_base_table()
    table = features.train(titles, abstracts, start=start, seed=seed, progress=step)
    trained = store.vectors.Trained(
        version=table.version, papers=titles.shape[0], made_at=app.now(), data=table.to_bytes()
    )
    with app.store.writing() as tx:
        store.vectors.save(tx, trained)
    return table


def _raise_if_stopped(stop: Callable[[], bool]) -> None:
    if stop():
        raise StoppedError("stopped; the word vectors are as they were")


def _count_words(app: App, stop: Callable[[], bool]) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Word counts of the titles and of the abstracts of the newest papers, a row each."""
    empty = features.vectorize([])
    titles, abstracts = [empty], [empty]
    with app.store.reading() as tx:
        texts = islice(store.papers.iterate_texts(tx), MAX_TRAINING_PAPERS)
        for batch in _batches(texts):
            _raise_if_stopped(stop)
            titles.append(features.vectorize([title for title, _ in batch]))
            abstracts.append(features.vectorize([abstract for _, abstract in batch]))
    return sp.vstack(titles, format="csr"), sp.vstack(abstracts, format="csr")


def _batches(texts: Iterator[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    while batch := list(islice(texts, _PAPERS_AT_ONCE)):
        yield batch
