"""Find the secrets in settings, by type, so that new settings are covered too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from digest.redaction import find_secrets_in_url


def find_secrets(settings: Any) -> Iterator[str]:
    """Yield every secret: values of type SecretStr, and secrets in URLs."""
    if isinstance(settings, SecretStr):
        yield settings.get_secret_value()
    elif isinstance(settings, str):
        yield from find_secrets_in_url(settings)
    elif isinstance(settings, BaseModel):
        for name in type(settings).model_fields:
            yield from find_secrets(getattr(settings, name))
    elif isinstance(settings, tuple | list):
        for item in settings:
            yield from find_secrets(item)


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting holds a secret, judged by its type."""
    return SecretStr in (field.annotation, *get_args(field.annotation))
