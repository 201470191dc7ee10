"""An app that is registered with a provider, and a mail account that it may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """The operator's app, and the provider's addresses for it."""

    client_id: str
    #: "" = a public client
    client_secret: str = field(default="", repr=False)
    token_url: str
    #: "" = the provider has no device flow for mail
    device_url: str = ""
    #: "" = the provider has no page for the authorization code flow
    authorize_url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """A mail account that mail servers let in by an access token."""

    username: str
    client: Client
    #: permissions that its servers need
    scopes: tuple[str, ...]
    #: file of its login
    path: Path
