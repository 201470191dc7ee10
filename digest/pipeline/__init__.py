"""The way of the data, one function per verb.

Opens and closes transactions and moves values from stage to stage; holds no formula. `steps` holds
what the verbs are made of.

ingest    dumps.open_dump | papers.clean | features.vectorize | store.arrivals.add
          and, with an encoder, store.encodings.put
learn     store.feedback  | profiles.train
          and, as the corpus grows, features.train | store.vectors.put
compose   store.due | recipes.train_all, score_all | selection.choose | store.digests.plan
          a batch of subscribers at a time
send      store.ledger.claim | messages.write | mailer.deliver | store.ledger.settle
          one mail at a time, resumable
feedback  links.read_token | presses.find_held | store.feedback.put
          and learn reads it in the next round
"""

from digest.pipeline.compose import compose
from digest.pipeline.feedback import (
    RecordedFeedback,
    arrived,
    hear,
    paper,
    rate,
    read_link,
    standing_vote,
)
from digest.pipeline.ingest import FileReport, IngestReport, Progress, SeenDay, ingest
from digest.pipeline.learn import learn, recalibrate, train_word_vectors, word_vectors_due
from digest.pipeline.press import (
    PostedForm,
    PressResult,
    papers_with_held_thumbs,
    press,
    record_mail_feedback,
)
from digest.pipeline.round import RoundReport, round
from digest.pipeline.send import send
from digest.pipeline.steps.compose_report import ComposeReport, LeftOut
from digest.pipeline.steps.paper_names import find
from digest.pipeline.steps.sender import SendReport

__all__ = [
    "ComposeReport",
    "FileReport",
    "IngestReport",
    "LeftOut",
    "PostedForm",
    "PressResult",
    "Progress",
    "RecordedFeedback",
    "RoundReport",
    "SeenDay",
    "SendReport",
    "arrived",
    "compose",
    "find",
    "hear",
    "ingest",
    "learn",
    "paper",
    "papers_with_held_thumbs",
    "press",
    "rate",
    "read_link",
    "recalibrate",
    "record_mail_feedback",
    "round",
    "send",
    "standing_vote",
    "train_word_vectors",
    "word_vectors_due",
]
