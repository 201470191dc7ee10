"""Settings for the process.

`[store]`, `[web]`, `[serve]`, `[alerts]`, `[schedule]`, `[workers]` and `[log]`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from digest.config.value_types import (
    Address,
    Bind,
    DaskAddress,
    Network,
    OptionalBind,
    OptionalPath,
    Root,
    Section,
)
from digest.config.webhooks import WebhookSecret, WebhookUrl


class StoreSection(Section):
    """The database."""

    url: str = Field(
        "sqlite:///digest.sqlite",
        description=(
            "sqlite:///file (relative to this file) or postgresql://user:password@host/name"
        ),
    )


class WebSection(Section):
    """The pages behind the links in the mails."""

    base_url: Root = Field(
        "http://127.0.0.1:8025",
        description="where readers reach `digest serve`; the default works on this machine only",
    )
    bind: Bind = Field("127.0.0.1:8025", description="host:port to listen on")
    papers: bool = Field(
        True,
        description="whether everybody sees the papers: lists by day, search, feeds; false: the "
        "home page is the sign-up form",
    )
    signup: bool = Field(
        True, description="whether anybody may subscribe by page and API (confirmed by mail)"
    )
    operator: str = Field(
        "", description='who runs the service, for the privacy page; "" = mail.name'
    )
    contact: Address = Field(
        "",
        description='address for questions, for the privacy page; "" = mail.reply_to, or '
        "mail.sender",
    )
    backups_days: Annotated[int, Field(ge=0, le=36_600)] = Field(
        30,
        description="days for which you keep backups of the database, for the privacy page; 0 = "
        "you make none",
    )
    signups_per_hour: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        100,
        description="sign-ups by page and API in an hour, from everybody together; 0 = no limit",
    )
    signups_per_client: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        10,
        description="sign-ups in an hour from one client (IPv4 address or IPv6 /64); 0 = no limit",
    )
    curators: tuple[Address, ...] = Field(
        (),
        description="addresses of readers who pick papers for everybody, by the page of their vote "
        "link",
        strict=False,
    )
    suggestions_per_day: Annotated[int, Field(ge=0, le=1000)] = Field(
        5, description="papers that one reader may suggest in a day; 0 = readers suggest none"
    )
    pending_days: Annotated[int, Field(ge=0, le=3660)] = Field(
        14, description="days after which an unconfirmed sign-up is deleted; 0 = never"
    )
    api_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        600,
        description="requests of one API key in a minute, in each process that serves the API; "
        "`digest api-keys create --per-minute` sets another number for one key",
    )
    trusted_proxies: tuple[Network, ...] = Field(
        ("127.0.0.0/8", "::1/128"),
        description="addresses or networks of your reverse proxies, whose X-Forwarded-For is "
        "trusted",
        strict=False,
    )
    status_key: SecretStr = Field(
        SecretStr(""),
        description="key for counts at /healthz, sent as `Authorization: Bearer KEY`; better use "
        "status_key_file, or the variable DIGEST_WEB__STATUS_KEY",
        strict=False,
    )
    status_key_file: OptionalPath = Field(
        None,
        description='file with that key on its first line; "" = none, and counts are not shown',
    )


class ServeSection(Section):
    """A process of `digest serve`."""

    health_bind: OptionalBind = Field(
        "",
        description='host:port for /healthz and /readyz alone, in every role; "" = with the pages, '
        "and nowhere where a process serves none",
    )


class AlertsSection(Section):
    """Mail to the operator, and a webhook, when something is wrong.

    For example: no dump came, no mail was delivered, a disk is nearly full. `digest status` also
    shows it.
    """

    to: Address = Field("", description='address of the operator; "" = no such mails')
    webhook: WebhookUrl = Field(
        "",
        description='URL that is told when an alarm starts and ends, by a signed POST; "" = none. '
        "[webhooks] allowed_networks applies",
    )
    webhook_secret: WebhookSecret = Field(
        SecretStr(""),
        description="secret of its signatures, as `openssl rand -base64 32` makes it; better use "
        "webhook_secret_file",
    )
    webhook_secret_file: OptionalPath = Field(
        None, description='file with it on its first line; "" = none'
    )
    disk_mb: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        500, description="a disk with fewer free megabytes counts as nearly full"
    )


class ScheduleSection(Section):
    """How often `serve` looks for work."""

    tick_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        60,
        description=("seconds between checks of the inbox, of due digests and of waiting messages"),
    )


class WorkersSection(Section):
    """How a round uses the processor cores, of this machine or of a Dask cluster."""

    kind: Literal["inline", "threads", "processes"] = Field(
        "inline", description='"inline" (one core), "threads" or "processes"'
    )
    count: Annotated[int, Field(ge=0, le=256)] = Field(
        0, description="threads or processes; 0 = one for each core"
    )
    batch: Annotated[int, Field(ge=1, le=10000)] = Field(
        1000, description="readers scored together; the results do not depend on it"
    )
    dask: DaskAddress = Field(
        "",
        description="address of the scheduler of a Dask cluster, tcp://host:8786 or "
        'tls://host:8786, whose workers then do the work; "" = this machine (kind)',
    )
    ca_file: OptionalPath = Field(
        None, description='for tls: certificates (PEM) of the CA of the cluster; "" = none'
    )
    cert_file: OptionalPath = Field(
        None, description='for tls: certificate (PEM) of this machine; "" = none'
    )
    key_file: OptionalPath = Field(None, description='for tls: its private key (PEM); "" = none')

    @model_validator(mode="after")
    def _whole(self) -> Self:
        files = (self.ca_file, self.cert_file, self.key_file)
        if self.dask.startswith("tls://") and not all(files):
            raise ValueError("a tls:// address needs ca_file, cert_file and key_file; set all")
        if any(files) and not self.dask.startswith("tls://"):
            raise ValueError(
                "ca_file, cert_file and key_file are for a cluster whose address is tls://; change "
                "dask, or leave the files out"
            )
        return self


class MetricsSection(Section):
    """Metrics for Prometheus, at http://HOST:PORT/metrics, of each process that has this set."""

    bind: OptionalBind = Field(
        "",
        description='host:port to listen on, such as 127.0.0.1:9125; "" = none. Each process needs '
        "its own: DIGEST_METRICS__BIND. Let only your Prometheus reach it",
    )


class LogSection(Section):
    """The log, written to standard error: a line for each event, at a time in UTC."""

    format: Literal["text", "json"] = Field(
        "text",
        description='"text", or "json": one object a line, for programs that collect logs',
    )

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description='"debug", "info", "warning" or "error"'
    )
    requests: bool = Field(
        False,
        description="whether each request to the pages is logged, by the pattern of its path: no "
        "token, no query, no address of the client",
    )
