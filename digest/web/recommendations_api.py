"""Recommenders of others: read what competes and for whom, hand in what they would list."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from digest import services
from digest.app import App
from digest.errors import InputError
from digest.model import ApiKey, Scope, Vote
from digest.services.recommendations import OfferedPaper, OpaqueReader
from digest.web.access import api_router, require_scope
from digest.web.api_models import Text
from digest.web.cursors import Cursor, Limit, link_next, read_cursor, write_cursor
from digest.web.problems import ApiError

Key = Annotated[ApiKey, require_scope(Scope.RECOMMENDATIONS_WRITE)]
#: recommendations in one request at most
_OFFERED_MAX = 1000


class CandidateAnswer(BaseModel):
    """A paper that digests may list now."""

    id: int
    name: str = Field(description="what people type for it, as in arxiv:2606.01234")
    title: str
    abstract: str
    authors: list[str]
    categories: list[str]
    first_seen: date


class CandidatesAnswer(BaseModel):
    """A page of papers, by id."""

    papers: list[CandidateAnswer]
    next: str | None = Field(description="`cursor` of the next page; null after the last one")


class ReaderInterest(BaseModel):
    """One of a reader's interests."""

    share: int
    keywords: list[str]
    categories: list[str]
    authors: list[str]
    papers: list[str]
    text: str


class ReaderVote(BaseModel):
    """A thumb: 1 = up, -1 = down."""

    paper: int
    vote: Vote


class ReaderAnswer(BaseModel):
    """A reader who takes part, under a name that only this key knows."""

    reader: str
    size: int = Field(description="papers in a digest at most")
    interests: list[ReaderInterest]
    votes: list[ReaderVote] = Field(description="oldest first")


class ReadersAnswer(BaseModel):
    """A page of readers who take part."""

    readers: list[ReaderAnswer]
    next: str | None = Field(description="`cursor` of the next page; null after the last one")


class NewRecommendation(BaseModel):
    """A paper for a reader."""

    model_config = ConfigDict(extra="forbid")

    reader: str = Field(max_length=40, description="as GET /readers names them")
    paper: int = Field(ge=1, le=10**12, description="id of a paper")
    score: float = Field(
        ge=-1e9, le=1e9, description="a number; a reader's papers are listed by it, the best first"
    )
    explanation: Text = Field(
        "",
        max_length=400,
        description="text of up to 400 characters that says why; mails show it with your key's "
        "name",
    )


class NewRecommendations(BaseModel):
    """What digests of a local date may list."""

    model_config = ConfigDict(extra="forbid")

    date: date
    recommendations: list[NewRecommendation] = Field(min_length=1, max_length=_OFFERED_MAX)


class RecommendationsAnswer(BaseModel):
    """What was stored."""

    stored: int
    unknown_papers: list[int] = Field(description="ids of papers that are not stored here")


def routes(app: App) -> APIRouter:
    """Build the routes of recommenders."""
    router = api_router("/api/v1/recommendations", "recommendations")

    @router.get("/papers", summary="Papers that compete")
    def list_papers(
        _key: Key, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = ""
    ) -> CandidatesAnswer:
        """List the papers that digests may list now, by id."""
        _require_open(app)
        after = int((read_cursor(cursor, int) or (0,))[0])
        found = services.list_candidates(app, after=after, limit=limit + 1)
        following = write_cursor(found[limit - 1].id) if len(found) > limit else None
        link_next(request, response, following)
        return CandidatesAnswer(
            papers=[
                CandidateAnswer(
                    id=paper.id,
                    name=paper.name,
                    title=paper.title,
                    abstract=paper.abstract,
                    authors=list(paper.authors),
                    categories=list(paper.categories),
                    first_seen=paper.first_seen,
                )
                for paper in found[:limit]
            ],
            next=following,
        )

    @router.get("/readers", summary="Readers who take part")
    def list_readers(
        key: Key, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = ""
    ) -> ReadersAnswer:
        """List interests and thumbs of the readers who take part, without names and addresses."""
        _require_open(app)
        after = int((read_cursor(cursor, int) or (0,))[0])
        found = services.list_opaque_readers(app, key.name, after=after, limit=limit + 1)
        more = len(found) > limit
        following = write_cursor(found[limit - 1].subscriber.id) if more else None
        link_next(request, response, following)
        return ReadersAnswer(
            readers=[_to_reader(reader) for reader in found[:limit]], next=following
        )

    @router.post("", summary="Hand in recommendations")
    def hand_in(key: Key, body: NewRecommendations) -> RecommendationsAnswer:
        """Hand in papers for digests of a local date, before they are composed.

        Digests of readers who take part are shared by team draft: in each round a coin decides
        whether the service or you pick first. Only papers that compete for the reader are listed.
        Thumbs on them are yours, and `digest evaluate` tells the operator who was liked more. The
        same paper for the same reader and date again replaces what was handed in before.
        """
        _require_open(app)
        offered = [
            OfferedPaper(
                reader=one.reader,
                paper_id=one.paper,
                score=one.score,
                explanation=" ".join(one.explanation.split()),
            )
            for one in body.recommendations
        ]
        try:
            unknown = services.hand_in(app, key.name, body.date, offered)
        except InputError as error:
            field, _, _ = str(error).partition(":")
            remedy = "give a day from yesterday on, and readers as GET readers names them today"
            raise ApiError(422, "invalid", str(error), remedy, field=field) from error
        stored = sum(one.paper_id not in unknown for one in offered)
        return RecommendationsAnswer(stored=stored, unknown_papers=unknown)

    return router


def _require_open(app: App) -> None:
    """Refuse where the operator lets no recommender take part.

    Raises:
        ApiError: 403.
    """
    if not app.config.evaluate.recommenders:
        raise ApiError(
            403,
            "forbidden",
            "no recommenders of others take part here",
            "ask the operator to set [evaluate] recommenders = true",
        )


def _to_reader(reader: OpaqueReader) -> ReaderAnswer:
    names: dict[str, Any] = {
        name: None for name in ReaderInterest.model_fields if name not in ("share", "text")
    }
    return ReaderAnswer(
        reader=reader.name,
        size=reader.subscriber.size,
        # the names of interests may say who somebody is
        interests=[
            ReaderInterest(
                share=interest.share,
                text=interest.text,
                **{name: list(getattr(interest, name)) for name in names},
            )
            for interest in reader.subscriber.interests
        ],
        votes=[ReaderVote(paper=vote.paper_id, vote=vote.vote) for vote in reader.votes],
    )
