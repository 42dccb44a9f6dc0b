"""Version 0001: the events, and each annotator's order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of a new database."""
    op.create_table(
        "events",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("item_kind", sa.String(16), nullable=False),
        sa.Column("class_name", sa.Text, nullable=False),
        sa.Column("item_key", sa.Text, nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("hints", sa.Text, nullable=False),
        sa.Column("position", sa.Integer),
        sa.Column("undoes", _ID, sa.ForeignKey("events.id"), unique=True),
        sa.Column("app_version", sa.Text, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
    )
    op.create_index("events_of_annotator", "events", ["annotator", "id"])
    op.create_index("events_of_item", "events", ["class_name", "item_kind", "item_key", "id"])
    op.create_table(
        "orders",
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("class_name", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("annotator", "class_name"),
    )
