"""Settings for webhooks: `[webhooks]` tells others, `[providers]` are told by mail providers."""

from __future__ import annotations

import base64
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from digest.config.value_types import Network, OptionalPath, Section


def _secret(value: SecretStr) -> SecretStr:
    if 0 < len(value.get_secret_value()) < 16:
        raise ValueError("must have at least 16 characters, since whoever knows it is believed")
    return value


def _topic(name: str) -> str:
    parts = name.split(":")
    if name and (len(parts) != 6 or parts[0] != "arn" or parts[2] != "sns" or not all(parts)):
        raise ValueError("must be the ARN of a topic, as in arn:aws:sns:eu-west-1:1234:mail")
    return name


def check_webhook_secret(value: SecretStr) -> SecretStr:
    """Return a secret of signatures.

    Raises:
        ValueError: it is no Base64, or too short to be one.
    """
    text = value.get_secret_value().removeprefix("whsec_")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:  # also of other than ASCII characters
        data = b""
    if text and not 24 <= len(data) <= 64:  # the range that Standard Webhooks names
        raise ValueError("must be Base64 of 24 to 64 bytes, as `openssl rand -base64 32` makes it")
    return value


def _webhook_url(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("https", "http") or not parts.hostname):
        raise ValueError("must be an address such as https://example.org/hook")
    return url


WebhookUrl = Annotated[str, AfterValidator(_webhook_url)]
WebhookSecret = Annotated[SecretStr, Field(strict=False), AfterValidator(check_webhook_secret)]
Secret = Annotated[SecretStr, Field(strict=False), AfterValidator(_secret)]


class WebhooksSection(Section):
    """Webhooks: programs that are told of sent digests, thumbs and readers who leave.

    `digest webhooks add` adds one.
    """

    allowed_networks: tuple[Network, ...] = Field(
        (),
        description="private networks that webhooks may reach, such as 10.1.0.0/16; plain http "
        "only within 127.0.0.0/8 and ::1",
        strict=False,
    )
    timeout: Annotated[int, Field(ge=1, le=60)] = Field(
        10, description="seconds for a request and its answer"
    )


class ProvidersSection(Section):
    """Bounces and complaints that mail providers report by HTTP.

    Let yours post to base_url/api/v1/inbound/NAME, with its secret in the path or the login where
    it does not sign. A provider without its key here is refused.
    """

    ses_topic: Annotated[str, AfterValidator(_topic)] = Field(
        "",
        description="Amazon SES: ARN of the SNS topic for bounces and complaints; its messages "
        'are signed. "" = none',
    )
    postmark_secret: Secret = Field(
        SecretStr(""),
        description="Postmark: the password of the webhook's login, or the end of its address; "
        "better use postmark_secret_file",
    )
    postmark_secret_file: OptionalPath = Field(
        None, description='file with it on its first line; "" = none'
    )
    mailgun_key: Secret = Field(
        SecretStr(""),
        description="Mailgun: the account's HTTP webhook signing key; better use mailgun_key_file",
    )
    mailgun_key_file: OptionalPath = Field(
        None, description='file with it on its first line; "" = none'
    )
    sendgrid_public_key: str = Field(
        "",
        description="SendGrid: the verification key of the signed event webhook, which is public; "
        '"" = none',
    )
    brevo_secret: Secret = Field(
        SecretStr(""),
        description="Brevo: the webhook's bearer token, the password of its login, or the end of "
        "its address; better use brevo_secret_file",
    )
    brevo_secret_file: OptionalPath = Field(
        None, description='file with it on its first line; "" = none'
    )
