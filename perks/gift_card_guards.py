"""What the database itself refuses about gift cards, whoever asks: no balance moves without its posting.

A posting that is inserted moves its card's balance, in the same statement. It must carry on from where the card
stands, so that a balance below zero fails the CHECK of its row; what a charge gives back adds up to no more than the
charge; nothing follows the posting that closed the card. Postings are never changed or deleted, and neither are the
facts of a card. Triggers, because a CHECK sees one row only.

On PostgreSQL the card's row is held before anything is judged, so that two postings of one card follow one another; on
SQLite all writers do. A later migration that makes SQLite build one of the two tables anew takes the triggers away with
the old table: it must install them again (their tests fail until it does).
"""

# ruff: noqa: S608  (what is put together are our own names of tables and columns)

from collections.abc import Iterator
from typing import Final

from citizen_app.guards import for_migrations, refusal

CARD: Final = "perks_giftcard"
POSTING: Final = "perks_giftcardposting"

FOLLOWS: Final = "gift_card_posting_follows_the_last"
BEGINS: Final = "gift_card_begins_with_its_face"
ENDS: Final = "gift_card_has_nothing_after_its_end"
WITHIN_CHARGE: Final = "gift_card_refund_is_within_its_charge"
WHOLE: Final = "gift_card_amounts_are_whole_numbers"
EMPTY: Final = "gift_card_is_empty_before_its_issue"
MOVES_WITH_LEDGER: Final = "gift_card_balance_moves_with_its_ledger"
FACTS: Final = "gift_card_facts_never_change"
KEPT: Final = "gift_card_is_kept"
LEDGER_KEPT: Final = "gift_card_ledger_is_kept"
MOVES_BALANCE: Final = "gift_card_posting_moves_the_balance"

_SIGNED: Final = "CASE WHEN NEW.to_account = 'card' THEN NEW.amount ELSE -NEW.amount END"
_FACTS: Final = ("id", "redemption_id", "merchant_id", "currency", "face", "issued_at", "expires_at")

# Each name with what breaks it. `{differs}` compares where either side may be null.
_NEW_POSTING: Final = (
    (
        FOLLOWS,
        f"NOT EXISTS (SELECT 1 FROM {CARD} card WHERE card.id = NEW.card_id AND NEW.number = card.moves + 1 "
        f"AND NEW.balance_after = card.balance + {_SIGNED})",
    ),
    (
        BEGINS,
        "(NEW.number = 1) <> (NEW.kind = 'issue') OR (NEW.kind = 'issue' AND NOT EXISTS "
        f"(SELECT 1 FROM {CARD} card WHERE card.id = NEW.card_id AND card.face = NEW.amount))",
    ),
    (
        ENDS,
        f"EXISTS (SELECT 1 FROM {POSTING} last WHERE last.card_id = NEW.card_id "
        "AND (last.kind = 'expire' OR (last.kind = 'reverse' AND last.charge_id IS NULL)))",
    ),
    (
        WITHIN_CHARGE,
        f"NEW.charge_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {POSTING} charge WHERE charge.id = NEW.charge_id "
        "AND charge.card_id = NEW.card_id AND charge.kind = 'charge' AND charge.amount >= NEW.amount + "
        f"COALESCE((SELECT SUM(past.amount) FROM {POSTING} past WHERE past.charge_id = NEW.charge_id), 0))",
    ),
)
_NEW_CARD: Final = ((EMPTY, "NEW.balance <> 0 OR NEW.moves <> 0 OR NEW.state <> 'open'"),)
_CHANGED_CARD: Final = (
    (
        MOVES_WITH_LEDGER,
        "(NEW.balance {differs} OLD.balance OR NEW.moves {differs} OLD.moves) AND NOT (NEW.moves = OLD.moves + 1 "
        f"AND EXISTS (SELECT 1 FROM {POSTING} last WHERE last.card_id = NEW.id AND last.number = NEW.moves "
        "AND last.balance_after = NEW.balance))",
    ),
    (
        FACTS,
        " OR ".join(f"NEW.{column} {{differs}} OLD.{column}" for column in _FACTS)
        + " OR (NEW.citizen_id IS NOT NULL AND NEW.citizen_id {differs} OLD.citizen_id)",
    ),
)
_MOVE: Final = f"UPDATE {CARD} SET balance = NEW.balance_after, moves = NEW.number WHERE id = NEW.card_id"

# SQLite keeps what it is given: a text or a fraction would compare as it likes. And `INSERT OR REPLACE` deletes the
# row in its way without asking a trigger, so that one in the way is refused first.
_SQLITE_POSTING: Final = (
    (
        WHOLE,
        " OR ".join(f"typeof(NEW.{column}) <> 'integer'" for column in ("number", "amount", "balance_after")),
    ),
    (f"{LEDGER_KEPT}__new", f"EXISTS (SELECT 1 FROM {POSTING} old WHERE old.id = NEW.id OR old.scan_id = NEW.scan_id)"),
)
_SQLITE_CARD: Final = (
    (f"{WHOLE}__face", "typeof(NEW.face) <> 'integer'"),
    (
        f"{KEPT}__new",
        f"EXISTS (SELECT 1 FROM {CARD} old WHERE old.id = NEW.id OR old.redemption_id = NEW.redemption_id)",
    ),
)
_FUNCTIONS: Final = {
    "perks_judge_gift_card_posting": (POSTING, "INSERT", _NEW_POSTING),
    "perks_judge_gift_card": (CARD, "INSERT", _NEW_CARD),
    "perks_judge_gift_card_change": (CARD, "UPDATE", _CHANGED_CARD),
    "perks_keep_gift_card": (CARD, "DELETE", ((KEPT, "TRUE"),)),
    "perks_keep_gift_card_ledger": (POSTING, "UPDATE OR DELETE", ((LEDGER_KEPT, "TRUE"),)),
}


def statements_to_install(vendor: str) -> list[str]:
    """The SQL that sets the guards up; what they refuse is a violated CHECK of the guard's name."""
    return list(_postgresql() if vendor == "postgresql" else _sqlite())


def _postgresql() -> Iterator[str]:
    for function, (table, event, judged) in _FUNCTIONS.items():
        held = f"PERFORM 1 FROM {CARD} card WHERE card.id = NEW.card_id FOR NO KEY UPDATE; " if table == POSTING else ""
        held = held if event == "INSERT" else ""
        refusals = " ".join(
            f"IF {breach.format(differs='IS DISTINCT FROM')} THEN {refusal(name)} END IF;" for name, breach in judged
        )
        yield (
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {held}{refusals} "
            "RETURN NEW; END $$"
        )
        yield f"CREATE TRIGGER {function} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"
    yield (
        f"CREATE FUNCTION perks_move_gift_card() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {_MOVE}; "
        "RETURN NULL; END $$"
    )
    yield (
        f"CREATE TRIGGER {MOVES_BALANCE} AFTER INSERT ON {POSTING} FOR EACH ROW EXECUTE FUNCTION perks_move_gift_card()"
    )


def _sqlite() -> Iterator[str]:
    for name, table, event, breach in _sqlite_guards():
        yield (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {breach.format(differs='IS NOT')} "
            f"BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: {name.partition('__')[0]}'); END"
        )
    yield f"CREATE TRIGGER {MOVES_BALANCE} AFTER INSERT ON {POSTING} BEGIN {_MOVE}; END"


def _sqlite_guards() -> Iterator[tuple[str, str, str, str]]:
    # The last one made is asked first: whether a row is in the way comes before what it says.
    yield from ((name, POSTING, "INSERT", breach) for name, breach in (*_NEW_POSTING, *_SQLITE_POSTING))
    yield from ((name, CARD, "INSERT", breach) for name, breach in (*_NEW_CARD, *_SQLITE_CARD))
    yield from ((name, CARD, "UPDATE", breach) for name, breach in _CHANGED_CARD)
    yield KEPT, CARD, "DELETE", "TRUE"
    yield LEDGER_KEPT, POSTING, "UPDATE", "TRUE"
    yield f"{LEDGER_KEPT}__delete", POSTING, "DELETE", "TRUE"


def statements_to_remove(vendor: str) -> list[str]:
    """The SQL that takes the guards away."""
    if vendor != "postgresql":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in (*(one[0] for one in _sqlite_guards()), MOVES_BALANCE)]
    return [
        *(
            statement
            for function, (table, *_) in _FUNCTIONS.items()
            for statement in (
                f"DROP TRIGGER IF EXISTS {function} ON {table}",
                f"DROP FUNCTION IF EXISTS {function}()",
            )
        ),
        f"DROP TRIGGER IF EXISTS {MOVES_BALANCE} ON {POSTING}",
        "DROP FUNCTION IF EXISTS perks_move_gift_card()",
    ]


install, remove = for_migrations(statements_to_install, statements_to_remove)
