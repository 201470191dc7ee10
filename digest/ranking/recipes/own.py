"""The service's own recipe: everything known of a reader in one profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from digest.ranking import profiles
from digest.ranking.profiles import Background, Profile, TrainingData


def train_own(readers: Sequence[TrainingData], background: Background) -> list[Profile]:
    """Train profiles on interests, ratings and what other readers' likes add."""
    return [
        replace(profile, co_like_boosts=data.co_like_boosts) if data.co_like_boosts else profile
        for profile, data in zip(profiles.train_all(readers, background), readers, strict=True)
    ]
