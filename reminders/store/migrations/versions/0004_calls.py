"""How calls went: duration, who answered, what came of it

Revision: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("message", sa.Column("duration", sa.Integer(), nullable=True))
    op.add_column("message", sa.Column("answered_by", sa.String(length=8), nullable=True))
    op.add_column("message", sa.Column("outcome", sa.String(length=20), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
