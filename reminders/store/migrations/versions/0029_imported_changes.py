"""What was imported stands in the list of changes, too

Revision: 0029
"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for entity, changed in (("patient", "coalesce(updated_at, created_at)"), ("appointment", "updated_at")):
        op.execute(
            "INSERT INTO change_entry (entity, uid, seq, at) "  # noqa: S608 - our own names
            f"SELECT '{entity}', uid, (SELECT max(seq) FROM change_counter) + row_number() OVER (ORDER BY id), {changed} "
            f"FROM {entity} WHERE NOT EXISTS "
            f"(SELECT 1 FROM change_entry AS known WHERE known.entity = '{entity}' AND known.uid = {entity}.uid)"
        )
        op.execute(
            "UPDATE change_counter SET seq = (SELECT max(seq) FROM change_entry) "
            "WHERE seq < (SELECT max(seq) FROM change_entry)"
        )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
