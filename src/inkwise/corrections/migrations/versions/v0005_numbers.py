"""Digits that were part of one number, so that numbers are counted, too."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.add_column("samples", sa.Column("number_id", sa.Uuid()))
