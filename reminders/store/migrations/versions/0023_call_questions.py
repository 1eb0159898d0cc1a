"""Questions that are asked on a call

Revision: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("question", sa.Column("channel", sa.String(length=8), server_default="sms", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
