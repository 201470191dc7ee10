"""Config -> text: the example file, and what is in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from digest.config.papers import SourceEntry
from digest.config.readers import InterestEntry, SubscriberEntry
from digest.config.secret_values import secrets_of
from digest.config.whole import SECTIONS, SUBLISTS, Config, model_at
from digest.redaction import hide_within, learn


def example(values: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The example file: every key, commented, at its default; keys in `values` stand uncommented
    with their value.
    """
    chosen = values or {}
    lines = [
        "# Settings of digest. Every key is shown at its default; remove the # to change it.",
        "# The environment wins over this file: DIGEST_SMTP__PORT=2525 sets [smtp] port.",
        "",
    ]
    for section in SECTIONS:
        model = model_at([section])
        assert model is not None  # noqa: S101
        lines += [f"# {_about(model)}", f"[{section}]"]
        for key, field in model.model_fields.items():
            if (section, key) in SUBLISTS:
                continue
            given = chosen.get(section, {})
            shown = toml(given.get(key, field.default))
            lines += [f"# {field.description}", f"{'' if key in given else '# '}{key} = {shown}"]
        lines.append("")
        for (inner, key), model in SUBLISTS.items():
            if inner == section:
                lines += [
                    f"# {_about(model)}",
                    f"# [[{section}.{key}]]",
                    *_keys_of(model, {"host": "backup.example.org"}),
                    "",
                ]
    lines += [f"# {_about(SourceEntry)}", "# [[sources]]"]
    shown_at = {
        "name": "arxiv",
        "kind": "arxiv-feed",
        "categories": ("cs.LG", "q-bio.NC"),
        "every": 60,
    }
    lines += [*_keys_of(SourceEntry, shown_at), ""]
    lines += [
        f"# {_about(SubscriberEntry)}",
        "# [[subscribers]]",
        '# email = "reader@example.org"',
        '# name = "A reader"',
        '# timezone = "Europe/Berlin"',
        "# hour = 7",
        "# days = [1, 2, 3, 4, 5]",
        "# size = 10",
        "# threshold = 0",
        '# keywords = ["graph neural network", "-survey"]',
        '# categories = ["cs.LG", "q-bio"]',
        '# authors = ["Jane Doe"]',
        '# papers = ["arxiv:2606.01234"]',
        '# text = ""',
        "",
        f"# {_about(InterestEntry)} Instead of the six keys before.",
        "# [[subscribers.interests]]",
        *_keys_of(
            InterestEntry,
            {"name": "robot grasping", "share": 2, "keywords": ("+tactile sensing", "-survey")},
        ),
        "",
    ]
    return "\n".join(lines)


def _about(model: type[BaseModel]) -> str:
    """The docstring of a section on one line."""
    return " ".join((model.__doc__ or "").split())


def _keys_of(model: type[BaseModel], shown_at: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, field in model.model_fields.items():
        lines += [f"# {field.description}", f"# {key} = {toml(shown_at.get(key, field.default))}"]
    return lines


def toml(value: Any) -> str:
    """A value as it stands behind the equals sign; a secret as an empty text."""
    if isinstance(value, SecretStr | None):
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(toml(item) for item in value)}]"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def shown(config: Config) -> dict[str, Any]:
    """What is in force, for people: secrets hidden, also those within a URL; paths as text."""
    learn(*secrets_of(config))
    values: dict[str, Any] = hide_within(config.model_dump(mode="json"))
    return values
