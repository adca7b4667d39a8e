"""What the guards of the database have in common: triggers that refuse as a violated CHECK would, set by migrations.

No Django: each room says its own SQL.
"""

from collections.abc import Callable
from typing import Any

Statements = Callable[[str], list[str]]
Operation = Callable[[Any, Any], None]


def refusal(name: str) -> str:
    """PostgreSQL's statement that refuses as the constraint of this name would."""
    return (
        f"RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = '{name}', TABLE = TG_TABLE_NAME, "
        f"MESSAGE = 'refused: {name}';"
    )


def for_migrations(to_install: Statements, to_remove: Statements) -> tuple[Operation, Operation]:
    """What a migration runs, of the SQL for each vendor: set guards up (also where they stand already), and remove."""

    def install(apps: Any, schema_editor: Any) -> None:
        remove(apps, schema_editor)
        for statement in to_install(schema_editor.connection.vendor):
            schema_editor.execute(statement)

    def remove(apps: Any, schema_editor: Any) -> None:
        for statement in to_remove(schema_editor.connection.vendor):
            schema_editor.execute(statement)

    return install, remove
