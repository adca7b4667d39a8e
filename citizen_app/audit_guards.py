"""What the database itself refuses about the record of acts, whoever asks: no act is changed, and none goes early.

An act is inserted unchained and may then be chained once. Beside that only its request's name may be emptied, which is
no part of what is chained. It goes when it is six years old and the chain has been told that it begins after it. The
head of the chain moves forward only. Triggers, because a CHECK knows nothing of the row before.

A later migration that makes SQLite build one of the two tables anew takes the triggers away with the old table: it
must install them again (their tests fail until it does).
"""

# ruff: noqa: S608  (what is put together are our own names of tables and columns)

from collections.abc import Iterator
from typing import Final

from citizen_app.guards import for_migrations, refusal

EVENT: Final = "citizen_app_auditevent"
CHAIN: Final = "citizen_app_auditchain"
KEPT_YEARS: Final = 6

BEGINS_UNCHAINED: Final = "audit_event_begins_unchained"
NEVER_CHANGES: Final = "audit_event_never_changes"
KEPT: Final = "audit_event_is_kept_six_years"
CHAIN_KEPT: Final = "audit_chain_is_kept"
FORWARD: Final = "audit_chain_moves_forward"

_BODY: Final = ("id", "at", "actor", "action", "object", "facts")
_CHANGED_EVENT: Final = (
    " OR ".join(f"NEW.{column} {{differs}} OLD.{column}" for column in _BODY)
    + " OR (OLD.number IS NOT NULL AND (NEW.number {differs} OLD.number OR NEW.hash {differs} OLD.hash))"
    + " OR (NEW.request_id {differs} OLD.request_id AND NEW.request_id <> '')"
)
_GOES_EARLY: Final = (
    "OLD.number IS NULL OR OLD.at >= {six_years_ago} "
    f"OR NOT EXISTS (SELECT 1 FROM {CHAIN} chain WHERE chain.pruned_number >= OLD.number)"
)
_BACKWARD: Final = (
    "NEW.id <> OLD.id OR NEW.number < OLD.number OR NEW.pruned_number < OLD.pruned_number "
    "OR (NEW.number = OLD.number AND NEW.hash <> OLD.hash) "
    "OR (NEW.pruned_number = OLD.pruned_number AND NEW.pruned_hash <> OLD.pruned_hash)"
)
_RULES: Final = (
    (BEGINS_UNCHAINED, EVENT, "INSERT", "NEW.number IS NOT NULL"),
    (NEVER_CHANGES, EVENT, "UPDATE", _CHANGED_EVENT),
    (KEPT, EVENT, "DELETE", _GOES_EARLY),
    (FORWARD, CHAIN, "UPDATE", _BACKWARD),
    (CHAIN_KEPT, CHAIN, "DELETE", "1 = 1"),
)
# `INSERT OR REPLACE` deletes the row in its way without asking a trigger, so that one in the way is refused first.
_SQLITE_RULES: Final = (
    (f"{NEVER_CHANGES}__new", EVENT, "INSERT", f"EXISTS (SELECT 1 FROM {EVENT} old WHERE old.id = NEW.id)"),
    (f"{CHAIN_KEPT}__new", CHAIN, "INSERT", f"EXISTS (SELECT 1 FROM {CHAIN} old WHERE old.id = NEW.id)"),
)
_NO_TRUNCATION: Final = "citizen_app_refuse_truncation"


def statements_to_install(vendor: str) -> list[str]:
    """The SQL that sets the guards up; what they refuse is a violated CHECK of the guard's name."""
    return list(_postgresql() if vendor == "postgresql" else _sqlite())


def _postgresql() -> Iterator[str]:
    for name, table, event, breach in _RULES:
        broken = breach.format(differs="IS DISTINCT FROM", six_years_ago=f"now() - interval '{KEPT_YEARS} years'")
        back = "OLD" if event == "DELETE" else "NEW"
        yield (
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {broken} THEN {refusal(name)} "
            f"END IF; RETURN {back}; END $$"
        )
        yield f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    yield f"CREATE FUNCTION {_NO_TRUNCATION}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refusal(KEPT)} END $$"
    for table in (EVENT, CHAIN):
        yield (
            f"CREATE TRIGGER {_NO_TRUNCATION} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION {_NO_TRUNCATION}()"
        )


def _sqlite() -> Iterator[str]:
    for name, table, event, breach in (*_RULES, *_SQLITE_RULES):
        broken = breach.format(differs="IS NOT", six_years_ago=f"datetime('now', '-{KEPT_YEARS} years')")
        yield (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {broken} "
            f"BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: {name.partition('__')[0]}'); END"
        )


def statements_to_remove(vendor: str) -> list[str]:
    """The SQL that takes the guards away."""
    if vendor != "postgresql":
        return [f"DROP TRIGGER IF EXISTS {name}" for name, *_ in (*_RULES, *_SQLITE_RULES)]
    return [
        *(f"DROP TRIGGER IF EXISTS {_NO_TRUNCATION} ON {table}" for table in (EVENT, CHAIN)),
        f"DROP FUNCTION IF EXISTS {_NO_TRUNCATION}()",
        *(
            statement
            for name, table, *_ in _RULES
            for statement in (f"DROP TRIGGER IF EXISTS {name} ON {table}", f"DROP FUNCTION IF EXISTS {name}()")
        ),
    ]


install, remove = for_migrations(statements_to_install, statements_to_remove)
