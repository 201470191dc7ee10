"""Live sources -> dump files in the inbox.

Reads no paper, stores nothing else, decides nothing about digests.

kinds       all protocols: the next request, and the meaning of an answer; pure
paged, oai, pubmed   protocols of `kinds`
lookups     the request for one paper, by its identifier; pure
web         HTTP requests with rate limits, retries and size limits; the only importer of httpx
harvest     keeps each answer as a file and saves the position, so that a kill loses nothing
folders     the watched folder, also a Maildir
mails       the folder of a mailbox, which the caller opens
zotero      items of a reader's library, for `digest import-library`
calendar    arXiv's announcements
"""

from digest.errors import SourceError
from digest.sources.base import SourceReport, SourceSettings, State, Stopped
from digest.sources.folders import copy_new_files
from digest.sources.harvest import harvest
from digest.sources.kinds import KINDS, default_interval, find_base_url, is_arxiv
from digest.sources.lookups import Lookup, build_lookup
from digest.sources.mails import copy_new_mails

__all__ = [
    "KINDS",
    "Lookup",
    "SourceError",
    "SourceReport",
    "SourceSettings",
    "State",
    "Stopped",
    "build_lookup",
    "copy_new_files",
    "copy_new_mails",
    "default_interval",
    "find_base_url",
    "harvest",
    "is_arxiv",
]
