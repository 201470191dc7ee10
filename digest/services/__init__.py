"""What operators and pages ask of the service, beside the daily way of the data.

Each module answers one question or does one errand; none decides what is listed or sent.
"""

from digest.services.deliveries import deliveries, resolve
from digest.services.digest_papers import DigestPapers, RatedItem, load_digest_papers
from digest.services.encodings import EncoderInfo, encode, encoder_info
from digest.services.explain import (
    CorpusCache,
    InterestExplanation,
    KeywordStrength,
    ProfileExplanation,
    RatedPaper,
    WordEffect,
    explain_profile,
    profile_version,
)
from digest.services.fetch import FetchOptions, FetchReport, fetch
from digest.services.find import find_paper, get_paper, rate
from digest.services.forget import forget, start_over
from digest.services.inbox import Inbox, ingest_inbox
from digest.services.library import ImportReport, import_library
from digest.services.mailbox import MailboxReport, poll_mailbox
from digest.services.paper_lists import (
    PaperList,
    Period,
    find_latest_period,
    list_latest_days,
    load_list,
)
from digest.services.paper_page import PaperPage, find_public_paper, load_paper_page
from digest.services.preview import Preview, preview, preview_all, sent_digest
from digest.services.rejects import dumps_read, list_rejected, retry_rejected, withdrawn
from digest.services.search import SearchRequest, SearchResult, search
from digest.services.similar import find_similar
from digest.services.splits import PaperRecord, PaperRecords, show_paper, split_paper
from digest.services.status import Status, status
from digest.services.strictness import count_last_week
from digest.services.typed import TypedWarning, check_typed
from digest.services.vector_index import find_index_file, rebuild_index
from digest.services.vectors import VectorsInfo, vectors_info
from digest.services.visitor_preview import VisitorPreview, VisitorPreviews
from digest.services.watch import WatchReport, disks, watch

__all__ = [
    "CorpusCache",
    "DigestPapers",
    "EncoderInfo",
    "FetchOptions",
    "FetchReport",
    "ImportReport",
    "Inbox",
    "InterestExplanation",
    "KeywordStrength",
    "MailboxReport",
    "PaperList",
    "PaperPage",
    "PaperRecord",
    "PaperRecords",
    "Period",
    "Preview",
    "ProfileExplanation",
    "RatedItem",
    "RatedPaper",
    "SearchRequest",
    "SearchResult",
    "Status",
    "TypedWarning",
    "VectorsInfo",
    "VisitorPreview",
    "VisitorPreviews",
    "WatchReport",
    "WordEffect",
    "check_typed",
    "count_last_week",
    "deliveries",
    "disks",
    "dumps_read",
    "encode",
    "encoder_info",
    "explain_profile",
    "fetch",
    "find_index_file",
    "find_latest_period",
    "find_paper",
    "find_public_paper",
    "find_similar",
    "forget",
    "get_paper",
    "import_library",
    "ingest_inbox",
    "list_latest_days",
    "list_rejected",
    "load_digest_papers",
    "load_list",
    "load_paper_page",
    "poll_mailbox",
    "preview",
    "preview_all",
    "profile_version",
    "rate",
    "rebuild_index",
    "resolve",
    "retry_rejected",
    "search",
    "sent_digest",
    "show_paper",
    "split_paper",
    "start_over",
    "status",
    "vectors_info",
    "watch",
    "withdrawn",
]
