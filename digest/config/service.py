"""Settings of the process: `[store]`, `[web]`, `[alerts]`, `[schedule]`, `[workers]`, `[log]`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from digest.config.checks import Address, Bind, Network, OptionalPath, Root, Section


class StoreSection(Section):
    """Where everything is kept."""

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
        description="where readers reach `digest serve`; the default works on this machine alone",
    )
    bind: Bind = Field("127.0.0.1:8025", description="host:port to listen on")
    signup: bool = Field(
        True, description="whether strangers may subscribe by page and API (confirmed by mail)"
    )
    signups_per_hour: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        100, description="sign-ups by page and API within an hour, from all together; 0 = no limit"
    )
    signups_per_client: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        10,
        description="sign-ups within an hour from one client (IPv4 address or IPv6 /64); "
        "0 = no limit",
    )
    pending_days: Annotated[int, Field(ge=0, le=3660)] = Field(
        14, description="days after which a sign-up that was never confirmed is deleted; 0 = never"
    )
    trusted_proxies: tuple[Network, ...] = Field(
        ("127.0.0.0/8", "::1/128"),
        description="addresses or networks of your reverse proxies, whose X-Forwarded-For says "
        "who the client is",
        strict=False,
    )
    status_key: SecretStr = Field(
        SecretStr(""),
        description="better: status_key_file, or the variable DIGEST_WEB__STATUS_KEY; who sends it "
        "as `Authorization: Bearer KEY` sees counts at /healthz",
        strict=False,
    )
    status_key_file: OptionalPath = Field(
        None,
        description='file that holds that key on its first line; "" = none, and no counts are told',
    )


class AlertsSection(Section):
    """Who is told when something is wrong: no dump came, nothing got through, a disk is nearly
    full. `digest status` shows it in any case.
    """

    to: Address = Field("", description='address of the operator; "" = nobody is written to')
    disk_mb: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        500, description="megabytes below which a disk counts as nearly full"
    )


class ScheduleSection(Section):
    """How often `serve` looks for work."""

    tick_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        60,
        description=(
            "seconds between looks at the inbox, at who is due, and at what waits to be sent"
        ),
    )


class WorkersSection(Section):
    """How a round is spread over the machine."""

    kind: Literal["inline", "threads"] = Field("inline", description='"inline" or "threads"')
    count: Annotated[int, Field(ge=0, le=256)] = Field(
        0, description="threads; 0 = one for each core"
    )
    batch: Annotated[int, Field(ge=1, le=10000)] = Field(
        500, description="subscribers scored together; results do not depend on it"
    )


class LogSection(Section):
    """What is written to the terminal's error stream."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description='"debug", "info", "warning" or "error"'
    )
