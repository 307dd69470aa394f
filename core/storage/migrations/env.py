"""Alembic runs on the connection that core/storage/schema.py hands it."""

from alembic import context

from core.storage.tables import metadata, speak_postgresql

speak_postgresql()
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a table in place
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
