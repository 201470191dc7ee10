"""The way of the data, one function per verb.

Opens and closes transactions and moves values from stage to stage; holds no formula.

ingest    dumps.open_dump | papers.clean | features.vectorize | store.arrivals.add
          and, with an encoder, store.encodings.put
learn     store.feedback  | profiles.train
          and, as the corpus grows, features.train | store.vectors.put
compose   store.due | recipes.learn_all, score_all | digests.choose | store.digests.plan
          a batch of subscribers at a time
send      store.ledger.claim | messages.write | mailer.deliver | store.ledger.settle
          one mail at a time, resumable
hear      feedback.read_token | presses.find_held | store.feedback.put     and learn reads it in the
next round
"""

from digest.pipeline.compose import compose
from digest.pipeline.composed import Composed, LeftOut
from digest.pipeline.deliveries import deliveries, resolve
from digest.pipeline.encoding import EncoderInfo, encode, encoder_info
from digest.pipeline.fetch import Fetched, fetch
from digest.pipeline.hear import Heard, arrived, find, hear, paper, rate, read_link, standing_vote
from digest.pipeline.inbox import Inbox, ingest_inbox
from digest.pipeline.ingest import FileReport, Ingested, Progress, SeenDay, ingest
from digest.pipeline.learned import (
    Evidence,
    LearnedOf,
    Taste,
    Word,
    forget,
    learned_mark,
    learned_of,
    start_over,
)
from digest.pipeline.library import Imported, import_library
from digest.pipeline.press import Asked, Pressed, hear_mail, held_papers, press
from digest.pipeline.preview import Preview, preview, sent_digest
from digest.pipeline.quarantine import dumps_read, rejected, retry_rejected, withdrawn
from digest.pipeline.round import RoundReport, round
from digest.pipeline.send import send
from digest.pipeline.sender import Sent
from digest.pipeline.status import Status, status
from digest.pipeline.vectors import VectorsInfo, train_vectors, vectors_due, vectors_info
from digest.pipeline.watch import Watched, disks, watch

__all__ = [
    "Asked",
    "Composed",
    "EncoderInfo",
    "Evidence",
    "Fetched",
    "FileReport",
    "Heard",
    "Imported",
    "Inbox",
    "Ingested",
    "LearnedOf",
    "LeftOut",
    "Pressed",
    "Preview",
    "Progress",
    "RoundReport",
    "SeenDay",
    "Sent",
    "Status",
    "Taste",
    "VectorsInfo",
    "Watched",
    "Word",
    "arrived",
    "compose",
    "deliveries",
    "disks",
    "dumps_read",
    "encode",
    "encoder_info",
    "fetch",
    "find",
    "forget",
    "hear",
    "hear_mail",
    "held_papers",
    "import_library",
    "ingest",
    "ingest_inbox",
    "learned_mark",
    "learned_of",
    "paper",
    "press",
    "preview",
    "rate",
    "read_link",
    "rejected",
    "resolve",
    "retry_rejected",
    "round",
    "send",
    "sent_digest",
    "standing_vote",
    "start_over",
    "status",
    "train_vectors",
    "vectors_due",
    "vectors_info",
    "watch",
    "withdrawn",
]
