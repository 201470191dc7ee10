"""Clean, cut and wrap foreign text for mails; format dates, counts and links.

Escaping for HTML is done by the templates.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

import idna

from digest.errors import InputError
from digest.locales import WEEKDAYS as WEEKDAYS
from digest.locales import count_noun, gettext, name_weekday
from digest.locales import format_date as format_date
from digest.locales import join_names as join_names

#: columns of the text part
WIDTH = 72
#: counts on pages whose words no catalogue has yet
plural = count_noun

_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
# Lone surrogates cannot be encoded. Embeddings, overrides and isolates can reverse the text beside
# them. The rest (byte-order mark, interlinear annotation, noncharacters) shows as nothing or as a
# box. Joiners stay: emoji and Persian need them.
_DROPPED = re.compile(
    r"[\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff]"
)
# A link that needs no cleaning, as nearly all of a mail's dozens of links.
_PLAIN_ADDRESS = re.compile(
    r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,4})?(?:[/?#][A-Za-z0-9%"
    r"/:?#@!$&'()*+,;=~._-]*)?",
    re.ASCII,
)
_NARROW_KEPT = re.compile(r"[^\S\u202f]+")
#: printable ASCII without the characters that end an attribute or angle brackets
_MAILTO = re.compile(r"mailto:[!#-;=?-~]{1,600}")
_ZWJ = "\u200d"


def one_line(text: str) -> str:
    """`text` on one line, without control and direction characters."""
    # what is removed is not printable, and neither are blanks other than " "
    if text.isprintable() and "  " not in text:
        return text.strip()
    return _BLANKS.sub(" ", _DROPPED.sub("", text)).strip()


def capitalize(text: str) -> str:
    """`text` with its first letter in upper case, and the others as they are."""
    return text[:1].upper() + text[1:]


def clean_lines(text: str) -> tuple[str, ...]:
    """The lines of `text` that are not empty, each cleaned by `one_line`."""
    return tuple(line for line in map(one_line, text.splitlines()) if line)


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, cut after a word if possible."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    space = text.rfind(" ", 0, limit)
    if space > limit / 2:
        head = text[:space]
    else:
        # no word ends near (Chinese, or one long word): at least do not part accents and joined
        # emoji from their characters
        for _ in range(16):
            following = text[len(head)]
            if len(head) < 2 or not (
                unicodedata.combining(following) or following in "\ufe0f\u200d" or head[-1] == _ZWJ
            ):
                break
            head = head[:-1]
    return head.rstrip(" ,;:-–—") + "…"


def _columns(text: str) -> int:
    """The width of `text` in a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _split_word(word: str, room: int) -> list[str]:
    """A word in pieces that fit a line, as for scripts without spaces."""
    if _columns(word) <= room:
        return [word]
    pieces, piece, used = [], "", 0
    for char in word:
        wide = _columns(char)
        if piece and used + wide > room:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + char, used + wide
    return [*pieces, piece]


def _split_words(text: str) -> list[str]:
    """Split at blanks, also where HTML must not break ("12 June"), but not at narrow ones.

    French puts these before its question marks and inside its quotation marks.
    """
    return text.split() if "\u202f" not in text else _NARROW_KEPT.split(text.strip())


def wrap(text: str, indent: int = 0, lead: str = "", tail: str = "") -> str:
    """`lead`, `text` and `tail` in lines of at most 72 columns."""
    words = _split_words(f"{lead}{text}{tail}")
    room = WIDTH - indent
    whole = " ".join(words)
    # most texts have letters of one column only, as all below the combining accents
    if (whole.isascii() or max(whole) < "\u0300") and max(map(len, words), default=0) <= room:
        wrapped = _lines_of(room).findall(whole) or [""]
    else:
        wrapped = _wrap_words(words, room)
    margin = " " * indent
    return margin + f"\n{margin}".join(wrapped)


@lru_cache(maxsize=8)
def _lines_of(room: int) -> re.Pattern[str]:
    """Matches as many words as fit a line."""
    return re.compile(rf"(\S.{{0,{room - 1}}})(?: |\Z)")


def _wrap_words(words: list[str], room: int) -> list[str]:
    wrapped, line, used = [], "", 0
    for word in words:
        for number, piece in enumerate(_split_word(word, room)):
            wide = _columns(piece)
            if line and (number or used + 1 + wide > room):
                wrapped.append(line)
                line, used = piece, wide
            else:
                line, used = (f"{line} {piece}", used + 1 + wide) if line else (piece, wide)
    return [*wrapped, line]


def format_origin_day(value: date, today: date) -> str:
    """`from Tuesday` for one of the six days before `today`, else `from 29 August`."""
    if 0 < (today - value).days <= 6:
        return gettext("from %(weekday)s", weekday=name_weekday(value.isoweekday()))
    return gettext("from %(day)s", day=format_date(value))


def tie_last_words(text: str) -> str:
    """Join the last two words with a no-break space for HTML: "12 June", "42 upvotes".

    In the text part, wrapping turns it into a blank again.
    """
    return "\u00a0".join(text.rsplit(" ", 1))


def format_weekdays(days: tuple[int, ...]) -> str:
    """ISO weekdays in words: `every day`, `Monday to Friday`, `Monday and Thursday`."""
    chosen = sorted(set(days))
    if chosen == [1, 2, 3, 4, 5, 6, 7]:
        return gettext("every day")
    if chosen == [1, 2, 3, 4, 5]:
        return gettext("Monday to Friday")
    return join_names([name_weekday(number) for number in chosen])


def weekday_phrase(days: tuple[int, ...]) -> str:
    """In a sentence: `every day`, `from Monday to Friday`, `on Sunday`."""
    chosen = sorted(set(days))
    if chosen == [1, 2, 3, 4, 5, 6, 7]:
        return gettext("every day")
    if chosen == [1, 2, 3, 4, 5]:
        return gettext("from Monday to Friday")
    return gettext("on %(weekdays)s", weekdays=format_weekdays(days))


def is_public_url(url: str) -> bool:
    """Whether `url` can be opened from outside this machine and network."""
    return _is_public_host("/".join(url.split("/", 3)[:3]))


@lru_cache(maxsize=64)
def _is_public_host(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(
            (".localhost", ".local", ".internal", ".home.arpa", ".lan")
        )


def require_link(name: str, url: str) -> str:
    """A link of ours, safe in an attribute and in angle brackets.

    Raises:
        InputError: it is no http or https link; the message calls it `name`.
    """
    clean = clean_url(url)
    if not clean:
        raise InputError(f"{name} must be an http or https address, got {url[:200]!r}")
    return clean


def require_mailto(name: str, url: str) -> str:
    """A `mailto:` address of ours, or "".

    Raises:
        InputError: it is anything else; the message calls it `name`.
    """
    if url and not _MAILTO.fullmatch(url):
        raise InputError(
            f"{name} must be a mailto address without blanks, or nothing, got {url[:200]!r}"
        )
    return url


def clean_url(url: str) -> str:
    """`url` in ASCII, safe in an attribute; "" unless it is http or https.

    A dump may hold any scheme, and a `javascript:` link must not get into a mail.
    """
    if _PLAIN_ADDRESS.fullmatch(url):
        return url
    return _clean_unusual_url(url)


def _clean_unusual_url(url: str) -> str:
    text = _DROPPED.sub("", url).strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        if parts.scheme not in ("http", "https") or not host:
            return ""
        if not text.isascii():
            ascii_host = host if host.isascii() else idna.encode(host, uts46=True).decode()
            text = parts._replace(
                netloc=ascii_host if port is None else f"{ascii_host}:{port}"
            ).geturl()
    except ValueError:  # idna.IDNAError is one too
        return ""
    return quote(text, safe="%/:?#[]@!$&'()*+,;=~-._")
