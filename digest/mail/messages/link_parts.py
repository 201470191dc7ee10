"""Split a link into what many mails share and the token, which is one mail's own."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from digest.mail.messages import texts

#: letters of a token: so many that none is taken for a word of an address, and fewer than a line
_LEAST, _MOST = 20, 75


class LinkParts(NamedTuple):
    """A link in parts."""

    #: what stands before and after the token
    around: tuple[str, str]
    #: the token, as a line of quoted-printable with its soft line break; the whole link as text
    #: where it has no token
    value: bytes | str


_NOTHING = ("", "")


def split_link(name: str, url: str) -> LinkParts:
    """Split a link; "" is none.

    Raises:
        InputError: it is no http or https link; the message calls it `name`.
    """
    if not url:
        return LinkParts(_NOTHING, "")
    head, _, token = url.rpartition("/")
    after = ""
    if len(token) < _LEAST:
        after = f"/{token}"
        head, _, token = head.rpartition("/")
    if (
        _LEAST <= len(token) <= _MOST
        and token.isascii()
        and token.isalnum()
        and _is_plain(head, after)
    ):
        return LinkParts((f"{head}/", after), b"%b=\r\n" % token.encode())
    return LinkParts(_NOTHING, texts.require_link(name, url))


@lru_cache(maxsize=64)
def _is_plain(head: str, after: str) -> bool:
    link = f"{head}/token{after}"
    return texts.clean_url(link) == link
