"""What operators and pages ask of the service, beside the daily way of the data.

Each module answers one question or does one errand; none decides what is listed or sent.
"""

from digest.services.archive import Archive, load_archive, write_sent_mail
from digest.services.catch_up import (
    CatchUp,
    CatchUpPaper,
    CatchUps,
    count_days_since_last_digest,
)
from digest.services.deliveries import deliveries, resolve
from digest.services.digest_papers import DigestPapers, RatedItem, add_ratings, load_digest_papers
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
from digest.services.less import LessChoices, load_less_choices
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
from digest.services.personal_feed import (
    FeedPaper,
    feed_link,
    find_feed,
    load_feed,
    renew_feed,
)
from digest.services.preview import Preview, preview, preview_all, sent_digest
from digest.services.rejects import dumps_read, list_rejected, retry_rejected, withdrawn
from digest.services.saved import SavedPaper, load_saved, remove_saved, save_paper
from digest.services.search import SearchRequest, SearchResult, search
from digest.services.similar import find_similar
from digest.services.splits import PaperRecord, PaperRecords, show_paper, split_paper
from digest.services.status import Status, status
from digest.services.strictness import count_last_week
from digest.services.typed import TypedWarning, check_typed
from digest.services.vectors import VectorsInfo, vectors_info
from digest.services.visitor_preview import VisitorPreview, VisitorPreviews
from digest.services.watch import WatchReport, disks, watch

__all__ = [
    "Archive",
    "CatchUp",
    "CatchUpPaper",
    "CatchUps",
    "CorpusCache",
    "DigestPapers",
    "EncoderInfo",
    "FeedPaper",
    "FetchOptions",
    "FetchReport",
    "ImportReport",
    "Inbox",
    "InterestExplanation",
    "KeywordStrength",
    "LessChoices",
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
    "SavedPaper",
    "SearchRequest",
    "SearchResult",
    "Status",
    "TypedWarning",
    "VectorsInfo",
    "VisitorPreview",
    "VisitorPreviews",
    "WatchReport",
    "WordEffect",
    "add_ratings",
    "check_typed",
    "count_days_since_last_digest",
    "count_last_week",
    "deliveries",
    "disks",
    "dumps_read",
    "encode",
    "encoder_info",
    "explain_profile",
    "feed_link",
    "fetch",
    "find_feed",
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
    "load_archive",
    "load_digest_papers",
    "load_feed",
    "load_less_choices",
    "load_list",
    "load_paper_page",
    "load_saved",
    "poll_mailbox",
    "preview",
    "preview_all",
    "profile_version",
    "rate",
    "remove_saved",
    "renew_feed",
    "resolve",
    "retry_rejected",
    "save_paper",
    "search",
    "sent_digest",
    "show_paper",
    "split_paper",
    "start_over",
    "status",
    "vectors_info",
    "watch",
    "withdrawn",
    "write_sent_mail",
]
