"""Decide from which chance on a paper is listed for a reader.

A chance says something where it is known what the reader wants, and where there are papers enough
to measure a score against. Elsewhere the best papers are listed, as many as there are places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from digest.model import GOOD_CHANCE, Strictness
from digest.ranking import recipes, scores, selection

#: papers to measure a score against, without which a chance says little
MIN_COMPARED = 100


class Competition(NamedTuple):
    """What decides which papers are listed for a reader."""

    #: with the line
    rules: selection.Rules
    #: papers that compete
    paper_ids: frozenset[int]
    #: equal papers do not come in the order of their ids, since nothing says which fit
    mixed: bool


def draw_line(
    strictness: Strictness,
    trained: Sequence[recipes.TrainedProfile],
    rules: selection.Rules,
    paper_ids: frozenset[int],
    day: scores.Day,
) -> Competition:
    """Draw the line, and keep the papers that compete.

    Who named nothing but categories gets the best papers of these. Who named nothing at all gets a
    spread: one paper of each category while there are others. Where there are few papers to
    compare with, only those who asked for few papers get less than there are places.
    """
    if not _is_taste_known(trained):
        if not rules.followed:
            return Competition(replace(rules, line=0.0, category_most=1), paper_ids, mixed=True)
        followed = frozenset().union(*(scores.find_followed(one.typed, day) for one in trained))
        kept = paper_ids & {*followed, *rules.pinned}
        return Competition(replace(rules, line=0.0), kept, mixed=True)
    compared = len(day.recent) or day.competing
    is_measured = compared >= MIN_COMPARED or strictness not in ("balanced", "many")
    line = selection.line_of(strictness) if is_measured else 0.0
    # What is left over was passed by before: of such papers below one in two few were opened.
    left_over_line = max(line, GOOD_CHANCE) if line else 0.0
    return Competition(
        replace(rules, line=line, left_over_line=left_over_line), paper_ids, mixed=False
    )


def _is_taste_known(trained: Sequence[recipes.TrainedProfile]) -> bool:
    """Tell whether anything says which papers fit: a keyword, a liked paper or an example."""
    return any(
        profile.references or any(not keyword.phrase.muted for keyword in profile.keywords)
        for one in trained
        for profile in (one.profile, one.typed)
    )
