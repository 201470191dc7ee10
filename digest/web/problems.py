"""Errors of the API as problem details (RFC 9457). Knows no route.

A route raises `ApiError`; the handler in `error_answers` makes the answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from digest.web.api_models import Problem

MEDIA_TYPE = "application/problem+json"
#: code -> the title, which is the same for each occurrence, and what the code means
CODES: Mapping[str, tuple[str, str]] = {
    "invalid": ("A value cannot be used", "A value is missing, unknown or out of range."),
    "unauthorized": ("A key is needed", "The key is missing, mistyped, expired or revoked."),
    "forbidden": ("The key does not allow this", "The key lacks the scope that this needs."),
    "closed": ("No new readers", "The operator has closed sign-up by page and API."),
    "not_found": ("There is no such thing", "It never was, or it was deleted."),
    "method": ("Not with this method", "The header Allow names the methods of this address."),
    "conflict": ("It is there already, or in use", "The state of the thing does not allow this."),
    "changed": ("It was changed meanwhile", "If-Match names a version that is not the newest."),
    "reused_key": ("Another request had this key", "An Idempotency-Key names one request alone."),
    "in_progress": ("The same request is running", "Its Idempotency-Key is in use just now."),
    "too_large": ("Too large", "The body, the address or the headers are too large."),
    "media_type": ("Not in this format", "The Content-Type is none that this takes."),
    "too_many": ("Too many requests", "The header Retry-After says when to come again."),
    "unavailable": ("Not just now", "The service is busy, or its database does not answer."),
    "internal": ("A mistake of ours", "The operator finds it in the log."),
}


class ApiError(Exception):
    """An error that the API answers.

    Args:
        status: HTTP status.
        code: one of `CODES`.
        message: what is wrong with this request.
        remedy: what to do about it.
        field: the value that it is about; None = about none.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        remedy: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})
        self.problem = Problem(code=code, message=message, remedy=remedy, field=field)


class ProblemDetails(BaseModel):
    """What is wrong, where, and what to do about it (RFC 9457)."""

    type: str = Field(description="address of the documentation of the code; one for each code")
    title: str = Field(description="what the code means, the same at each occurrence")
    status: int = Field(ge=400, le=599, description="the HTTP status")
    detail: str = Field(description="what is wrong with this request")
    code: str = Field(description=f"one word for programs: {', '.join(CODES)}")
    field: str | None = Field(description="the value it is about; null where it is about none")
    remedy: str = Field(description="what to do about it")
    error: Problem = Field(description="the same as before version 0.3.0; use the other members")


def write_problem(
    base_url: str, status: int, problem: Problem, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer for an error.

    Args:
        base_url: where readers reach the service; its documentation explains each code.
    """
    details = ProblemDetails(
        type=f"{base_url}/docs#problem-{problem.code}",
        title=CODES[problem.code][0],
        status=status,
        detail=problem.message,
        code=problem.code,
        field=problem.field,
        remedy=problem.remedy,
        error=problem,
    )
    return JSONResponse(
        details.model_dump(), status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )
