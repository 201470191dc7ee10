"""What somebody wants of a subscription -> the subscriber as wished, or what is wrong with the
wish. Nothing is looked up or stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from digest.errors import AddressError, InputError
from digest.model import (
    EXAMPLES_MAX,
    INTERESTS_MAX,
    LISTS_OCTETS_MAX,
    NAME_MAX,
    SHARE_MAX,
    THRESHOLD_WORDS,
    Interest,
    Subscriber,
    SubscriberStatus,
    Threshold,
)

#: sizes that keep one reader from costing a thousand
_TEXT_MAX, _LIST_MAX, _WORD_MAX = 4000, 200, 200
#: what no database stores everywhere and no mail can hold: controls but the line feed, and halves
#: of characters (bytes that were no UTF-8)
_UNWANTED = {
    **dict.fromkeys((*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0)), " "),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SubscriptionRequest:
    """What somebody wants of a subscription; None = leave it as it is, or at the default."""

    email: str
    name: str | None = None
    timezone: str | None = None
    hour: int | None = None
    days: tuple[int, ...] | None = None
    size: int | None = None
    #: a match from 0 to 100, "good" or "strong"
    threshold: int | str | None = None
    #: the interest that what follows belongs to, made where there is none of that name; None = the
    #: first
    interest: str | None = None
    share: int | None = None
    keywords: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    authors: tuple[str, ...] | None = None
    papers: tuple[str, ...] | None = None
    text: str | None = None
    #: names of interests to give up
    drop: tuple[str, ...] | None = None
    #: all interests, instead of those that there are; what is empty counts as none
    interests: tuple[Interest, ...] | None = None
    #: whether mail may go to them, as a file of readers says; None = confirmed
    status: SubscriberStatus | None = None
    #: when they joined, and by which door, as a file of readers says
    created: datetime | None = None
    origin: str | None = None


def normalise_address(text: str) -> str:
    """The address in its normal form, without asking the DNS.

    Raises:
        AddressError: mail could not be sent there.
    """
    try:
        return validate_email(
            text.strip(), check_deliverability=False, test_environment=True
        ).normalized
    except EmailNotValidError as error:
        raise AddressError(f"{text!r} is no e-mail address: {error}") from None


def keep_or_normalise_address(text: str) -> str:
    """As `normalise_address`; a text that is none as it is."""
    try:
        return normalise_address(text)
    except AddressError:
        return text.strip()


def apply_request(request: SubscriptionRequest, subscriber: Subscriber) -> Subscriber:
    """The subscriber as wished.

    Raises:
        InputError: naming the value and what it may be.
    """
    if request.timezone is not None and request.timezone not in available_timezones():
        raise InputError(f"timezone {request.timezone!r} is unknown; use a name like Europe/Berlin")
    days = subscriber.days if request.days is None else tuple(sorted(set(request.days)))
    if not days or not all(1 <= day <= 7 for day in days):
        raise InputError(f"days {list(days)} must be some of 1 (Monday) to 7 (Sunday)")
    return replace(
        subscriber,
        name=subscriber.name if request.name is None else _line(request.name)[:_WORD_MAX],
        timezone=request.timezone or subscriber.timezone,
        hour=_within("hour", request.hour, 0, 23, subscriber.hour),
        days=days,
        size=_within("size", request.size, 1, 100, subscriber.size),
        threshold=threshold(request.threshold, subscriber.threshold),
        interests=_interests(request, subscriber.interests),
    )


_WORDS = ("interest", "share", "keywords", "categories", "authors", "papers", "text", "drop")


def _interests(request: SubscriptionRequest, known: tuple[Interest, ...]) -> tuple[Interest, ...]:
    if request.interests is not None:
        if both := [key for key in _WORDS if getattr(request, key) is not None]:
            raise InputError(
                f"interests: they say it all; leave out {both[0]}, or give it within one of them"
            )
        interests = [_checked(interest) for interest in request.interests]
    else:
        gone = [_name(name) for name in request.drop or ()]
        if unknown := [name for name in gone if name not in [each.name for each in known]]:
            raise InputError(
                f"drop {unknown[0]!r}: there is no such interest; known are "
                f"{', '.join(each.name for each in known) or 'none'}"
            )
        interests = [each for each in known if each.name not in gone]
        if any(getattr(request, key) is not None for key in _WORDS[:-1]):
            first = interests[0].name if interests else Interest().name
            name = first if request.interest is None else _name(request.interest)
            one = _changed(
                next((each for each in interests if each.name == name), Interest(name=name)),
                request,
            )
            there = name in [each.name for each in interests]
            interests = (
                [one if each.name == name else each for each in interests]
                if there
                else [*interests, one]
            )
    interests = [each for each in interests if not each.empty]
    names = [each.name.casefold() for each in interests]
    if twice := [each.name for each in interests if names.count(each.name.casefold()) > 1]:
        raise InputError(f"interests: {twice[0]!r} is the name of two; give each its own")
    if len(interests) > INTERESTS_MAX:
        raise InputError(f"interests: at most {INTERESTS_MAX}, got {len(interests)}")
    octets = _octets(interests)
    # An older version let more in: it may stay, and shrink.
    if octets > LISTS_OCTETS_MAX and octets > _octets(known):
        raise InputError(
            f"interests: all keywords, categories and authors together are {octets / 1000:.1f} kB "
            "long, "
            f"the most is {LISTS_OCTETS_MAX // 1000} kB; take some away"
        )
    return tuple(interests)


def _octets(interests: Sequence[Interest]) -> int:
    """The length of all lists as `LISTS_OCTETS_MAX` counts it."""
    return sum(
        len(word.encode()) + 2
        for each in interests
        for word in (*each.keywords, *each.categories, *each.authors)
    )


def _line(text: str) -> str:
    return " ".join(text.translate(_UNWANTED).split())


def _name(name: str) -> str:
    bare = _line(name)
    if not bare or len(bare) > NAME_MAX:
        raise InputError(f"interest {bare[:40]!r}: give it a name of 1 to {NAME_MAX} characters")
    return bare


def _checked(interest: Interest) -> Interest:
    """An interest as it came, in order; raises as `apply_request` does."""
    return replace(
        interest,
        name=_name(interest.name),
        keywords=_words("keywords", interest.keywords),
        categories=_words("categories", interest.categories),
        authors=_words("authors", interest.authors),
        papers=_words("papers", interest.papers, most=EXAMPLES_MAX),
        text=interest.text.translate(_UNWANTED).strip()[:_TEXT_MAX],
    )


def _changed(interest: Interest, request: SubscriptionRequest) -> Interest:
    return replace(
        interest,
        share=_within("share", request.share, 1, SHARE_MAX, interest.share),
        keywords=interest.keywords
        if request.keywords is None
        else _words("keywords", request.keywords),
        categories=interest.categories
        if request.categories is None
        else _words("categories", request.categories),
        authors=interest.authors if request.authors is None else _words("authors", request.authors),
        papers=interest.papers
        if request.papers is None
        else _words("papers", request.papers, most=EXAMPLES_MAX),
        text=interest.text
        if request.text is None
        else request.text.translate(_UNWANTED).strip()[:_TEXT_MAX],
    )


def _within(name: str, value: int | None, low: int, high: int, otherwise: int) -> int:
    if value is None:
        return otherwise
    if not low <= value <= high:
        raise InputError(f"{name} {value} must be {low} to {high}")
    return value


def threshold(value: int | str | None, otherwise: Threshold) -> Threshold:
    """What a threshold that somebody wrote is, or the other one where they wrote none; raises as
    `apply_request` does.
    """
    word = next((word for word in THRESHOLD_WORDS if word == value), None)
    if word is not None:
        return word
    if isinstance(value, str):
        raise InputError(
            f"threshold {value!r} must be a whole number from 0 to 100, or "
            f"{' or '.join(THRESHOLD_WORDS)}"
        )
    return otherwise if value is None else _within("threshold", value, 0, 100, 0)


def _words(name: str, values: Sequence[str], most: int = _LIST_MAX) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(line for value in values if (line := _line(value))))
    if name != "papers":
        _refuse_unfindable(name, words)
    if len(words) > most or any(len(word) > _WORD_MAX * 3 for word in words):
        raise InputError(f"{name}: at most {most} of up to {_WORD_MAX * 3} characters each")
    return words


def _refuse_unfindable(name: str, words: Sequence[str]) -> None:
    """Raise InputError for a word by which no paper could ever be found."""
    from digest.ranking.features import keyword_problem

    for word in words:
        if name == "keywords" and (reason := keyword_problem(word)):
            raise InputError(f"keyword {word[:80]!r} {reason}")
        if not any(sign.isalnum() for sign in word):
            raise InputError(f"{name}: {word[:80]!r} holds no letter; write a name")
