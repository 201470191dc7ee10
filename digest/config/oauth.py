"""Settings for logging in to mail servers by OAuth 2.0: `[oauth]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr

from digest.config.value_types import HttpUrl, OptionalPath, Section


class OAuthSection(Section):
    """How to log in to mail accounts with auth = "oauth2"; `digest login` does it once.

    You register an app with Google or Microsoft for it; deploy/README.md says how.
    """

    client_id: str = Field("", description="client id of your app at the provider")
    client_secret: SecretStr = Field(
        SecretStr(""),
        description="client secret; Google gives one, a public client at Microsoft has none; "
        "better use client_secret_file, or the variable DIGEST_OAUTH__CLIENT_SECRET",
        strict=False,
    )
    client_secret_file: OptionalPath = Field(
        None, description='file with the client secret on its first line; "" = none'
    )
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")] = Field(
        "common", description='Microsoft: id or domain of your organisation, or "common"'
    )
    tokens: Path = Field(
        Path("tokens"),
        description="folder for the tokens of each account, which only its owner can read",
        strict=False,
    )
    token_url: HttpUrl = Field(
        "", description='address that gives access tokens; "" = that of the provider'
    )
    device_url: HttpUrl = Field(
        "", description='address of the device flow; "" = that of the provider'
    )
    authorize_url: HttpUrl = Field(
        "", description='page where the account\'s owner agrees; "" = that of the provider'
    )
    scopes: tuple[str, ...] = Field(
        (), description="permissions to ask for; empty = what the provider names", strict=False
    )
