"""Profile x papers -> scores, with the named parts that they are made of.

A score is one sum: each word's weight times the profile's, the dense columns likewise, the reader's
keywords, categories and authors, what other readers' likes add, and what is trending (upvotes, a
curator's pick, how new a paper is). Nothing is multiplied or ranked afterwards, so the parts shown
always add up. Read `plain` first: it is the whole sum for one reader.

- `plain`: the sum for one reader
- `names`, `trending`: categories and authors; upvotes, pick and recency
- `days`, `similarity`: the papers of a day, prepared once for many readers, and their cosines
- `parts`, `values`: the same sum for many readers at once
- `typed`: which papers hold a keyword that the reader typed
- `order`: scored papers best first; which are muted and which pinned
- `evidence`: what is known of a paper beside its score; `evidence_table`, for many readers at once
- `explanations`, `sentences`: what a value is made of, and one sentence that says so
- `pairs`, `paper_words`, `reader_words`, `topics`, `nearest`: the same for many readers and papers
  at once: the words of papers, their weights, phrases that stand for words, and liked papers

Selects nothing; `selection` does.

How the stages are called, once when a paper is stored:

    counts = features.vectorize([features.text_of(paper.title, paper.abstract) for paper in papers])
    frequencies = frequencies.add(counts)  # stored as frequencies.to_bytes()
    blobs = features.pack(counts)  # one for each paper, stored with features.VERSION

once for a batch of readers (`papers` compete, `recent` are about 1,000 papers of the last weeks;
either may be empty):

    recent_counts = features.unpack(recent_blobs)
    space = features.fit_space(table, frequencies, recent_counts)
    rows, recent_rows = space.rows(features.unpack(blobs)), space.rows(recent_counts)
    background = profiles.Background.from_papers(recent, recent_rows, frequencies)
    day = scores.make_day(
        papers, rows, recent, recent_rows, contributions=space.contributions(counts)
    )

and for the readers of the batch `recipes.train_all` and `recipes.rank_all`, `selection.choose` for
each, and `recipes.explain_all`, as `pipeline.compose` does.
"""

from digest.ranking.scores.days import Day, make_day
from digest.ranking.scores.evidence import EVIDENCE, gather_evidence, has_title_keyword
from digest.ranking.scores.evidence_table import (
    ESTIMATE_ERROR,
    EvidenceTable,
    make_evidence_table,
)
from digest.ranking.scores.explanations import MAX_PARTS, Reasons, explain, find_reasons
from digest.ranking.scores.nearest import MIN_NEAREST_COSINE
from digest.ranking.scores.order import (
    find_followed,
    find_muted,
    find_pinned,
    make_scores,
    measure_rows,
    mix_ids,
    order_rows,
    rank,
)
from digest.ranking.scores.pairs import Request
from digest.ranking.scores.plain import score_plainly
from digest.ranking.scores.sentences import lifting_words, thin_score, write_reason
from digest.ranking.scores.similarity import cosines, near_duplicates
from digest.ranking.scores.topics import MAX_TOPICS
from digest.ranking.scores.trending import UPVOTES
from digest.ranking.scores.typed import KeywordPlaces, find_keywords
from digest.ranking.scores.values import Scored, measure, score, score_all

__all__ = [
    "ESTIMATE_ERROR",
    "EVIDENCE",
    "MAX_PARTS",
    "MAX_TOPICS",
    "MIN_NEAREST_COSINE",
    "UPVOTES",
    "Day",
    "EvidenceTable",
    "KeywordPlaces",
    "Reasons",
    "Request",
    "Scored",
    "cosines",
    "explain",
    "find_followed",
    "find_keywords",
    "find_muted",
    "find_pinned",
    "find_reasons",
    "gather_evidence",
    "has_title_keyword",
    "lifting_words",
    "make_day",
    "make_evidence_table",
    "make_scores",
    "measure",
    "measure_rows",
    "mix_ids",
    "near_duplicates",
    "order_rows",
    "rank",
    "score",
    "score_all",
    "score_plainly",
    "thin_score",
    "write_reason",
]
