"""How many papers each strictness would have listed for a reader in the last week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from digest import store
from digest.app import App
from digest.due_dates import local_date_of
from digest.model import STRICTNESS_WORDS, Digest, Strictness, Subscriber
from digest.pipeline.steps.calibrations import load_calibrations
from digest.pipeline.steps.candidates import DayPapers
from digest.pipeline.steps.choose_digests import Candidates, choose_digest, rules_for
from digest.pipeline.steps.corpus_view import BatchContext, load_batch_context, open_view
from digest.pipeline.steps.reader_batches import BatchRules
from digest.pipeline.steps.trained_readers import TrainedReader
from digest.pipeline.steps.training_data import BatchRatings
from digest.pipeline.steps.word_counts import load_frequencies
from digest.ranking import recipes, scores, selection

#: days that are replayed: the reader's today and those before
_DAYS = 7


def count_last_week(app: App, subscriber: Subscriber) -> Mapping[str, int]:
    """Replay the digests of the reader's last seven days with each strictness. Store nothing.

    The papers are scored once, by what is known of the reader today, and the papers of these days
    that they rated compete too. So the counts say what to expect, not what was sent.

    Returns:
        Papers listed by each word of strictness, and by the reader's own number if they chose one.
    """
    today = local_date_of(subscriber, app.now())
    dates = _list_due_dates(subscriber, today)
    since = _find_due_date_before(subscriber, dates[0]) if dates else today
    context, reader = load_reader(app, subscriber, since=since, until=today)
    recipe = recipes.RECIPES[app.config.digest.recipe]
    replay = _Replay(
        context=context,
        reader=reader,
        recipe=recipe,
        rules=rules_for(
            BatchRules.from_config(app.config).rules,
            context,
            Candidates(reader=reader, paper_ids=frozenset(context.papers)),
        ),
        scored=recipes.score_all(recipe, [reader.profiles[recipe.name]], context.day)[0],
    )
    choices: list[Strictness] = [*STRICTNESS_WORDS]
    if subscriber.strictness not in choices:
        choices.append(subscriber.strictness)
    return {
        str(strictness): replay.count_listed(strictness, dates, since) for strictness in choices
    }


def _list_due_dates(subscriber: Subscriber, today: date) -> list[date]:
    """List the due dates of the last seven days, oldest first."""
    days = [today - timedelta(days=number) for number in reversed(range(_DAYS))]
    return [day for day in days if day.isoweekday() in subscriber.days]


def _find_due_date_before(subscriber: Subscriber, day: date) -> date:
    """Find the due date whose digest had the papers before those of a due date."""
    before = (day - timedelta(days=number) for number in range(1, 8))
    return next(earlier for earlier in before if earlier.isoweekday() in subscriber.days)


def load_reader(
    app: App, subscriber: Subscriber, *, since: date, until: date
) -> tuple[BatchContext, TrainedReader]:
    """Load the papers first seen after a day, and the reader with trained profiles."""
    now = app.now()
    with app.store.reading() as tx:
        view = open_view(
            tx,
            now=now,
            until=max(until, now.date()),
            frequencies=load_frequencies(tx),
            encoder=app.config.features.encoder,
        )
        paper_ids = store.papers.list_seen_between(tx, since, until)
        context = load_batch_context(tx, paper_ids, until, view)
        context = replace(context, calibrations=load_calibrations(tx))
        votes = store.feedback.load_votes(tx, [subscriber.id])
        ratings = BatchRatings(tx, [subscriber], votes, view, app.config.digest.ignored_weight)
    data = ratings.training_data(subscriber)
    recipe = recipes.RECIPES[app.config.digest.recipe]
    profiles = {recipe.name: tuple(recipes.train(recipe, data, context.background))}
    return context, TrainedReader(subscriber=subscriber, training_data=data, profiles=profiles)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Replay:
    """The scored papers of some days, from which digests are chosen again."""

    context: BatchContext
    reader: TrainedReader
    recipe: recipes.Recipe
    rules: selection.Rules
    scored: Sequence[scores.Scored]

    def count_listed(self, strictness: Strictness, dates: Sequence[date], since: date) -> int:
        """Count the papers of the digests of some dates, each listed once."""
        papers = DayPapers(
            {ident: paper.first_seen for ident, paper in self.context.papers.items()}
        )
        subscriber = replace(self.reader.subscriber, strictness=strictness)
        reader = replace(self.reader, subscriber=subscriber)
        listed: set[int] = set()
        before = since
        for day in dates:
            come_since = papers.seen_after(before) - papers.seen_after(day)
            if come_since:  # a digest waits for new papers
                paper_ids = papers.seen_after(since) - papers.seen_after(day) - listed
                listed |= self._choose(reader, paper_ids, listed)
            before = day
        return len(listed)

    def _choose(
        self, reader: TrainedReader, paper_ids: frozenset[int], listed: set[int]
    ) -> set[int]:
        candidates = Candidates(reader=reader, paper_ids=paper_ids)
        rules = replace(self.rules, listed=frozenset(listed))
        outcome = choose_digest(self.recipe, self.context, candidates, rules, self.scored)
        if not isinstance(outcome, Digest):
            return set()
        return {item.score.paper_id for item in outcome.items}
