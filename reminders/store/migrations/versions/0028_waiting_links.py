"""What is gone or waits in another system is found without reading everything that is linked

Revision: 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_GONE = sa.text("gone_since IS NOT NULL")
_HELD_SQLITE = sa.text("held = 1 AND local_id IS NULL")
_HELD_POSTGRESQL = sa.text("held AND local_id IS NULL")


def upgrade() -> None:
    op.drop_index("ix_sync_link_gone", "sync_link")
    op.create_index(
        "ix_sync_link_gone",
        "sync_link",
        ["connection_id", "entity", "gone_since"],
        postgresql_where=_GONE,
        sqlite_where=_GONE,
    )
    op.create_index(
        "ix_sync_link_waiting",
        "sync_link",
        ["connection_id", "entity", "remote_id"],
        postgresql_where=_HELD_POSTGRESQL,
        sqlite_where=_HELD_SQLITE,
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
