"""Score the day's papers for a batch of readers, and choose their digests.

Pure, so that any worker can run it. It trains nothing: readers come with their profiles.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from digest import papers
from digest.model import Digest, Item, Quiet, QuietReason, Score
from digest.pipeline.steps.corpus_view import BatchContext
from digest.pipeline.steps.draw_line import draw_line
from digest.pipeline.steps.trained_readers import (
    SYSTEM_PREFIX,
    RecipeSplit,
    TrainedReader,
)
from digest.ranking import profiles, recipes, scores, selection, team_draft
from digest.ranking.calibration import PRIOR, Calibration
from digest.store.recommendations import Recommendation

#: readers whose scores are kept at a time
_SCORED_TOGETHER = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """A reader and the papers that compete for their digest."""

    reader: TrainedReader
    paper_ids: frozenset[int]
    #: which papers of the day these are, shape (competing,); None = to be looked up
    competes: NDArray[np.bool_] | None = None
    #: ids that the reader may have been shown in a message of unknown fate
    maybe_seen: frozenset[int] = frozenset()
    #: ids of papers that recent digests listed
    listed: frozenset[int] = frozenset()
    #: ids of papers, competing or not, that an earlier digest could have listed
    left_over: frozenset[int] = frozenset()
    #: papers that came since the reader's last digest or quiet day; None = not counted
    new_count: int | None = None
    #: what recommenders of others chose for the reader, by system, the best first
    recommended: Mapping[str, Sequence[Recommendation]] = field(default_factory=dict)


def choose_digests(
    rules: selection.Rules, split: RecipeSplit, context: BatchContext, batch: Sequence[Candidates]
) -> list[Digest | Quiet]:
    """Choose the digest of each reader, by one recipe or by team draft between two."""
    rules_of = [rules_for(rules, context, candidates) for candidates in batch]
    alone = [
        n for n, candidates in enumerate(batch) if len(split.of(candidates.reader.subscriber)) == 1
    ]
    outcomes: dict[int, Digest | Quiet] = dict(
        zip(
            alone,
            choose_by_recipe(
                split.recipe, context, [batch[n] for n in alone], [rules_of[n] for n in alone]
            ),
            strict=True,
        )
    )
    return [
        outcomes[n]
        if n in outcomes and not candidates.recommended
        else _share_with_recommender(split.recipe, context, candidates, rules_of[n], outcomes[n])
        if n in outcomes
        else _choose_by_team_draft(split, context, candidates, rules_of[n])
        for n, candidates in enumerate(batch)
    ]


def rules_for(
    rules: selection.Rules, context: BatchContext, candidates: Candidates
) -> selection.Rules:
    """The rules of one reader.

    What a reader named, for or against, holds whichever recipe ranks and whatever they rated.
    """
    data, day = candidates.reader.training_data, context.day
    typed = _typed_profiles(candidates.reader, context)
    categories = [name for interest in data.interests for name in interest.categories]
    return replace(
        rules,
        listed=candidates.listed,
        maybe_seen=candidates.maybe_seen,
        left_over=candidates.left_over,
        near_duplicates=context.near_duplicates,
        similar_words=partial(scores.near_duplicates, day),
        cosines=partial(scores.cosines, day),
        muted=frozenset().union(*[scores.find_muted(one, day) for one in typed]),
        pinned=frozenset()
        .union(*[scores.find_pinned(one, day) for one in typed])
        .intersection(candidates.paper_ids),
        followed=frozenset(name for name in categories if not name.startswith("-")),
    )


def _typed_profiles(reader: TrainedReader, context: BatchContext) -> list[profiles.Profile]:
    """Return the profiles of what the reader wrote; every recipe has the same."""
    if reader.profiles:
        return [trained.typed for trained in next(iter(reader.profiles.values()))]
    data = reader.training_data
    return [profiles.train(data.interests, context.background, phrases=data.phrases)]


def choose_by_recipe(
    name: str,
    context: BatchContext,
    batch: Sequence[Candidates],
    rules: Sequence[selection.Rules],
) -> list[Digest | Quiet]:
    """Choose the readers' digests as one recipe ranks, with reasons."""
    recipe = recipes.RECIPES[name]
    outcomes: list[Digest | Quiet] = []
    chosen: list[recipes.Chosen] = []
    # The scores of a whole day take much memory, so they are kept for some readers at a time; the
    # reasons for a paper are found for all of its readers at once.
    for start in range(0, len(batch), _SCORED_TOGETHER):
        span = slice(start, start + _SCORED_TOGETHER)
        drawn = [
            _draw_line(recipe, context, candidates, own_rules)
            for candidates, own_rules in zip(batch[span], rules[span], strict=True)
        ]
        rankings = recipes.rank_all(
            recipe, [request for _, request in drawn], context.day, _calibration(recipe, context)
        )
        for candidates, (own_rules, request), ranking in zip(
            batch[span], drawn, rankings, strict=True
        ):
            outcome = _choose_ranked(
                recipe, context, candidates, own_rules, request.candidate_ids, ranking
            )
            outcomes.append(outcome)
            if isinstance(outcome, Digest):
                chosen.append(ranking.choose([item.score for item in outcome.items]))
    return add_reasons(recipe, context, outcomes, chosen)


def choose_digest(
    recipe: recipes.Recipe,
    context: BatchContext,
    candidates: Candidates,
    rules: selection.Rules,
    scored: Sequence[scores.Scored],
) -> Digest | Quiet:
    """Choose one reader's digest by scores that are known already, without reasons yet."""
    rules, request = _draw_line(recipe, context, candidates, rules)
    ranked = recipes.rank(
        recipe,
        request.trained,
        context.day,
        request.candidate_ids,
        scored=scored,
        calibration=_calibration(recipe, context),
        line=request.line,
        mixed=request.mixed,
    )
    return _choose_ranked(recipe, context, candidates, rules, request.candidate_ids, ranked)


def _calibration(recipe: recipes.Recipe, context: BatchContext) -> Calibration:
    return context.calibrations.get(recipe.name, PRIOR)


def _draw_line(
    recipe: recipes.Recipe, context: BatchContext, candidates: Candidates, rules: selection.Rules
) -> tuple[selection.Rules, recipes.Request]:
    """Return the rules with the line and the shares, and what is to be ranked."""
    trained = candidates.reader.profiles[recipe.name]
    if len(trained) > 1:
        rules = replace(rules, shares={profile.name: profile.share for profile in trained})
    rules, paper_ids, mixed = draw_line(
        candidates.reader.subscriber.strictness, trained, rules, candidates.paper_ids, context.day
    )
    competes = candidates.competes if paper_ids is candidates.paper_ids else None
    return rules, recipes.Request(trained, paper_ids, rules.line, mixed, competes)


def _choose_ranked(
    recipe: recipes.Recipe,
    context: BatchContext,
    candidates: Candidates,
    rules: selection.Rules,
    paper_ids: frozenset[int],
    ranked: Iterable[Score],
) -> Digest | Quiet:
    """Choose a digest of ranked papers.

    Args:
        paper_ids: those that compete once the line is drawn.
    """
    calibration = _calibration(recipe, context)
    provenance = replace(
        context.provenance,
        recipe=recipe.name,
        candidates=len(candidates.paper_ids),
        new_candidates=candidates.new_count,
        calibration=str(calibration),
        weights=calibration.weights,
        **recipes.count_ratings(candidates.reader.profiles[recipe.name]),
    )
    outcome = selection.choose(
        candidates.reader.subscriber,
        context.local_date,
        ranked,
        context.papers,
        provenance=provenance,
        rules=rules,
    )
    if isinstance(outcome, Quiet) and candidates.paper_ids and not paper_ids:
        # Papers came, none of them in a category of the reader.
        return replace(outcome, reason=QuietReason.BELOW_THRESHOLD)
    return outcome


def add_reasons(
    recipe: recipes.Recipe,
    context: BatchContext,
    outcomes: Sequence[Digest | Quiet],
    chosen: Sequence[recipes.Chosen],
) -> list[Digest | Quiet]:
    """Return the readers' digests with the reasons for their papers.

    A `Quiet` outcome is returned unchanged.

    Args:
        chosen: the papers of each digest.
    """
    explained = iter(recipes.explain_all(recipe, context.day, chosen))
    return [
        replace(
            outcome,
            items=tuple(
                structs.replace(item, score=score)
                for item, score in zip(outcome.items, next(explained), strict=True)
            ),
        )
        if isinstance(outcome, Digest)
        else outcome
        for outcome in outcomes
    ]


def _choose_by_team_draft(
    split: RecipeSplit, context: BatchContext, candidates: Candidates, rules: selection.Rules
) -> Digest | Quiet:
    """Choose a digest that two recipes share."""
    (own,) = choose_by_recipe(split.recipe, context, [candidates], [rules])
    if isinstance(own, Quiet):
        return own
    fitting = _keep_fitting(split.recipe, context, candidates, rules)
    (other,) = choose_by_recipe(split.recipe_b, context, [fitting], [rules])
    if isinstance(other, Quiet):
        return own
    subscriber = candidates.reader.subscriber
    items = team_draft.interleave(
        own.items,
        other.items,
        teams=(split.recipe, split.recipe_b),
        subscriber_id=subscriber.id,
        local_date=context.local_date,
        size=subscriber.size,
        key=lambda paper_id: papers.normalise_title(context.papers[paper_id].title),
    )
    return replace(own, items=items, provenance=replace(own.provenance, recipe_b=split.recipe_b))


def _share_with_recommender(
    recipe: str,
    context: BatchContext,
    candidates: Candidates,
    rules: selection.Rules,
    own: Digest | Quiet,
) -> Digest | Quiet:
    """Share a digest with a recommender of others; it keeps its length.

    Where several chose papers, one of them has the turn, drawn by reader and date. Its papers must
    compete, and hold nothing that the reader muted.
    """
    if isinstance(own, Quiet):
        return own
    reader_id = candidates.reader.subscriber.id
    allowed = candidates.paper_ids.difference(rules.muted) & context.papers.keys()
    systems = {
        system: [one for one in chosen if one.paper_id in allowed]
        for system, chosen in sorted(candidates.recommended.items())
    }
    names = [system for system, chosen in systems.items() if chosen]
    if not names:
        return own
    draw = zlib.crc32(f"{reader_id} {context.local_date}".encode())
    system = names[draw % len(names)]
    other = [_to_item(one, number) for number, one in enumerate(systems[system], start=1)]
    items = team_draft.interleave(
        own.items,
        other,
        teams=(recipe, system),
        subscriber_id=reader_id,
        local_date=context.local_date,
        size=len(own.items),
        key=lambda paper_id: papers.normalise_title(context.papers[paper_id].title),
    )
    return replace(own, items=items, provenance=replace(own.provenance, recipe_b=system))


def _to_item(one: Recommendation, position: int) -> Item:
    name = one.system.removeprefix(SYSTEM_PREFIX)
    told = f"{name}: {one.explanation}" if one.explanation else f"Recommended by {name}"
    return Item(position=position, score=Score(paper_id=one.paper_id, value=one.score, told=told))


def _keep_fitting(
    own: str, context: BatchContext, candidates: Candidates, rules: selection.Rules
) -> Candidates:
    """Keep the papers that fit by the service's own recipe.

    Each recipe has chances of its own, so the other recipe then chooses as many as there are.
    """
    reader = candidates.reader
    trained = reader.profiles[own]
    rules, paper_ids, mixed = draw_line(
        reader.subscriber.strictness, trained, rules, candidates.paper_ids, context.day
    )
    ranked = recipes.rank(
        recipes.RECIPES[own],
        trained,
        context.day,
        paper_ids,
        calibration=context.calibrations.get(own, PRIOR),
        line=rules.line,
        mixed=mixed,
    )
    fitting = takewhile(lambda score: score.titled or score.chance >= rules.line, ranked)
    return replace(
        candidates,
        reader=replace(reader, subscriber=replace(reader.subscriber, strictness="always")),
        paper_ids=frozenset(score.paper_id for score in fitting),
        competes=None,
    )
