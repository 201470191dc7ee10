"""One error tree.

The docstring of a class is what went wrong in general; the message says what, where and the remedy.

Each class is also the built-in that a caller would expect to catch.
"""


class DigestError(Exception):
    """Something the project itself reports; everything else that escapes is a bug."""


class ConfigError(DigestError, ValueError):
    """A setting is unknown, of the wrong type or out of range."""


class KeyFileError(ConfigError):
    """A DKIM key cannot be read, or is none: mails cannot be signed."""


class DumpError(DigestError, ValueError):
    """A file as a whole cannot be read as a dump."""


class StoreError(DigestError, RuntimeError):
    """The database is absent, locked, full, or of another schema.

    Args:
        reason: one word for programs, such as "locked" (`store.failures.Reason`); or "unavailable".
    """

    def __init__(self, message: str, *, reason: str = "unavailable") -> None:
        super().__init__(message)
        self.reason = reason


class NotFoundError(DigestError, LookupError):
    """A subscriber or paper that was named is not stored."""


class AddressError(DigestError, ValueError):
    """A text is no e-mail address that mail could be sent to."""


class LinkError(DigestError, ValueError):
    """A link's token is garbled, forged, of another purpose or of an unknown key."""


class UnknownKeyError(LinkError):
    """A token names a key that is not among those given: forged, or signed since they were read."""


class RevokedKeyError(LinkError):
    """A link's key is no longer secret, so that anybody may have made it; only leaving goes on."""


class StoppedError(DigestError, InterruptedError):
    """It was asked to stop before it was done; what was stored before stands."""


class InputError(DigestError, ValueError):
    """A value given by hand (a date, a zone, a file of readers) cannot be used."""


class LimitError(DigestError, RuntimeError):
    """More is asked for within a time than is allowed; `retry_after` seconds later it may be."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BusyError(DigestError, RuntimeError):
    """Too much work of seconds waits already; `retry_after` seconds later there may be room."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too much is asked for at once; try again in {retry_after} seconds")
        self.retry_after = retry_after


class MailerError(DigestError, ConnectionError):
    """No mail server could be reached or logged in to; nothing was sent."""


class MailboxError(DigestError, ConnectionError):
    """The mailbox that bounces come to cannot be read."""


class ResolverError(DigestError, LookupError):
    """The DNS gives no answer; that is not the same as the answer that there is nothing."""


class SourceError(DigestError, ConnectionError):
    """A source could not be fetched to its end; what came before is kept, and the next fetch goes
    on from there.
    """


class TemplateError(DigestError, LookupError):
    """A template is missing or broken."""
