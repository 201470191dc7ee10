"""Papers that readers suggest: found, or kept until the operator decides.

What is typed is never fetched. An identifier is taken out of it, and `fetch` asks the configured
sources for that, once the operator has accepted it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from digest import papers, sources, store
from digest.app import App
from digest.errors import InputError, LimitError, NotFoundError
from digest.locales import gettext
from digest.mail.messages.texts import clean_url
from digest.model import Identity, Submission
from digest.services.fetch import source_settings
from digest.services.paper_page import find_public
from digest.services.votes import DAY, lock_participant

#: characters of what is typed, and of a title
TYPED_MAX, TITLE_MAX = 1000, 300
#: a reader's own submissions that are shown to them
_OWN_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class SuggestionResult:
    """What became of a suggestion.

    `found` = the paper is public already; `untitled` = nothing was stored, since no source can say
    its title and the reader has to; `waiting` = the operator decides.
    """

    outcome: Literal["found", "untitled", "waiting"]
    #: the paper that was found
    paper_id: int = 0


def suggest(app: App, subscriber_id: int, typed: str, title: str = "") -> SuggestionResult:
    """Take a reader's suggestion; the same one again, while it waits, changes nothing.

    Args:
        typed: an arXiv id, a DOI, another identifier or a link.
        title: its title, needed where no configured source can be asked for it.

    Raises:
        InputError: it is neither an identifier nor a link, or is too long.
        LimitError: the reader has suggested [web] suggestions_per_day papers within a day.
        NotFoundError: the reader is gone or may not suggest, or nobody may.
    """
    limit = app.config.web.suggestions_per_day
    if not limit:
        raise NotFoundError("this service takes no suggestions")
    title = " ".join(title.split())
    if len(title) > TITLE_MAX:
        raise InputError(
            "title: "
            + gettext(
                "%(count)s characters; shorten it to %(limit)s", count=len(title), limit=TITLE_MAX
            )
        )
    identity, url = parse_suggestion(typed)
    now = app.now()

    def record(tx: store.Connection) -> SuggestionResult:
        lock_participant(tx, subscriber_id)
        if (paper_id := find_public(tx, identity)) is not None:
            return SuggestionResult(outcome="found", paper_id=paper_id)
        submission = Submission(
            subscriber_id=subscriber_id, at=now, identity=identity, url=url, title=title
        )
        if store.submissions.find_waiting(tx, submission) is not None:
            return SuggestionResult(outcome="waiting")
        if not title and not (identity and can_look_up(app, identity)):
            return SuggestionResult(outcome="untitled")
        if store.submissions.count_own(tx, subscriber_id, since=now - DAY) >= limit:
            raise LimitError(
                gettext(
                    "you have suggested %(limit)s papers within a day, which is the most; this one "
                    "was not stored. Suggest it tomorrow",
                    limit=limit,
                ),
                retry_after=int(DAY.total_seconds()),
            )
        store.submissions.add(tx, submission)
        return SuggestionResult(outcome="waiting")

    return app.store.commit(record)


def list_own_submissions(app: App, subscriber_id: int) -> list[Submission]:
    """List what a reader has suggested, newest first."""
    with app.store.reading() as tx:
        return store.submissions.list_own(tx, subscriber_id, limit=_OWN_SHOWN)


def parse_suggestion(typed: str) -> tuple[Identity | None, str]:
    """Take the identifier and the link out of what a reader typed; fetches nothing.

    Returns:
        (identifier or None, link or "").

    Raises:
        InputError: it holds neither.
    """
    text = typed.strip()
    if len(text) > TYPED_MAX:
        raise InputError(
            "paper: "
            + gettext("%(count)s characters; give one identifier or link", count=len(text))
        )
    identity = papers.parse_name(text)
    url = _parse_web_link(text)
    if identity is None and not url:
        raise InputError(
            "paper: "
            + gettext("give an arXiv id such as 2606.01234, a DOI, or a link to the paper")
        )
    return identity, url


def _parse_web_link(text: str) -> str:
    """Return the text if it is a link to a page of the public web, else ""."""
    if any(sign.isspace() for sign in text) or not text.lower().startswith(("http://", "https://")):
        return ""
    try:
        parts = urlsplit(text)
        is_whole = bool(parts.hostname) and "." in (parts.hostname or "") and not parts.username
    except ValueError:
        return ""
    return clean_url(text) if is_whole else ""


def can_look_up(app: App, identity: Identity) -> bool:
    """Tell whether a configured source can be asked for a paper."""
    enabled = [source_settings(entry) for entry in app.config.sources if entry.enabled]
    return any(sources.build_lookup(settings, identity) for settings in enabled)
