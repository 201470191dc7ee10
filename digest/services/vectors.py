"""Which word vectors are in force, and what they were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from digest import store
from digest.app import App
from digest.pipeline.steps.corpus_view import load_word_vectors
from digest.ranking import features


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorsInfo:
    """The word vectors in force."""

    version: str
    words: int
    #: trained on the papers of this install, or shipped with the package
    own: bool
    #: papers that they were trained on, here and before
    papers: int
    made_at: datetime | None
    #: stored papers now
    stored: int

    @property
    def json(self) -> dict[str, object]:
        return {
            "version": self.version,
            "words": self.words,
            "dimensions": features.DIMENSIONS,
            "own": self.own,
            "papers": self.papers,
            "made_at": None if self.made_at is None else self.made_at.isoformat(),
            "stored": self.stored,
        }


def vectors_info(app: App) -> VectorsInfo:
    """Describe the word vectors in force."""
    with app.store.reading() as tx:
        trained = store.vectors.load_newest(tx)
        table = load_word_vectors(tx)
        stored = store.papers.count(tx)
    own = trained is not None and trained.version == table.version
    return VectorsInfo(
        version=table.version,
        words=len(table.columns),
        own=own,
        papers=table.papers,
        made_at=trained.made_at if trained is not None and own else None,
        stored=stored,
    )
