"""What the database itself refuses about entries: a fact never changes, and its lapse only moves earlier (P8).

Triggers, because no constraint of a table can compare a row with what it was. They fire only for statements that name
one of the guarded columns, so that a change of status costs nothing more. A later migration that makes SQLite build
the table anew takes them away with the old table: it must install them again (their tests fail until it does).
"""

from typing import Final

from citizen_app.guards import for_migrations

LAPSES_ONLY_EARLIER: Final = "entry_lapses_only_earlier"
FACTS_NEVER_CHANGE: Final = "entry_facts_never_change"
FACTS: Final = ("id", "citizen_id", "link_id", "external_id", "kind_number", "occurred_on", "value", "recorded_at")
"""The columns that stay as they were recorded; `status`, `replaces_id` and, earlier, `lapses_on` may change."""

_TABLE: Final = "scores_entry"
_REFUSE: Final = "scores_refuse_change"
_GUARDS: Final = (
    (LAPSES_ONLY_EARLIER, ("lapses_on",), "NEW.lapses_on > OLD.lapses_on"),
    (FACTS_NEVER_CHANGE, FACTS, " OR ".join(f"NEW.{column} {{differs}} OLD.{column}" for column in FACTS)),
)


def statements_to_install(vendor: str) -> list[str]:
    """The SQL that sets the guards up; what they refuse is a violated CHECK of the guard's name."""
    if vendor == "postgresql":
        function = (
            f"CREATE FUNCTION {_REFUSE}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME, "
            "MESSAGE = 'refused: ' || TG_NAME; END $$"
        )
        return [
            function,
            *(
                f"CREATE TRIGGER {name} BEFORE UPDATE OF {', '.join(columns)} ON {_TABLE} FOR EACH ROW "
                f"WHEN ({breach.format(differs='IS DISTINCT FROM')}) EXECUTE FUNCTION {_REFUSE}()"
                for name, columns, breach in _GUARDS
            ),
        ]
    return [
        f"CREATE TRIGGER {name} BEFORE UPDATE OF {', '.join(columns)} ON {_TABLE} "
        f"WHEN {breach.format(differs='IS NOT')} "
        f"BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: {name}'); END"
        for name, columns, breach in _GUARDS
    ]


def statements_to_remove(vendor: str) -> list[str]:
    """The SQL that takes the guards away."""
    if vendor == "postgresql":
        return [
            *(f"DROP TRIGGER IF EXISTS {name} ON {_TABLE}" for name, *_ in _GUARDS),
            f"DROP FUNCTION IF EXISTS {_REFUSE}()",
        ]
    return [f"DROP TRIGGER IF EXISTS {name}" for name, *_ in _GUARDS]


install, remove = for_migrations(statements_to_install, statements_to_remove)
