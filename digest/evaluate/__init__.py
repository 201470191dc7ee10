"""How good the recommender is, on plain texts and on an operator's history.

- `texts`: plain texts, for benchmarks
- `history`: an operator's history, evaluated in these steps:
    - `replay`, `reconstruction`, `reranking`: every recipe ranks what was sent, from what was
      known then
    - `comparison`, `rates`, `teams`, `measures`: how well, with confidence intervals
    - `report`, `pages`, `plots`, `svg`: the verdict, figures and pictures
"""

from digest.evaluate.history import evaluate
from digest.evaluate.report import Report
from digest.evaluate.texts import prepare, recommend

__all__ = ["Report", "evaluate", "prepare", "recommend"]
