"""Read ratings and interests of a batch of readers as training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import scipy.sparse as sp

from digest import papers, store
from digest.app import App
from digest.model import Feedback, Interest, Paper, Subscriber
from digest.pipeline.steps.co_likes import CoLikeContext
from digest.pipeline.steps.corpus_view import CorpusView, age_in_days, load_rows
from digest.pipeline.steps.paper_names import look_up_all
from digest.pipeline.steps.rated_shelf import ShelfRows
from digest.pipeline.steps.trained_readers import TrainedReader
from digest.ranking import features, profiles, thumb_assignment
from digest.ranking.co_likes import CoLikeBoost

#: how long a paper that was listed and got no thumb counts as ignored
_IGNORED_FOR = timedelta(days=90)

#: ids of the example papers of an interest, and texts that stand for one
_Examples = tuple[list[int], list[str]]


def read_training_data(
    app: App, readers: Sequence[Subscriber], view: CorpusView, co_likes: CoLikeContext
) -> tuple[list[TrainedReader], ShelfRows]:
    """Read what a batch of readers rated and wrote; their profiles are still to be trained.

    Returns:
        One entry for each reader, in order, and the rows of the papers that they rated.
    """
    with app.store.reading() as tx:
        votes = store.feedback.load_votes(tx, [reader.id for reader in readers])
        ratings = BatchRatings(tx, readers, votes, view, app.config.digest.ignored_weight)
    boosts = co_likes.boosts_of_readers([votes.get(reader.id, []) for reader in readers])
    untrained = [
        TrainedReader(
            subscriber=reader,
            rated_ids=frozenset(ratings.rated_ids(reader)),
            training_data=ratings.training_data(reader, own_boosts),
        )
        for reader, own_boosts in zip(readers, boosts, strict=True)
    ]
    return untrained, ratings.rows


class BatchRatings:
    """Ratings and interests of a batch of readers.

    Every paper is read once for all of them.

    Args:
        votes: by reader; thumbs that were taken back are not among them.
        ignored_weight: what an ignored paper counts beside a thumb down; 0 = they are not read.
    """

    def __init__(
        self,
        tx: store.Connection,
        readers: Sequence[Subscriber],
        votes: Mapping[int, Sequence[Feedback]],
        view: CorpusView,
        ignored_weight: float = 0.0,
    ) -> None:
        self._view = view
        self._ignored_weight = ignored_weight
        self._votes = votes
        self._examples = _load_examples(tx, readers, view)
        # All at once, which takes as long as those of a few readers; each is then at hand.
        view.space.parse_keywords(
            [word for one in readers for interest in one.interests for word in interest.keywords]
        )
        # ascending, so no sum depends on the other readers of the batch
        texts = sorted({text for own in self._examples.values() for _, ts in own for text in ts})
        several = [reader.id for reader in readers if len(reader.interests) > 1]
        self._interests_by_paper = (
            store.history.load_interests(tx, several, before=view.before) if several else {}
        )
        self._ignored: dict[int, dict[int, datetime]] = {}
        if ignored_weight:
            self._ignored = store.history.load_ignored(
                tx,
                [reader.id for reader in readers],
                since=view.now - _IGNORED_FOR,
                before=view.before,
            )
        paper_ids = {vote.paper_id for votes_of_one in votes.values() for vote in votes_of_one}
        for examples in self._examples.values():
            paper_ids.update(ident for idents, _ in examples for ident in idents)
        for composed_at in self._ignored.values():
            paper_ids.update(composed_at)
        shelf = view.shelf
        if missing := shelf.find_missing(paper_ids):
            loaded = store.papers.load(tx, missing)
            shelf.add(loaded, load_rows(tx, list(loaded.values()), view))
        #: of these readers alone; the shelf holds those of other batches too
        self.papers = {ident: shelf.papers[ident] for ident in paper_ids if ident in shelf.papers}
        #: the rows of these papers, and of all free texts
        self.rows, self._row_of = shelf.take(self.papers, self._make_text_rows(texts))
        self._text_row_of = {text: row for row, text in enumerate(texts, start=len(self.papers))}
        self._none = profiles.Rated.from_shared_rows([], self.rows, [])

    def rated_ids(self, reader: Subscriber) -> set[int]:
        """Ids of the papers that the reader has rated or gave as examples."""
        rated = {vote.paper_id for vote in self._votes.get(reader.id, [])}
        return rated | {ident for idents, _ in self._examples[reader.id] for ident in idents}

    def training_data(
        self, reader: Subscriber, co_like_boosts: Sequence[CoLikeBoost] = ()
    ) -> profiles.TrainingData:
        """All that a recipe may know of one reader."""
        votes = [vote for vote in self._votes.get(reader.id, []) if vote.paper_id in self._row_of]
        examples = self._examples[reader.id]
        fields: dict[str, Any] = {
            "liked": self._collect_rated([vote for vote in votes if vote.vote == 1]),
            "disliked": self._collect_rated([vote for vote in votes if vote.vote == -1]),
            "co_like_boosts": tuple(
                (boost.paper_id, self.papers[boost.liked_id].title, boost.value)
                for boost in co_like_boosts
                if boost.liked_id in self._row_of
            ),
        }
        if len(reader.interests) > 1:
            fields |= {
                "per_interest": tuple(
                    self._interests_data([interest], [own])
                    for interest, own in zip(reader.interests, examples, strict=True)
                ),
                "interest_by_paper": self._interests_by_paper.get(reader.id, {}),
                "name_weights_by_paper": {
                    vote.paper_id: _name_weights(self.papers[vote.paper_id], reader.interests)
                    for vote in votes
                },
            }
        if self._ignored_weight:
            fields["ignored"] = self._ignored_papers(self._ignored.get(reader.id, {}))
            fields["ignored_weight"] = self._ignored_weight
        return self._interests_data(reader.interests, examples, **fields)

    def _interests_data(
        self, reader_interests: Sequence[Interest], examples: Sequence[_Examples], **fields: Any
    ) -> profiles.TrainingData:
        """What interests say, and further fields of `TrainingData`."""
        keywords = [word for interest in reader_interests for word in interest.keywords]
        fields = {"liked": self._none, "disliked": self._none, **fields}
        return profiles.TrainingData(
            interests=tuple(reader_interests),
            phrases=self._view.space.parse_keywords(keywords),
            examples=self._example_papers(
                list(dict.fromkeys(ident for idents, _ in examples for ident in idents)),
                [text for _, texts in examples for text in texts],
            ),
            **fields,
        )

    def _collect_rated(self, votes: Sequence[Feedback]) -> profiles.Rated:
        now = self._view.now
        return self._papers_with_rows(
            [vote.paper_id for vote in votes], [age_in_days(vote.at, now) for vote in votes]
        )

    def _ignored_papers(self, composed_at: Mapping[int, datetime]) -> profiles.Rated:
        stored = {ident: at for ident, at in composed_at.items() if ident in self._row_of}
        ages = [age_in_days(at, self._view.now) for at in stored.values()]
        return self._papers_with_rows(list(stored), ages)

    def _example_papers(self, idents: Sequence[int], texts: Sequence[str]) -> profiles.Rated:
        stored = [ident for ident in idents if ident in self._row_of]
        return self._papers_with_rows(stored, texts=texts)

    def _papers_with_rows(
        self, idents: Sequence[int], ages: Sequence[float] = (), texts: Sequence[str] = ()
    ) -> profiles.Rated:
        if not idents and not texts:
            return self._none
        rows = [self._row_of[ident] for ident in idents]
        rows += [self._text_row_of[text] for text in texts]
        papers = [self.papers[ident] for ident in idents]
        return profiles.Rated.from_shared_rows(papers, self.rows, rows, ages, len(texts))

    def _make_text_rows(self, texts: Sequence[str]) -> sp.csr_matrix:
        rows = self._view.space.rows(features.vectorize(texts))
        encoding = self._view.encoding
        return rows if encoding is None else encoding.append_zeros(rows)


def _load_examples(
    tx: store.Connection, readers: Sequence[Subscriber], view: CorpusView
) -> dict[int, list[_Examples]]:
    """The examples of each interest in order, by reader."""
    names = {
        name for reader in readers for interest in reader.interests for name in interest.papers
    }
    ids_by_name = look_up_all(tx, list(names))
    return {
        reader.id: [
            _find_examples(interest, ids_by_name, view.max_paper_id)
            for interest in reader.interests
        ]
        for reader in readers
    }


def _find_examples(
    interest: Interest, ids_by_name: Mapping[str, Sequence[int]], max_paper_id: int | None
) -> _Examples:
    idents: list[int] = []
    texts = [interest.text] if interest.text else []
    for name in interest.papers:
        stored = [
            ident for ident in ids_by_name[name] if max_paper_id is None or ident <= max_paper_id
        ]
        idents += stored[:1]
        is_title = papers.parse_name(name) is None and not name.startswith("paper:")
        if not stored and is_title:
            # A title that no dump has brought yet still says what the reader likes.
            texts.append(name)
    return idents, texts


def _name_weights(paper: Paper, reader_interests: Sequence[Interest]) -> dict[str, float]:
    """How much a paper's categories and authors tie it to each interest, by interest."""
    authors = {name.casefold() for name in paper.authors}
    return {
        interest.name: thumb_assignment.CATEGORY_WEIGHT
        * any(_is_within(category, interest.categories) for category in paper.categories)
        + thumb_assignment.AUTHOR_WEIGHT
        * any(name.casefold() in authors for name in interest.authors)
        for interest in reader_interests
    }


def _is_within(category: str, names: Sequence[str]) -> bool:
    """Whether a category is one of these, or below one: cs.LG is below cs and cs.*."""
    folded = category.lower()
    return any(
        folded == name.lower() or folded.startswith(f"{name.lower().rstrip('.*')}.")
        for name in names
    )
