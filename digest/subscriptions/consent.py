"""What a person agrees to when they subscribe; kept with when and how they did."""

from __future__ import annotations

from typing import Final

from digest import store
from digest.app import App
from digest.locales import gettext, gettext_later
from digest.model import Consent, ConsentEvent

#: shown beside the button that subscribes, and beside the one that confirms, in the page's language
WORDING: Final = gettext_later(
    "By this you agree that your address and what you tell us are kept to choose and send your "
    "digest. You can stop it or delete everything at any time, by a link in every mail."
)


def record_consent(
    app: App, tx: store.Connection, subscriber_id: int, event: ConsentEvent, *, origin: str
) -> None:
    """Keep that a person agreed, within a transaction, in the words of the current language.

    Args:
        origin: "page", "api" or "mail"; only a page shows the wording.
    """
    store.consents.record(
        tx,
        subscriber_id,
        Consent(
            event=event,
            at=app.now(),
            origin=origin,
            wording=gettext(WORDING) if origin == "page" else "",
        ),
    )


def list_consents(app: App, subscriber_id: int) -> list[Consent]:
    """List what a reader agreed to, the oldest first."""
    with app.store.reading() as tx:
        return store.consents.list_all(tx, subscriber_id)
