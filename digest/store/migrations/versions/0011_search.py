"""An index of the words of papers, for the search page."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_COLUMNS = "title, abstract, authors"
_OLD = "old.id, old.title, old.abstract, old.authors"
_NEW = "new.id, new.title, new.abstract, new.authors"
_DELETE = f"INSERT INTO paper_words (paper_words, rowid, {_COLUMNS}) VALUES ('delete', {_OLD})"
_INSERT = f"INSERT INTO paper_words (rowid, {_COLUMNS}) VALUES ({_NEW})"


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "CREATE INDEX ix_papers_words ON papers USING gin (to_tsvector('english', "
            "title || ' ' || abstract || ' ' || CAST(authors AS text)))"
        )
        return
    # The index holds no text of its own; the triggers keep it in step with the table.
    op.execute(
        f"CREATE VIRTUAL TABLE paper_words USING fts5({_COLUMNS}, content='papers', "
        "content_rowid='id', tokenize='porter unicode61 remove_diacritics 2')"
    )
    op.execute("INSERT INTO paper_words (paper_words) VALUES ('rebuild')")
    op.execute(
        f"CREATE TRIGGER papers_insert_words AFTER INSERT ON papers BEGIN {_INSERT}; END"
    )
    op.execute(
        f"CREATE TRIGGER papers_delete_words AFTER DELETE ON papers BEGIN {_DELETE}; END"
    )
    op.execute(
        f"CREATE TRIGGER papers_update_words AFTER UPDATE OF {_COLUMNS} ON papers "
        f"BEGIN {_DELETE}; {_INSERT}; END"
    )
