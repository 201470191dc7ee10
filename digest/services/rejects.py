"""List dumps that were read and records that were rejected; try those again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digest import store
from digest.app import App
from digest.errors import NotFoundError
from digest.pipeline.ingest import ingest
from digest.pipeline.steps.ingest_report import FileReport, IngestReport


def dumps_read(app: App, limit: int = 20) -> list[dict[str, Any]]:
    """List the newest dumps with their counts, readers' libraries among them."""
    with app.store.reading() as tx:
        return store.dumps.list_latest(tx, limit, libraries=True)


def list_dumps(app: App, *, before: int | None, limit: int) -> list[dict[str, Any]]:
    """List dumps with their counts, newest first, without readers' libraries.

    Args:
        before: only those with a smaller id; None = from the newest on.
    """
    with app.store.reading() as tx:
        return store.dumps.list_page(tx, before=before, limit=limit)


def list_rejected(app: App, dump_id: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """List rejected records of one dump or of all: dump, line, reason and raw text.

    Raises:
        NotFoundError: no dump has that id.
    """
    rows: list[dict[str, Any]] = []
    with app.store.reading() as tx:
        if dump_id is not None and not store.dumps.exists(tx, dump_id):
            raise NotFoundError(f"no dump has the id {dump_id}. `digest dumps` lists them")
        for dump in store.dumps.list_with_rejects(tx):
            if dump_id in (None, dump["id"]):
                rejects = store.dumps.list_rejects(tx, dump["id"], limit - len(rows))
                rows += [
                    {
                        "dump": dump["name"],
                        "dump_id": dump["id"],
                        "line": r.line,
                        "reason": r.reason,
                        "raw": r.raw,
                    }
                    for r in rejects
                ]
    return rows


def retry_rejected(app: App) -> IngestReport:
    """Read the files again of which records were rejected.

    What is still bad is rejected again; the rejects of a file that is gone stay.
    """
    report = IngestReport()
    with app.store.reading() as tx:
        dumps = store.dumps.list_with_rejects(tx)
    for dump in dumps:
        path = Path(dump["path"])
        if not dump["path"] or not path.is_file():
            report_of_file = FileReport(name=dump["name"], format=dump["format"])
            report_of_file.refused = (
                f"{dump['path'] or dump['name']}: the file is gone; its {dump['kept']} rejected "
                f"records stay as they are. Put it back to try again"
            )
            report.files.append(report_of_file)
            continue
        again = ingest(app, [path], seen=dump["day"])
        report.files += again.files
        if not any(file.refused for file in again.files):
            with app.store.writing() as tx:
                store.dumps.delete_rejects(tx, dump["id"])
    return report


def withdrawn(app: App) -> list[dict[str, Any]]:
    """List withdrawn, retracted or deleted papers with the readers who liked them."""
    with app.store.reading() as tx:
        papers = store.papers.list_withdrawn(tx)
        people = store.subscribers.load(tx, {ident for _, liked in papers for ident in liked})
    return [
        {
            "paper": paper.name,
            "title": paper.title,
            "liked_by": [people[i].email for i in liked if i in people],
        }
        for paper, liked in papers
    ]
