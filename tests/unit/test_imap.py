"""The mailbox against a scripted server: logins without AUTH=PLAIN, and logs."""

from __future__ import annotations

import logging
import socketserver
import threading
from collections.abc import Iterator

import pytest

from digest.errors import MailboxError
from digest.mail.imap import ImapServer, Mailbox

PASSWORD = 'se"cret'


class ScriptedServer(socketserver.ThreadingTCPServer):
    """A server that answers LOGIN with `login_reply` and knows no AUTHENTICATE."""

    login_reply = b"OK logged in"
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.commands: list[bytes] = []


class Conversation(socketserver.StreamRequestHandler):
    server: ScriptedServer

    def handle(self) -> None:
        self.wfile.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        for line in self.rfile:
            tag, command = line.rstrip().split(b" ", 1)
            self.server.commands.append(command)
            match command.split()[0]:
                case b"CAPABILITY":
                    self.wfile.write(b"* CAPABILITY IMAP4rev1\r\n")
                    reply = b"OK done"
                case b"LOGIN":
                    reply = self.server.login_reply
                case b"SELECT":
                    self.wfile.write(b"* 1 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n")
                    reply = b"OK [READ-WRITE] selected"
                case b"LOGOUT":
                    self.wfile.write(b"* BYE\r\n")
                    reply = b"OK bye"
                case _:
                    reply = b"BAD unknown"
            self.wfile.write(tag + b" " + reply + b"\r\n")


@pytest.fixture
def scripted_server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def address_of(scripted_server: ScriptedServer) -> ImapServer:
    return ImapServer(
        host="127.0.0.1",
        port=scripted_server.server_address[1],
        tls="none",
        username='a "user"',
        password=PASSWORD,
        timeout=5,
    )


def test_a_user_and_password_of_any_characters_log_in(scripted_server: ScriptedServer) -> None:
    with Mailbox(address_of(scripted_server)) as mailbox:
        assert (mailbox.uid_validity, mailbox.next_uid) == (1, 1), "this server names neither"
    assert rb'LOGIN "a \"user\"" "se\"cret"' in scripted_server.commands


def test_a_refused_login_is_told_in_the_servers_words(scripted_server: ScriptedServer) -> None:
    scripted_server.login_reply = b"NO [AUTHENTICATIONFAILED] Wrong  password."
    with pytest.raises(MailboxError) as failed, Mailbox(address_of(scripted_server)):
        pass
    assert ": [AUTHENTICATIONFAILED] Wrong password. Check [mailbox] username" in str(failed.value)


def test_no_password_reaches_a_log(
    scripted_server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Mailbox(address_of(scripted_server)):
        pass
    assert "cret" not in caplog.text
