"""Decide from which chance on a paper is listed for a reader.

A chance says something where it is known what the reader wants, and where there are papers enough
to measure a score against. Elsewhere the best papers are listed, as many as there are places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from digest.model import Strictness
from digest.ranking import recipes, scores, selection

#: papers to measure a score against, without which a chance says little
MIN_COMPARED = 100


def draw_line(
    strictness: Strictness,
    trained: Sequence[recipes.TrainedProfile],
    rules: selection.Rules,
    paper_ids: frozenset[int],
    day: scores.Day,
) -> tuple[selection.Rules, frozenset[int]]:
    """Return the rules with the line, and the papers that compete.

    Who named nothing but categories gets the best papers of these. Who named nothing at all gets a
    spread: one paper of each category while there are others. Where there are few papers to
    compare with, only those who asked for few papers get less than there are places.
    """
    if not is_taste_known(trained):
        if not rules.followed:
            return replace(rules, line=0.0, category_most=1), paper_ids
        followed = frozenset().union(*(scores.find_followed(one.typed, day) for one in trained))
        return replace(rules, line=0.0), paper_ids & {*followed, *rules.pinned}
    compared = len(day.recent) or day.competing
    if compared < MIN_COMPARED and strictness in ("balanced", "many"):
        return replace(rules, line=0.0), paper_ids
    return replace(rules, line=selection.line_of(strictness)), paper_ids


def is_taste_known(trained: Sequence[recipes.TrainedProfile]) -> bool:
    """Tell whether anything says which papers fit: a keyword, a liked paper or an example."""
    return any(
        profile.references or any(not keyword.phrase.muted for keyword in profile.keywords)
        for one in trained
        for profile in (one.profile, one.typed)
    )
