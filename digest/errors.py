"""The tree of errors.

The docstring of a class says what went wrong in general. The message says what, where and the
remedy. Each class is also the built-in exception that a caller would expect to catch.
"""


class DigestError(Exception):
    """An error that the project itself reports; anything else that escapes is a bug."""


class ConfigError(DigestError, ValueError):
    """A setting is unknown, of the wrong type or out of range."""


class KeyFileError(ConfigError):
    """A DKIM key cannot be read or is invalid, so mails cannot be signed."""


class DumpError(DigestError, ValueError):
    """A file as a whole cannot be read as a dump."""


class StoreError(DigestError, RuntimeError):
    """The database is missing, locked, full, or has another schema.

    Args:
        reason: one word for programs, such as "locked" (`store.failures.Reason`), else
            "unavailable".
    """

    def __init__(self, message: str, *, reason: str = "unavailable") -> None:
        super().__init__(message)
        self.reason = reason


class NotFoundError(DigestError, LookupError):
    """A named subscriber or paper is not stored."""


class AddressError(DigestError, ValueError):
    """A text is not an e-mail address that mail could be sent to."""


class LinkError(DigestError, ValueError):
    """The token of a link is not valid.

    It is garbled, forged, for another purpose, or signed by an unknown key.
    """


class UnknownKeyError(LinkError):
    """A token names an unknown key.

    It is forged, or the key is newer than the keys loaded.
    """


class RevokedKeyError(LinkError):
    """The key of a link is no longer secret, so anybody may have made it.

    Only leaving works.
    """


class LoginNeededError(DigestError, PermissionError):
    """A page of the operator is asked for without a session that is open."""


class ForgedRequestError(DigestError, PermissionError):
    """A form of the operator's pages did not come from one of these pages."""


class StoppedError(DigestError, InterruptedError):
    """The work was asked to stop before its end; what it stored so far remains."""


class InputError(DigestError, ValueError):
    """A value typed by hand (a date, a time zone, a file of readers) cannot be used."""


class LimitError(DigestError, RuntimeError):
    """A rate limit is exceeded; try again in `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BusyError(DigestError, RuntimeError):
    """The queue for slow work is full; try again in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        wait = "1 second" if retry_after == 1 else f"{retry_after} seconds"
        super().__init__(f"too much is asked for at once; try again in {wait}")
        self.retry_after = retry_after


class WorkersError(DigestError, RuntimeError):
    """Workers could not do their work: the cluster is away, of other versions, or out of memory.

    What was stored so far remains.
    """


class MailerError(DigestError, ConnectionError):
    """No mail server could be reached or logged in to; nothing was sent."""


class OAuthError(DigestError, PermissionError):
    """No access token for a mail account is to be had."""


class MailboxError(DigestError, ConnectionError):
    """The mailbox that receives bounces cannot be read."""


class ResolverError(DigestError, LookupError):
    """The DNS does not answer; that differs from the answer that nothing exists."""


class SourceError(DigestError, ConnectionError):
    """A source could not be fetched completely.

    The next fetch continues where this one ended.
    """


class TemplateError(DigestError, LookupError):
    """A template is missing or broken."""
