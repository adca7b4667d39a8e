"""What is true of perks at every moment; `verify_invariants` looks for a row that breaks it."""

from collections import Counter
from collections.abc import Iterable, Iterator

from django.db.models import BigIntegerField, Case, Count, F, Q, Sum, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from citizen_app.invariants import invariant
from perks import hours, standing, tiers
from perks.models import (
    CodeList,
    DepositAgreement,
    GiftCard,
    GiftCardPosting,
    MakeGood,
    Merchant,
    OutsideCode,
    Perk,
    PerkDay,
    Redemption,
    RegistryNumber,
    Scan,
    ThresholdUse,
)
from perks.services.found_by import found_by
from perks.services.images import shown_pictures
from perks.services.registered import enterprises_of


@invariant("What a perk counts as taken are its redemptions that count for stock.")
def _stock_is_what_was_taken() -> Iterable[str]:
    counted = Perk.objects.annotate(real=Count("redemptions", filter=Q(redemptions__counts_for_stock=True)))
    wrong = counted.exclude(real=F("taken_count")).values_list("pk", "taken_count", "real")
    return (f"perk {pk}: counts {taken}, has {real}" for pk, taken, real in wrong.iterator())


@invariant("What a perk counts as spent is what its redemptions that count for limits cost.")
def _budget_is_what_was_spent() -> Iterator[str]:
    with_budget = Perk.objects.filter(Q(budget_amount__isnull=False) | ~Q(budget_spent=0))
    for perk in with_budget.iterator():
        counting = Redemption.objects.filter(perk=perk, counts_for_limits=True)
        spent = sum(tiers.cost_of(benefit) for benefit in counting.values_list("benefit", flat=True).iterator())
        if spent != perk.budget_spent:
            yield f"perk {perk.pk}: counts {perk.budget_spent}, has {spent}"


@invariant("What a perk keeps for make-goods are the open offers one is kept for.")
def _kept_is_what_was_promised() -> Iterable[str]:
    counted = Perk.objects.annotate(real=Count("make_goods", filter=Q(make_goods__is_kept=True)))
    wrong = counted.exclude(real=F("promised_count")).values_list("pk", "promised_count", "real")
    return (f"perk {pk}: keeps {promised}, has {real}" for pk, promised, real in wrong.iterator())


@invariant("Nothing of a perk is free while somebody is offered it again and none is kept for them.")
def _the_head_of_the_stock_is_kept() -> Iterable[str]:
    waiting = MakeGood.objects.open_at(timezone.now()).filter(is_kept=False).exclude(answer=MakeGood.Answer.DECLINED)
    passed_over = waiting.filter(perk__taken_count__lt=F("perk__stock") - F("perk__promised_count"))
    return (f"make-good {pk}" for pk in passed_over.values_list("pk", flat=True).iterator())


@invariant("What a day of a perk counts are the redemptions of that local day that count for stock.")
def _days_are_what_was_taken() -> Iterator[str]:
    for perk in Perk.objects.filter(limit_per_day__isnull=False).iterator():
        taken = Redemption.objects.filter(perk=perk, counts_for_stock=True).values_list("taken_at", flat=True)
        real = Counter(hours.local_day(instant, perk.zone) for instant in taken.iterator())
        for day, counted in PerkDay.objects.filter(perk=perk).values_list("day", "taken_count"):
            if real[day] != counted:
                yield f"perk {perk.pk} on {day}: counts {counted}, has {real[day]}"


@invariant("A redeemed discount, priority or waiver has exactly one accepted scan that stands, and no other has any.")
def _redeemed_was_scanned() -> Iterable[str]:
    standing = Count("scans", filter=Q(scans__outcome=Scan.Outcome.ACCEPTED, scans__undone_at=None))
    redemptions = Redemption.objects.filter(perk__kind__in=["discount", "priority", "deposit_waiver"]).annotate(
        standing=standing
    )
    scanned = Q(state__in=[Redemption.State.REDEEMED, Redemption.State.REVERSED])
    wrong = redemptions.filter((scanned & ~Q(standing=1)) | (~scanned & Q(standing__gt=0)))
    return (f"redemption {pk} ({state})" for pk, state in wrong.values_list("pk", "state").iterator())


@invariant("A redemption and its scans belong to one merchant.")
def _scans_stay_at_their_merchant() -> Iterable[str]:
    strangers = Scan.objects.filter(redemption__isnull=False).exclude(merchant=F("redemption__merchant"))
    return (f"scan {pk}" for pk in strangers.values_list("pk", flat=True).iterator())


@invariant("What is in force was approved by an operator.")
def _in_force_is_approved() -> Iterable[str]:
    unread = Perk.objects.filter(in_force__isnull=False, in_force__approved_at=None)
    return (f"perk {pk}" for pk in unread.values_list("pk", flat=True).iterator())


@invariant("A merchant's standing is what the enterprises it runs make of it.")
def _standing_is_what_was_recorded() -> Iterator[str]:
    with_standing = Merchant.objects.exclude(standing={}, standing_state=standing.GOOD)
    known = RegistryNumber.objects.filter(confirmed_at__isnull=False).exclude(register="").values("merchant")
    for merchant in (with_standing | Merchant.objects.filter(pk__in=known)).distinct().iterator():
        summary = standing.combine([one.summary for one in enterprises_of(merchant)])
        told = {**standing.NOTHING_KNOWN, **merchant.standing}
        if told != summary or merchant.standing_state != summary["state"]:
            yield f"merchant {merchant.pk}: says {merchant.standing_state}, its records {summary['state']}"


@invariant("Thresholds one merchant uses for one purpose at the same time are equal or at least 40 points apart.")
def _thresholds_are_far_apart() -> Iterator[str]:
    uses = ThresholdUse.objects.filter(used_until=None).order_by("merchant_id", "purpose", "min_score")
    before: tuple[object, str, int] | None = None
    for merchant, purpose, min_score in uses.values_list("merchant_id", "purpose", "min_score").iterator():
        if before and before[:2] == (merchant, purpose) and 0 < min_score - before[2] < tiers.LEAST_APART:
            yield f"merchant {merchant}, {purpose}: {before[2]} and {min_score}"
        before = (merchant, purpose, min_score)


@invariant("A make-good that was taken is its citizen's redemption of the same perk, version and benefit.")
def _make_goods_are_what_was_offered() -> Iterator[str]:
    taken = MakeGood.objects.filter(redemption__isnull=False).select_related("redemption")
    for make_good in taken.iterator():
        got = make_good.redemption
        offered = (make_good.citizen_id, make_good.perk_id, make_good.version_id, make_good.benefit)
        if got is not None and (got.citizen_id, got.perk_id, got.version_id, got.offered_benefit) != offered:
            yield f"make-good {make_good.pk}"


@invariant("The pictures a perk shows are the ones it has, and what it is found by are its words.")
def _beside_a_perk_stands_what_it_has() -> Iterator[str]:
    perks = Perk.objects.select_related("in_force", "merchant").prefetch_related("images", "categories")
    for perk in perks.iterator(chunk_size=500):
        if perk.pictures != shown_pictures(perk):
            yield f"perk {perk.pk}: shows other pictures than it has"
        if perk.in_force is not None and perk.search_text != found_by(perk):
            yield f"perk {perk.pk}: is found by other words than it has"


@invariant("What a list of codes counts as free and as given are its codes.")
def _lists_are_their_codes() -> Iterator[str]:
    counted = OutsideCode.objects.values("code_list").annotate(
        free=Count("pk") - Count("given_at"), given=Count("given_at")
    )
    real = {one["code_list"]: (one["free"], one["given"]) for one in counted.order_by()}
    for pk, *said in CodeList.objects.values_list("pk", "free_count", "given_count").iterator():
        if real.get(pk, (0, 0)) != tuple(said):
            yield f"list {pk}: counts {said}, has {real.get(pk, (0, 0))}"


@invariant("A code was given by its own merchant.")
def _codes_stay_at_their_merchant() -> Iterable[str]:
    strangers = OutsideCode.objects.filter(redemption__isnull=False).exclude(
        redemption__merchant=F("code_list__merchant")
    )
    return (f"code {pk}" for pk in strangers.values_list("pk", flat=True).iterator())


_SIGNED = Case(
    When(to_account=GiftCardPosting.Account.CARD, then=F("amount")),
    default=-F("amount"),
    output_field=BigIntegerField(),
)


@invariant("A gift card's balance is the sum of its postings, which are numbered without a gap and say it after each.")
def _balances_are_what_moved() -> Iterator[str]:
    postings = GiftCardPosting.objects.order_by("card_id", "number").values_list(
        "card_id", "number", "to_account", "amount", "balance_after"
    )
    stands: dict[object, tuple[int, int]] = {}
    for card, number, target, amount, after in postings.iterator():
        moves, balance = stands.get(card, (0, 0))
        stands[card] = (number, after)
        if (number, after) != (moves + 1, balance + (amount if target == "card" else -amount)):
            yield f"gift card {card}, posting {number}"
    for card, moves, balance in GiftCard.objects.values_list("pk", "moves", "balance").iterator():
        if (moves, balance) != stands.get(card, (0, 0)) or not moves:
            yield f"gift card {card}"


@invariant("Every posting of a gift card leaves one account and reaches another, by what it is.")
def _postings_balance() -> Iterable[str]:
    accounts = {"charge": ("card", "sales"), "expire": ("card", "lapsed"), "issue": ("granted", "card")}
    right = Q(kind__in=["refund", "reverse"], charge__isnull=False, from_account="sales", to_account="card")
    right |= Q(kind="reverse", charge__isnull=True, from_account="card", to_account="granted")
    for kind, (origin, target) in accounts.items():
        right |= Q(kind=kind, charge__isnull=True, from_account=origin, to_account=target)
    wrong = GiftCardPosting.objects.exclude(right, amount__gt=0)
    return (f"posting {pk}" for pk in wrong.values_list("pk", flat=True).iterator())


@invariant("What is given back of a charge is never more than the charge, and goes to the card it was taken from.")
def _refunds_stay_within_their_charges() -> Iterator[str]:
    charges = GiftCardPosting.objects.filter(kind=GiftCardPosting.Kind.CHARGE)
    above = charges.annotate(returned=Coalesce(Sum("returns__amount"), 0)).filter(returned__gt=F("amount"))
    strayed = GiftCardPosting.objects.filter(charge__isnull=False).exclude(
        card=F("charge__card"), charge__kind="charge"
    )
    for pk in (*above.values_list("pk", flat=True), *strayed.values_list("pk", flat=True)):
        yield f"posting {pk}"


@invariant("What a merchant's ledger says it owes on gift cards is the sum of their balances.")
def _liabilities_are_the_balances() -> Iterator[str]:
    moved = GiftCardPosting.objects.values_list("card__merchant_id", "card__currency").annotate(sum=Sum(_SIGNED))
    owed = {(merchant, currency): amount for merchant, currency, amount in moved.order_by()}
    held = GiftCard.objects.values_list("merchant_id", "currency").annotate(sum=Sum("balance")).order_by()
    for merchant, currency, balance in held:
        if owed.get((merchant, currency), 0) != balance:
            yield f"merchant {merchant}, {currency}: owes {owed.get((merchant, currency), 0)}, has {balance}"


@invariant("A charge of a gift card is an accepted scan of its redemption, of the same amount, undone or not.")
def _charges_are_scans() -> Iterator[str]:
    right = Q(scan__redemption=F("card__redemption"), scan__outcome=Scan.Outcome.ACCEPTED, scan__amount=F("amount"))
    wrong = GiftCardPosting.objects.filter(kind=GiftCardPosting.Kind.CHARGE).exclude(right)
    lost = Scan.objects.filter(outcome=Scan.Outcome.ACCEPTED, amount__isnull=False, charge__isnull=True)
    kept = Scan.objects.filter(amount__isnull=False, undone_at__isnull=False).exclude(charge__returns__kind="reverse")
    for what, rows in (("posting", wrong), ("scan", lost), ("scan", kept)):
        for pk in rows.values_list("pk", flat=True):
            yield f"{what} {pk}"


@invariant("A gift card that was taken is issued, to the one who took it, for what it is worth.")
def _cards_are_what_was_taken() -> Iterator[str]:
    taken = Redemption.objects.filter(perk__kind=Perk.Kind.GIFT_CARD, state=Redemption.State.REDEEMED)
    for pk in taken.filter(gift_card__isnull=True).values_list("pk", flat=True):
        yield f"redemption {pk}"
    for card in GiftCard.objects.select_related("redemption").iterator():
        told, face = card.redemption, card.redemption.benefit["face"]
        same = (card.merchant_id, card.expires_at, card.face, card.currency, card.citizen_id)
        if same != (told.merchant_id, told.expires_at, face["amount"], face["currency"], told.citizen_id):
            yield f"gift card {card.pk}"


@invariant("A deposit agreement stands where its redemption stands.")
def _agreements_follow_their_redemptions() -> Iterable[str]:
    together = {
        Redemption.State.RESERVED: ["offered", "accepted"],
        Redemption.State.CANCELLED: ["cancelled"],
        Redemption.State.EXPIRED: ["expired"],
        Redemption.State.REDEEMED: ["active", "returned", "claimed", "contested", "settled", "closed"],
        Redemption.State.REVERSED: ["closed"],
    }
    fitting = Q()
    for state, agreement_states in together.items():
        fitting |= Q(redemption__state=state, state__in=agreement_states)
    apart = DepositAgreement.objects.exclude(fitting).values_list("pk", "state", "redemption__state")
    return (f"deposit {pk}: {state} of a redemption that is {of}" for pk, state, of in apart.iterator())


@invariant("Every deposit waiver that was taken has its agreement, at the same merchant; no other redemption has one.")
def _waivers_have_agreements() -> Iterable[str]:
    waivers = Q(perk__kind=Perk.Kind.DEPOSIT_WAIVER)
    wrong = Redemption.objects.filter((waivers & Q(deposit=None)) | (~waivers & Q(deposit__isnull=False)))
    strangers = Redemption.objects.filter(deposit__isnull=False).exclude(deposit__merchant=F("merchant"))
    return (f"redemption {pk}" for pk in (wrong | strangers).values_list("pk", flat=True).iterator())


@invariant("A deposit's parts add up; a claim is its items and within its cap; a settlement is within its claim.")
def _deposits_only_go_down() -> Iterator[str]:
    for one in DepositAgreement.objects.iterator():
        parts = sum(item["amount"] for item in one.remainder_items)
        claim, owed = one.claimed_amount or 0, one.settled_amount or 0
        items = sum(item["amount"] for item in one.claim_items)
        if one.waived_amount + one.remainder_amount != one.full_amount or parts != one.remainder_amount:
            yield f"deposit {one.pk}: its parts do not add up"
        # What somebody who left is loosened from has no items any more.
        if claim > one.claim_cap or owed > claim or (one.claim_items and items != claim):
            yield f"deposit {one.pk}: cap {one.claim_cap}, claimed {claim}, settled {owed}"
