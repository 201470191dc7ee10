"""The index of words knows categories, and new papers join it a batch at a time."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_COLUMNS = "title, abstract, authors, categories"
_OLD = "old.id, old.title, old.abstract, old.authors, old.categories"
_NEW = "new.id, new.title, new.abstract, new.authors, new.categories"
_DELETE = f"INSERT INTO paper_words (paper_words, rowid, {_COLUMNS}) VALUES ('delete', {_OLD})"
_INSERT = f"INSERT INTO paper_words (rowid, {_COLUMNS}) VALUES ({_NEW})"
_CHANGED = " OR ".join(f"old.{name} IS NOT new.{name}" for name in _COLUMNS.split(", "))


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER papers_{event}_words")
    op.execute("DROP TABLE paper_words")
    # The index holds no text of its own. New papers are added by the store, a batch at a time,
    # which takes half as long as a trigger; changes are rare, so triggers follow them. Relevance
    # does not count the words of a paper, so their numbers are not kept.
    op.execute(
        f"CREATE VIRTUAL TABLE paper_words USING fts5({_COLUMNS}, content='papers', "
        "content_rowid='id', columnsize=0, tokenize='porter unicode61 remove_diacritics 2')"
    )
    op.execute("INSERT INTO paper_words (paper_words) VALUES ('rebuild')")
    op.execute(
        f"CREATE TRIGGER papers_delete_words AFTER DELETE ON papers BEGIN {_DELETE}; END"
    )
    op.execute(
        f"CREATE TRIGGER papers_update_words AFTER UPDATE OF {_COLUMNS} ON papers "
        f"WHEN {_CHANGED} BEGIN {_DELETE}; {_INSERT}; END"
    )
