"""The way of the data, one function per verb.

Each verb opens and closes transactions and moves values from step to step. It holds no formula;
`steps` holds what the verbs are made of.

ingest    dumps.open_dump | papers.clean | features.vectorize | store
learn     store: thumbs, interests | recipes.train_all         (profiles, in every round)
          store: ratings           | calibration.fit | store   (as thumbs come in)
          store: titles, abstracts | features.train  | store   (as the corpus grows)
compose   store: due readers, new papers | learn | recipes.rank_all | selection.choose | store
          a batch of readers at a time
send      store.ledger.claim | messages.write | mailer.deliver | store.ledger.settle
          one mail at a time, resumable
feedback  links.read_token | presses.find_held | store.feedback.save
          and the next round learns from it
"""

from digest.pipeline.compose import compose
from digest.pipeline.due_composer import DueComposer
from digest.pipeline.feedback import (
    PostedForm,
    PressResult,
    RecordedFeedback,
    confirm_delivery,
    current_vote,
    papers_with_held_thumbs,
    read_link,
    record_feedback,
    record_mail_feedback,
    record_press,
)
from digest.pipeline.ingest import Progress, ingest
from digest.pipeline.learn import learn, recalibrate, train_word_vectors, word_vectors_due
from digest.pipeline.round import RoundReport, round
from digest.pipeline.send import send
from digest.pipeline.steps.compose_report import ComposeReport, LeftOut
from digest.pipeline.steps.ingest_report import FileReport, IngestReport
from digest.pipeline.steps.read_before import SeenDay
from digest.pipeline.steps.send_report import SendReport
from digest.pipeline.steps.sending_limits import DayLimit, load_day_limit, resume

__all__ = [
    "ComposeReport",
    "DayLimit",
    "DueComposer",
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
    "compose",
    "confirm_delivery",
    "current_vote",
    "ingest",
    "learn",
    "load_day_limit",
    "papers_with_held_thumbs",
    "read_link",
    "recalibrate",
    "record_feedback",
    "record_mail_feedback",
    "record_press",
    "resume",
    "round",
    "send",
    "train_word_vectors",
    "word_vectors_due",
]
