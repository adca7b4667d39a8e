"""What a perk is found by, written beside it whenever it changes: a search reads one column and one index."""

from perks.models import Perk
from perks.search import search_text
from perks.translations import WORDING


def found_by(perk: Perk) -> str:
    """Return the folded words in force, in every language, with those of its merchant's name and its categories."""
    version = perk.version_in_force
    texts = [version.title, version.description, perk.merchant.name]
    texts += [words.get(name, "") for words in version.translations.values() for name in WORDING]
    texts += [category.code for category in perk.categories.all()]
    return search_text(texts)


def write_what_it_is_found_by(perk: Perk) -> None:
    """Let citizens find a perk by the words in force; one that was never approved is found by nobody."""
    if perk.in_force is None:
        return
    text = found_by(perk)
    if text != perk.search_text:
        Perk.objects.filter(pk=perk.pk).update(search_text=text)
        perk.search_text = text
