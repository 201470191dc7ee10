"""Libraries in CSL-JSON."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.dumps.exports.items import (
    Item,
    list_noted_ids,
)


def _csl_item(item: Item, parts: list[Any], extra: dict[str, Any]) -> dict[str, Any]:
    kinds = {"conference": "paper-conference", "preprint": "article", "thesis": "thesis"}
    authors: list[dict[str, str]] = [
        {"family": last, "given": first} for first, last in item.people
    ]
    fields = {
        "id": item.key,
        "type": kinds.get(item.kind, "article-journal"),
        "title": item.title,
        "abstract": item.abstract,
        "container-title": "" if item.arxiv else item.journal,
        "DOI": item.doi,
        "URL": item.url,
        "author": authors + [{"literal": item.group}] * bool(item.group),
        "issued": {"date-parts": [parts]},
        "accessed": {"date-parts": [[2025, 1, 2]]},
        **extra,
    }
    return {name: value for name, value in fields.items() if value}


def zotero_csl(items: list[Item]) -> str:
    def note(item: Item) -> str:
        return "\n".join(list_noted_ids(item) + [f"arXiv:{item.arxiv} [cs]"] * bool(item.arxiv))

    return json.dumps(
        [
            _csl_item(
                item,
                [str(item.year), item.month, item.day],
                {"note": note(item), "number": f"arXiv:{item.arxiv}" if item.arxiv else ""},
            )
            for item in items
        ],
        ensure_ascii=False,
        indent="\t",
    )


def paperpile_csl(items: list[Item]) -> str:
    return json.dumps(
        [
            _csl_item(
                item,
                [item.year, item.month, item.day],
                {"PMID": item.pmid, "PMCID": item.pmcid, "keyword": "; ".join(item.keywords)},
            )
            for item in items
        ]
    )
