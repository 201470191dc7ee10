"""Live sources -> dump files in the inbox.

Reads no paper, stores nothing else, decides nothing about digests.

kinds       what to ask next, and whether an answer is one: pure, one class per protocol
web         one polite request: pace, retries, caps; the only importer of httpx
harvest     asks, keeps each answer as a file, and says how far it came: a kill loses nothing
folders     the watched folder
calendar    when arXiv announces
"""

from digest.errors import SourceError
from digest.sources.base import Harvested, State, Stopped, Wanted
from digest.sources.folders import copy_new
from digest.sources.harvest import harvest
from digest.sources.kinds import KINDS, every_minutes, home_of, is_arxiv

__all__ = [
    "KINDS",
    "Harvested",
    "SourceError",
    "State",
    "Stopped",
    "Wanted",
    "copy_new",
    "every_minutes",
    "harvest",
    "home_of",
    "is_arxiv",
]
