"""SIGHUP: read the config again, and go on with what can change.

A config with errors is refused as a whole, and the service goes on with the one it has.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from pydantic import BaseModel

from digest import logs, subscriptions
from digest.app import App
from digest.config import LISTS, SECTIONS, Config
from digest.errors import DigestError, TemplateError
from digest.mail.messages import samples, templates
from digest.serve.service import Service
from digest.web.app_listener import AppListener

log = logging.getLogger("digest.serve")

#: keys that only a start of the process changes: what they name is open
FIXED = ("store.url", "web.bind", "serve.health_bind", "metrics.bind")


def reload(service: Service, load: Callable[[], Config], listeners: Sequence[AppListener]) -> bool:
    """Read the config again; return whether it is in force.

    Verbs and requests that have begun end with the app that they began with.

    Args:
        service: gets the new app.
        load: reads the config.
        listeners: get the new app as well.
    """
    old = service.app
    try:
        config = load()
        changed = set(list_changes(old.config, config))
        config = keep_fixed(config, old.config)
        app = old.with_config(config)
        with templates.read_again():
            check_templates(app)
            prepared = [(listener, listener.prepare(app)) for listener in listeners]
            subscribe_readers(app)
    except DigestError as error:
        log.error("reload refused: nothing has changed: %s", error)  # noqa: TRY400
        return False
    service.app = app
    for listener, application in prepared:
        listener.replace(application)
    if config.log != old.config.log:
        logs.set_up(config.log.level, config.log.format)
    for outage in service.outages:
        outage.ask_now()
    if fixed := sorted(changed.intersection(FIXED)):
        log.warning(
            "reload: %s changes only when `digest serve` is started again", " and ".join(fixed)
        )
    log.info("reload changed=%s", ",".join(sorted(changed.difference(FIXED))) or "-")
    return True


def check_templates(app: App) -> None:
    """Check that every kind of mail can be written with the operator's templates.

    Raises:
        DigestError: a template is broken, or their folder is missing.
    """
    for folder in app.templates:
        if not folder.is_dir():
            raise TemplateError(f"mail.templates = '{folder}': is not a folder")
    if app.templates:
        for problem in samples.find_template_errors(app.templates):
            raise TemplateError(problem)
        samples.write_samples(app.mailing, app.templates)


def list_changes(old: Config, new: Config) -> Iterator[str]:
    """Yield the keys whose values differ, such as "smtp.host"; of lists, their name."""
    for section in (*SECTIONS, *LISTS):
        before, after = getattr(old, section), getattr(new, section)
        if before == after:
            continue
        if isinstance(before, BaseModel):
            for key in type(before).model_fields:
                if getattr(before, key) != getattr(after, key):
                    yield f"{section}.{key}"
        else:
            yield section


def keep_fixed(config: Config, old: Config) -> Config:
    """Return the config with the old values of what cannot change."""
    for name in FIXED:
        section, _, key = name.partition(".")
        kept = getattr(config, section).model_copy(
            update={key: getattr(getattr(old, section), key)}
        )
        config = config.model_copy(update={section: kept})
    return config


def subscribe_readers(app: App) -> None:
    """Apply the readers of the config, and log every change."""
    for result in subscriptions.apply_config(app):
        if result.outcome != "unchanged":
            log.info(
                "subscribe subscriber=%d outcome=%s via=config",
                result.subscriber.id,
                result.outcome,
            )
