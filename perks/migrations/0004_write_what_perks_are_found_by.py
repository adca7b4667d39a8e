"""What a search looks through, for the perks there are already."""

from django.db import migrations


def write(apps, schema_editor):
    from perks.search import search_text

    Perk = apps.get_model("perks", "Perk")
    perks = Perk.objects.filter(in_force__isnull=False, search_text="").select_related("in_force", "merchant")
    for perk in perks.prefetch_related("categories").iterator(chunk_size=1000):
        words = [perk.in_force.title, perk.in_force.description, perk.merchant.name]
        words += [category.code for category in perk.categories.all()]
        Perk.objects.filter(pk=perk.pk).update(search_text=search_text(words))


class Migration(migrations.Migration):
    dependencies = [('perks', '0004_images_and_translations')]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
