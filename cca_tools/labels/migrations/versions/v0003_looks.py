"""Version 0003: what was shown to each annotator, so that no label after it counts as blind.

What the labels of earlier versions say of it is taken over.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_FILL = """
    INSERT INTO looks (annotator, class_name, hint)
    SELECT DISTINCT annotator, CASE hint WHEN 'results' THEN '' ELSE class_name END, hint
    FROM events, (SELECT 'others' AS hint UNION SELECT 'suggestion' UNION SELECT 'results') AS known
    WHERE kind = 'label' AND hints LIKE '%"' || hint || '"%'
"""


def upgrade() -> None:
    """Add the table, and fill it from the labels."""
    op.create_table(
        "looks",
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("class_name", sa.Text, nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("annotator", "class_name", "hint"),
    )
    op.execute(_FILL)
