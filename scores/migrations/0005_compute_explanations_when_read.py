"""The explanation of the current score is no longer stored: it follows from the entries at any moment."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scores", "0004_fill_the_totals_of_scores")]

    operations = [migrations.RemoveField("score", "explanation")]
