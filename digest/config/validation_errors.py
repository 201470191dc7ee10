"""Text for wrong settings: file or variable, key, value and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from digest.config.secret_values import is_secret
from digest.config.sections import Config, section_at
from digest.redaction import redact


def explain(
    error: ValidationError, path: Path | None, variables: Mapping[tuple[str, str], tuple[str, Any]]
) -> str:
    """Return one line for each error.

    Args:
        error: of pydantic.
        path: of the file, if there is one.
        variables: (section, key) -> (environment variable, value), for values from there.
    """
    lines = []
    for problem in error.errors():
        key_path = [str(part) for part in problem["loc"]]
        variable = variables.get((key_path[0], key_path[1])) if len(key_path) > 1 else None
        where = (
            f"environment: {variable[0]}"
            if variable
            else f"{path or 'config'}: {'.'.join(key_path)}"
        )
        is_table = section_at(key_path) is not None  # it may hold a secret
        value = (
            "" if is_table or _may_be_secret(key_path) else f" = {redact(repr(problem['input']))}"
        )
        if problem["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown key. {_list_known_keys(key_path)}")
        elif problem["type"] == "missing":
            lines.append(f"{where}: missing; it has no default")
        else:
            message = redact(problem["msg"].removeprefix("Value error, "))
            lines.append(f"{where}{value}: {message[0].lower()}{message[1:]}{_remedy(key_path)}")
    return "\n".join(lines)


def _may_be_secret(key_path: list[str]) -> bool:
    """Return whether a key on this path holds a secret."""
    names = [part for part in key_path if not part.isdigit()]
    models = ((section_at(names[:end]), names[end]) for end in range(1, len(names)))
    fields = (model.model_fields.get(name) for model, name in models if model)
    return any(field is not None and is_secret(field) for field in fields)


def _list_known_keys(key_path: list[str]) -> str:
    model = section_at(key_path[:-1])
    return (
        f"Known here: {', '.join(model.model_fields)}"
        if model
        else f"Known sections: {', '.join(Config.model_fields)}"
    )


def _remedy(key_path: list[str]) -> str:
    names = [part for part in key_path if not part.isdigit()]
    # the innermost key with a description: entries of a list have a longer path than their key
    for end in range(len(names) - 1, 0, -1):
        model = section_at(names[:end])
        field = model.model_fields.get(names[end]) if model else None
        if field and field.description:
            return f" ({names[end]}: {field.description})"
    return ""
