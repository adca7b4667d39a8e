"""Gift cards: what a merchant owes to whoever holds the card, and every movement of it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from citizen_app.models.keys import IntegerNamed, NamedQuerySet, UUIDNamed
from perks.models.merchants import Merchant
from perks.models.redemptions import Redemption
from perks.models.scans import Scan


class GiftCardQuerySet(NamedQuerySet):
    def open_at(self, now: datetime) -> "GiftCardQuerySet":
        """Those whose time is not over and that were not taken back, with money on them or not."""
        return self.filter(state=GiftCard.State.OPEN, expires_at__gt=now)

    def held(self, pk: object) -> "GiftCard":
        """The card as it is now, held until the transaction ends; its redemption's row is held before it, if at all.

        Rows are held without their key: a row that is written twice has its foreign keys looked up again, and would
        wait for whoever holds the redemption while they wait for the card.
        """
        held: Any = self.select_for_update(no_key=True, of=("self",)).select_related("merchant")
        card: GiftCard = held.get(pk=pk)
        return card


class GiftCard(UUIDNamed):
    """One card of one redemption: the issuing merchant's own liability, spent only there.

    Nobody writes `balance` and `moves`: a posting moves them in the database itself (`perks.gift_card_guards`).
    `citizen` becomes null when the person leaves; whoever shows the code can spend the card then (P10).
    """

    class State(models.TextChoices):
        OPEN = "open"
        EXPIRED = "expired"
        REVERSED = "reversed"

    prefix = "gc"
    redemption = models.OneToOneField(Redemption, models.RESTRICT, related_name="gift_card")
    merchant = models.ForeignKey(Merchant, models.RESTRICT, related_name="gift_cards")
    citizen = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="gift_cards")
    currency = models.CharField(max_length=3)
    face = models.BigIntegerField()
    balance = models.BigIntegerField(default=0)
    moves = models.PositiveIntegerField(default=0)  # how many postings it has
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    notice_days = models.PositiveSmallIntegerField(null=True)  # of the last notice before its end: 30, then 7
    sequence = models.PositiveIntegerField(default=0)  # of the events told about it

    objects = GiftCardQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(balance__gte=0, balance__lte=F("face")), name="gift_card_balance_is_zero_to_face"
            ),
            models.CheckConstraint(condition=Q(face__gt=0), name="gift_card_is_worth_something"),
            models.CheckConstraint(
                condition=Q(state="open") | Q(state__in=["expired", "reversed"], balance=0),
                name="gift_card_that_is_over_is_empty",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("issued_at")), name="gift_card_lives_after_issue"),
        ]
        indexes = [
            # A citizen's own list, newest first.
            models.Index(fields=["citizen", "-id"], name="gift_card_of_citizen"),
            # What a merchant owes.
            models.Index(fields=["merchant", "state"], name="gift_card_of_merchant"),
            # The sweeps of cards whose time is over, or ends soon.
            models.Index(fields=["expires_at"], condition=Q(state="open"), name="gift_card_to_expire"),
        ]

    def __str__(self) -> str:
        return self.public_id


class GiftCardPosting(IntegerNamed):
    """One movement in the merchant's books: the same amount leaves one account and reaches another, so they balance.

    `card` is what is owed to the holder. Append-only: the database refuses to change or delete one, to write one that
    does not follow the last one of its card, and one that returns more than its charge took.
    """

    class Kind(models.TextChoices):
        ISSUE = "issue"
        CHARGE = "charge"
        REFUND = "refund"
        EXPIRE = "expire"
        REVERSE = "reverse"  # with a charge, that charge is undone; without, the whole card is taken back

    class Account(models.TextChoices):
        GRANTED = "granted"  # what the merchant gave away
        CARD = "card"  # what it owes on cards
        SALES = "sales"  # what was bought with cards
        LAPSED = "lapsed"  # what was not spent in time

    prefix = "gcp"
    card = models.ForeignKey(GiftCard, models.RESTRICT, related_name="postings")
    number = models.PositiveIntegerField()  # of its card, from 1
    kind = models.CharField(max_length=8, choices=Kind)
    from_account = models.CharField(max_length=8, choices=Account)
    to_account = models.CharField(max_length=8, choices=Account)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    charge = models.ForeignKey("self", models.RESTRICT, null=True, related_name="returns")  # what it gives back of
    scan = models.OneToOneField(Scan, models.RESTRICT, null=True, related_name="charge")
    at = models.DateTimeField()

    objects = NamedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["card", "number"], name="gift_card_posting_numbered_once"),
            models.UniqueConstraint(
                fields=["charge"], condition=Q(kind="reverse"), name="gift_card_charge_is_undone_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="gift_card_posting_moves_something"),
            models.CheckConstraint(condition=Q(balance_after__gte=0), name="gift_card_is_never_overdrawn"),
            models.CheckConstraint(
                condition=Q(kind="charge", scan__isnull=False) | (~Q(kind="charge") & Q(scan__isnull=True)),
                name="gift_card_charge_is_a_scan",
            ),
            models.CheckConstraint(
                condition=Q(kind="issue", charge__isnull=True, from_account="granted", to_account="card")
                | Q(kind="charge", charge__isnull=True, from_account="card", to_account="sales")
                | Q(kind="refund", charge__isnull=False, from_account="sales", to_account="card")
                | Q(kind="expire", charge__isnull=True, from_account="card", to_account="lapsed")
                | Q(kind="reverse", charge__isnull=False, from_account="sales", to_account="card")
                | Q(kind="reverse", charge__isnull=True, from_account="card", to_account="granted"),
                name="gift_card_posting_has_its_accounts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def adds(self) -> bool:
        """Whether it put money on the card."""
        return self.to_account == self.Account.CARD
