"""Store -> the values that a batch of readers is ranked from: the papers, the background, each
reader's interests and thumbs.

As they are now, or as they were when an earlier digest was composed: a `CorpusView` says which.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from digest import papers, store
from digest.model import Feedback, Interest, Paper, Provenance, Subscriber
from digest.pipeline.steps import word_counts
from digest.pipeline.steps.paper_names import look_up_all
from digest.ranking import features, profiles, scores, selection, thumb_assignment
from digest.ranking.calibration import Calibration
from digest.ranking.co_likes import CoLikeBoost

log = logging.getLogger("digest.compose")

#: recent papers that stand for what a reader did not ask for, and that a match is measured against
BACKGROUND = 1000
#: how long it is known that a listed paper was ignored
_FORGOTTEN = timedelta(days=90)


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusView:
    """When the store is looked at.

    With a mark it is seen as it was when no paper had a higher id.
    """

    now: datetime
    #: the papers' rows as the words were then; word vectors are always today's, which know papers
    #: and no thumbs
    space: features.Space
    #: recent papers up to that day
    recent: tuple[int, ...]
    max_paper_id: int | None = None
    #: readers who must like a paper before their thumbs count for others; None = they do not
    least: int | None = None
    #: how what an encoder made of the papers stands beside their words; None = none is in use, or
    #: too few papers are encoded
    encoding: features.Encoding | None = None

    @property
    def before(self) -> datetime | None:
        """The time after which thumbs and picks do not count, None when all do."""
        return None if self.max_paper_id is None else self.now


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchContext:
    """What all readers of a batch have in common; sent to the workers once."""

    day: scores.Day
    papers: dict[int, Paper]
    background: profiles.Background
    provenance: Provenance
    local_date: date
    #: what scores are worth, by recipe
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    #: which of the papers are one in several guises, as far as it was asked
    guises: selection.NearDuplicates = field(default_factory=selection.NearDuplicates)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReaderTask:
    """One reader's part of the work."""

    subscriber: Subscriber
    training_data: profiles.TrainingData
    #: ids that compete for this reader
    among: frozenset[int]
    #: ids that the reader may have been shown
    maybe_seen: frozenset[int]


def view(
    tx: store.Connection,
    *,
    now: datetime,
    until: date,
    frequencies: features.Frequencies,
    max_paper_id: int | None = None,
    least: int | None = None,
    encoder: str = "",
) -> CorpusView:
    """The view of what was first seen up to a day; `encoder` is the name of the one that the config
    names.
    """
    recent = store.papers.list_recent(tx, until, BACKGROUND, max_paper_id=max_paper_id)
    packed = store.papers.load_vectors(tx, features.VERSION, recent)
    return CorpusView(
        now=now,
        space=features.fit_space(
            load_word_vectors(tx),
            frequencies,
            word_counts.load_counts(
                tx, {ident: packed[ident] for ident in recent if ident in packed}
            ),
        ),
        recent=tuple(recent),
        max_paper_id=max_paper_id,
        least=least,
        encoding=_encoding(tx, encoder, recent),
    )


def _encoding(
    tx: store.Connection, encoder: str, recent: Sequence[int]
) -> features.Encoding | None:
    known = store.encodings.load_encoder(tx, encoder) if encoder else None
    return (
        None
        if known is None
        else features.fit_encoding(
            known.version, _encoded(tx, known.version, known.dimensions, recent)
        )
    )


def _encoded(
    tx: store.Connection, version: str, dimensions: int, idents: Sequence[int]
) -> NDArray[np.float32]:
    found = store.encodings.load(tx, version, idents)
    return features.unpack_encoded([found.get(ident) for ident in idents], dimensions)


def load_word_vectors(tx: store.Connection) -> features.Table:
    """The word vectors in force: those trained on the stored papers, else those that ship with the
    package.
    """
    stored = store.vectors.load_newest(tx)
    if stored is None:
        return features.load_base_table()
    try:
        return _read(stored.version, stored.data)
    except ValueError as error:
        log.warning(
            "the stored word vectors cannot be used (%s); the package's serve until `digest "
            "vectors train` makes new ones",
            error,
        )
        return features.load_base_table()


@lru_cache(maxsize=2)
def _read(version: str, data: bytes) -> features.Table:
    return features.Table.from_bytes(data)


def load_batch_context(
    tx: store.Connection, compete: Sequence[int], local_date: date, view: CorpusView
) -> BatchContext:
    """The papers with these ids and the background of a view."""
    found = store.papers.load(tx, {*compete, *view.recent}, before=view.before, least=view.least)
    those = list(
        {found[i].id: found[i] for i in compete if i in found and not found[i].withdrawn}.values()
    )
    others = [found[i] for i in view.recent if i in found]
    rows, other_rows = _rows(tx, those, view), _rows(tx, others, view)
    return BatchContext(
        day=scores.day(
            those,
            rows,
            others,
            other_rows,
            contributions=view.space.contributions,
            thumbs=_thumbs(tx, list(found), view),
        ),
        papers={p.id: p for p in those},
        background=profiles.Background.from_papers(others, other_rows),
        provenance=Provenance(
            model="",
            features=" ".join(
                filter(
                    None,
                    (
                        features.VERSION,
                        view.space.version,
                        view.encoding.version if view.encoding else "",
                    ),
                )
            ),
            candidates=len(those),
            dumps=store.papers.list_dump_names(tx, [p.id for p in those]),
            at=view.now,
        ),
        local_date=local_date,
    )


def _thumbs(
    tx: store.Connection, idents: Sequence[int], view: CorpusView
) -> dict[int, list[float]]:
    """Ages in days of readers' thumbs up, by paper."""
    if view.least is None:
        return {}
    found = store.likes.load_like_times(tx, idents, least=view.least, before=view.before)
    return {
        ident: [(view.now - at).total_seconds() / 86400 for at in times]
        for ident, times in found.items()
    }


def _rows(tx: store.Connection, some: Sequence[Paper], view: CorpusView) -> sp.csr_matrix:
    """The rows of papers; one whose stored vector is absent, of another version or damaged is
    vectorised on the spot.
    """
    packed = store.papers.load_vectors(tx, features.VERSION, [p.id for p in some])
    absent = [p for p in some if p.id not in packed]
    made = features.pack(
        features.vectorize([features.text_of(p.title, p.abstract) for p in absent])
    )
    packed |= {p.id: blob for p, blob in zip(absent, made, strict=True)}
    rows = view.space.rows(word_counts.load_counts(tx, {p.id: packed[p.id] for p in some}))
    if view.encoding is None:
        return rows
    return view.encoding.append_columns(
        rows, _encoded(tx, view.encoding.version, len(view.encoding.mean), [p.id for p in some])
    )


class TrainingReader:
    """Interests and thumbs of a batch of readers as the recipes need them; every paper is read and
    weighed once.
    """

    def __init__(
        self,
        tx: store.Connection,
        readers: Sequence[Subscriber],
        votes: Mapping[int, Sequence[Feedback]],
        view: CorpusView,
        ignored_weight: float = 0.0,
    ) -> None:
        self.space = view.space
        self.encoding = view.encoding
        self.ignored_weight = ignored_weight
        self.votes = votes
        self.now = view.now
        #: of each interest in order: its example papers, and the texts that stand for one
        self.examples: dict[int, list[tuple[list[int], list[str]]]] = {}
        known = look_up_all(
            tx,
            list({name for s in readers for interest in s.interests for name in interest.papers}),
        )
        for subscriber in readers:
            self.examples[subscriber.id] = [
                _examples_of(interest, known, view) for interest in subscriber.interests
            ]
        several = [subscriber.id for subscriber in readers if len(subscriber.interests) > 1]
        self.interests_by_paper = (
            store.history.load_interests(tx, several, before=view.before) if several else {}
        )
        wanted = {v.paper_id for some in votes.values() for v in some}
        wanted |= {i for each in self.examples.values() for idents, _ in each for i in idents}
        self.ignored: dict[int, dict[int, datetime]] = {}
        if ignored_weight:
            idents = [subscriber.id for subscriber in readers]
            self.ignored = store.history.load_ignored(
                tx, idents, since=view.now - _FORGOTTEN, before=view.before
            )
            wanted |= {i for some in self.ignored.values() for i in some}
        self.papers = store.papers.load(tx, wanted)
        ordered = [self.papers[i] for i in sorted(self.papers)]
        self.rated_rows = profiles.RatedRows(_rows(tx, ordered, view))
        self.place = {paper.id: number for number, paper in enumerate(ordered)}

    def seen(self, subscriber: Subscriber) -> set[int]:
        """Ids of the papers that the reader has rated or gave as examples."""
        return {v.paper_id for v in self.votes.get(subscriber.id, [])} | {
            i for idents, _ in self.examples[subscriber.id] for i in idents
        }

    def reader(
        self,
        subscriber: Subscriber,
        among: frozenset[int],
        maybe_seen: frozenset[int],
        co_like_boosts: Sequence[CoLikeBoost] = (),
    ) -> ReaderTask:
        votes = [v for v in self.votes.get(subscriber.id, []) if v.paper_id in self.place]
        liked, disliked = (
            self._rated([v for v in votes if v.vote == 1]),
            self._rated([v for v in votes if v.vote == -1]),
        )
        each = list(zip(subscriber.interests, self.examples[subscriber.id], strict=True))
        known = self._known(
            [interest for interest, _ in each], [examples for _, examples in each], liked, disliked
        )
        if len(each) > 1:
            none = self._rated([])
            known = replace(
                known,
                per_interest=tuple(
                    self._known([interest], [examples], none, none) for interest, examples in each
                ),
                interest_by_paper=self.interests_by_paper.get(subscriber.id, {}),
                name_weights_by_paper={
                    v.paper_id: _worth(self.papers[v.paper_id], subscriber.interests) for v in votes
                },
            )
        if self.ignored_weight:
            known = replace(
                known,
                ignored=self._ignored(self.ignored.get(subscriber.id, {})),
                ignored_weight=self.ignored_weight,
            )
        known = replace(
            known,
            co_like_boosts=tuple(
                (boost.paper_id, self.papers[boost.liked_id].title, boost.value)
                for boost in co_like_boosts
                if boost.liked_id in self.place
            ),
        )
        return ReaderTask(
            subscriber=subscriber, training_data=known, among=among, maybe_seen=maybe_seen
        )

    def _known(
        self,
        those: Sequence[Interest],
        examples: Sequence[tuple[list[int], list[str]]],
        liked: profiles.Rated,
        disliked: profiles.Rated,
    ) -> profiles.TrainingData:
        return profiles.TrainingData(
            interests=tuple(those),
            phrases=self.space.parse_keywords(
                [word for interest in those for word in interest.keywords]
            ),
            liked=liked,
            disliked=disliked,
            examples=self._examples(
                list(dict.fromkeys(i for idents, _ in examples for i in idents)),
                [text for _, texts in examples for text in texts],
            ),
        )

    def _rated(self, votes: Sequence[Feedback]) -> profiles.Rated:
        ages = [(self.now - v.at).total_seconds() / 86400 for v in votes]
        return self._some([v.paper_id for v in votes], ages)

    def _ignored(self, composed: Mapping[int, datetime]) -> profiles.Rated:
        those = {ident: at for ident, at in composed.items() if ident in self.place}
        return self._some(
            list(those), [(self.now - at).total_seconds() / 86400 for at in those.values()]
        )

    def _some(self, idents: Sequence[int], ages: Sequence[float] = ()) -> profiles.Rated:
        return profiles.Rated.from_shared_rows(
            [self.papers[ident] for ident in idents],
            self.rated_rows,
            [self.place[ident] for ident in idents],
            ages,
        )

    def _examples(self, idents: Sequence[int], texts: Sequence[str]) -> profiles.Rated:
        known = [i for i in idents if i in self.place]
        if not texts:
            return self._some(known)
        told = self.space.rows(features.vectorize(texts))
        if self.encoding is not None:
            told = self.encoding.append_zeros(told)
        rows = sp.vstack((self.rated_rows.rows[[self.place[i] for i in known]], told), format="csr")
        return profiles.Rated.from_papers([self.papers[i] for i in known], rows, texts=len(texts))


def _examples_of(
    interest: Interest, known: Mapping[str, Sequence[int]], view: CorpusView
) -> tuple[list[int], list[str]]:
    """Ids of its example papers as far as they are stored, and texts that stand for one."""
    idents: list[int] = []
    texts = [interest.text] if interest.text else []
    for name in interest.papers:
        found = [
            ident
            for ident in known[name]
            if view.max_paper_id is None or ident <= view.max_paper_id
        ]
        idents += found[:1]
        if not found and papers.parse_name(name) is None and not name.startswith("paper:"):
            texts.append(
                name
            )  # a title that no dump has brought yet still says what the reader likes
    return idents, texts


def _worth(paper: Paper, those: Sequence[Interest]) -> dict[str, float]:
    """What a rated paper's categories and authors say of the interest that it belongs to."""
    authors = {name.casefold() for name in paper.authors}
    return {
        interest.name: thumb_assignment.CATEGORY_WEIGHT
        * any(_within(category, interest.categories) for category in paper.categories)
        + thumb_assignment.AUTHOR_WEIGHT
        * any(name.casefold() in authors for name in interest.authors)
        for interest in those
    }


def _within(category: str, wanted: Sequence[str]) -> bool:
    bare = category.lower()
    return any(
        bare == name.lower() or bare.startswith(f"{name.lower().rstrip('.*')}.") for name in wanted
    )
