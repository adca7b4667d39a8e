"""The totals of the scores there are, out of the explanations they were stored with."""

from django.db import migrations


def totals_of(explanation):
    return {
        "base": explanation["base"],
        "factors": factors_of(explanation),
        "range_clamped": explanation["range_clamped"],
        "rounding": explanation["rounding"],
    }


def factors_of(explanation):
    return {factor["code"]: factor["micro"] for factor in explanation["factors"]}


def fill(apps, schema_editor):
    scores = apps.get_model("scores", "Score").objects
    some = []
    for score in scores.order_by("pk").iterator(chunk_size=500):
        score.factors = factors_of(score.explanation)
        score.kept = totals_of(score.compared_with or score.explanation)
        some.append(score)
        if len(some) == 500:
            scores.bulk_update(some, ["factors", "kept"])
            some = []
    scores.bulk_update(some, ["factors", "kept"])


class Migration(migrations.Migration):
    dependencies = [("scores", "0003_keep_scores_in_totals")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
