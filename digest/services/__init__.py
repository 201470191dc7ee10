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
from digest.services.archive import Archive, load_archive, write_sent_mail
from digest.services.catch_up import (
    CatchUp,
    CatchUpPaper,
    CatchUps,
    count_days_since_last_digest,
)
from digest.services.database_care import check_database, vacuum_database
from digest.services.deliveries import deliveries, list_messages, resolve
from digest.services.digest_papers import (
    DigestPapers,
    RatedItem,
    ThumbPapers,
    add_ratings,
    load_digest_papers,
    load_thumb_papers,
)
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
from digest.services.first_papers import (
    choose_first_papers,
    find_first_mail,
    load_rated_papers,
)
from digest.services.forget import forget, start_over
from digest.services.inbox import Inbox, ingest_inbox
from digest.services.less import LessChoices, load_less_choices
from digest.services.library import ImportReport, import_library
from digest.services.library_names import LibraryNames, read_library_names
from digest.services.mailbox import MailboxReport, poll_mailbox
from digest.services.moderation import (
    ListedPick,
    ListedSubmission,
    Voter,
    count_submissions,
    decide_submission,
    drop_votes,
    list_picks,
    list_submissions,
    list_voters,
    remove_pick,
)
from digest.services.operator_login import (
    end_all_operator_sessions,
    end_operator_session,
    find_operator_session,
    list_operator_sessions,
    log_in,
    make_operator_link,
)
from digest.services.operator_overview import Overview, ScheduleCache, load_overview
from digest.services.operator_readers import ReaderOverview, load_reader
from digest.services.paper_lists import (
    Order,
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
from digest.services.personal_feed import (
    FeedPaper,
    feed_link,
    find_feed,
    load_feed,
    renew_feed,
)
from digest.services.picks import (
    NOTE_MAX,
    find_last_name,
    is_curator,
    load_picks,
    pick,
    unpick,
)
from digest.services.preview import Preview, preview, preview_all, sent_digest
from digest.services.pruning import Pruned, is_pruning_due, prune
from digest.services.reader_export import ThumbFormat, export_reader, export_thumbs
from digest.services.reader_thumbs import Thumbs, load_thumbs
from digest.services.recommendations import hand_in, list_candidates, list_opaque_readers
from digest.services.rejects import dumps_read, list_dumps, list_rejected, retry_rejected, withdrawn
from digest.services.saved import SavedPaper, load_saved, remove_saved, save_paper
from digest.services.search import SearchRequest, SearchResult, search
from digest.services.similar import find_similar
from digest.services.splits import PaperRecord, PaperRecords, show_paper, split_paper
from digest.services.stats import DayStats, Stats, load_stats
from digest.services.status import Status, status
from digest.services.strictness import count_last_week
from digest.services.submissions import SuggestionResult, list_own_submissions, suggest
from digest.services.subscriber_lists import (
    ListedReader,
    ReaderSummary,
    list_readers,
    summarise_readers,
)
from digest.services.typed import TypedWarning, check_typed
from digest.services.uploads import UploadedDump, UploadStatus, find_upload
from digest.services.vector_index import find_index_file, rebuild_index
from digest.services.vectors import VectorsInfo, vectors_info
from digest.services.visitor_preview import VisitorPreview, VisitorPreviews
from digest.services.votes import (
    has_voted_since,
    load_own_votes,
    may_take_part,
    take_back_vote,
    up_vote,
)
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
from digest.services.word_wishes import WordWish, find_interest, find_wish, wish_for_word

__all__ = [
    "NOTE_MAX",
    "Archive",
    "CatchUp",
    "CatchUpPaper",
    "CatchUps",
    "CorpusCache",
    "DayStats",
    "DigestPapers",
    "DigestValues",
    "EncoderInfo",
    "FeedPaper",
    "FetchOptions",
    "FetchReport",
    "ImportReport",
    "Inbox",
    "InterestExplanation",
    "KeywordStrength",
    "LessChoices",
    "LibraryNames",
    "ListedPick",
    "ListedReader",
    "ListedSubmission",
    "MailboxReport",
    "Order",
    "Overview",
    "PaperList",
    "PaperPage",
    "PaperRecord",
    "PaperRecords",
    "Period",
    "Preview",
    "ProfileExplanation",
    "Pruned",
    "RatedItem",
    "RatedPaper",
    "ReaderOverview",
    "ReaderSummary",
    "SavedPaper",
    "ScheduleCache",
    "SearchRequest",
    "SearchResult",
    "Stats",
    "Status",
    "SuggestionResult",
    "ThumbFormat",
    "ThumbPapers",
    "Thumbs",
    "TypedWarning",
    "UploadStatus",
    "UploadedDump",
    "VectorsInfo",
    "VisitorPreview",
    "VisitorPreviews",
    "Voter",
    "WatchReport",
    "WebhookReport",
    "WebhookTest",
    "WordEffect",
    "WordWish",
    "add_ratings",
    "add_webhook",
    "check_database",
    "check_typed",
    "choose_first_papers",
    "claim_answer",
    "count_days_since_last_digest",
    "count_last_week",
    "count_submissions",
    "create_api_key",
    "create_reader_key",
    "decide_submission",
    "delete_old_answers",
    "deliveries",
    "disks",
    "drop_votes",
    "dumps_read",
    "enable_webhook",
    "encode",
    "encoder_info",
    "end_all_operator_sessions",
    "end_operator_session",
    "explain_profile",
    "export_reader",
    "export_thumbs",
    "feed_link",
    "fetch",
    "find_api_key",
    "find_feed",
    "find_first_mail",
    "find_index_file",
    "find_interest",
    "find_last_name",
    "find_latest_period",
    "find_operator_session",
    "find_paper",
    "find_public_paper",
    "find_similar",
    "find_upload",
    "find_wish",
    "forget",
    "get_paper",
    "hand_in",
    "has_voted_since",
    "import_library",
    "ingest_inbox",
    "is_curator",
    "is_pruning_due",
    "is_public",
    "list_api_keys",
    "list_candidates",
    "list_digests",
    "list_dumps",
    "list_latest_days",
    "list_messages",
    "list_opaque_readers",
    "list_operator_sessions",
    "list_own_submissions",
    "list_picks",
    "list_readers",
    "list_rejected",
    "list_submissions",
    "list_voters",
    "list_webhook_deliveries",
    "list_webhooks",
    "load_archive",
    "load_digest",
    "load_digest_papers",
    "load_feed",
    "load_less_choices",
    "load_list",
    "load_overview",
    "load_own_votes",
    "load_paper_page",
    "load_picks",
    "load_rated_papers",
    "load_reader",
    "load_saved",
    "load_stats",
    "load_thumb_papers",
    "load_thumbs",
    "log_in",
    "make_operator_link",
    "may_take_part",
    "pick",
    "poll_mailbox",
    "preview",
    "preview_all",
    "preview_digest",
    "profile_version",
    "prune",
    "purge_webhooks",
    "rate",
    "read_library_names",
    "rebuild_index",
    "release_answer",
    "remove_pick",
    "remove_saved",
    "remove_webhook",
    "renew_feed",
    "resolve",
    "retry_rejected",
    "revoke_api_key",
    "save_answer",
    "save_paper",
    "search",
    "send_webhooks",
    "sent_digest",
    "show_paper",
    "split_paper",
    "start_over",
    "status",
    "suggest",
    "summarise_readers",
    "take_back_vote",
    "try_webhook",
    "unpick",
    "up_vote",
    "vacuum_database",
    "vectors_info",
    "watch",
    "wish_for_word",
    "withdrawn",
    "write_sent_mail",
]
