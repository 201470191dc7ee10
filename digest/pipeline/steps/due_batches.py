"""Gather due readers into batches, and read all that workers need for one.

A batch is of readers of one date whose papers go back to the same day. So the papers of the date
are one value for all of its batches. Readers who go further back, or for whom older papers compete
again, make batches of their own: they must not make all others read as many papers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from digest import store
from digest.app import App
from digest.errors import DigestError
from digest.model import Digest, Provenance, Quiet, QuietReason, Subscriber
from digest.pipeline.steps.candidates import Window, find_window, may_have_news
from digest.pipeline.steps.co_likes import CoLikeContext
from digest.pipeline.steps.due_readers import Decision, DueReader, group_by_local_date
from digest.pipeline.steps.quiet_days import count_quiet_days_to_tell, tell_quiet_days
from digest.pipeline.steps.reader_batches import (
    ReaderBatch,
    SharedPapers,
    UntrainedReader,
    hide_person,
)
from digest.pipeline.steps.round_day import RoundDay
from digest.pipeline.steps.trained_readers import takes_part
from digest.pipeline.steps.training_data import read_training_data
from digest.store.history import History, LastCutoffs
from digest.store.recommendations import Recommendation

#: how long the day of a paper may still move, as records of it come and go
_DAY_MAY_MOVE = timedelta(days=31)


@dataclass(frozen=True, kw_only=True, slots=True)
class DueBatch:
    """Readers to choose for, and what workers get of them."""

    due: Sequence[DueReader]
    shared: SharedPapers
    batch: ReaderBatch
    max_paper_id: int
    #: reader -> quiet days of the last week that their mail tells of
    days_to_tell: dict[int, int]

    def decide(self, outcomes: Sequence[Digest | Quiet]) -> Iterator[Decision]:
        """Return what each reader gets, by the outcomes that a worker chose."""
        for due, outcome in zip(self.due, outcomes, strict=True):
            decision = Decision(due=due, outcome=outcome, max_paper_id=self.max_paper_id)
            yield _tell(decision, self.days_to_tell)


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadBatch:
    """Readers, one of whom makes reading fail."""

    due: Sequence[DueReader]
    error: Exception


#: what has been read of some readers: ready decisions where no paper can be new
Piece = list[Decision] | DueBatch | UnreadBatch


@dataclass(frozen=True, kw_only=True, slots=True)
class _Waiting:
    """A due reader in a group that waits until it is large enough."""

    due: DueReader
    last_cutoffs: LastCutoffs
    window: Window


@dataclass(frozen=True, kw_only=True, slots=True)
class _GroupKey:
    """What the readers of a group have in common."""

    local_date: date
    #: their papers were first seen after this day; None = they go further back than is usual, each
    #: to another day
    new_after: date | None


class DueBatches:
    """Gathers due readers into batches.

    Args:
        size: readers of a batch.
        skip_without_news: nothing is read for readers for whom no paper can be new.
    """

    def __init__(
        self,
        app: App,
        co_likes: CoLikeContext,
        round_day: RoundDay,
        *,
        size: int,
        skip_without_news: bool,
    ) -> None:
        self._app, self._co_likes, self._round_day = app, co_likes, round_day
        self._size, self._skip_without_news = size, skip_without_news
        self._groups: dict[_GroupKey, list[_Waiting]] = {}

    def add(self, due: Sequence[DueReader]) -> Iterator[Piece]:
        """Add due readers, and read the groups that are large enough now."""
        for due_on_date in group_by_local_date(due):
            try:
                waiting = self._find_windows(due_on_date)
            except DigestError:
                raise
            except Exception as error:  # noqa: BLE001 - of one reader; the caller looks for them
                yield UnreadBatch(due=due_on_date, error=error)
                continue
            for key, reader in waiting:
                self._groups.setdefault(key, []).append(reader)
        for key in list(self._groups):
            while len(self._groups.get(key, ())) >= self._size:
                yield from self._read_group(key)

    def finish(self) -> Iterator[Piece]:
        """Read the groups that are left."""
        while self._groups:
            # those who go further back come last: reading others adds to them
            usual = [key for key in self._groups if key.new_after is not None]
            yield from self._read_group(next(iter(usual or self._groups)))

    def _find_windows(self, due: Sequence[DueReader]) -> list[tuple[_GroupKey, _Waiting]]:
        """Find from when on papers compete for readers of one date."""
        local_date, window_days = due[0].local_date, self._app.config.digest.window_days
        with self._app.store.reading() as tx:
            last_cutoffs = store.history.load_last_cutoffs(
                tx, [due_reader.subscriber.id for due_reader in due], local_date
            )
        # readers who come every week go back a day further than those who come every day
        earliest = local_date - timedelta(days=window_days + 1)
        keyed = []
        for due_reader in due:
            last = last_cutoffs[due_reader.subscriber.id]
            window = find_window(due_reader.subscriber, last.arrived, local_date, window_days)
            new_after = window.new_after if window.new_after >= earliest else None
            keyed.append(
                (
                    _GroupKey(local_date=local_date, new_after=new_after),
                    _Waiting(due=due_reader, last_cutoffs=last, window=window),
                )
            )
        return keyed

    def _read_group(self, key: _GroupKey) -> Iterator[Piece]:
        """Read the first readers of a group."""
        group = self._groups.pop(key)
        group, rest = group[: self._size], group[self._size :]
        if rest:
            self._groups[key] = rest
        try:
            pieces = list(self._read(key, group))
        except DigestError:
            raise
        except Exception as error:  # noqa: BLE001 - of one reader; the caller looks for them
            pieces = [UnreadBatch(due=[waiting.due for waiting in group], error=error)]
        yield from pieces

    def _read(self, key: _GroupKey, group: Sequence[_Waiting]) -> Iterator[Piece]:
        since = key.new_after or min(waiting.window.new_after for waiting in group)
        with self._app.store.reading() as tx:
            max_paper_id, last_day = store.papers.find_newest(tx)
            histories = store.history.load(
                tx,
                {waiting.due.subscriber.id: waiting.last_cutoffs for waiting in group},
                key.local_date,
                since=since - _DAY_MAY_MOVE,
            )
            if key.new_after is not None:
                group = self._set_apart(tx, key, since, group, histories)
        readers = [waiting.due.subscriber for waiting in group]
        days_to_tell = count_quiet_days_to_tell(self._app, readers, key.local_date)
        if self._skip_without_news:  # every tick comes by here while papers are waited for
            has_news = {
                reader.id: may_have_news(histories[reader.id], max_paper_id, last_day)
                for reader in readers
            }
            yield [
                _tell(self._without_news(waiting.due, max_paper_id), days_to_tell)
                for waiting in group
                if not has_news[waiting.due.subscriber.id]
            ]
            group = [waiting for waiting in group if has_news[waiting.due.subscriber.id]]
        if group:
            yield self._read_batch(key, since, group, histories, days_to_tell)

    def _set_apart(
        self,
        tx: store.Connection,
        key: _GroupKey,
        since: date,
        group: Sequence[_Waiting],
        histories: dict[int, History],
    ) -> list[_Waiting]:
        """Move readers for whom older papers compete again to those who go further back."""
        fresh: set[int] = set()
        if any(history.carried for history in histories.values()):
            fresh.update(self._round_day.list_fresh(tx, key.local_date, since))
        usual: list[_Waiting] = []
        further: list[_Waiting] = []
        for waiting in group:
            is_usual = histories[waiting.due.subscriber.id].carried <= fresh
            (usual if is_usual else further).append(waiting)
        if further:
            key = _GroupKey(local_date=key.local_date, new_after=None)
            self._groups.setdefault(key, []).extend(further)
        return usual

    def _without_news(self, due: DueReader, max_paper_id: int) -> Decision:
        quiet = Quiet(
            subscriber_id=due.subscriber.id,
            local_date=due.local_date,
            reason=QuietReason.NO_NEW_PAPERS,
            provenance=Provenance(model="", features="", at=self._app.now()),
        )
        return Decision(due=due, outcome=quiet, max_paper_id=max_paper_id)

    def _read_batch(
        self,
        key: _GroupKey,
        since: date,
        group: Sequence[_Waiting],
        histories: dict[int, History],
        days_to_tell: dict[int, int],
    ) -> DueBatch:
        readers = [waiting.due.subscriber for waiting in group]
        carried = {ident for reader in readers for ident in histories[reader.id].carried}
        with self._app.store.reading() as tx:
            max_paper_id = store.papers.find_max_id(tx)
            view, context, moment = self._round_day.read_shared(tx, key.local_date, since, carried)
            recommended = _load_recommended(self._app, tx, readers, key.local_date)
        untrained, rated_rows = read_training_data(
            self._app, [hide_person(reader) for reader in readers], view, self._co_likes
        )
        return DueBatch(
            due=[waiting.due for waiting in group],
            shared=(context, *rated_rows.chunks),
            batch=ReaderBatch(
                moment=moment,
                readers=[
                    UntrainedReader(
                        reader=reader,
                        history=histories[waiting.due.subscriber.id],
                        window=waiting.window,
                        recommended=recommended.get(waiting.due.subscriber.id, {}),
                    )
                    for waiting, reader in zip(group, untrained, strict=True)
                ],
                rated_rows=rated_rows,
            ),
            max_paper_id=max_paper_id,
            days_to_tell=days_to_tell,
        )


def _tell(decision: Decision, days_to_tell: dict[int, int]) -> Decision:
    days = days_to_tell.get(decision.due.subscriber.id, 0)
    return tell_quiet_days(decision, days) if days else decision


def _load_recommended(
    app: App, tx: store.Connection, readers: Sequence[Subscriber], local_date: date
) -> dict[int, dict[str, list[Recommendation]]]:
    """Load what recommenders of others chose, for the readers who take part."""
    if not app.config.evaluate.recommenders:
        return {}
    ids = [reader.id for reader in readers if takes_part(app.config, reader.id)]
    return store.recommendations.load(tx, ids, local_date)
