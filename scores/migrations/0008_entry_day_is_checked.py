"""From now on an entry's day is held to its date."""

import scores.models.entries
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scores", "0007_entry_day_of_earlier_entries")]

    operations = [
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.CheckConstraint(condition=models.Q(('day', scores.models.entries.DayNumber('occurred_on'))), name='entry_day_is_its_date'),
        ),
    ]
