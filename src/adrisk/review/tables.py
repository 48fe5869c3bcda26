"""Tables of the review store, with triggers that make the record of openings append-only."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    event,
)

METADATA = MetaData()

CONTACTS = Table(
    "contacts",
    METADATA,
    Column("pseudonym", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("kept_at", DateTime, nullable=False),
)

OPENINGS = Table(
    "openings",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", DateTime, nullable=False),
    Column("person", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("pseudonym", String(64), nullable=False),
)
"""Who opened which contact, when and why; times are UTC. Rows are never changed or removed."""

for _change in ("update", "delete"):
    event.listen(
        OPENINGS,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"create trigger openings_no_{_change} before {_change} on openings "
            "begin select raise(abort, 'the record of openings is only added to'); end"
        ).execute_if(dialect="sqlite"),
    )
event.listen(
    OPENINGS,
    "after_create",
    DDL(  # type: ignore[no-untyped-call]
        "create function adrisk_only_added_to() returns trigger language plpgsql as "
        "$$ begin raise exception 'the record of openings is only added to'; end $$; "
        "create trigger openings_only_added_to before update or delete or truncate on openings "
        "for each statement execute function adrisk_only_added_to()"
    ).execute_if(dialect="postgresql"),
)
