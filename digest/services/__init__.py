"""What operators and pages ask of the service, beside the daily way of the data.

Each module answers one question or does one errand; none decides what is listed or sent.
"""

from digest.pipeline.steps.encode_papers import EncoderInfo, encode, encoder_info
from digest.pipeline.steps.recover import deliveries, resolve
from digest.services.explain import (
    Evidence,
    ProfileExplanation,
    Taste,
    Word,
    explain_profile,
    forget,
    profile_version,
    start_over,
)
from digest.services.fetch import FetchReport, fetch
from digest.services.inbox import Inbox, ingest_inbox
from digest.services.library import ImportReport, import_library
from digest.services.preview import Preview, preview, sent_digest
from digest.services.rejects import dumps_read, rejected, retry_rejected, withdrawn
from digest.services.status import Status, status
from digest.services.vectors import VectorsInfo, train_vectors, vectors_due, vectors_info
from digest.services.watch import WatchReport, disks, watch

__all__ = [
    "EncoderInfo",
    "Evidence",
    "FetchReport",
    "ImportReport",
    "Inbox",
    "Preview",
    "ProfileExplanation",
    "Status",
    "Taste",
    "VectorsInfo",
    "WatchReport",
    "Word",
    "deliveries",
    "disks",
    "dumps_read",
    "encode",
    "encoder_info",
    "explain_profile",
    "fetch",
    "forget",
    "import_library",
    "ingest_inbox",
    "preview",
    "profile_version",
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
