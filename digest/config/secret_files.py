"""Files that a server's settings name: its password, and certificates of a CA.

They are read when the server is used. So a missing file stops only what needs it, and works as soon
as it exists.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from digest.config.mail import MailboxSection, MoreServer, Server, SmtpSection
from digest.errors import ConfigError
from digest.redaction import register_secrets

S = TypeVar("S", Server, SmtpSection, MoreServer, MailboxSection)


def load_secret_files(server: S, name: str) -> S:
    """Return the server with the password that its file holds now.

    Args:
        server: the settings of a server.
        name: of its table, such as "smtp".

    Raises:
        ConfigError: a file cannot be used.
    """
    if server.ca_file:
        try:
            ssl.create_default_context(cafile=server.ca_file)
        except OSError as error:
            raise ConfigError(
                f"{name}.ca_file = '{server.ca_file}': no certificates can be read from it "
                f"({error}). Check the path; the form is PEM"
            ) from error
    if not server.password_file:
        return server
    password = read_first_line(server.password_file, f"{name}.password_file")
    register_secrets(password)
    return server.model_copy(update={"password": SecretStr(password)})


def read_first_line(path: Path, key: str) -> str:
    """Read the secret on the first line of a file.

    Args:
        path: of the file.
        key: name of the setting, for the error.

    Raises:
        ConfigError: the file cannot be read or is empty.
    """
    try:
        first = path.read_text(encoding="utf-8").splitlines()[:1]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{key} = '{path}': cannot be read ({error}). Put the secret on its first line, or "
            "check the path and its permissions"
        ) from error
    password = first[0].strip() if first else ""
    if not password:
        raise ConfigError(f"{key} = '{path}': is empty. Put the secret on its first line")
    return password
