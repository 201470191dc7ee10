"""A batch of readers -> their digests.

Pure, so that it may run anywhere: profiles, scores, choice, reasons, and the drafts of two recipes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from msgspec import structs

from digest import papers
from digest.model import Digest, Quiet, Subscriber
from digest.pipeline.steps.training_data import BatchContext, ReaderTask
from digest.ranking import profiles, recipes, scores, selection, team_draft
from digest.ranking.shares import allocate_places

#: readers for whom a worker chooses at once
PORTION = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class ChoiceSettings:
    """Which recipe ranks, and the one that it shares the digests of some readers with; and what
    every digest holds to.
    """

    recipe: str
    recipe_b: str
    #: per cent of the readers
    share: int
    rules: selection.Rules

    def of(self, subscriber: Subscriber) -> bool:
        return bool(self.recipe_b) and team_draft.takes_part(
            subscriber.id, self.share, (self.recipe, self.recipe_b)
        )


def choose_digests(
    sharing: ChoiceSettings, shared: BatchContext, readers: Sequence[ReaderTask]
) -> list[Digest | Quiet]:
    """Pure, so that it may run anywhere: profiles, scores, digests of some readers; and the drafts
    where two recipes share one.
    """
    alone = [reader for reader in readers if not sharing.of(reader.subscriber)]
    own = iter(
        _by(
            sharing.recipe,
            shared,
            alone,
            [rules_for(sharing.rules, shared, reader) for reader in alone],
        )
    )
    return [
        _drafted(sharing, shared, reader) if sharing.of(reader.subscriber) else next(own)
        for reader in readers
    ]


def _drafted(sharing: ChoiceSettings, shared: BatchContext, reader: ReaderTask) -> Digest | Quiet:
    """A digest that two recipes share."""
    subscriber = reader.subscriber
    if not all(_calibrated(name, shared) for name in (sharing.recipe, sharing.recipe_b)):
        # Numbers on the papers of one recipe alone would tell the reader whose they are.
        shared = replace(shared, calibrations={})
    rules = [rules_for(sharing.rules, shared, reader)]
    (own,) = _by(sharing.recipe, shared, [reader], rules)
    if isinstance(own, Quiet):
        return own
    (other,) = _by(
        sharing.recipe_b, shared, [_without_threshold(sharing.recipe, shared, reader)], rules
    )
    if isinstance(other, Quiet):
        return own
    items = team_draft.interleave(
        own.items,
        other.items,
        teams=(sharing.recipe, sharing.recipe_b),
        subscriber_id=subscriber.id,
        local_date=shared.local_date,
        size=subscriber.size,
        key=lambda ident: papers.normalise_title(shared.papers[ident].title),
    )
    return replace(own, items=items, provenance=replace(own.provenance, recipe_b=sharing.recipe_b))


def rules_for(rules: selection.Rules, shared: BatchContext, reader: ReaderTask) -> selection.Rules:
    """What the reader asked for or against by name holds whichever recipe ranks and whatever their
    thumbs say.
    """
    known, day = reader.training_data, shared.day
    rules = replace(
        rules,
        places=allocate_places,
        copies=day.copies,
        guises=shared.guises,
        cosines=partial(scores.cosines, day),
    )
    if not known.interests:
        return rules
    said = profiles.train(known.interests, shared.background, phrases=known.phrases)
    return replace(
        rules,
        muted=scores.muted(said, day),
        pinned=scores.pinned(said, day) & reader.among,
        followed=frozenset(
            name
            for interest in known.interests
            for name in interest.categories
            if not name.startswith("-")
        ),
    )


def _by(
    name: str, shared: BatchContext, readers: Sequence[ReaderTask], rules: Sequence[selection.Rules]
) -> list[Digest | Quiet]:
    """The readers' digests as one recipe alone would choose them."""
    recipe = recipes.RECIPES[name]
    learned = recipes.train_all(
        recipe, [reader.training_data for reader in readers], shared.background
    )
    scored = recipes.score_all(recipe, learned, shared.day)
    outcomes = [
        choose(recipe, shared, *one) for one in zip(readers, rules, learned, scored, strict=True)
    ]
    return [
        add_reasons(recipe, shared, *one) for one in zip(outcomes, learned, scored, strict=True)
    ]


def choose(
    recipe: recipes.Recipe,
    shared: BatchContext,
    reader: ReaderTask,
    rules: selection.Rules,
    learned: Sequence[recipes.TrainedProfile],
    scored: Sequence[scores.Scored],
) -> Digest | Quiet:
    """One reader's digest, without reasons yet."""
    provenance = replace(
        shared.provenance,
        recipe=recipe.name,
        candidates=len(reader.among),
        **recipes.count_ratings(learned),
    )
    if _calibrated(recipe.name, shared):
        provenance = replace(provenance, calibration=str(shared.calibrations[recipe.name]))
    if len(learned) > 1:
        rules = replace(rules, shares={one.name: one.share for one in learned})
    ranked = recipes.rank(
        recipe,
        learned,
        shared.day,
        reader.among,
        scored=scored,
        match=_match(recipe.name, shared, learned),
    )
    return selection.choose(
        reader.subscriber,
        shared.local_date,
        ranked,
        shared.papers,
        provenance=provenance,
        carried=reader.maybe_seen,
        rules=rules,
    )


def add_reasons(
    recipe: recipes.Recipe,
    shared: BatchContext,
    outcome: Digest | Quiet,
    learned: Sequence[recipes.TrainedProfile],
    scored: Sequence[scores.Scored],
) -> Digest | Quiet:
    """The digest with the reasons for its papers."""
    if isinstance(outcome, Quiet):
        return outcome
    chosen = {item.score.paper_id: item.score for item in outcome.items}
    reasons = recipes.explain(recipe, learned, shared.day, chosen, scored=scored)
    return replace(
        outcome,
        items=tuple(
            structs.replace(item, score=reasons[item.score.paper_id]) for item in outcome.items
        ),
    )


def _match(
    name: str, shared: BatchContext, learned: Sequence[recipes.TrainedProfile]
) -> recipes.MatchFunction | None:
    """The match that each standard score of a reader stands for; None while nobody knows."""
    if not _calibrated(name, shared):
        return None
    thumbs = recipes.count_ratings(learned)
    return partial(
        shared.calibrations[name].matches,
        thumbs_up=thumbs["thumbs_up"],
        thumbs_down=thumbs["thumbs_down"],
    )


def _calibrated(name: str, shared: BatchContext) -> bool:
    return name in shared.calibrations and shared.calibrations[name].has_enough_ratings


def _without_threshold(own: str, shared: BatchContext, reader: ReaderTask) -> ReaderTask:
    """The same reader for another recipe: the threshold is kept by the service's own match, since
    each recipe has a scale of its own.
    """
    if not reader.subscriber.threshold:
        return reader
    recipe = recipes.RECIPES[own]
    learned = recipes.train(recipe, reader.training_data, shared.background)
    scored = recipes.rank(
        recipe, learned, shared.day, reader.among, match=_match(own, shared, learned)
    )
    above = frozenset(
        score.paper_id for score in scored if score.reaches(reader.subscriber.threshold)
    )
    return replace(reader, subscriber=replace(reader.subscriber, threshold=0), among=above)
