"""One folder of a mailbox over IMAP: list, fetch, and mark or move mails.

The only module that speaks IMAP. It deletes nothing. Calls block, so run them in their own thread.
Mails are named by UID, so that several processes and a person with a mail program can work in the
same folder.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal, Self

from imapclient import SEEN, IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from digest.errors import MailboxError, OAuthError

_IMAP_ERRORS = (IMAPClientError, OSError, EOFError, ValueError)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImapServer:
    """Address, login and folder of a mailbox."""

    host: str
    port: int = 993
    tls: Literal["tls", "starttls", "none"] = "tls"
    username: str = ""
    password: str = field(default="", repr=False)
    #: gives an access token instead of a password; its argument is one that was not accepted
    access_token: Callable[[str], str] | None = field(default=None, repr=False, compare=False)
    #: certificates (PEM) to trust instead of the system's
    ca_file: Path | None = None
    folder: str = "INBOX"
    #: folder for processed mails; "" = mark them as read instead
    processed: str = ""
    #: seconds, for connecting and for each reply
    timeout: float = 60.0
    #: where the operator sets this, for messages
    setting: str = "[mailbox]"
    #: nothing in the folder is changed
    read_only: bool = False

    @property
    def name(self) -> str:
        """The folder's name in logs, and its key in the store."""
        return f"{self.username}@{self.host}:{self.port}/{self.folder}"


class Mailbox:
    """Context manager: connected, logged in, folder selected.

    Raises:
        MailboxError: on entering and from every method; it says what failed and what to do.
    """

    def __init__(self, server: ImapServer) -> None:
        self.server = server
        #: UIDs are comparable only while this number stays the same
        self.uid_validity = 0
        #: every mail in the folder had a lower UID when the folder was opened
        self.next_uid = 1
        self._client: IMAPClient | None = None
        self._can_move = False

    def __enter__(self) -> Self:
        try:
            self._client = _connect(self.server)
            _log_in(self._client, self.server)
            self._select(self._client)
        except OAuthError as error:
            self._close()
            raise MailboxError(f"mailbox {self.server.name}: {error}") from error
        except _IMAP_ERRORS as error:
            self._close()
            raise _mailbox_error(self.server, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def find_uids(
        self, after: int, *, unread: bool, limit: int, since: date | None = None
    ) -> list[int]:
        """List at most `limit` UIDs above `after`.

        Args:
            after: The last UID that is left out.
            unread: Leave out mails that were read.
            limit: The most that are listed.
            since: Leave out mails that came before this day.
        """
        criteria: list[str | date] = [
            "UID",
            f"{after + 1}:*",
            "UNDELETED",
            "UNSEEN" if unread else "ALL",
        ]
        criteria += ["SINCE", since] if since else []
        with self._translate_errors() as client:
            uids = sorted(client.search(criteria))
        # "n:*" always includes the last mail, even if its UID is below n (RFC 3501, 6.4.8)
        return [uid for uid in uids if uid > after][:limit]

    def fetch(self, uid: int, max_bytes: int) -> bytes | None:
        """The first `max_bytes` of a mail, which stays unread; None if the mail is gone."""
        with self._translate_errors() as client:
            fields = client.fetch([uid], [f"BODY.PEEK[]<0.{max_bytes}>"]).get(uid, {})
        return next((body for key, body in fields.items() if key.startswith(b"BODY[]")), None)

    def mark_processed(self, uid: int) -> None:
        """Move a mail to the processed folder if the server can, else mark it read."""
        with self._translate_errors() as client:
            if self._can_move:
                client.move([uid], self.server.processed)
            else:
                client.add_flags([uid], [SEEN], silent=True)

    # ------------------------------------------------------------------------------------------

    def _select(self, client: IMAPClient) -> None:
        answer = client.select_folder(self.server.folder, readonly=self.server.read_only)
        # RFC 3501 lets a server leave both out
        self.uid_validity = answer.get(b"UIDVALIDITY", 1)
        self.next_uid = answer.get(b"UIDNEXT", 1)
        self._can_move = bool(self.server.processed) and client.has_capability("MOVE")
        if self._can_move:
            try:
                client.create_folder(self.server.processed)
            except IMAPClientAbortError:
                raise
            except IMAPClientError:
                pass  # it exists already; if it does not, the first move says so

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[IMAPClient]:
        """The client; its errors become MailboxError."""
        if self._client is None:
            raise MailboxError(f"mailbox {self.server.name}: is not open")
        try:
            yield self._client
        except _IMAP_ERRORS as error:
            raise _mailbox_error(self.server, error) from error

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.__exit__(None, None, None)  # logs out, and ignores errors of that


def _connect(server: ImapServer) -> IMAPClient:
    context = None if server.tls == "none" else ssl.create_default_context(cafile=server.ca_file)
    client = IMAPClient(
        server.host,
        server.port,
        ssl=server.tls == "tls",
        ssl_context=context,
        timeout=server.timeout,
    )
    if server.tls == "starttls":
        try:
            client.starttls(context)
        except BaseException:
            client.shutdown()
            raise
    return client


def _log_in(client: IMAPClient, server: ImapServer) -> None:
    if server.access_token is not None:
        _log_in_by_token(client, server.username, server.access_token)
    elif client.has_capability("AUTH=PLAIN"):
        client.plain_login(server.username, server.password)
    else:
        # imaplib, below IMAPClient, quotes the password and not the user
        username = server.username.replace("\\", "\\\\").replace('"', '\\"')
        client.login(f'"{username}"', server.password)


def _log_in_by_token(client: IMAPClient, username: str, access_token: Callable[[str], str]) -> None:
    """Log in with an access token; with a renewed one if the server does not accept it."""
    if client.has_capability("AUTH=XOAUTH2"):
        log_in = client.oauth2_login
    elif client.has_capability("AUTH=OAUTHBEARER"):
        log_in = client.oauthbearer_login
    else:
        raise OAuthError(
            'the server offers no login by access token (XOAUTH2, OAUTHBEARER); auth = "oauth2" '
            "is not for it"
        )
    token = access_token("")
    try:
        log_in(username, token)
    except LoginError:
        renewed = access_token(token)
        if renewed == token:
            raise
        log_in(username, renewed)


def _mailbox_error(server: ImapServer, error: Exception) -> MailboxError:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = (
            f"its certificate is not trusted ({error.verify_message}). Check {server.setting} "
            f"host, or set ca_file for a private CA"
        )
    elif isinstance(error, OSError):
        reason = (
            f"{error.strerror or error}. Check {server.setting} host, port and tls, and that the "
            f"server answers"
        )
    elif isinstance(error, LoginError) and server.access_token is not None:
        reason = (
            f"{_server_text(error)}. Check {server.setting} username, that the account may be read "
            "by IMAP, and that `digest login` was run for this account"
        )
    else:
        reason = f"{_server_text(error)}. Check {server.setting} username, its password and folder"
    return MailboxError(f"mailbox {server.name}: {reason}")


def _server_text(error: Exception) -> str:
    """The server's words, on one line."""
    if isinstance(error, LoginError) and error.__context__ is not None:
        # LoginError holds the text of the first error, which for LOGIN is the repr of bytes
        error = IMAPClientError(*error.__context__.args)
    text = error.args[0] if error.args else error
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join(decoded.split()).rstrip(".")
