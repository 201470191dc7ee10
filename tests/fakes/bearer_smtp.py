"""A mail server (aiosmtpd) that lets in by access tokens alone, and asks who gave them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, Session

from digest.demo.servers import free_port


class BearerSmtp:
    """Context manager; `mechanisms` are XOAUTH2, OAUTHBEARER or both."""

    def __init__(
        self, is_valid: Callable[[str], bool], *mechanisms: str, user: str = "jane@example.org"
    ) -> None:
        self.is_valid, self.user = is_valid, user
        self.mechanisms = mechanisms or ("XOAUTH2",)
        #: (mechanism, user, token) of each attempt
        self.attempts: list[tuple[str, str, str]] = []
        self.recipients: list[str] = []
        self.port = free_port()
        for name in self.mechanisms:
            setattr(self, f"auth_{name}", getattr(self, f"_{name.lower()}"))
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            auth_require_tls=False,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
        )

    def __enter__(self) -> BearerSmtp:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    async def handle_MAIL(
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 log in first"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.recipients += envelope.rcpt_tos
        return "250 taken"

    async def _xoauth2(self, server: SMTP, args: list[str]) -> AuthResult:
        fields = base64.b64decode(args[1]).decode().split("\x01")
        user = fields[0].removeprefix("user=")
        return await self._judge(server, "XOAUTH2", user, fields[1:], b"")

    async def _oauthbearer(self, server: SMTP, args: list[str]) -> AuthResult:
        fields = base64.b64decode(args[1]).decode().split("\x01")
        user = fields[0].removeprefix("n,a=").removesuffix(",").replace("=2C", ",")
        return await self._judge(server, "OAUTHBEARER", user, fields[1:], b"\x01")

    async def _judge(
        self, server: SMTP, mechanism: str, user: str, fields: list[str], farewell: bytes
    ) -> AuthResult:
        (token,) = [
            field.removeprefix("auth=Bearer ") for field in fields if field.startswith("auth=")
        ]
        self.attempts.append((mechanism, user, token))
        if user == self.user and self.is_valid(token):
            return AuthResult(success=True, handled=True)
        # It says why, and the client has to answer before the refusal comes.
        why = json.dumps({"status": "400", "schemes": "Bearer"}).encode()
        answer: Any = await server.challenge_auth(why)
        assert answer is not MISSING
        assert answer == farewell, answer
        await server.push("535 5.7.8 Username and token not accepted")
        return AuthResult(success=False, handled=True)
