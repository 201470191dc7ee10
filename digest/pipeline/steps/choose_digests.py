"""Score the day's papers for a batch of readers, and choose their digests.

Pure, so that any worker can run it. It trains nothing: readers come with their profiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from msgspec import structs

from digest import papers
from digest.model import Digest, Quiet
from digest.pipeline.steps.corpus_view import BatchContext
from digest.pipeline.steps.trained_readers import RecipeSplit, TrainedReader
from digest.ranking import profiles, recipes, scores, selection, team_draft


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """A reader and the papers that compete for their digest."""

    reader: TrainedReader
    paper_ids: frozenset[int]
    #: ids that the reader may have been shown in a message of unknown fate
    maybe_seen: frozenset[int] = frozenset()
    #: ids of papers that recent digests listed
    listed: frozenset[int] = frozenset()
    #: ids of papers, competing or not, that an earlier digest could have listed
    left_over: frozenset[int] = frozenset()
    #: papers that came since the reader's last digest or quiet day; None = not counted
    new_count: int | None = None


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
    similar_words = partial(scores.near_duplicates, day)
    rules = replace(
        rules,
        seen=context.near_duplicates.of_all(candidates.listed, context.papers, similar_words),
        maybe_seen=candidates.maybe_seen,
        left_over=candidates.left_over,
        near_duplicates=context.near_duplicates,
        similar_words=similar_words,
        cosines=partial(scores.cosines, day),
    )
    if not data.interests:
        return rules
    named = profiles.train(data.interests, context.background, phrases=data.phrases)
    categories = [name for interest in data.interests for name in interest.categories]
    return replace(
        rules,
        muted=scores.find_muted(named, day),
        pinned=scores.find_pinned(named, day) & candidates.paper_ids,
        followed=frozenset(name for name in categories if not name.startswith("-")),
    )


def choose_by_recipe(
    name: str,
    context: BatchContext,
    batch: Sequence[Candidates],
    rules: Sequence[selection.Rules],
) -> list[Digest | Quiet]:
    """Choose the readers' digests as one recipe ranks, with reasons."""
    recipe = recipes.RECIPES[name]
    trained = [candidates.reader.profiles[name] for candidates in batch]
    scored = recipes.score_all(recipe, trained, context.day)
    return [
        add_reasons(
            recipe,
            context,
            choose_digest(recipe, context, candidates, own_rules, own_scores),
            candidates.reader.profiles[name],
            own_scores,
        )
        for candidates, own_rules, own_scores in zip(batch, rules, scored, strict=True)
    ]


def choose_digest(
    recipe: recipes.Recipe,
    context: BatchContext,
    candidates: Candidates,
    rules: selection.Rules,
    scored: Sequence[scores.Scored],
) -> Digest | Quiet:
    """Choose one reader's digest, without reasons yet."""
    trained = candidates.reader.profiles[recipe.name]
    provenance = replace(
        context.provenance,
        recipe=recipe.name,
        candidates=len(candidates.paper_ids),
        new_candidates=candidates.new_count,
        **recipes.count_ratings(trained),
    )
    if _is_calibrated(recipe.name, context):
        provenance = replace(provenance, calibration=str(context.calibrations[recipe.name]))
    if len(trained) > 1:
        rules = replace(rules, shares={profile.name: profile.share for profile in trained})
    ranked = recipes.rank(
        recipe,
        trained,
        context.day,
        candidates.paper_ids,
        scored=scored,
        match=_match_function(recipe.name, context, trained),
    )
    return selection.choose(
        candidates.reader.subscriber,
        context.local_date,
        ranked,
        context.papers,
        provenance=provenance,
        rules=rules,
    )


def add_reasons(
    recipe: recipes.Recipe,
    context: BatchContext,
    outcome: Digest | Quiet,
    trained: Sequence[recipes.TrainedProfile],
    scored: Sequence[scores.Scored],
) -> Digest | Quiet:
    """Return the digest with the reasons for its papers.

    A `Quiet` outcome is returned unchanged.
    """
    if isinstance(outcome, Quiet):
        return outcome
    chosen = {item.score.paper_id: item.score for item in outcome.items}
    explained_scores = recipes.explain(recipe, trained, context.day, chosen, scored=scored)
    items = [
        structs.replace(item, score=explained_scores[item.score.paper_id]) for item in outcome.items
    ]
    return replace(outcome, items=tuple(items))


def _choose_by_team_draft(
    split: RecipeSplit, context: BatchContext, candidates: Candidates, rules: selection.Rules
) -> Digest | Quiet:
    """Choose a digest that two recipes share."""
    if not all(_is_calibrated(name, context) for name in split.names):
        # Numbers on the papers of one recipe alone would tell the reader whose they are.
        context = replace(context, calibrations={})
    (own,) = choose_by_recipe(split.recipe, context, [candidates], [rules])
    if isinstance(own, Quiet):
        return own
    above = _apply_threshold(split.recipe, context, candidates)
    (other,) = choose_by_recipe(split.recipe_b, context, [above], [rules])
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


def _apply_threshold(own: str, context: BatchContext, candidates: Candidates) -> Candidates:
    """Keep the papers above the reader's threshold by the service's own recipe.

    Each recipe has a scale of its own, so the other recipe then chooses without a threshold.
    """
    reader = candidates.reader
    threshold = selection.least_match(reader.subscriber)
    if not threshold:
        return candidates
    trained = reader.profiles[own]
    ranked = recipes.rank(
        recipes.RECIPES[own],
        trained,
        context.day,
        candidates.paper_ids,
        match=_match_function(own, context, trained),
    )
    above = [score.paper_id for score in ranked if score.reaches(threshold)]
    without_threshold = replace(reader.subscriber, strictness="always")
    return replace(
        candidates,
        reader=replace(reader, subscriber=without_threshold),
        paper_ids=frozenset(above),
    )


def _match_function(
    name: str, context: BatchContext, trained: Sequence[recipes.TrainedProfile]
) -> recipes.MatchFunction | None:
    """What turns a reader's standard scores into matches; None without a calibration."""
    if not _is_calibrated(name, context):
        return None
    ratings = recipes.count_ratings(trained)
    return partial(
        context.calibrations[name].matches,
        thumbs_up=ratings["thumbs_up"],
        thumbs_down=ratings["thumbs_down"],
    )


def _is_calibrated(name: str, context: BatchContext) -> bool:
    return name in context.calibrations and context.calibrations[name].has_enough_ratings
