"""What a new reader sees first: papers to rate, and when the first mail comes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import islice

import numpy as np

from digest import due_dates, store
from digest.app import App
from digest.model import GOOD_CHANCE, UNSEEN, Paper, Subscriber, Vote
from digest.pipeline.steps.choose_digests import Candidates, rules_for
from digest.pipeline.steps.draw_line import draw_line
from digest.pipeline.steps.reader_batches import BatchRules
from digest.ranking import recipes, scores, selection
from digest.ranking.calibration import PRIOR
from digest.services.strictness import load_reader

#: papers to rate, among so many best ones of so many days
FIRST_PAPERS, _CANDIDATES, _DAYS = 10, 200, 7


def choose_first_papers(app: App, subscriber: Subscriber, count: int = FIRST_PAPERS) -> list[Paper]:
    """Choose the papers of the latest days whose thumbs would teach most; store nothing."""
    with app.store.reading() as tx:
        today = app.now().date()
        latest = store.lists.find_day_before(tx, today + timedelta(days=1)) or today
    since = latest - timedelta(days=_DAYS)
    context, reader = load_reader(app, subscriber, since=since, until=latest)
    with app.store.reading() as tx:
        votes = store.feedback.load_votes(tx, [subscriber.id]).get(subscriber.id, [])
    rated = {vote.paper_id for vote in votes} | set(
        reader.training_data.examples.paper_ids.tolist()
    )
    candidates = Candidates(reader=reader, paper_ids=frozenset(context.papers) - rated)
    rules = rules_for(BatchRules.from_config(app.config).rules, context, candidates)
    recipe = recipes.RECIPES[app.config.digest.recipe]
    trained = reader.profiles[recipe.name]
    competition = draw_line(
        subscriber.strictness,
        trained,
        rules,
        candidates.paper_ids.difference(rules.muted),
        context.day,
    )
    ranked = recipes.rank(
        recipe,
        trained,
        context.day,
        competition.paper_ids,
        calibration=context.calibrations.get(recipe.name, PRIOR),
        line=competition.rules.line,
        mixed=competition.mixed,
    )
    best = list(islice(ranked, _CANDIDATES))
    ids = [score.paper_id for score in best]
    chosen = selection.choose_to_teach(
        np.array([score.chance for score in best]),
        scores.cosines(context.day, ids, ids),
        count,
        line=competition.rules.line or GOOD_CHANCE,
    )
    return [context.papers[ids[position]] for position in chosen]


def load_rated_papers(
    app: App, subscriber_id: int, paper_ids: Iterable[int]
) -> list[tuple[Paper, Vote]]:
    """Load papers in this order, each with the reader's thumb; those of libraries are left out."""
    wanted = list(dict.fromkeys(paper_ids))
    with app.store.reading() as tx:
        papers = store.papers.load(tx, wanted)
        votes = store.feedback.load_votes(tx, [subscriber_id]).get(subscriber_id, [])
    vote_of: dict[int, Vote] = {vote.paper_id: vote.vote for vote in votes}
    found = [papers[ident] for ident in wanted if ident in papers]
    return [(paper, vote_of.get(paper.id, 0)) for paper in found if paper.first_seen != UNSEEN]


def find_first_mail(subscriber: Subscriber, now: datetime) -> tuple[date, datetime] | None:
    """Find the local date of the next digest, and the instant from which it may come.

    Who joined after their hour gets the digest of that day at once: the instant is then `now`.
    None if no digest comes within a fortnight.
    """
    today = due_dates.due(subscriber, now, closed=())
    if today is not None:
        return today.local_date, now
    return due_dates.next_due(subscriber, now)
