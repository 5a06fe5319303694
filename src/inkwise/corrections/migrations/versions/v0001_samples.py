"""Samples, and the steps by which they came about."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "samples",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("writer", sa.String(64), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("glyph", sa.LargeBinary(), nullable=False),
        sa.Column("strokes", sa.JSON()),
        sa.Column("answer", sa.String(32)),
        sa.Column("probability", sa.Double()),
        sa.Column("label", sa.String(32)),
        sa.Column("model", sa.String(200)),
        sa.Column("deleted", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_samples_writer_time", "samples", ["writer", "time"])
    op.create_table(
        "steps",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("writer", sa.String(64), nullable=False),
        sa.Column("sample_id", sa.Uuid(), sa.ForeignKey("samples.id"), nullable=False),
        sa.Column("label", sa.String(32)),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_steps_writer_number", "steps", ["writer", "number"])
