"""Find a paper's identifier, PDF, code, project page and venue in what is stored of it.

Only what literally stands there: an identifier of the paper, a link of its source, or a web
address in its comment or abstract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus, urlsplit

from digest.locales import gettext_later
from digest.model import Paper, Resources
from digest.papers.venues import read_venue, split_comment

_ADDRESS: Final = re.compile(
    r"(?:https?://|(?<![\w./@-])(?=(?:www\.)?(?:github\.com|gitlab\.com|huggingface\.co)/))"
    r"[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,}(?:[/?#][A-Za-z0-9%/:?#@!$&'()*+,;=~._-]*)?"
)
_CODE_HOSTS: Final = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org")
_PROJECT_HOSTS: Final = (".github.io", ".gitlab.io", ".pages.dev")
#: words right before an address that say what it is
_SAYS_CODE: Final = re.compile(r"\bcodes?\b[^.;]{0,40}$", re.IGNORECASE)
_SAYS_PROJECT: Final = re.compile(
    r"\b(?:project|web ?page|website|homepage|home ?page)\b[^.;]{0,40}$", re.IGNORECASE
)
_TEX_LINK: Final = re.compile(r"\\(?:href|url)\s*\{([^{}]*)\}(?:\s*\{[^{}]*\})?")
#: what is left of a sentence whose address was taken out: "Code available at"
_LEFT_OVER: Final = re.compile(
    r"(?:^|(?<=[.;,]))[^.;,]*\b(?:codes?|page|website|homepage|project|github|available|data|"
    r"datasets?|models?|demo|url|link)\b[^.;,]*(?:[.;,]|$)",
    re.IGNORECASE,
)
#: what says nothing of the work itself: its length, its state, who did what, other versions
_SAYS_LITTLE: Final = re.compile(
    r"(?:\b|(?<=[0-9]))(?:pages?|figures?|figs?|tables?|pp|appendi(?:x|ces)|equations?|equal(?:ly)?|"
    r"contribut\w+|first authors?|co-?authors?|corresponding|alphabetical(?:ly)?|affiliations?|"
    r"preprint|draft|in (?:progress|preparation|review)|under (?:the )?re(?:view|vision)|"
    r"peer[ -]review|submi(?:tted|ssion)|admin note|"
    r"versions?|v[0-9]|available|supplement\w*|this url|typos?|originally written|"
    r"comments? (?:are )?welcome|copyright|cross-list|category)\b",
    re.IGNORECASE,
)
_ORDER: Final = (
    gettext_later("Code"),
    gettext_later("Project"),
    gettext_later("Model"),
    gettext_later("Data"),
    gettext_later("Demo"),
)


def find_resources(paper: Paper) -> Resources:
    """Return where the parts of a paper are on the web, and where it was published."""
    arxiv = paper.identity("arxiv")
    page = "" if paper.url or paper.picked is None else _title_search(paper.title)
    name = paper.name
    return Resources(
        page=paper.url or page,
        is_search=bool(page),
        identifier="" if name.startswith("paper:") else name.replace("arxiv:", "arXiv:", 1),
        links=(
            *(
                (
                    ("PDF", f"https://arxiv.org/pdf/{arxiv}"),
                    ("HTML", f"https://arxiv.org/html/{arxiv}"),
                )
                if arxiv
                else ()
            ),
            *_find_links(paper.code_url, paper.project_url, paper.comment, paper.abstract),
        ),
        venue=_read_venue(paper.comment, paper.journal_ref),
        comment=_shorten_comment(paper.comment),
    )


_read_venue = lru_cache(maxsize=4096)(read_venue)


def _title_search(title: str) -> str:
    """A search for the title on arXiv, where nearly all papers of curated lists are."""
    return f"https://arxiv.org/search/?searchtype=title&query={quote_plus(title[:300])}"


@lru_cache(maxsize=4096)
def _find_links(
    code_url: str, project_url: str, comment: str, abstract: str
) -> tuple[tuple[str, str], ...]:
    """(label, address), one for each label: of the source's fields, the comment, the abstract."""
    links = {label: url for label, url in (("Code", code_url), ("Project", project_url)) if url}
    for text in (comment, abstract):
        for label, address in _read_links(text):
            links.setdefault(label, address)
    return tuple((label, links[label]) for label in _ORDER if label in links)


def _read_links(text: str) -> Iterator[tuple[str, str]]:
    if "/" not in text:
        return
    text = _TEX_LINK.sub(r"\1", text)
    for match in _ADDRESS.finditer(text):
        address = match[0].rstrip(".,;:!?'")
        while address.endswith(")") and address.count("(") < address.count(")"):
            address = address[:-1].rstrip(".,;:")
        if not address.startswith("http"):
            address = f"https://{address}"
        label = _label(address, text[max(0, match.start() - 60) : match.start()])
        if label:
            yield label, address


def _label(address: str, before: str) -> str:
    """Say what an address is, by its host or the words before it; "" if neither says so."""
    parts = urlsplit(address)
    host = (parts.hostname or "").removeprefix("www.")
    folders = [part for part in parts.path.split("/") if part]
    if host in _CODE_HOSTS:
        return "Code" if folders else ""
    if host == "huggingface.co":
        if len(folders) < 2 or folders[0] in ("papers", "collections", "blog", "docs"):
            return ""
        return {"datasets": "Data", "spaces": "Demo"}.get(folders[0], "Model")
    if host.endswith(_PROJECT_HOSTS) or _SAYS_PROJECT.search(before):
        return "Project"
    return "Code" if _SAYS_CODE.search(before) else ""


@lru_cache(maxsize=4096)
def _shorten_comment(comment: str) -> str:
    """The sentences that say more than the venue, the length, the state and where the code is."""
    text = _ADDRESS.sub("\0", _TEX_LINK.sub(r"\1", comment))
    if "\0" in text:
        text = _LEFT_OVER.sub("", text.replace("\0", ""))
    return "; ".join(
        piece
        for piece in split_comment(text)
        if not (read_venue(piece) or _SAYS_LITTLE.search(piece)) and re.search("[A-Za-z]{3}", piece)
    )
