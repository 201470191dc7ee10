"""Store -> the values that a batch of readers is ranked from: the papers, the background, each reader's interests and thumbs.

As they are now, or as they were when an earlier digest was composed: a `View` says which.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import scipy.sparse as sp

from digest import features, papers, profiles, recipes, scores, store
from digest.model import Feedback, Made, Paper, Subscriber
from digest.pipeline.hear import look_up_all
from digest.store.digests import History

#: recent papers that stand for what a reader did not ask for, and that a match is measured against
BACKGROUND = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """When the store is looked at. With a mark it is seen as it was when no paper had a higher id."""

    now: datetime
    #: of words in the papers stored by then
    frequencies: features.Frequencies
    mark: int | None = None

    @property
    def before(self) -> datetime | None:
        """The time after which thumbs and picks do not count, None when all do."""
        return None if self.mark is None else self.now


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """What all readers of a batch have in common; sent to the workers once."""

    day: scores.Day
    papers: dict[int, Paper]
    background: profiles.Background
    made: Made
    local_date: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """One reader's part of the work."""

    subscriber: Subscriber
    known: recipes.Known
    #: ids that compete for this reader
    among: frozenset[int]
    #: ids that the reader may have been shown
    maybe_seen: frozenset[int]


def shared_by_all(tx: store.Connection, compete: Sequence[int], local_date: date, until: date, view: View) -> Shared:
    """The papers with these ids and the background of what was first seen up to a day."""
    recent = store.papers.recent(tx, until, BACKGROUND, mark=view.mark)
    found = store.papers.by_ids(tx, {*compete, *recent}, before=view.before)
    those = list({found[i].id: found[i] for i in compete if i in found and not found[i].withdrawn}.values())
    others = [found[i] for i in recent if i in found]
    rows, other_rows = _rows(tx, those, view.frequencies), _rows(tx, others, view.frequencies)
    return Shared(
        day=scores.day(those, rows, others, other_rows),
        papers={p.id: p for p in those},
        background=profiles.background(others, other_rows),
        made=Made(
            model="",
            features=features.VERSION,
            candidates=len(those),
            dumps=store.papers.dump_names(tx, [p.id for p in those]),
            at=view.now,
        ),
        local_date=local_date,
    )


def stored_frequencies(tx: store.Connection) -> features.Frequencies:
    stored = store.papers.frequencies_of(tx, features.VERSION)
    return features.Frequencies.from_bytes(stored) if stored else features.Frequencies()


def competing(past: History, first_seen: Mapping[int, date], after: date, seen: Collection[int]) -> frozenset[int]:
    """Ids that compete for a reader: what came since the last digest or failed to reach them, and was neither listed nor rated."""
    new = {i for i, day in first_seen.items() if day > after and (past.last_day is None or i > past.mark or day > past.last_day)}
    return frozenset(((new | past.carried) - set(seen)) & first_seen.keys())


def _rows(tx: store.Connection, some: Sequence[Paper], frequencies: features.Frequencies) -> sp.csr_matrix:
    """Weighed words of papers; one without a stored vector of this version is vectorised on the spot."""
    packed = store.papers.vectors_of(tx, features.VERSION, [p.id for p in some])
    absent = [p for p in some if p.id not in packed]
    made = features.pack(features.vectorize([features.text_of(p.title, p.abstract) for p in absent]))
    packed |= {p.id: blob for p, blob in zip(absent, made, strict=True)}
    return features.weigh(features.unpack([packed[p.id] for p in some]), frequencies)


class Topics:
    """Interests and thumbs of a batch of readers as the recipes need them; every paper is read and weighed once."""

    def __init__(
        self,
        tx: store.Connection,
        readers: Sequence[Subscriber],
        votes: Mapping[int, Sequence[Feedback]],
        view: View,
    ) -> None:
        self.frequencies = view.frequencies
        self.votes = votes
        self.now = view.now
        self.examples: dict[int, tuple[list[int], list[str]]] = {}
        known = look_up_all(tx, list({name for s in readers for topic in s.interests for name in topic.papers}))
        for subscriber in readers:
            idents: list[int] = []
            texts = [topic.text for topic in subscriber.interests if topic.text]
            for name in (name for topic in subscriber.interests for name in topic.papers):
                found = [ident for ident in known[name] if view.mark is None or ident <= view.mark]
                idents += found[:1]
                if not found and papers.parse_name(name) is None and not name.startswith("paper:"):
                    texts.append(name)  # a title that no dump has brought yet still says what the reader likes
            self.examples[subscriber.id] = (list(dict.fromkeys(idents)), texts)
        wanted = {v.paper_id for some in votes.values() for v in some} | {i for idents, _ in self.examples.values() for i in idents}
        self.papers = store.papers.by_ids(tx, wanted)
        ordered = [self.papers[i] for i in sorted(self.papers)]
        self.rows = _rows(tx, ordered, view.frequencies)
        self.place = {paper.id: number for number, paper in enumerate(ordered)}

    def seen(self, subscriber: Subscriber) -> set[int]:
        """Ids of the papers that the reader has rated or gave as examples."""
        return {v.paper_id for v in self.votes.get(subscriber.id, [])} | set(self.examples[subscriber.id][0])

    def reader(self, subscriber: Subscriber, among: frozenset[int], maybe_seen: frozenset[int]) -> Reader:
        votes = [v for v in self.votes.get(subscriber.id, []) if v.paper_id in self.place]
        keywords = [word for topic in subscriber.interests for word in topic.keywords]
        return Reader(
            subscriber=subscriber,
            known=recipes.Known(
                interests=subscriber.interests,
                phrases=features.phrases(keywords, self.frequencies),
                liked=self._rated([v for v in votes if v.vote == 1]),
                disliked=self._rated([v for v in votes if v.vote == -1]),
                examples=self._examples(*self.examples[subscriber.id]),
            ),
            among=among,
            maybe_seen=maybe_seen,
        )

    def _rated(self, votes: Sequence[Feedback]) -> profiles.Rated:
        ages = [(self.now - v.at).total_seconds() / 86400 for v in votes]
        return profiles.rated([self.papers[v.paper_id] for v in votes], self.rows[[self.place[v.paper_id] for v in votes]], ages)

    def _examples(self, idents: Sequence[int], texts: Sequence[str]) -> profiles.Rated:
        known = [i for i in idents if i in self.place]
        rows = self.rows[[self.place[i] for i in known]]
        if texts:
            rows = sp.vstack((rows, features.weigh(features.vectorize(texts), self.frequencies)), format="csr")
        return profiles.rated([self.papers[i] for i in known], rows, texts=len(texts))
