"""What we ask beyond allauth's own fields when somebody makes an account."""

from django import forms
from django.http import HttpRequest

from citizen_app.accounts.names import clean_first_name
from citizen_app.models import Citizen


class FirstNameForm(forms.Form):
    """An optional first name (both on the page and in the app's API): a merchant's desk greets by it."""

    first_name = forms.CharField(
        required=False,
        max_length=60,
        label="First name",
        help_text="Optional. A desk that scans your code sees it.",
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )

    def clean_first_name(self) -> str:
        return clean_first_name(self.cleaned_data["first_name"])

    def signup(self, request: HttpRequest, user: Citizen) -> None:
        """Nothing to add: the adapter has stored the name with the account (allauth demands the method)."""
