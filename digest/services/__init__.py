"""What operators and pages ask of the service, beside the daily way of the data.

Each module answers one question or does one errand; none decides what is listed or sent.
"""

from digest.services.api_answers import (
    claim_answer,
    delete_old_answers,
    release_answer,
    save_answer,
)
from digest.services.api_keys import (
    create_api_key,
    create_reader_key,
    find_api_key,
    list_api_keys,
    revoke_api_key,
)
from digest.services.deliveries import deliveries, list_messages, resolve
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
from digest.services.paper_page import PaperPage, find_public_paper, is_public, load_paper_page
from digest.services.past_digests import (
    DigestValues,
    list_digests,
    load_digest,
    preview_digest,
)
from digest.services.preview import Preview, preview, preview_all, sent_digest
from digest.services.recommendations import hand_in, list_candidates, list_opaque_readers
from digest.services.rejects import dumps_read, list_dumps, list_rejected, retry_rejected, withdrawn
from digest.services.search import SearchRequest, SearchResult, search
from digest.services.similar import find_similar
from digest.services.splits import PaperRecord, PaperRecords, show_paper, split_paper
from digest.services.stats import DayStats, Stats, load_stats
from digest.services.status import Status, status
from digest.services.strictness import count_last_week
from digest.services.typed import TypedWarning, check_typed
from digest.services.uploads import UploadedDump, UploadStatus, find_upload
from digest.services.vectors import VectorsInfo, vectors_info
from digest.services.visitor_preview import VisitorPreview, VisitorPreviews
from digest.services.watch import WatchReport, disks, watch
from digest.services.webhook_sending import WebhookReport, purge_webhooks, send_webhooks
from digest.services.webhooks import (
    WebhookTest,
    add_webhook,
    enable_webhook,
    list_webhook_deliveries,
    list_webhooks,
    remove_webhook,
    try_webhook,
)

__all__ = [
    "CorpusCache",
    "DayStats",
    "DigestPapers",
    "DigestValues",
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
    "Stats",
    "Status",
    "TypedWarning",
    "UploadStatus",
    "UploadedDump",
    "VectorsInfo",
    "VisitorPreview",
    "VisitorPreviews",
    "WatchReport",
    "WebhookReport",
    "WebhookTest",
    "WordEffect",
    "add_webhook",
    "check_typed",
    "claim_answer",
    "count_last_week",
    "create_api_key",
    "create_reader_key",
    "delete_old_answers",
    "deliveries",
    "disks",
    "dumps_read",
    "enable_webhook",
    "encode",
    "encoder_info",
    "explain_profile",
    "fetch",
    "find_api_key",
    "find_latest_period",
    "find_paper",
    "find_public_paper",
    "find_similar",
    "find_upload",
    "forget",
    "get_paper",
    "hand_in",
    "import_library",
    "ingest_inbox",
    "is_public",
    "list_api_keys",
    "list_candidates",
    "list_digests",
    "list_dumps",
    "list_latest_days",
    "list_messages",
    "list_opaque_readers",
    "list_rejected",
    "list_webhook_deliveries",
    "list_webhooks",
    "load_digest",
    "load_digest_papers",
    "load_list",
    "load_paper_page",
    "load_stats",
    "poll_mailbox",
    "preview",
    "preview_all",
    "preview_digest",
    "profile_version",
    "purge_webhooks",
    "rate",
    "release_answer",
    "remove_webhook",
    "resolve",
    "retry_rejected",
    "revoke_api_key",
    "save_answer",
    "search",
    "send_webhooks",
    "sent_digest",
    "show_paper",
    "split_paper",
    "start_over",
    "status",
    "try_webhook",
    "vectors_info",
    "watch",
    "withdrawn",
]
