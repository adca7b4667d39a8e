"""No SQL, whoever sends it, makes a balance negative, moves it without the ledger, or refunds more than was charged."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from citizen_app.db import violated
from perks import gift_card_guards as guards
from perks.models import GiftCard, GiftCardPosting
from tests.factories.gift_cards import balance_of, charge, scan_card, taken_card

pytestmark = pytest.mark.django_db


def refused(statement, *params):
    """The name of the rule by which the database refuses a statement; an AssertionError when it does not."""
    before = list(GiftCardPosting.objects.order_by("pk").values())
    cards = list(GiftCard.objects.order_by("pk").values())
    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)
    assert list(GiftCardPosting.objects.order_by("pk").values()) == before
    assert list(GiftCard.objects.order_by("pk").values()) == cards
    return violated(refusal.value)


def key(one):
    return one.pk.hex if connection.vendor == "sqlite" and hasattr(one.pk, "hex") else one.pk


def posting(card, kind, amount, *, number, after, charge_of=None, scan=None, verb="INSERT", **more):
    accounts = {
        "issue": ("granted", "card"),
        "charge": ("card", "sales"),
        "refund": ("sales", "card"),
        "expire": ("card", "lapsed"),
        "reverse": ("sales", "card") if charge_of else ("card", "granted"),
    }
    row = {
        "card_id": key(card),
        "number": number,
        "kind": kind,
        "from_account": accounts[kind][0],
        "to_account": accounts[kind][1],
        "amount": amount,
        "balance_after": after,
        "charge_id": charge_of and charge_of.pk,
        "scan_id": scan and scan.pk,
        "at": timezone.now(),
        **more,
    }
    holes = ", ".join(["%s"] * len(row))
    return f"{verb} INTO perks_giftcardposting ({', '.join(row)}) VALUES ({holes})", *row.values()


@pytest.fixture
def card():
    """A card of 25.00 with a charge of 10.00."""
    card = taken_card(2500)
    charge(card, 1000)
    card.refresh_from_db()
    return card


@pytest.fixture
def charged(card):
    return GiftCardPosting.objects.get(kind="charge")


def test_a_balance_is_not_written(card):
    table = "UPDATE perks_giftcard SET"
    assert refused(f"{table} balance = 2500") == guards.MOVES_WITH_LEDGER
    assert refused(f"{table} balance = balance - 1") == guards.MOVES_WITH_LEDGER
    assert refused(f"{table} moves = 1, balance = 2500") == guards.MOVES_WITH_LEDGER
    assert refused(f"{table} moves = moves + 1") == guards.MOVES_WITH_LEDGER


def test_a_posting_moves_the_balance_with_it(card, charged):
    with connection.cursor() as cursor:
        cursor.execute(
            *(lambda sql, *params: (sql, params))(
                *posting(card, "refund", 400, number=3, after=1900, charge_of=charged)
            )
        )
    assert balance_of(card) == 1900


def test_nothing_is_overdrawn(card):
    """Lesson 14."""
    scan = scan_card(card, 9999)  # recorded, and charged nothing
    assert refused(*posting(card, "charge", 1501, number=3, after=-1, scan=scan)) == "gift_card_is_never_overdrawn"
    assert refused(*posting(card, "charge", 1501, number=3, after=0, scan=scan)) == guards.FOLLOWS
    assert refused(*posting(card, "expire", 1501, number=3, after=-1)) == "gift_card_is_never_overdrawn"
    assert refused(*posting(card, "charge", -5, number=3, after=1505, scan=scan)) in (
        "gift_card_posting_moves_something",
        guards.FOLLOWS,
    )
    assert refused(*posting(card, "charge", 0, number=3, after=1500, scan=scan)) == "gift_card_posting_moves_something"


def test_a_posting_carries_on_from_the_last(card, charged):
    for number, after in ((2, 1900), (4, 1900), (3, 2500), (3, 400)):
        assert refused(*posting(card, "refund", 400, number=number, after=after, charge_of=charged)) == guards.FOLLOWS


def written(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def test_a_card_that_is_spent_is_not_issued_again(card):
    charge(card, 1500)
    assert balance_of(card) == 0
    assert refused(*posting(card, "issue", 2500, number=4, after=2500)) == guards.BEGINS


def test_nothing_follows_the_whole_card_s_reversal_whatever_the_card_says_of_itself(card, charged):
    written(*posting(card, "reverse", 1500, number=3, after=0))  # its state was not written, or not yet
    assert balance_of(card) == 0
    assert refused(*posting(card, "refund", 10, number=4, after=10, charge_of=charged)) == guards.ENDS


def test_nothing_is_put_on_a_card_but_its_face_once(card):
    assert refused(*posting(card, "issue", 1000, number=3, after=2500)) == guards.BEGINS
    for table_row in ({"balance": 2500, "moves": 0}, {"balance": 0, "moves": 1}):
        names = ("redemption_id", "merchant_id", "citizen_id", "currency", "face", "state", "issued_at", "expires_at")
        old = GiftCard.objects.values(*names).get()
        row = {
            name: value.hex if hasattr(value, "hex") and connection.vendor == "sqlite" else value
            for name, value in old.items()
        }
        row |= {"id": "0" * 31 + "1", "sequence": 0, **table_row}
        holes = ", ".join(["%s"] * len(row))
        assert refused(f"INSERT INTO perks_giftcard ({', '.join(row)}) VALUES ({holes})", *row.values()) in (
            guards.EMPTY,
            guards.KEPT,  # SQLite: the card of this redemption stands already
        )


def test_no_more_is_refunded_than_was_charged_and_only_to_the_same_card(card, charged):
    """Lesson 13."""
    other = taken_card(2500)
    assert refused(*posting(card, "refund", 1001, number=3, after=2501, charge_of=charged)) == guards.WITHIN_CHARGE
    assert (
        refused(*posting(card, "reverse", 999999, number=3, after=1001499, charge_of=charged)) == guards.WITHIN_CHARGE
    )
    assert refused(*posting(other, "refund", 10, number=2, after=2510, charge_of=charged)) == guards.WITHIN_CHARGE
    issue = GiftCardPosting.objects.get(kind="issue", card=card)
    assert refused(*posting(card, "refund", 10, number=3, after=1510, charge_of=issue)) == guards.WITHIN_CHARGE
    with connection.cursor() as cursor:
        statement, *params = posting(card, "refund", 600, number=3, after=2100, charge_of=charged)
        cursor.execute(statement, params)
    assert refused(*posting(card, "refund", 401, number=4, after=2501, charge_of=charged)) == guards.WITHIN_CHARGE
    assert refused(*posting(card, "reverse", 401, number=4, after=2501, charge_of=charged)) == guards.WITHIN_CHARGE


def test_nothing_follows_the_end(card, charged):
    statement, *params = posting(card, "expire", 1500, number=3, after=0)
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
    assert refused(*posting(card, "refund", 10, number=4, after=10, charge_of=charged)) == guards.ENDS


def test_a_posting_has_two_accounts_by_what_it_is(card, charged):
    wrong = posting(card, "refund", 10, number=3, after=1510, charge_of=charged, from_account="granted")
    assert refused(*wrong) == "gift_card_posting_has_its_accounts"
    same = posting(card, "refund", 10, number=3, after=1510, charge_of=charged, from_account="card")
    assert refused(*same) == "gift_card_posting_has_its_accounts"


def test_the_ledger_is_neither_changed_nor_deleted(card):
    for change in ("amount = 1", "balance_after = 0", "kind = 'refund'", "charge_id = NULL", "at = at"):
        assert refused(f"UPDATE perks_giftcardposting SET {change}") == guards.LEDGER_KEPT
    assert refused("DELETE FROM perks_giftcardposting") == guards.LEDGER_KEPT
    assert refused("DELETE FROM perks_giftcard") == guards.KEPT


def test_the_facts_of_a_card_stay_and_only_its_citizen_can_leave_it(card):
    somebody = taken_card().citizen
    later = timezone.now()
    for change, value in {"face": 10**9, "currency": "USD", "expires_at": later, "issued_at": later}.items():
        with_id = f"UPDATE perks_giftcard SET {change} = %s WHERE id = %s"
        assert refused(with_id, value, key(card)) == guards.FACTS, change
    assert refused("UPDATE perks_giftcard SET citizen_id = %s WHERE id = %s", somebody.pk, key(card)) == guards.FACTS
    assert GiftCard.objects.filter(pk=card.pk).update(citizen=None) == 1
    assert refused("UPDATE perks_giftcard SET citizen_id = %s WHERE id = %s", somebody.pk, key(card)) == guards.FACTS


def test_sqlite_puts_no_row_in_the_place_of_another_and_no_text_in_the_place_of_a_number(card, charged):
    if connection.vendor != "sqlite":
        pytest.skip("SQLite alone replaces rows on insert and keeps a text in a column of numbers")
    over = posting(card, "refund", 10, number=3, after=1510, charge_of=charged, verb="INSERT OR REPLACE", id=charged.pk)
    assert refused(*over) == guards.LEDGER_KEPT
    assert refused(*posting(card, "refund", "many", number=3, after=1500, charge_of=charged)) == guards.WHOLE
    assert refused(*posting(card, "refund", 0.5, number=3, after=1500.5, charge_of=charged)) == guards.WHOLE
    columns = "id, redemption_id, merchant_id, citizen_id, currency, face, balance, moves, state, issued_at, expires_at"
    again = f"INSERT OR REPLACE INTO perks_giftcard ({columns}, sequence) SELECT {columns}, 0 FROM perks_giftcard"
    assert refused(again) in (guards.KEPT, guards.EMPTY)
    empty = columns.replace("balance, moves", "0, 0")
    again = f"INSERT OR REPLACE INTO perks_giftcard ({columns}, sequence) SELECT {empty}, 0 FROM perks_giftcard"
    assert refused(again) == guards.KEPT


def test_without_the_guards_sql_could_do_all_of_it(card):
    """What refuses above are the guards: without them the same statements go through."""
    with connection.cursor() as cursor, transaction.atomic():
        for statement in guards.statements_to_remove(connection.vendor):
            cursor.execute(statement)
        cursor.execute("UPDATE perks_giftcard SET balance = 2500")
        assert balance_of(card) == 2500
        transaction.set_rollback(True)
    assert refused("UPDATE perks_giftcard SET balance = 2500") == guards.MOVES_WITH_LEDGER
