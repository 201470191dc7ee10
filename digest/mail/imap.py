"""One folder of a mailbox over IMAP: which mails are new, their bytes, and a mark or move for those
that were dealt with. Deletes nothing.

The only place that speaks IMAP. Blocking: call it from a thread of its own. Mails are named by UID,
so that several readers and a person with a mail program may work in the same folder.
"""

from __future__ import annotations

import base64
import imaplib
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from digest.errors import MailboxError

_TROUBLE = (imaplib.IMAP4.error, OSError, EOFError, ValueError)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImapServer:
    """Where the mailbox is, and how to log in."""

    host: str
    port: int = 993
    tls: Literal["tls", "starttls", "none"] = "tls"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    folder: str = "INBOX"
    #: where mails go that were dealt with; "" = they are marked as read
    processed: str = ""
    timeout: float = 60.0

    @property
    def name(self) -> str:
        """Of the folder, for people and as a key."""
        return f"{self.username}@{self.host}:{self.port}/{self.folder}"


class Mailbox:
    """Context manager: connected, logged in, with the folder selected.

    Raises:
        MailboxError: on entering and from every method: what failed, and the remedy.
    """

    def __init__(self, server: ImapServer) -> None:
        self.server = server
        #: UIDs are comparable only where this number is the same
        self.validity = 0
        #: UIDs below it were given out before the folder was opened
        self.next = 1
        self._client: imaplib.IMAP4 | None = None
        self._moves = False

    def __enter__(self) -> Self:
        try:
            self._client = self._connect()
            self._login(self._client)
            self._select(self._client)
        except _TROUBLE as error:
            self._close()
            raise self._explain(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def new(self, after: int, *, unread: bool, limit: int) -> list[int]:
        """UIDs above `after`, of unread mails alone or of all; the lowest ones first, `limit` at
        most.
        """
        found = self._ask(
            "SEARCH", f"UID {after + 1}:*", "UNDELETED", "UNSEEN" if unread else "ALL"
        )
        uids = sorted(
            int(number)
            for line in found
            if isinstance(line, bytes)
            for number in line.split()
            if number.isdigit()
        )
        return [uid for uid in uids if uid > after][
            :limit
        ]  # "n:*" names the last mail also where it is below n

    def fetch(self, uid: int, most: int) -> bytes | None:
        """The first `most` bytes of a mail, which stays unread; None when it is gone."""
        answer = self._ask("FETCH", str(uid), f"(BODY.PEEK[]<0.{most}>)")
        return next((bytes(part[1]) for part in answer if isinstance(part, tuple)), None)

    def settle(self, uid: int) -> None:
        """A mail was dealt with: into its folder where the server can move, else marked as read."""
        if self._moves:
            self._ask("MOVE", str(uid), _quoted(self.server.processed))
        else:
            self._ask("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)")

    # ------------------------------------------------------------------------------------------
    # inside

    def _connect(self) -> imaplib.IMAP4:
        server = self.server
        if server.tls == "none":
            return imaplib.IMAP4(server.host, server.port, timeout=server.timeout)
        context = ssl.create_default_context(cafile=server.ca_file)
        if server.tls == "tls":
            return imaplib.IMAP4_SSL(
                server.host, server.port, ssl_context=context, timeout=server.timeout
            )
        client = imaplib.IMAP4(server.host, server.port, timeout=server.timeout)
        try:
            client.starttls(context)
        except BaseException:
            client.shutdown()
            raise
        return client

    def _login(self, client: imaplib.IMAP4) -> None:
        user, password = self.server.username, self.server.password
        if "AUTH=PLAIN" in client.capabilities:
            client.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
        else:
            client.login(_quoted(user, encode=False), password)

    def _select(self, client: imaplib.IMAP4) -> None:
        kind, answer = client.select(_quoted(self.server.folder))
        if kind != "OK":
            raise imaplib.IMAP4.error(f"folder {self.server.folder!r}: {_text(answer)}")
        self.validity, self.next = (
            _number(client.response(name)[1]) for name in ("UIDVALIDITY", "UIDNEXT")
        )
        if self.server.processed:
            _, capabilities = client.capability()
            self._moves = (
                b" MOVE" in b" " + b" ".join(line for line in capabilities if line).upper()
            )
            if self._moves:
                client.create(
                    _quoted(self.server.processed)
                )  # it may be there already, which is no error of ours

    def _ask(self, command: str, *words: str) -> list[Any]:
        if self._client is None:
            raise MailboxError(f"mailbox {self.server.name}: is not open")
        try:
            kind, answer = self._client.uid(command, *words)
        except _TROUBLE as error:
            raise self._explain(error) from error
        if kind != "OK":
            raise self._explain(imaplib.IMAP4.error(f"{command}: {_text(answer)}"))
        return answer

    def _explain(self, error: Exception) -> MailboxError:
        server = self.server
        if isinstance(error, ssl.SSLCertVerificationError):
            why = (
                f"its certificate is not to be trusted ({error.verify_message}). Check [mailbox] "
                f"host, or set ca_file for a private CA"
            )
        elif isinstance(error, OSError):
            why = (
                f"{error.strerror or error}. Check [mailbox] host, port and tls, and that the "
                f"server answers"
            )
        else:
            why = (
                f"{_text([error.args[0] if error.args else error])}. Check [mailbox] username, its "
                f"password and folder"
            )
        return MailboxError(f"mailbox {server.name}: {why}")

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.logout()
        except _TROUBLE:
            client.shutdown()


def _number(answer: list[Any]) -> int:
    """1 where the server says nothing, which RFC 3501 lets it do."""
    return next((int(part) for part in answer if isinstance(part, bytes) and part.isdigit()), 1)


def _text(answer: list[Any]) -> str:
    parts = (
        part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)
        for part in answer
        if part is not None
    )
    return " ".join(" ".join(parts).split()).rstrip(".")


def _quoted(name: str, *, encode: bool = True) -> str:
    """A quoted string; folders in modified UTF-7 (RFC 3501, 5.1.3)."""
    wire = _utf7(name) if encode else name
    return '"' + wire.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _utf7(name: str) -> str:
    def shift(found: re.Match[str]) -> str:
        packed = (
            base64.b64encode(found[0].encode("utf-16-be"))
            .decode("ascii")
            .rstrip("=")
            .replace("/", ",")
        )
        return f"&{packed}-"

    return re.sub(r"[^\x20-\x7e]+", shift, name.replace("&", "&-"))
