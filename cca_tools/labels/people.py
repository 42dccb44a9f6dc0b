"""Who may label and who may adjudicate; where nobody is listed, anyone may."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, insert, select

from cca_tools.errors import UsageError
from cca_tools.labels.events import LABEL, check_name
from cca_tools.labels.schema import people

ROLES = ("label", "adjudicate")


def check_role(role: str) -> str:
    """Return ``role`` if it is one of `ROLES`.

    Raises:
        UsageError: It is not.
    """
    if role not in ROLES:
        raise UsageError(f"{role!r} is no role", f"Give one of {', '.join(ROLES)}")
    return role


def listed(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Return everyone's roles."""
    found: dict[str, tuple[str, ...]] = {}
    for name, role in connection.execute(select(people).order_by(people.c.name, people.c.role)):
        found[name] = (*found.get(name, ()), role)
    return found


def record(connection: Connection, name: str, roles: Sequence[str]) -> None:
    """Give somebody these roles and no others.

    Raises:
        UsageError: There is no such role, or the name is empty or too long.
    """
    if not check_name(name).strip():
        raise UsageError("nobody has an empty name", "Give the name that stands with the labels")
    connection.execute(delete(people).where(people.c.name == name))
    rows = [{"name": name, "role": check_role(role)} for role in dict.fromkeys(roles)]
    if rows:
        connection.execute(insert(people), rows)


def check_listed(connection: Connection, names: Collection[str], kind: str) -> None:
    """Refuse events of people who are not listed, where people are.

    Args:
        connection: Of the transaction that would write.
        names: Who would write.
        kind: Of the events.

    Raises:
        UsageError: Somebody may not; the message names him.
    """
    role = role_for(kind)
    roles = listed(connection)
    strangers = [name for name in sorted(names) if role not in roles.get(name, ())]
    if roles and strangers:
        raise not_listed(strangers[0], role)


def role_for(kind: str) -> str:
    """Return the role that events of a kind need."""
    return "label" if kind == LABEL else "adjudicate"


def not_listed(name: str, role: str) -> UsageError:
    """Return the refusal of what somebody is not listed for."""
    return UsageError(
        f"{name!r} is not listed as one who may {role}",
        f"List the name by `cca-tools labels people NAME --may {role}`",
    )
