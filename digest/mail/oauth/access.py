"""Access tokens that are valid now; renewed by need, once for all processes."""

from __future__ import annotations

import logging
import time

import msgspec

from digest.errors import OAuthError
from digest.mail.oauth import logins
from digest.mail.oauth.logins import Login, read_login
from digest.mail.oauth.requests import RefusedError, TokenServerError, request_grant
from digest.mail.oauth.values import Account
from digest.redaction import forget_secrets

log = logging.getLogger("digest.oauth")

#: an access token is renewed when it has fewer seconds left
_MARGIN = 120.0
#: a token that a mail server rejects within so many seconds would be no better if it were renewed
_FRESH = 60.0


class AccessTokens:
    """Call it for an access token of an account.

    Blocks for the time of a request when the token must be renewed.
    """

    def __init__(self, account: Account) -> None:
        self.account = account

    def __call__(self, rejected: str = "") -> str:
        """Return an access token.

        Args:
            rejected: A token that the mail server did not accept. Where nothing better is to be
                had, it is returned again.

        Raises:
            OAuthError: there is none; the message says why, and what to do.
        """
        login = read_login(self.account)
        if self._is_usable(login, rejected):
            return login.access_token
        with logins.lock(self.account):
            # Another process may have renewed it while this one waited.
            login = read_login(self.account)
            if self._is_usable(login, rejected):
                return login.access_token
            return self._renew(login, rejected)

    def _is_usable(self, login: Login, rejected: str) -> bool:
        now = time.time()
        if rejected and login.access_token == rejected:
            return 0 <= now - login.issued_at < _FRESH
        # A token issued in the future was issued before the clock was set back.
        return login.issued_at <= now + _FRESH and now < login.expires_at - _MARGIN

    def _renew(self, login: Login, rejected: str) -> str:
        account = self.account
        try:
            grant = request_grant(
                account.client,
                grant_type="refresh_token",
                refresh_token=login.refresh_token,
                scope=" ".join(login.scopes),
            )
        except TokenServerError as error:
            if login.access_token != rejected and time.time() < login.expires_at:
                log.warning("the access token of %s was not renewed: %s", account.username, error)
                return login.access_token
            raise OAuthError(
                f"no access token for {account.username}: {error}. It is asked again at the next "
                "connection"
            ) from error
        except RefusedError as error:
            raise _explain_refusal(account, error) from error
        renewed = msgspec.structs.replace(
            login,
            access_token=grant.access_token,
            # Microsoft gives a new one each time, Google does not.
            refresh_token=grant.refresh_token or login.refresh_token,
            issued_at=time.time(),
            expires_at=grant.expires_at,
        )
        try:
            logins.write_login(account.path, renewed)
        except OSError as error:
            # The token works all the same; a full disk must not stop the mails.
            log.warning(
                "token not stored path=%s: it was renewed; %s", account.path, error.strerror
            )
        forget_secrets(login.access_token)
        if renewed.refresh_token != login.refresh_token:
            forget_secrets(login.refresh_token)
        return renewed.access_token


def _explain_refusal(account: Account, error: RefusedError) -> OAuthError:
    name = account.username
    if error.code == "invalid_grant":
        return OAuthError(
            f"the login of {name} was revoked or has expired ({error}). Run `digest login` again"
        )
    if error.code in ("invalid_client", "unauthorized_client"):
        return OAuthError(
            f"the provider does not accept this app for {name} ({error}). Check [oauth] client_id "
            "and client_secret, then run `digest login`"
        )
    if error.code in ("interaction_required", "consent_required", "login_required"):
        return OAuthError(
            f"the provider wants {name} to log in again ({error}). Run `digest login` again"
        )
    return OAuthError(f"no access token for {name}: {error}. Run `digest login` again")
