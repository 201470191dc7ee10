"""Dumps in the API: upload one, and see what was read of it."""

from __future__ import annotations

import logging
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from digest import services
from digest.app import App
from digest.errors import ConfigError, InputError, LimitError, NotFoundError
from digest.model import ApiKey, Scope
from digest.services.uploads import Upload
from digest.web.access import api_router, require_scope
from digest.web.cursors import Cursor, Limit, link_next, read_cursor, write_cursor
from digest.web.problems import ApiError

log = logging.getLogger("digest.web")
Key = Annotated[ApiKey, require_scope(Scope.DUMPS_WRITE)]
PATH = "/api/v1/dumps"
_BODY = {
    "requestBody": {
        "required": True,
        "description": "the file itself, in any format that `digest ingest` reads, packed or not",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class UploadAnswer(BaseModel):
    """A dump that will be read."""

    id: str = Field(description="SHA-256 of its bytes; the same file has the same id")
    name: str = Field(description="its name in the inbox")
    size: int = Field(description="bytes")
    status: str = Field(description="path at which to see what becomes of it")


class DumpAnswer(BaseModel):
    """A dump that was read, or is being read."""

    id: int
    name: str
    format: str
    size: int
    sha256: str
    day: date = Field(description="the day on which its papers count as first seen")
    started_at: datetime
    finished_at: datetime | None = Field(description="null while it is read, or if it was stopped")
    incomplete: str | None = Field(description="why its end is missing")
    read: int = Field(description="records")
    new: int
    updated: int
    duplicate: int
    skipped: int
    rejected: int


class DumpsAnswer(BaseModel):
    """A page of dumps, newest first."""

    dumps: list[DumpAnswer]
    next: str | None = Field(description="`cursor` of the next page; null after the last one")


class UploadStatusAnswer(BaseModel):
    """What became of an upload."""

    id: str
    state: Literal["waiting", "read"] = Field(
        description="waiting = it lies in the inbox; a file that cannot be read stays there, and "
        "the log says why"
    )
    dumps: list[DumpAnswer] = Field(description="its readings, newest first")


class RejectAnswer(BaseModel):
    """A record that could not be used."""

    line: int
    reason: str
    raw: str


class RejectsAnswer(BaseModel):
    """Records of a dump that could not be used, in order."""

    rejects: list[RejectAnswer]


def routes(app: App) -> APIRouter:
    """Build the routes of dumps."""
    router = api_router(PATH, "dumps", answers_once=False)

    @router.post("", status_code=202, summary="Upload a dump", openapi_extra=_BODY)
    async def upload_dump(
        _key: Key,
        request: Request,
        name: Annotated[
            str, Query(max_length=200, description="name of the file, as in 2026-06-09.jsonl.gz")
        ] = "",
    ) -> UploadAnswer:
        """Put a dump into the inbox, where `digest serve` reads it within a minute.

        The same file again is read once, so an upload can safely be repeated.
        """
        uploaded = await _receive(app, request, name)
        return UploadAnswer(
            id=uploaded.id,
            name=uploaded.name,
            size=uploaded.size,
            status=f"{PATH}/uploads/{uploaded.id}",
        )

    @router.get("", summary="List dumps")
    def list_dumps(
        _key: Key, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = ""
    ) -> DumpsAnswer:
        """List the dumps that were read, with counts."""
        position = read_cursor(cursor, int)
        before = int(position[0]) if position else None
        rows = services.list_dumps(app, before=before, limit=limit + 1)
        following = write_cursor(rows[limit - 1]["id"]) if len(rows) > limit else None
        link_next(request, response, following)
        return DumpsAnswer(dumps=[_to_answer(row) for row in rows[:limit]], next=following)

    @router.get("/uploads/{upload_id}", summary="What became of an upload")
    def get_upload(
        _key: Key, upload_id: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
    ) -> UploadStatusAnswer:
        """Tell whether an upload was read, and with which result."""
        status = services.find_upload(app, upload_id)
        if status is None:
            raise _not_found(f"no file with the hash {upload_id} was uploaded or read")
        return UploadStatusAnswer(
            id=status.id, state=status.state, dumps=[_to_answer(row) for row in status.dumps]
        )

    @router.get("/{dump_id}", summary="One dump")
    def get_dump(_key: Key, dump_id: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> DumpAnswer:
        """Return a dump with its counts."""
        rows = services.list_dumps(app, before=dump_id + 1, limit=1)
        if not rows or rows[0]["id"] != dump_id:
            raise _not_found(f"there is no dump {dump_id}")
        return _to_answer(rows[0])

    @router.get("/{dump_id}/rejects", summary="Records that could not be used")
    def list_rejects(
        _key: Key, dump_id: Annotated[int, Path(ge=1, le=2**63 - 1)], limit: Limit = 50
    ) -> RejectsAnswer:
        """List the first records of a dump that could not be used, and why."""
        try:
            rows = services.list_rejected(app, dump_id, limit)
        except NotFoundError as error:
            raise _not_found(f"there is no dump {dump_id}") from error
        return RejectsAnswer(
            rejects=[
                RejectAnswer(line=row["line"], reason=row["reason"], raw=row["raw"][:4000])
                for row in rows
            ]
        )

    return router


async def _receive(app: App, request: Request, name: str) -> services.UploadedDump:
    """Write the body into the inbox as it comes.

    Raises:
        ApiError: it is empty, cut off, or too large, or the inbox does not take it.
    """
    if not app.config.ingest.upload_mb:
        raise ApiError(
            403, "forbidden", "no dumps are taken here", "ask its operator to set ingest.upload_mb"
        )
    try:
        with await run_in_threadpool(Upload, app, name) as upload:
            async for piece in request.stream():
                await run_in_threadpool(upload.write, piece)
            return await run_in_threadpool(upload.finish)
    except InputError as error:
        raise ApiError(422, "invalid", str(error), "send the file as the body") from error
    except LimitError as error:
        raise ApiError(413, "too_large", str(error), "pack it, or split it") from error
    except ClientDisconnect as error:  # nobody hears the answer
        raise HTTPException(400) from error
    except (ConfigError, OSError) as error:
        why = getattr(error, "strerror", None) or error
        log.error(  # noqa: TRY400  (the disk is to blame, not the code)
            "upload: ingest.inbox = '%s' took nothing: %s. Check its permissions and the space on "
            "its disk",
            app.config.ingest.inbox,
            why,
        )
        raise ApiError(
            503,
            "unavailable",
            "the inbox takes no file just now, and nothing was stored",
            "try again later; the operator finds the reason in the log",
            headers={"Retry-After": "60"},
        ) from error


def _not_found(message: str) -> ApiError:
    return ApiError(404, "not_found", message, f"GET {PATH} lists what was read")


def _to_answer(row: dict[str, Any]) -> DumpAnswer:
    values = {name: row[name] for name in DumpAnswer.model_fields}
    return DumpAnswer(**(values | {"incomplete": row["incomplete"] or None}))
