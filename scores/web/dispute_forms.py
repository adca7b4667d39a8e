"""What people write on the pages of disputes: the citizen an objection, an operator a decision."""

from typing import Any, Final

from django import forms

from citizen_app.web.fields import PlainText
from scores.models import Dispute
from scores.web.dispute_words import GROUNDS

ACCEPTED: Final = "image/jpeg,image/png,image/webp,application/pdf"
FILE_HELP: Final = (
    "A picture (JPEG, PNG, WebP) or a PDF of at most 5 MB. Place, time and camera are taken out of pictures. "
    "Operators see it; it is erased 90 days after the end."
)


class Words(PlainText):
    """A few lines of text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            multiline=True,
            max_length=Dispute.LONGEST_STATEMENT,
            widget=forms.Textarea(attrs={"rows": 4}),
            **options,
        )

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\r\n", "\n")


class DisputeForm(forms.Form):
    """Which records of a source, what is wrong with them, and what shows it."""

    entries = forms.MultipleChoiceField(
        label="Which records",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one record.", "invalid_choice": "Choose from this list."},
    )
    ground = forms.ChoiceField(label="What is wrong", choices=list(GROUNDS.items()), widget=forms.RadioSelect)
    statement = Words(label="What happened", help_text="The source reads it, and whoever decides.")
    evidence = forms.FileField(
        required=False,
        label="Something that shows it",
        help_text=FILE_HELP,
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )
    share_evidence = forms.BooleanField(required=False, label="The source may see my file too.")

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["entries"].choices = choices  # type: ignore[attr-defined]


class AppealForm(forms.Form):
    """Why somebody else should look again."""

    statement = Words(label="Why somebody else should look again", required=False)
    evidence = forms.FileField(
        required=False,
        label="Something that shows it",
        help_text=FILE_HELP,
        widget=forms.FileInput(attrs={"accept": ACCEPTED}),
    )


class DecisionForm(forms.Form):
    """A decision, in the state in which the dispute was read, with a reason its citizen reads."""

    decision = forms.ChoiceField(choices=[("uphold", "Uphold"), ("reject", "Reject")])
    state = forms.ChoiceField(choices=Dispute.State.choices, widget=forms.HiddenInput)
    reason = Words(label="Reason, as the citizen will read it")


class BatchForm(forms.Form):
    """Which batch is wrong, on which ground, and why."""

    source = forms.CharField(max_length=40, widget=forms.HiddenInput)
    recorded_at = forms.CharField(max_length=40, widget=forms.HiddenInput)
    ground = forms.ChoiceField(label="What is wrong with all of them", choices=list(GROUNDS.items()))
    reason = Words(label="Reason, as every citizen will read it")
