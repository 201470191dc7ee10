"""Two installs on one domain have different names.

An install made by 0.1.0 keeps the names that readers' filters know.
"""

from __future__ import annotations

from pathlib import Path

from digest.app import App
from digest.model import MessageKind
from digest.store import Store, installation, schema
from tests.conftest import make_app
from tests.old_store import fill_old_store


def create_app(folder: Path) -> App:
    """Return an app on a database that the first command created."""
    folder.mkdir()
    return make_app(folder, f"sqlite:///{folder / 'new.sqlite'}")


def test_two_installs_at_one_domain_share_no_message_id(tmp_path: Path) -> None:
    apps = [create_app(tmp_path / name) for name in ("here", "there")]
    named = {app.message_id(MessageKind.DIGEST, "2026-06-09", 7) for app in apps}
    assert len(named) == 2
    assert all(
        name.startswith("<digest.20260609.s7.") and name.endswith("@example.org>") for name in named
    )
    for app in apps:
        app.close()


def test_an_install_keeps_its_id(empty_url: str) -> None:
    ids = []
    for _ in range(2):
        store = Store(empty_url)
        schema.upgrade(store)
        with store.reading() as tx:
            ids.append(installation.load_install_id(tx))
        store.close()
    assert ids[0] == ids[1] != ""


def test_an_install_of_0_1_0_keeps_its_names(empty_url: str, tmp_path: Path) -> None:
    contents = fill_old_store(empty_url)
    store = Store(empty_url)
    schema.upgrade(store)
    store.close()
    app = make_app(tmp_path, empty_url)
    assert app.mailing.install_id == ""
    sent = {message["message_id"] for message in contents["messages"]}
    assert app.message_id(MessageKind.DIGEST, "2026-06-09", 1) in sent
    app.close()
