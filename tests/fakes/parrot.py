"""A mail server that rejects every login and repeats the password.

It repeats it as received and decoded.

    with Parrot() as server: ...        server.smtp and server.imap are its ports
"""

from __future__ import annotations

import base64
import binascii
import socketserver
import threading
from types import TracebackType
from typing import Self


def _repeat(words: bytes) -> bytes:
    """Return the words of a login, with their Base64 decoded as well."""
    parts = [words]
    for word in words.split():
        try:
            parts.append(base64.b64decode(word, validate=True).replace(b"\0", b" "))
        except binascii.Error:
            continue
    return b" / ".join(parts)


class _Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 parrot\r\n")
        for line in self.rfile:
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"EHLO":
                self.wfile.write(b"250-parrot\r\n250 AUTH PLAIN\r\n")
            elif verb == b"AUTH":
                self.wfile.write(b"535 5.7.8 not so: " + _repeat(line.strip()) + b"\r\n")
            else:
                self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 well\r\n")


class _Imap(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] parrot\r\n")
        for line in self.rfile:
            tag, verb = [*line.split(), b"", b""][:2]
            if verb.upper() == b"AUTHENTICATE":
                self.wfile.write(b"+ \r\n")
                message = _repeat(self.rfile.readline().strip())
                self.wfile.write(tag + b" NO not so: " + message + b"\r\n")
            elif verb.upper() == b"LOGOUT":
                self.wfile.write(b"* BYE\r\n" + tag + b" OK well\r\n")
            else:
                self.wfile.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + tag + b" OK well\r\n")


class _Quiet(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that hang up."""


class Parrot:
    """Both servers, each in its own thread."""

    def __init__(self) -> None:
        self._servers = [_Quiet(("127.0.0.1", 0), handler) for handler in (_Smtp, _Imap)]
        self.smtp, self.imap = (int(server.server_address[1]) for server in self._servers)

    def __enter__(self) -> Self:
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
            for server in self._servers
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()
