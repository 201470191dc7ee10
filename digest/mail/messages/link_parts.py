"""Split a link into what many mails share and the token, which is one mail's own."""

from __future__ import annotations

from functools import lru_cache

from digest.mail.messages import texts

#: letters of a token: so many that none is taken for a word of an address, and fewer than a line
_LEAST, _MOST = 20, 75
#: what stands before and after the token of a link
Around = tuple[str, str]
_NOTHING: Around = ("", "")


def split_link(name: str, url: str) -> tuple[Around, bytes | str]:
    """Split a link; "" is none.

    Returns:
        What stands around the token, and the token as a line of quoted-printable with its soft line
        break. Where the link has no token: nothing, and the whole link.

    Raises:
        InputError: it is no http or https link; the message calls it `name`.
    """
    if not url:
        return _NOTHING, ""
    head, _, token = url.rpartition("/")
    after = ""
    if len(token) < _LEAST:
        after = token
        head, _, token = head.rpartition("/")
    if _LEAST <= len(token) <= _MOST and token.isascii() and token.isalnum():
        around = _find_around(head, after)
        if around is not None:
            return around, token.encode() + b"=\r\n"
    return _NOTHING, texts.require_link(name, url)


@lru_cache(maxsize=64)
def _find_around(head: str, after: str) -> Around | None:
    """Return what stands around a token; None where a link so made would need cleaning."""
    around = f"{head}/", f"/{after}" if after else ""
    link = "token".join(around)
    return around if texts.clean_url(link) == link else None
