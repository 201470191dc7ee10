"""Profiles of one reader and a day's papers -> a ranked list with reasons."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.model import Score
from digest.ranking import scores
from digest.ranking.calibration import PRIOR, Calibration
from digest.ranking.profiles import TrainingData
from digest.ranking.recipes.per_interest import TrainedProfile
from digest.ranking.recipes.recipe import Recipe

#: value that an interest has to add to a paper, beyond what is trending, to name it
MIN_INTEREST_VALUE = 1e-5
#: what a profile can be trained from, strongest evidence first
_STEPS = ("thumbs", "examples", "keywords")
#: decimals of the evidence that is kept with a score
EVIDENCE_DECIMALS = 4
#: decimals of a chance
CHANCE_DECIMALS = 6


def score_all(
    recipe: Recipe, readers: Sequence[Sequence[TrainedProfile]], day: scores.Day
) -> list[tuple[scores.Scored, ...]]:
    """Score the day's papers by each profile of each reader, with evidence."""
    trained = [trained for profiles in readers for trained in profiles]
    scored, typed = score_apart(recipe, trained, day)
    with_evidence = iter(gather_evidence(trained, scored, typed, day))
    return [tuple(next(with_evidence) for _ in profiles) for profiles in readers]


def score_apart(
    recipe: Recipe, trained: Sequence[TrainedProfile], day: scores.Day
) -> tuple[list[scores.Scored], list[scores.Scored]]:
    """Score the day's papers by each profile, and by what the reader wrote alone.

    The latter is the same object where nothing else is known, or nothing was written.
    """
    scored = recipe.score_all([one.profile for one in trained], day)
    apart = [number for number, one in enumerate(trained) if _typed_differs(recipe, one)]
    typed = list(scored)
    for number, typed_scored in zip(
        apart, scores.score_all([trained[number].typed for number in apart], day), strict=True
    ):
        typed[number] = typed_scored
    return scored, typed


def gather_evidence(
    trained: Sequence[TrainedProfile],
    scored: Sequence[scores.Scored],
    typed_scored: Sequence[scores.Scored],
    day: scores.Day,
) -> list[scores.Scored]:
    """Return the scores by each profile with the evidence, given what `score_apart` returns."""
    return [
        replace(own, evidence=scores.gather_evidence(one.profile, own, one.typed, typed, day))
        for one, own, typed in zip(trained, scored, typed_scored, strict=True)
    ]


def _typed_differs(recipe: Recipe, trained: TrainedProfile) -> bool:
    """Tell whether a profile holds more than what the reader wrote, and that is something."""
    has_written = trained.typed.keywords or trained.typed.references
    is_written_alone = trained.profile.step != "thumbs" and recipe.ranks_by_chance
    return bool(has_written) and not is_written_alone


def rank(
    recipe: Recipe,
    trained_profiles: Sequence[TrainedProfile],
    day: scores.Day,
    candidate_ids: Collection[int],
    *,
    scored: Sequence[scores.Scored] = (),
    calibration: Calibration = PRIOR,
    line: float = 0.0,
    mixed: bool = False,
) -> Iterator[Score]:
    """Rank the papers best first, by the profile that gives each the highest chance.

    Each paper is listed once, without reasons. Those at or above the line come first, then those
    with a typed keyword in the title, then the others. Among these the chance decides, the same
    for all interests; then the value, then the id. A recipe to compare with ranks by its values.

    `Score.interest` names the profile's interest if it adds to the value of the paper.

    Args:
        recipe: the recipe of the profiles.
        trained_profiles: the reader's profiles.
        day: the papers of the day.
        candidate_ids: ids of the papers that compete for this reader.
        scored: the day's scores by each profile, where they are known already.
        calibration: evidence -> chances.
        line: the least chance of a paper that fits.
        mixed: equal papers do not come in the order of their ids.
    """
    scored = scored or score_all(recipe, [trained_profiles], day)[0]
    chances = np.stack([calibration.chances(one.evidence) for one in scored])
    chances = np.round(chances, CHANCE_DECIMALS)
    best = chances.argmax(axis=0)
    papers = np.arange(day.competing)
    values = np.stack([one.values for one in scored])[best, papers]
    chances = chances[best, papers]
    common = common_values(trained_profiles, day) if len(scored) > 1 else values
    titled = np.max([scores.has_title_keyword(one.evidence) for one in scored], axis=0)
    keys = chances if recipe.ranks_by_chance else _scale(values)
    keys = keys + np.where(chances >= line, 2, titled)
    for rows in scores.order_rows(keys, values, day, candidate_ids, mixed=mixed):
        ranked: dict[int, Score] = {}
        for number, (trained, one) in enumerate(zip(trained_profiles, scored, strict=True)):
            own_rows = rows[best[rows] == number]
            evidence = np.round(one.evidence[own_rows], EVIDENCE_DECIMALS).tolist()
            adds = (values - common)[own_rows] > MIN_INTEREST_VALUE
            for row, measured, known, chance, is_named in zip(
                own_rows.tolist(),
                scores.measure_rows(one, day, own_rows),
                evidence,
                chances[own_rows].tolist(),
                adds.tolist(),
                strict=True,
            ):
                paper_id, value, percentile, standard = measured
                ranked[row] = Score(
                    paper_id=paper_id,
                    value=value,
                    percentile=percentile,
                    standard=standard,
                    rest=value,
                    chance=chance,
                    evidence=tuple(known),
                    titled=bool(titled[row]),
                    interest=trained.name if is_named else "",
                )
        yield from (ranked[row] for row in rows.tolist())


def _scale(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale values to 0-1, 1 left out."""
    if not len(values):
        return values
    spread = float(np.ptp(values))
    return np.asarray((values - values.min()) / (spread * (1 + 1e-9) or 1.0), dtype=np.float64)


def common_values(
    trained_profiles: Sequence[TrainedProfile], day: scores.Day
) -> NDArray[np.float64]:
    """Return what does not depend on the interest: from trends and from other readers' likes.

    The first profile supplies the latter, since all profiles of a reader hold the same.
    """
    common_values: NDArray[np.float64] = day.trending[:, : day.competing].sum(axis=0)
    for paper_id, _, amount in trained_profiles[0].profile.co_like_boosts:
        row = day.find_row(paper_id)
        if row is not None:
            common_values[row] += amount
    return common_values


def drop_training_data(trained_profiles: Sequence[TrainedProfile]) -> tuple[TrainedProfile, ...]:
    """Drop the feature rows behind profiles, to keep them for long.

    They rank as before; their reasons name no nearest paper.
    """
    return tuple(
        replace(trained, profile=replace(trained.profile, references=()), data=TrainingData())
        for trained in trained_profiles
    )


def count_ratings(trained_profiles: Sequence[TrainedProfile]) -> dict[str, Any]:
    """Count what the profiles were trained from, each thumb once.

    The keys are those of `Provenance`.
    """
    profiles = [trained.profile for trained in trained_profiles]
    if len(profiles) == 1:
        (profile,) = profiles
        thumbs_up, thumbs_down = profile.thumbs_up, profile.thumbs_down
    else:
        thumbs_up = _count_distinct([trained.data.liked.paper_ids for trained in trained_profiles])
        thumbs_down = _count_distinct(
            [trained.data.disliked.paper_ids for trained in trained_profiles]
        )
    steps = {profile.step for profile in profiles}
    return {
        "model": next((step for step in _STEPS if step in steps), profiles[0].step),
        "thumbs_up": thumbs_up,
        "thumbs_down": thumbs_down,
    }


def _count_distinct(ids: Sequence[NDArray[np.int64]]) -> int:
    return len(np.unique(np.concatenate(ids)))


class Chosen(NamedTuple):
    """Papers that were chosen for one reader, to be explained."""

    trained: Sequence[TrainedProfile]
    #: as `rank` made them
    ranked: Sequence[Score]
    #: their rows of the day, and which of the profiles ranked each, shape (papers,)
    rows: NDArray[np.int64]
    rankers: NDArray[np.int64]

    @classmethod
    def from_scored(
        cls,
        trained: Sequence[TrainedProfile],
        scored: Sequence[scores.Scored],
        day: scores.Day,
        ranked: Sequence[Score],
    ) -> Chosen:
        """Find out which profile ranked each paper.

        Args:
            scored: the day's scores by each profile.
        """
        rows = np.array([day.row_of(score.paper_id) for score in ranked], dtype=np.int64)
        return cls(trained, ranked, rows, _find_rankers(scored, day, rows, ranked))


def explain_all(recipe: Recipe, day: scores.Day, readers: Sequence[Chosen]) -> list[list[Score]]:
    """Add reasons to the scores of many readers' papers, in their order.

    The reasons come from the profile that ranked each. All else stays as it is.
    """
    places: list[tuple[int, list[int]]] = []
    requests: list[scores.Request] = []
    for reader, (trained, _, rows, rankers) in enumerate(readers):
        for number, one in enumerate(trained):
            own = np.flatnonzero(rankers == number)
            if len(own):
                places.append((reader, own.tolist()))
                requests.append(scores.Request(one.profile, rows[own].tolist()))
    explained = [list(reader.ranked) for reader in readers]
    found = recipe.find_reasons(requests, day)
    for (reader, own_places), reasons in zip(places, found, strict=True):
        for place, reason in zip(own_places, reasons, strict=True):
            explained[reader][place] = reason.add_to(explained[reader][place])
    return explained


def _find_rankers(
    scored: Sequence[scores.Scored],
    day: scores.Day,
    rows: NDArray[np.int64],
    ranked: Sequence[Score],
) -> NDArray[np.int64]:
    """Return the number of the profile that ranked each paper: the first that scores it alike."""
    if len(scored) == 1:
        return np.zeros(len(ranked), dtype=np.int64)
    is_alike = [
        [
            (own.value, own.percentile) == (score.value, score.percentile)
            for own, score in zip(scores.make_scores(one, day, rows), ranked, strict=True)
        ]
        for one in scored
    ]
    rankers: NDArray[np.int64] = np.array(is_alike).argmax(axis=0)
    return rankers
