"""The device flow (RFC 8628): a code that the account's owner types on any device."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from digest.errors import OAuthError
from digest.mail.oauth.requests import (
    Grant,
    RefusedError,
    TokenServerError,
    post_form,
    request_grant,
)
from digest.mail.oauth.values import Account
from digest.redaction import register_secrets

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
#: seconds between two questions where the server does not say, and more after "slow_down"
_INTERVAL, _SLOWER = 5.0, 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceCode:
    """What the owner opens and types, and by when."""

    device_code: str = field(repr=False)
    user_code: str
    verification_url: str
    #: seconds between two questions
    interval: float
    #: seconds until it expires
    expires_in: float


def request_device_code(account: Account) -> DeviceCode:
    """Ask for a code.

    Raises:
        OAuthError: none came.
    """
    client = account.client
    try:
        answer = post_form(client, client.device_url, {"scope": " ".join(account.scopes)})
    except RefusedError as error:
        raise OAuthError(
            f"the provider gives no code ({error}). Check [oauth] client_id, tenant and scopes, "
            "and that the app allows public client flows"
        ) from error
    try:
        code = DeviceCode(
            device_code=str(answer["device_code"]),
            user_code=str(answer["user_code"]),
            # Google's name for it differs from that of the RFC
            verification_url=str(answer.get("verification_uri") or answer["verification_url"]),
            interval=min(max(float(answer.get("interval", _INTERVAL)), 0.0), 60.0),
            expires_in=float(answer.get("expires_in") or 900),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OAuthError(f"{client.device_url} gave no code. Check [oauth] device_url") from error
    register_secrets(code.device_code)
    return code


def wait_for_consent(
    account: Account, code: DeviceCode, sleep: Callable[[float], object] = time.sleep
) -> Grant:
    """Ask until the owner has typed the code and agreed.

    Args:
        account: The account.
        code: The code.
        sleep: Waits for seconds.

    Raises:
        OAuthError: they did not agree, or the code expired.
    """
    interval = code.interval
    deadline = time.monotonic() + code.expires_in
    while time.monotonic() < deadline:
        sleep(interval)
        try:
            return request_grant(
                account.client, grant_type=_GRANT_TYPE, device_code=code.device_code
            )
        except TokenServerError:
            interval += _SLOWER  # as RFC 8628, 3.5, asks
        except RefusedError as error:
            if error.code == "slow_down":
                interval += _SLOWER
            elif error.code in ("access_denied", "authorization_declined"):
                raise OAuthError("the request was declined; nothing was changed") from error
            elif error.code in ("expired_token", "code_expired"):
                break
            elif error.code != "authorization_pending":
                raise OAuthError(
                    f"the provider refused ({error}). Check [oauth] client_id and client_secret"
                ) from error
    raise OAuthError("the code has expired. Run `digest login` again, and type the new code")
