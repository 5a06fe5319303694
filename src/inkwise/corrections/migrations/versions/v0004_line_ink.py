"""Digits that were cut from numbers, at the resolution of the line reader."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    op.add_column("samples", sa.Column("line_ink", sa.LargeBinary()))
