"""What is true of disputes at every moment, and which rows break it; they are named by internal ids only."""

from collections.abc import Iterator

from django.db.models import Count, F, Q

from scores.models import Dispute, DisputedEntry, Entry
from scores.services.disputes.doubt import AT_MOST


def doubts_without_dispute() -> Iterator[str]:
    """Every entry that is disputed without an open dispute that gave it the benefit of the doubt."""
    given = DisputedEntry.objects.open().filter(has_benefit=True, dispute__state__in=Dispute.UNDECIDED)
    disputed = Entry.objects.filter(status=Entry.Status.DISPUTED)
    unfounded = disputed.exclude(pk__in=given.values("entry_id")).values_list("pk", flat=True)
    return (f"entry {pk}" for pk in unfounded.iterator())


def disputes_without_doubt() -> Iterator[str]:
    """Every entry that stands and counts in full though an open dispute gave it the benefit of the doubt."""
    given = DisputedEntry.objects.open().filter(has_benefit=True, dispute__state__in=Dispute.UNDECIDED)
    forgotten = given.filter(entry__status=Entry.Status.ACTIVE).values_list("entry_id", flat=True)
    return (f"entry {pk}" for pk in forgotten.iterator())


def disputed_entries_astray() -> Iterator[str]:
    """Every record of a dispute that is open though the dispute is over, or the other way, or another citizen's."""
    is_open = Q(dispute__state__in=Dispute.OPEN)
    astray = DisputedEntry.objects.filter(
        (is_open & Q(is_open=False)) | (~is_open & Q(is_open=True)) | ~Q(entry__enrolment_id=F("dispute__enrolment_id"))
    )
    return (f"disputed entry {pk}" for pk in astray.values_list("pk", flat=True).iterator())


def too_many_doubts() -> Iterator[str]:
    """Every citizen with more open disputes that have the benefit of the doubt than three."""
    given = Dispute.objects.undecided().filter(has_benefit=True)
    counted = given.values("enrolment_id").annotate(count=Count("pk")).filter(count__gt=AT_MOST)
    return (f"enrolment {pk}" for pk in counted.order_by().values_list("enrolment_id", flat=True))
