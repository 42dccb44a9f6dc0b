"""The tables of the label database, as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

HEAD = "0003"  # the version of the schema that this package reads and writes

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")

events = Table(
    "events",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("annotator", Text, nullable=False),
    Column("item_kind", String(16), nullable=False),
    Column("class_name", Text, nullable=False),
    Column("item_key", Text, nullable=False),
    Column("level", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Column("hints", Text, nullable=False),
    Column("position", Integer),
    Column("undoes", _ID, ForeignKey("events.id"), unique=True),
    Column("app_version", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Index("events_of_annotator", "annotator", "id"),
    Index("events_of_item", "class_name", "item_kind", "item_key", "id"),
)

# Derived: the event that stands for each item, kept up in the transaction of every event.
# The scope is the annotator's name after "label:", or "adjudication" for all adjudicators.
standing = Table(
    "standing",
    metadata,
    Column("item_kind", String(16), nullable=False),
    Column("class_name", Text, nullable=False),
    Column("item_key", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("event_id", _ID, ForeignKey("events.id"), nullable=False),
    PrimaryKeyConstraint("item_kind", "class_name", "item_key", "scope"),
    Index("standing_of_scope", "scope", "item_kind"),
)

orders = Table(
    "orders",
    metadata,
    Column("annotator", Text, nullable=False),
    Column("class_name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("annotator", "class_name"),
)

people = Table(
    "people",
    metadata,
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    PrimaryKeyConstraint("name", "role"),
)

# What was shown to whom besides the videos; without a class's name, of all classes at once.
looks = Table(
    "looks",
    metadata,
    Column("annotator", Text, nullable=False),
    Column("class_name", Text, nullable=False),
    Column("hint", Text, nullable=False),
    PrimaryKeyConstraint("annotator", "class_name", "hint"),
)
