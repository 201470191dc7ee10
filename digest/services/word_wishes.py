"""Want more of a word that was learned, or mute it: it becomes a keyword of the reader."""

from __future__ import annotations

from typing import Literal

from digest import subscriptions
from digest.app import App
from digest.errors import InputError
from digest.locales import gettext
from digest.model import Interest, Subscriber
from digest.subscriptions import SubscriptionRequest

#: more = a keyword; mute = a keyword with "-"; clear = neither
WordWish = Literal["more", "mute", "clear"]
_PREFIX: dict[WordWish, str] = {"more": "", "mute": "-"}
#: characters of a word
_WORD_MAX = 200


def wish_for_word(
    app: App, subscriber_id: int, word: str, wish: WordWish, *, interest: str = ""
) -> Subscriber:
    """Make a word a keyword, a muted keyword, or neither; a second time changes nothing.

    Args:
        interest: name of the interest; the first one if the reader has none of that name.

    Raises:
        NotFoundError: the reader is not stored.
        InputError: the word cannot be a keyword, or the settings changed at this moment.
    """
    bare = " ".join(word.split()).lstrip("+-")
    if not bare or len(bare) > _WORD_MAX:
        reason = gettext("this is no word")
        raise InputError(f"keywords: {reason}")
    reader = subscriptions.get(app, subscriber_id)
    own = find_interest(reader, interest)
    kept = [keyword for keyword in own.keywords if not _is_same(keyword, bare)]
    if wish != "clear":
        kept.append(f"{_PREFIX[wish]}{bare}")
    if set(kept) == set(own.keywords):
        return reader
    request = SubscriptionRequest(
        email=reader.email,
        interest=own.name if reader.interests else None,
        keywords=tuple(kept),
    )
    changed = subscriptions.change_if_unchanged(
        app, subscriber_id, request, subscriptions.version_of(reader)
    )
    if changed.refused is not None:
        reason = gettext("your settings changed at this moment; press once more")
        raise InputError(f"keywords: {reason}")
    return changed.subscriber


def find_interest(reader: Subscriber, name: str) -> Interest:
    """Return the interest of that name, else the first, else an empty one."""
    named = [interest for interest in reader.interests if interest.name == name]
    return next(iter((*named, *reader.interests)), Interest())


def find_wish(interest: Interest, word: str) -> WordWish:
    """Return what a reader wrote about a word."""
    same = [keyword.strip() for keyword in interest.keywords if _is_same(keyword, word)]
    if not same:
        return "clear"
    return "mute" if same[-1].startswith("-") else "more"


def _is_same(keyword: str, word: str) -> bool:
    return " ".join(keyword.strip().lstrip("+-").split()).casefold() == word.casefold()
