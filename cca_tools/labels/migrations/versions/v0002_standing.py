"""Version 0002: the event that stands for each item, so that pages need not walk the history.

Also who may label and adjudicate.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_FILL = """
    INSERT INTO standing (item_kind, class_name, item_key, scope, event_id)
    SELECT item_kind, class_name, item_key, scope, id FROM (
        SELECT item_kind, class_name, item_key, id, level,
               CASE kind WHEN 'label' THEN 'label:' || annotator ELSE kind END AS scope,
               ROW_NUMBER() OVER (
                   PARTITION BY item_kind, class_name, item_key,
                                CASE kind WHEN 'label' THEN 'label:' || annotator ELSE kind END
                   ORDER BY id DESC
               ) AS age
        FROM events
        WHERE kind <> 'undo'
          AND NOT EXISTS (SELECT 1 FROM events AS undone WHERE undone.undoes = events.id)
    ) AS kept
    WHERE age = 1 AND level <> ''
"""


def upgrade() -> None:
    """Add the tables, and fill what stands from the events."""
    op.create_table(
        "standing",
        sa.Column("item_kind", sa.String(16), nullable=False),
        sa.Column("class_name", sa.Text, nullable=False),
        sa.Column("item_key", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("event_id", _ID, sa.ForeignKey("events.id"), nullable=False),
        sa.PrimaryKeyConstraint("item_kind", "class_name", "item_key", "scope"),
    )
    op.create_index("standing_of_scope", "standing", ["scope", "item_kind"])
    op.create_table(
        "people",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("name", "role"),
    )
    op.execute(_FILL)
