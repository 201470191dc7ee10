"""Store a batch of cleaned records in one transaction.

Vectors, counts and rejects are stored with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import scipy.sparse as sp

from digest import papers, store
from digest.app import App
from digest.model import Rejected, Removal
from digest.pipeline.steps import encode_papers
from digest.pipeline.steps.ingest_report import COUNTS, FileReport
from digest.pipeline.steps.word_counts import add_frequencies, repair_frequencies
from digest.ranking import features
from digest.store.arrivals import Added, NewRecord

#: why a record that is only a part of a paper counts as skipped for now
_PART = "part of a paper whose title has not come yet"


@dataclass(kw_only=True, slots=True)
class RecordBatch:
    """Records of a dump that are stored together."""

    new: list[NewRecord] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)


class WordCounter:
    """Word frequencies of the papers of an ingest, and the encoder if any.

    The frequencies are stored once at the end, since writing them takes half a second. An ingest
    that is killed before leaves papers uncounted; the next one then counts all papers again.
    """

    def __init__(self, app: App) -> None:
        self.new = features.Frequencies()
        self.encoder = encode_papers.open_encoder_for_ingest(app)
        with app.store.writing() as tx:
            repair_frequencies(tx)

    def save(self, tx: store.Connection) -> None:
        if self.new.papers:
            add_frequencies(tx, self.new)


def store_records(
    app: App,
    dump_id: int,
    batch: RecordBatch,
    file: FileReport,
    words: WordCounter,
    old_before: date,
) -> None:
    """Store a batch: papers, vectors, counts and rejects stand together or not at all.

    Args:
        file: its counts are brought up to date once the batch is stored.
        words: gets the words of the new papers.
        old_before: new papers from before this day are counted as old.
    """
    counts, skipped_why = file.counts.copy(), file.skipped_why.copy()
    with app.store.writing() as tx:
        added = store.arrivals.add(tx, dump_id, batch.new, papers)
        counts.update(outcome for outcome in added.outcomes if outcome != "waiting")
        if waiting := added.outcomes.count("waiting"):
            counts["skipped"] += waiting
            skipped_why[_PART] += waiting
        for removal in batch.removals:
            identities = [papers.parse_identity(kind, text) for kind, text in removal.ids]
            known = [identity for identity in identities if identity is not None]
            store.arrivals.remove(tx, dump_id, removal.line, known, removal.reason)
        fresh_rows = store_vectors(tx, added)
        store.dumps.add_rejects(tx, dump_id, batch.rejected)
        stored_counts = {name: counts[name] for name in COUNTS}
        store.dumps.update_progress(tx, dump_id, stored_counts, dict(skipped_why))
    file.counts, file.skipped_why = counts, skipped_why
    count_words(app, added, fresh_rows, words)
    for record, outcome in zip(batch.new, added.outcomes, strict=True):
        day = record.entry.announced or record.entry.submitted
        file.old += outcome == "new" and day is not None and day < old_before


def count_words(app: App, added: Added, fresh_rows: sp.csr_matrix, words: WordCounter) -> None:
    """Encode new and changed papers where there is an encoder, and count the words of new ones."""
    if words.encoder and added.texts:
        # A kill before this leaves papers unencoded; the next `digest vectors encode` finds them.
        encode_papers.store_encodings(app, words.encoder, _texts(added))
    if added.fresh:
        words.new = words.new.add(fresh_rows)


def _texts(added: Added) -> dict[int, str]:
    return {
        ident: features.text_of(title, abstract) for ident, (title, abstract) in added.texts.items()
    }


def store_vectors(tx: store.Connection, added: Added) -> sp.csr_matrix:
    """Store the word counts of new and changed papers.

    Changed papers must be encoded again.

    Returns:
        The word counts of the new papers, shape (new papers, COLUMNS).
    """
    texts = _texts(added)
    rows = features.vectorize(list(texts.values()))
    if texts:
        packed = dict(zip(texts, features.pack(rows), strict=True))
        store.papers.save_vectors(tx, features.VERSION, packed, fresh=added.fresh)
        changed = [ident for ident in texts if ident not in added.fresh]
        store.encodings.delete_vectors(tx, changed)
    fresh = [number for number, ident in enumerate(texts) if ident in added.fresh]
    return rows if len(fresh) == len(texts) else rows[fresh]
