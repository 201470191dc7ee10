"""A real IMAP server, Debian's Dovecot, with its own configuration and ports."""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
import ssl
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from digest.demo.servers import free_port
from tests.fakes import certificates

#: a loopback address with only an IMAP server that cannot move mails
PLAIN_HOST = "127.0.0.2"
_CONFIG = """
protocols = imap
listen = 127.0.0.1 {plain}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = {ssl}
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
ssl_dh =
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%u
mail_debug = no
first_valid_uid = 1
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
{oauth}
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
local {plain} {{
  protocol imap {{
    imap_capability = IMAP4rev1 SASL-IR LITERAL+ UIDPLUS
  }}
}}
"""

_OAUTH = """
auth_mechanisms = plain {mechanisms}
passdb {{
  driver = oauth2
  mechanisms = {mechanisms}
  args = {folder}/oauth2.conf
}}
"""
_OAUTH_SERVER = """
introspection_mode = post
introspection_url = {url}
username_attribute = username
active_attribute = active
active_value = true
"""


def program() -> str | None:
    """Return the path of Dovecot, or None."""
    return shutil.which("dovecot") or shutil.which("/usr/sbin/dovecot")


class Dovecot:
    """Context manager.

    Every user's password is "secret"; a mailbox begins when its user first logs in.

    Args:
        users: Who has a mailbox.
        introspection_url: Server to ask whether an access token is valid; "" = none is taken.
        mechanisms: How an access token may come.
    """

    def __init__(
        self, *users: str, introspection_url: str = "", mechanisms: str = "xoauth2 oauthbearer"
    ) -> None:
        self._introspection_url, self._mechanisms = introspection_url, mechanisms
        # A socket's path may have a hundred characters.
        self.folder = Path(tempfile.mkdtemp(prefix="dc-"))
        self.tls, self.starttls = free_port(), free_port()
        self.certificate = self.folder / "ca.pem"
        self._users = users
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        certificates.make(self.folder, "127.0.0.1")
        root = os.geteuid() == 0
        me = pwd.getpwuid(os.geteuid())
        mails = pwd.getpwnam("nobody") if root else me
        (self.folder / "users").write_text("".join(f"{user}:secret\n" for user in self._users))
        (self.folder / "mail").mkdir()
        if root:
            os.chown(self.folder / "mail", mails.pw_uid, mails.pw_gid)
            self.folder.chmod(0o755)
        oauth = ""
        if self._introspection_url:
            (self.folder / "oauth2.conf").write_text(
                _OAUTH_SERVER.format(url=self._introspection_url)
            )
            oauth = _OAUTH.format(folder=self.folder, mechanisms=self._mechanisms)
        config = self.folder / "dovecot.conf"
        config.write_text(
            _CONFIG.format(
                oauth=oauth,
                folder=self.folder,
                plain=PLAIN_HOST,
                ssl="yes",
                tls=self.tls,
                starttls=self.starttls,
                uid=mails.pw_uid,
                gid=mails.pw_gid,
                internal="dovecot" if root else me.pw_name,
                login="dovenull" if root else me.pw_name,
                group="dovecot" if root else grp.getgrgid(me.pw_gid).gr_name,
            )
        )
        command = program()
        assert command is not None
        self._process = subprocess.Popen(
            [command, "-F", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self) -> None:
        assert self._process is not None
        for _ in range(200):
            if self._process.poll() is not None:
                assert self._process.stderr is not None
                raise RuntimeError(f"Dovecot ended: {self._process.stderr.read().decode()}")
            try:
                self.client(self._users[0]).logout()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"Dovecot does not answer: {(self.folder / 'log').read_text()}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            if self._process.stderr:
                self._process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, user: str) -> imaplib.IMAP4_SSL:
        """Log in as another mail program."""
        context = ssl.create_default_context(cafile=self.certificate)
        client = imaplib.IMAP4_SSL("127.0.0.1", self.tls, ssl_context=context, timeout=20)
        client.login(user, "secret")
        return client
