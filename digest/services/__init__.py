"""What operators and pages ask of the service, beside the daily way of the data.

Each module answers one question or does one errand; none decides what is listed or sent.
"""

from digest.pipeline.steps.deliveries import deliveries, resolve
from digest.pipeline.steps.encoding import EncoderInfo, encode, encoder_info
from digest.services.explain import (
    Evidence,
    LearnedOf,
    Taste,
    Word,
    forget,
    learned_mark,
    learned_of,
    start_over,
)
from digest.services.fetch import Fetched, fetch
from digest.services.inbox import Inbox, ingest_inbox
from digest.services.library import Imported, import_library
from digest.services.preview import Preview, preview, sent_digest
from digest.services.rejects import dumps_read, rejected, retry_rejected, withdrawn
from digest.services.status import Status, status
from digest.services.vectors import VectorsInfo, train_vectors, vectors_due, vectors_info
from digest.services.watch import Watched, disks, watch

__all__ = [
    "EncoderInfo",
    "Evidence",
    "Fetched",
    "Imported",
    "Inbox",
    "LearnedOf",
    "Preview",
    "Status",
    "Taste",
    "VectorsInfo",
    "Watched",
    "Word",
    "deliveries",
    "disks",
    "dumps_read",
    "encode",
    "encoder_info",
    "fetch",
    "forget",
    "import_library",
    "ingest_inbox",
    "learned_mark",
    "learned_of",
    "preview",
    "rejected",
    "resolve",
    "retry_rejected",
    "sent_digest",
    "start_over",
    "status",
    "train_vectors",
    "vectors_due",
    "vectors_info",
    "watch",
    "withdrawn",
]
