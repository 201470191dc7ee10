"""Profile x papers -> scores, with the words, names and papers that made each of them.

A score is one sum: each word's weight times the profile's, the reader's keywords, categories and
authors, and what is trending (upvotes, a curator's pick, how new it is). Nothing is multiplied or
ranked afterwards, so the parts shown always add up. `days` holds the papers, made once for many
readers; `values` makes the sum, for many readers at once; `reasons` tells what it came from.

Chooses nothing; `digests` does.

How the stages are called, once when a paper comes in:

    counts = features.vectorize([features.text_of(paper.title, paper.abstract) for paper in papers])
    frequencies = frequencies.add(counts)  # stored as frequencies.to_bytes()
    blobs = features.pack(counts)  # one a paper, stored beside features.VERSION

once for a batch of readers (`papers` compete, `recent` are about 1,000 papers of the last weeks;
either may be empty):

    space = features.fit_space(table, frequencies, features.unpack(recent_blobs))
    rows = space.rows(features.unpack(blobs))
    recent_rows = space.rows(features.unpack(recent_blobs))
    background = profiles.Background.from_papers(recent, recent_rows)
    day = scores.day(papers, rows, recent, recent_rows, contributions=space.contributions)

and for the readers of the batch `recipes.train_all` and `recipes.score_all`, then for each
`recipes.rank`, `digests.choose` and `recipes.explain`, as `pipeline.compose` does.
"""

from digest.ranking.scores.days import UPVOTES, Day, day
from digest.ranking.scores.reasons import NEAR, SHOWN, explain, reason
from digest.ranking.scores.values import (
    Scored,
    cosines,
    muted,
    pinned,
    rank,
    score,
    score_all,
    scored,
)

__all__ = [
    "NEAR",
    "SHOWN",
    "UPVOTES",
    "Day",
    "Scored",
    "cosines",
    "day",
    "explain",
    "muted",
    "pinned",
    "rank",
    "reason",
    "score",
    "score_all",
    "scored",
]
