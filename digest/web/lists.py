"""The lists of papers that everybody sees: the newest day first, and feeds of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response

from digest import services
from digest.app import App
from digest.locales import format_days, format_month, format_number, gettext, gettext_later
from digest.mail.messages import texts
from digest.model import Paper
from digest.services import PaperList, Period
from digest.web.form_timestamps import sign_timestamp
from digest.web.pages import OWN_SCRIPT, Pages
from digest.web.public_feeds import write_atom, write_json_feed
from digest.web.public_pages import Answer, PublicAnswers, card_values, count_papers

#: days that the sitemap lists
_SITEMAP_DAYS = 1000

_ORDERS: tuple[tuple[str, services.Order], ...] = (
    (gettext_later("Trending"), "trending"),
    (gettext_later("Newest"), "new"),
    (gettext_later("Picks"), "picks"),
)
_SPANS: tuple[tuple[str, Literal["day", "week", "month"]], ...] = (
    (gettext_later("Day"), "day"),
    (gettext_later("Week"), "week"),
    (gettext_later("Month"), "month"),
)
WriteFeed = Callable[[App, str, str, Sequence[Paper]], Answer]
PeriodName = Annotated[str, Path(pattern=r"^\d{4}-(?:\d\d(?:-\d\d)?|[Ww]\d\d)$")]
OrderName = Annotated[Literal["trending", "new", "picks"], Query()]
Category = Annotated[str, Query(max_length=80)]
PageNumber = Annotated[int, Query(ge=1, le=10_000)]
SpanName = Annotated[Literal["day", "week", "month"], Query()]


def routes(app: App, pages: Pages, answers: PublicAnswers) -> APIRouter:
    """Build the routes of lists, their feeds and the sitemap."""
    router = APIRouter(include_in_schema=False)
    lists = ListPages(app, pages)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def show_latest(
        request: Request,
        order: OrderName = "trending",
        category: Category = "",
        page: PageNumber = 1,
        span: SpanName = "day",
    ) -> Response:
        def make() -> Answer:
            period = services.find_latest_period(app, span)
            paper_list = services.load_list(app, period, order=order, category=category, page=page)
            return lists.make_answer(paper_list, is_home=True)

        return await answers.get_page(request, ("home", order, category, page, span), make)

    def feed_as(
        name: str, write: WriteFeed
    ) -> Callable[[Request, services.Order, str], Awaitable[Response]]:
        async def show_feed(
            request: Request, order: OrderName = "trending", category: Category = ""
        ) -> Response:
            def make() -> Answer:
                period = services.find_latest_period(app)
                paper_list = services.load_list(app, period, order=order, category=category)
                return write(app, lists.feed_title(paper_list), f"/{name}", paper_list.papers)

            return await answers.get(request, (name, order, category), make)

        return show_feed

    for name, write in (("feed.atom", write_atom), ("feed.json", write_json_feed)):
        router.add_api_route(f"/{name}", feed_as(name, write), methods=["GET", "HEAD"])

    @router.api_route("/sitemap.xml", methods=["GET", "HEAD"])
    async def show_sitemap(request: Request) -> Response:
        def make() -> Answer:
            days = services.list_latest_days(app, _SITEMAP_DAYS)
            places = [app.config.web.base_url + "/"]
            places += [f"{app.config.web.base_url}/{day.isoformat()}" for day in days]
            rows = "".join(f"<url><loc>{place}</loc></url>\n" for place in places)
            body = (
                '<?xml version="1.0" encoding="utf-8"?>\n'
                '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
                f"{rows}</urlset>\n"
            )
            return Answer(body=body.encode(), media_type="application/xml")

        return await answers.get(request, "sitemap", make)

    return router


def period_routes(app: App, pages: Pages, answers: PublicAnswers) -> APIRouter:
    """Build the route of one day, week or month; it comes after all others."""
    router = APIRouter(include_in_schema=False)
    lists = ListPages(app, pages)

    @router.api_route("/{name:period}", methods=["GET", "HEAD"])
    async def show_period(
        request: Request,
        name: PeriodName,
        order: OrderName = "trending",
        category: Category = "",
        page: PageNumber = 1,
    ) -> Response:
        period = Period.parse(name)

        def make() -> Answer:
            paper_list = services.load_list(app, period, order=order, category=category, page=page)
            return lists.make_answer(paper_list, is_home=False)

        return await answers.get_page(request, ("list", period, order, category, page), make)

    return router


class ListPages:
    """Lists as pages."""

    def __init__(self, app: App, pages: Pages) -> None:
        self._app, self._pages = app, pages

    def feed_title(self, paper_list: PaperList) -> str:
        category = f", {paper_list.category}" if paper_list.category else ""
        return f"{self._app.mailing.name}: {name_period(paper_list.period)}{category}"

    def make_answer(self, paper_list: PaperList, *, is_home: bool) -> Answer:
        """Return the page for everybody."""
        values = self.template_values(paper_list, self._pages.root, is_home=is_home)
        body = bytes(self._pages.render("list", **values).body)
        return Answer(body=body, indexed=paper_list.page == 1, headers=OWN_SCRIPT)

    def template_values(
        self, paper_list: PaperList, place: str, *, is_home: bool
    ) -> dict[str, Any]:
        """Return what the template of a list needs.

        Args:
            place: where the lists and papers that it leads to are: the root of the service, or the
                place of one reader.
        """
        total = count_papers(paper_list.total)
        listed = [
            card_values(paper, place, paper_list.picks.get(paper.id, ()))
            for paper in paper_list.papers
        ]
        return {
            "heading": name_period(paper_list.period),
            "is_home": is_home,
            "reader": None,
            "voted": (),
            "paper_list": paper_list,
            "description": gettext(
                "%(total)s, sorted by what readers and curators liked.", total=total
            ),
            "total": total,
            "papers": listed,
            "previous": self._neighbour(paper_list, paper_list.previous, place),
            "next": self._neighbour(paper_list, paper_list.next, place),
            "spans": [
                (
                    span,
                    gettext(name),
                    f"{place}/{Period.around(paper_list.period.first, span).name}",
                )
                for name, span in _SPANS
            ],
            "orders": [
                (gettext(name), order, list_address(paper_list, place, order=order, page=1))
                for name, order in _ORDERS
            ],
            "categories": [
                (name, format_number(count), list_address(paper_list, place, category=name, page=1))
                for name, count in paper_list.categories
            ],
            "all_categories": list_address(paper_list, place, category="", page=1),
            "earlier": list_address(paper_list, place, page=paper_list.page - 1)
            if paper_list.page > 1
            else "",
            "later": list_address(paper_list, place, page=paper_list.page + 1)
            if paper_list.page < paper_list.pages
            else "",
            "atom": f"{self._pages.root}/feed.atom"
            + _query({"order": paper_list.order, "category": paper_list.category}),
            "canonical": f"{self._app.config.web.base_url}/{paper_list.period.name}",
            "stamp": sign_timestamp(self._app.keys()[-1], self._app.now()),
        }

    def _neighbour(
        self, paper_list: PaperList, period: Period | None, place: str
    ) -> tuple[str, str] | None:
        """Return the name and the address of a neighbouring period."""
        if period is None:
            return None
        query = _query({"order": paper_list.order, "category": paper_list.category})
        return name_period(period, short=True), f"{place}/{period.name}{query}"


def list_address(paper_list: PaperList, place: str, **changed: str | int) -> str:
    """Return the address of a list below a place, with some of its query changed."""
    values: dict[str, str | int] = {
        "order": paper_list.order,
        "category": paper_list.category,
        "page": paper_list.page,
    }
    return f"{place}/{paper_list.period.name}{_query(values | changed)}"


def name_period(period: Period, *, short: bool = False) -> str:
    """Name a period: `Tuesday, 9 June 2026`, `8 to 14 June 2026`, `June 2026`."""
    if period.span == "day":
        if short:
            return texts.format_date(period.first)
        return texts.format_date(period.first, weekday=True, year=True)
    if period.span == "month":
        return format_month(period.first)
    return format_days(period.first, period.last, year=not short)


def _query(values: Mapping[str, str | int]) -> str:
    """Write a query without what is usual anyway."""
    usual = {"order": "trending", "category": "", "page": 1}
    kept = {name: value for name, value in values.items() if value != usual[name]}
    return f"?{urlencode(kept)}" if kept else ""
