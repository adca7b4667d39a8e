"""The form of signing in; apart from our other forms, which allauth's own need before theirs are there."""

from typing import Any

from allauth.account import forms


class LoginForm(forms.LoginForm):
    """allauth's, in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "remember" in self.fields:
            self.fields["remember"].label = "Keep me signed in on this device"
