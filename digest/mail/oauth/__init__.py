"""Access tokens for mail accounts (OAuth 2.0, RFC 6749), which replace passwords.

The owner of an account logs in once: by the device flow (RFC 8628), or by the authorization code
flow with PKCE (RFC 7636, RFC 8252). The refresh token is kept in a file that all processes share;
they renew the access token under a lock.

Reading order: `values` (app, account), `requests` (HTTP to the token server), `logins` (the file),
`access` (tokens that are valid now), `device_flow` and `browser_flow` (logging in).
"""

from digest.mail.oauth.access import AccessTokens
from digest.mail.oauth.browser_flow import BrowserFlow
from digest.mail.oauth.device_flow import DeviceCode, request_device_code, wait_for_consent
from digest.mail.oauth.logins import read_login, store_grant
from digest.mail.oauth.requests import Grant
from digest.mail.oauth.values import Account, Client

__all__ = [
    "AccessTokens",
    "Account",
    "BrowserFlow",
    "Client",
    "DeviceCode",
    "Grant",
    "read_login",
    "request_device_code",
    "store_grant",
    "wait_for_consent",
]
