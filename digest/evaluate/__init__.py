"""Is it any good? The recommender measured: on plain texts, and on an operator's own history of
digests and thumbs.

history: store.past -> replay (every recipe ranks what was sent, from what was known then) ->
measures -> report -> pages
"""

from digest.evaluate.history import evaluate
from digest.evaluate.report import Report
from digest.evaluate.texts import prepare, recommend

__all__ = ["Report", "evaluate", "prepare", "recommend"]
