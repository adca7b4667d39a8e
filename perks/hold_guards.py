"""What the database itself refuses about the record of held money, whoever asks: no movement is changed or deleted.

A migration that makes SQLite build the table anew takes the triggers with the old one: it installs them again.
"""

# ruff: noqa: S608  (what is put together are our own names)

from collections.abc import Iterator
from typing import Final

from citizen_app.guards import for_migrations, refusal

MOVEMENT: Final = "perks_holdmovement"
KEPT: Final = "hold_movement_is_kept"
_FUNCTION: Final = "perks_keep_hold_movement"
# `INSERT OR REPLACE` deletes the row in its way without asking a trigger, so that one in the way is refused first.
_SQLITE: Final = (
    (f"{KEPT}__new", "INSERT", f"EXISTS (SELECT 1 FROM {MOVEMENT} old WHERE old.id = NEW.id)"),
    (KEPT, "UPDATE", "1 = 1"),
    (f"{KEPT}__delete", "DELETE", "1 = 1"),
)


def statements_to_install(vendor: str) -> list[str]:
    """The SQL that sets the guards up; what they refuse is a violated CHECK of the guard's name."""
    return list(_postgresql() if vendor == "postgresql" else _sqlite())


def _postgresql() -> Iterator[str]:
    yield f"CREATE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refusal(KEPT)} END $$"
    for when, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        name = _FUNCTION if each == "ROW" else f"{_FUNCTION}s"
        yield f"CREATE TRIGGER {name} BEFORE {when} ON {MOVEMENT} FOR EACH {each} EXECUTE FUNCTION {_FUNCTION}()"


def _sqlite() -> Iterator[str]:
    for name, event, breach in _SQLITE:
        yield (
            f"CREATE TRIGGER {name} BEFORE {event} ON {MOVEMENT} WHEN {breach} "
            f"BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: {KEPT}'); END"
        )


def statements_to_remove(vendor: str) -> list[str]:
    """The SQL that takes the guards away."""
    if vendor != "postgresql":
        return [f"DROP TRIGGER IF EXISTS {name}" for name, *_ in _SQLITE]
    return [
        f"DROP TRIGGER IF EXISTS {_FUNCTION} ON {MOVEMENT}",
        f"DROP TRIGGER IF EXISTS {_FUNCTION}s ON {MOVEMENT}",
        f"DROP FUNCTION IF EXISTS {_FUNCTION}()",
    ]


install, remove = for_migrations(statements_to_install, statements_to_remove)
