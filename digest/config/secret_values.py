"""Config -> the values in it that nobody may read. Found by type, so that a new setting is too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from digest.redaction import secrets_of_url


def secrets_of(settings: Any) -> Iterator[str]:
    """Every secret text in settings: those of type SecretStr, and what of a URL is a secret."""
    if isinstance(settings, SecretStr):
        yield settings.get_secret_value()
    elif isinstance(settings, str):
        yield from secrets_of_url(settings)
    elif isinstance(settings, BaseModel):
        for name in type(settings).model_fields:
            yield from secrets_of(getattr(settings, name))
    elif isinstance(settings, tuple | list):
        for item in settings:
            yield from secrets_of(item)


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting holds a secret, by its type."""
    return SecretStr in (field.annotation, *get_args(field.annotation))
