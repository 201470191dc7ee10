"""What is wrong with a setting, in words that a person can act on: file or variable, key, value and
remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from digest.config.secret_values import is_secret
from digest.config.whole import Config, model_at
from digest.redaction import hide


def explain(
    error: ValidationError, path: Path | None, variables: Mapping[tuple[str, str], tuple[str, Any]]
) -> str:
    """One line for each problem.

    Args:
        variables: (section, key) -> (variable of the environment, value), where the value came from
        there.
    """
    lines = []
    for problem in error.errors():
        place = [str(part) for part in problem["loc"]]
        variable = variables.get((place[0], place[1])) if len(place) > 1 else None
        where = (
            f"environment: {variable[0]}" if variable else f"{path or 'config'}: {'.'.join(place)}"
        )
        whole = model_at(place) is not None  # a table, which may hold a secret
        value = "" if whole or _may_be_secret(place) else f" = {hide(repr(problem['input']))}"
        if problem["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown key. {_known(place)}")
        elif problem["type"] == "missing":
            lines.append(f"{where}: missing; it has no default")
        else:
            message = hide(problem["msg"].removeprefix("Value error, "))
            lines.append(f"{where}{value}: {message[0].lower()}{message[1:]}{_remedy(place)}")
    return "\n".join(lines)


def _may_be_secret(place: list[str]) -> bool:
    """Whether a key on the way to that place holds a secret."""
    names = [part for part in place if not part.isdigit()]
    models = ((model_at(names[:end]), names[end]) for end in range(1, len(names)))
    fields = (model.model_fields.get(name) for model, name in models if model)
    return any(field is not None and is_secret(field) for field in fields)


def _known(place: list[str]) -> str:
    model = model_at(place[:-1])
    return (
        f"Known here: {', '.join(model.model_fields)}"
        if model
        else f"Known sections: {', '.join(Config.model_fields)}"
    )


def _remedy(place: list[str]) -> str:
    names = [part for part in place if not part.isdigit()]
    for end in range(
        len(names) - 1, 0, -1
    ):  # the innermost key that says what it is: a list of choices is named by more than its key
        model = model_at(names[:end])
        field = model.model_fields.get(names[end]) if model else None
        if field and field.description:
            return f" ({names[end]}: {field.description})"
    return ""
