"""Versions of the model that were learnt for a writer, which of them were promoted, and who got imports."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "versions",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("writer", sa.String(64), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("onnx", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_versions_writer_number", "versions", ["writer", "number"])
    op.create_table(
        "promotions",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("writer", sa.String(64), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), sa.ForeignKey("versions.number")),
    )
    op.create_index("ix_promotions_writer_number", "promotions", ["writer", "number"])
    op.create_table(
        "merges",
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("writer", sa.String(64), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_merges_writer_number", "merges", ["writer", "number"])
