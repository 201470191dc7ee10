"""Scores -> the papers of a reader's digest, or why there is none.

- `rules`: what a digest has to respect beside the scores
- `choose`: the digest or the quiet day
- `draft`, `fill`: the papers chosen so far, and how the places are filled
- `exploration`: one paper drawn from just below the line
- `first_papers`: the papers that a new reader rates first
- `near_duplicates`: records of the same paper, by their titles and words

Decides by scores that come best first; reads no clock and keeps no state between digests.
"""

from digest.ranking.selection.choose import choose
from digest.ranking.selection.exploration import MAX_CANDIDATES
from digest.ranking.selection.first_papers import choose_to_teach
from digest.ranking.selection.near_duplicates import TITLE_OVERLAP, NearDuplicates
from digest.ranking.selection.rules import Rules, line_of

__all__ = [
    "MAX_CANDIDATES",
    "TITLE_OVERLAP",
    "NearDuplicates",
    "Rules",
    "choose",
    "choose_to_teach",
    "line_of",
]
