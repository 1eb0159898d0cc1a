"""Up to which day the stored sums were ever made

Revision: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rollup_state", sa.Column("settled", sa.Date(), nullable=True))
    op.execute("UPDATE rollup_state SET settled = through")


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
