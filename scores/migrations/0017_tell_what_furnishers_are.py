"""What each furnisher is, told by the kinds its sources were allowed until now."""

from django.db import migrations


def tell(apps, schema_editor):
    from scores.catalogue import PLATFORM, capacities_for

    Furnisher = apps.get_model("scores", "Furnisher")
    for furnisher in Furnisher.objects.filter(furnishes_as=[]):
        sources = list(furnisher.sources.values_list("code", "kinds"))
        if "platform" in dict(sources):
            furnisher.furnishes_as = [PLATFORM]
        else:
            furnisher.furnishes_as = list(capacities_for({kind for _, kinds in sources for kind in kinds}))
        furnisher.save(update_fields=["furnishes_as"])


class Migration(migrations.Migration):
    dependencies = [("scores", "0016_furnishers_say_what_they_are")]

    operations = [migrations.RunPython(tell, migrations.RunPython.noop)]
