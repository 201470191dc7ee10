"""The settings page of a reader: interests, size, schedule, pause.

The form holds the version of the settings that it showed. If the settings have changed since, the
page shows both values, and the reader decides which to save.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from digest import pipeline, services, subscriptions
from digest.app import App
from digest.errors import InputError
from digest.locales import (
    WEEKDAYS,
    add_colon,
    current_language,
    gettext,
    name_weekday,
    set_language,
)
from digest.model import Link, Purpose, Subscriber, SubscriberStatus
from digest.subscriptions import ChangeResult
from digest.web.edit_conflicts import Difference, find_differences, merge
from digest.web.form_tokens import is_expired, new_form_token, normalise_form_token
from digest.web.own_pages import own_places
from digest.web.pages import Form, FormBody, Pages, reader_label, rhythm
from digest.web.settings_form import (
    QUIET_DAYS,
    SIZE_MAX,
    SettingsForm,
    fill_settings_form,
    offered_zones,
    read_settings_form,
    split_field_error,
)
from digest.web.single_flight import SingleFlightCache

log = logging.getLogger("digest.web")

WeekCounts = SingleFlightCache[Mapping[str, int]]


def routes(app: App, pages: Pages) -> APIRouter:
    """Build the routes of the settings page."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(pages.speak)])
    page = Page(app, pages)

    counts = WeekCounts()

    @router.api_route("/m/{token}", methods=["GET", "HEAD"])
    def show_page(token: str) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        return page.show(link, subscriptions.get(app, link.subscriber_id))

    @router.api_route("/m/{token}/week", methods=["GET", "HEAD"])
    async def show_week(token: str) -> HTMLResponse:
        """Show the page with what each strictness would have listed last week."""

        def look_up() -> tuple[Link, Subscriber, Hashable]:
            link = pipeline.read_link(app, token, Purpose.MANAGE)
            subscriber = subscriptions.get(app, link.subscriber_id)
            return link, subscriber, services.profile_version(app, subscriber)

        link, subscriber, version = await run_in_threadpool(look_up)
        compute = partial(services.count_last_week, app, subscriber)
        week = await counts.get(subscriber.id, version, compute)
        return await run_in_threadpool(page.show, link, subscriber, week=week)

    @router.post("/m/{token}")
    def change(token: str, form: FormBody) -> HTMLResponse:
        link = pipeline.read_link(app, token, Purpose.MANAGE)
        pipeline.confirm_delivery(app, link)
        pages.speak_to_reader(link)
        verb, form_token = form.one("do"), normalise_form_token(form.one("form"), app.now())
        if verb in ("save", "add"):
            return page.save(link, form, more=verb == "add")
        if verb not in ("pause", "resume", "return") or is_expired(form.one("form"), app.now()):
            return page.show(link, subscriptions.get(app, link.subscriber_id))
        if verb in ("pause", "resume"):
            subscriber = subscriptions.pause_by_link(app, link, form_token, paused=verb == "pause")
        else:
            returned = subscriptions.return_by_link(
                app, link, form_token, confirms=bool(form.one("confirm"))
            )
            subscriber = returned.subscriber
            if returned.held:
                return page.show(link, subscriber, held=True)
        log.info(
            "%s subscriber=%d status=%s via=page", verb, subscriber.id, subscriber.status.value
        )
        active = subscriber.status is SubscriberStatus.ACTIVE and verb != "pause"
        return page.show(
            link,
            subscriber,
            done=gettext("The digest comes again: %(rhythm)s.", rhythm=rhythm(subscriber))
            if active
            else "",
        )

    return router


@dataclass(frozen=True)
class Page:
    """The settings page of one service."""

    app: App
    pages: Pages

    def show(
        self,
        link: Link,
        subscriber: Subscriber,
        settings: SettingsForm | None = None,
        *,
        done: str = "",
        conflict: Sequence[Difference] = (),
        version: str = "",
        held: bool = False,
        week: Mapping[str, int] | None = None,
    ) -> HTMLResponse:
        """Return the page, with what has just been done or why nothing was.

        Args:
            week: papers that each strictness would have listed last week; None = not asked for.
        """
        self.pages.speak_to(subscriber)
        own = self.pages.path(Purpose.MANAGE, link)
        form = settings or fill_settings_form(subscriber)
        return self.pages.render(
            "settings",
            status=409 if conflict else 422 if form.errors else 200,
            whose=reader_label(subscriber),
            subscriber_status=subscriber.status.value,
            rhythm=rhythm(subscriber),
            form=form,
            done=done,
            conflict=conflict,
            version=version or subscriptions.version_of(subscriber),
            mark=new_form_token(self.app.now()),
            held=held,
            doubtful=[
                (paper.title, self.pages.path(Purpose.UP, link, paper_id=paper.id))
                for paper in pipeline.papers_with_held_thumbs(self.app, subscriber.id)
            ],
            days=[(day, name_weekday(day)) for day in range(1, len(WEEKDAYS) + 1)],
            hours=range(24),
            size_max=SIZE_MAX,
            quiet_days=[(value, gettext(name), gettext(hint)) for value, name, hint in QUIET_DAYS],
            zones=offered_zones(),
            here=own,
            week=week,
            leave=self.pages.path(Purpose.UNSUBSCRIBE, link),
            learned=f"{own}/learned",
            keys=f"{own}/keys",
            delete=f"{own}/delete",
            places=own_places(self.pages, link, ""),
        )

    def save(self, link: Link, form: Form, *, more: bool) -> HTMLResponse:
        """Save the form, unless it has errors or the settings have changed since."""
        subscriber = subscriptions.get(self.app, link.subscriber_id)
        asked = current_language()
        self.pages.speak_to(subscriber)
        version = form.one("version")
        sent, request = read_settings_form(form, subscriber)
        if not sent.errors:
            try:
                changed = subscriptions.change_if_unchanged(
                    self.app, link.subscriber_id, request, version
                )
            except InputError as error:
                name, text = split_field_error(error)
                sent = replace(sent, errors={name: text})
            else:
                set_language(asked)  # the reader may have chosen another just now
                self.pages.speak_to(changed.subscriber)
                return self._render_saved(link, sent, changed, version, more=more)
        return self.show(link, subscriber, sent, version=version)

    def _render_saved(
        self, link: Link, sent: SettingsForm, changed: ChangeResult, version: str, *, more: bool
    ) -> HTMLResponse:
        """Return the page after a save, with edit conflicts if the settings had changed."""
        subscriber = changed.subscriber
        if changed.refused is not None:
            conflict = find_differences(version, subscriber, changed.refused, changed.elsewhere)
            merged = merge(version, sent, subscriber, changed.refused)
            return self.show(link, subscriber, merged, conflict=conflict)
        log.info("change subscriber=%d via=page", subscriber.id)
        done = (
            gettext("Saved. Here is room for one more interest.")
            if more
            else gettext("Saved. The next digest follows these settings.")
        )
        if changed.elsewhere:
            other_changes = find_differences(version, subscriber, subscriber, changed.elsewhere)
            listed = "; ".join(
                f"{add_colon(change.label)} {change.theirs}" for change in other_changes
            )
            elsewhere = gettext("Changed elsewhere meanwhile: %(changes)s.", changes=listed)
            done = f"{done} {elsewhere}"
        with self.app.store.reading() as tx:
            (warnings,) = services.check_typed(tx, [subscriber.interests])
        filled = fill_settings_form(subscriber, more=more, warnings=warnings)
        return self.show(link, subscriber, filled, done=done)
