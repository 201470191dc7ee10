"""Settings -> text: the example file, and the settings in force."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, SecretStr

from digest.config.papers import SourceEntry
from digest.config.readers import InterestEntry, SubscriberEntry
from digest.config.secret_values import find_secrets
from digest.config.sections import SECTIONS, SUBLISTS, Config, section_at
from digest.redaction import redact_json, register_secrets


def example(
    values: Mapping[str, Mapping[str, Any]] | None = None,
    sources: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Write the example file: every key, commented out, at its default.

    Args:
        values: Keys that are not commented out and have that value, by section.
        sources: Entries of [[sources]], which stand before the commented one.
    """
    chosen = values or {}
    lines = [
        "# Settings of digest. Every key is shown at its default; remove the # to change it.",
        "# The environment wins over this file: DIGEST_SMTP__PORT=2525 sets [smtp] port.",
        "",
    ]
    for section in SECTIONS:
        lines += _section_lines(section, chosen.get(section, {}))
    for source in sources:
        lines += ["[[sources]]", *(f"{key} = {toml(value)}" for key, value in source.items()), ""]
    lines += _list_lines(
        SourceEntry,
        "sources",
        {"name": "arxiv", "kind": "arxiv-feed", "categories": ("cs.LG", "q-bio.NC"), "every": 60},
    )
    lines += _subscriber_lines()
    return "\n".join(lines)


def _section_lines(section: str, chosen: Mapping[str, Any]) -> list[str]:
    """Return one section, and the lists of tables within it."""
    model = section_at([section])
    assert model is not None  # noqa: S101
    lines = [*_comment(_describe(model)), f"[{section}]"]
    for key, field in model.model_fields.items():
        if (section, key) not in SUBLISTS and not field.exclude:
            prefix = "" if key in chosen else "# "
            value = toml(chosen.get(key, field.default))
            lines += [*_comment(field.description or ""), f"{prefix}{key} = {value}"]
    lines.append("")
    for (outer, key), entry in SUBLISTS.items():
        if outer == section:
            lines += _list_lines(entry, f"{section}.{key}", {"host": "backup.example.org"})
    return lines


def _subscriber_lines() -> list[str]:
    """Return the subscribers, whose keys explain each other and need no descriptions."""
    return [
        *_comment(_describe(SubscriberEntry)),
        "# [[subscribers]]",
        '# email = "reader@example.org"',
        '# name = "A reader"',
        '# timezone = "Europe/Berlin"',
        "# hour = 7",
        "# days = [1, 2, 3, 4, 5]",
        "# size = 10",
        '# strictness = "balanced"',
        '# quiet_days = "silent"',
        '# language = "de"',
        '# keywords = ["graph neural network", "-survey"]',
        '# categories = ["cs.LG", "q-bio"]',
        '# authors = ["Jane Doe"]',
        '# papers = ["arxiv:2606.01234"]',
        '# text = ""',
        "",
        *_comment(f"{_describe(InterestEntry)} Instead of the six keys above."),
        "# [[subscribers.interests]]",
        *_key_lines(
            InterestEntry,
            {"name": "robot grasping", "share": 2, "keywords": ("+tactile sensing", "-survey")},
        ),
        "",
    ]


def _list_lines(model: type[BaseModel], name: str, examples: Mapping[str, Any]) -> list[str]:
    """Return one entry of a list of tables, commented out."""
    return [*_comment(_describe(model)), f"# [[{name}]]", *_key_lines(model, examples), ""]


def _describe(model: type[BaseModel]) -> str:
    """Return the docstring of a section on one line."""
    return " ".join((model.__doc__ or "").split())


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        100,
        initial_indent="# ",
        subsequent_indent="#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _key_lines(model: type[BaseModel], examples: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, field in model.model_fields.items():
        value = toml(examples.get(key, field.default))
        lines += [*_comment(field.description or ""), f"# {key} = {value}"]
    return lines


def toml(value: Any) -> str:
    """Format a value as TOML; a secret as an empty string."""
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


def redacted_values(config: Config) -> dict[str, Any]:
    """Return the settings for people: secrets hidden, also in URLs; paths as text."""
    register_secrets(*find_secrets(config))
    values: dict[str, Any] = redact_json(config.model_dump(mode="json"))
    return values
