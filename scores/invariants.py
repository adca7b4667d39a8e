"""What is true of scores at every moment; `verify_invariants` looks for what breaks it."""

from citizen_app.invariants import invariant
from scores.services import connecting, verifying
from scores.services.disputes import verifying as disputes

invariant("A score is what its entries and its scorecard make it (P6).")(verifying.wrong_scores)
invariant("The lines of a score add up to it (P6).")(verifying.wrong_explanations)
invariant("The lines of a change sum to its difference, and changes follow one another (P6).")(verifying.wrong_changes)
invariant("A score is what its latest change says.")(verifying.history_behind)
invariant("Whoever is enrolled has a score.")(verifying.enrolled_without_score)
invariant("An entry belongs to the citizen of its link (P2).")(verifying.entries_of_others)
invariant("An entry is of a kind in the catalogue and lives no longer than its kind may (P3, P8).")(
    verifying.entries_not_allowed
)
invariant("An entry is disputed only in an open dispute that gave it the benefit of the doubt (P7).")(
    disputes.doubts_without_dispute
)
invariant("An entry that stands and has the benefit of the doubt is disputed (P7).")(disputes.disputes_without_doubt)
invariant("A dispute's records are open as long as it is, and about its own citizen (P7).")(
    disputes.disputed_entries_astray
)
invariant("A citizen has the benefit of the doubt in three open disputes at most (P7).")(disputes.too_many_doubts)
invariant("A source tells of nothing its furnisher may not (P3).")(verifying.sources_beyond_their_furnisher)
invariant("Whose file an operator opened can read of it (P9).")(verifying.openings_untold)
invariant("Whoever is connected to an app is enrolled, with a document that was checked (P1).")(
    connecting.connected_without_document
)
