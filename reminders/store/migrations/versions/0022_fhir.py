"""Identifiers of other systems; lists in order of change

Revision: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reminders.store.tables import base as types

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE patient SET updated_at = created_at WHERE updated_at IS NULL")
    op.create_index(op.f("ix_patient_updated_at_id"), "patient", ["updated_at", "id"])
    op.create_index(op.f("ix_appointment_updated_at_id"), "appointment", ["updated_at", "id"])
    op.create_table(
        "fhir_identifier",
        sa.Column("id", types.Id, nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("number", types.Id, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("system", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("body", types.Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fhir_identifier")),
    )
    op.create_index(op.f("ix_fhir_identifier_resource_number"), "fhir_identifier", ["resource", "number", "place"])
    op.create_index(op.f("ix_fhir_identifier_value"), "fhir_identifier", ["value"])
    op.create_index(
        op.f("uq_fhir_identifier_resource_system_value"),
        "fhir_identifier",
        ["resource", "system", "value"],
        unique=True,
        postgresql_where=sa.text("system <> ''"),
        sqlite_where=sa.text("system <> ''"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup made before the upgrade")
