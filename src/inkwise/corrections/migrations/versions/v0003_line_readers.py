"""Line readers that were learnt for a writer."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("versions", sa.Column("lines", sa.LargeBinary()))
