"""Is it any good? The recommender measured: on plain texts, and on an operator's own history."""

from digest.evaluate.texts import prepare, recommend

__all__ = ["prepare", "recommend"]
