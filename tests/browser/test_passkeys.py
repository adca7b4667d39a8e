"""Passkeys in Chromium with its virtual authenticator: signing up, signing in, a second factor, a lost device."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


class Device:
    """The lock of a phone: an authenticator of the browser's own, with keys it keeps and a finger on it."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def keys(self) -> list[dict]:
        return self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]

    def lock(self, *, opens: bool) -> None:
        self.session.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": opens})


def at_its_site(product, path: str) -> str:
    """Passkeys belong to `localhost`, not to the number of this machine."""
    return product.base.replace("127.0.0.1", "localhost") + path


def signed_up(page: Page, product, address: str) -> Device:
    device = Device(page)
    page.goto(at_its_site(product, "/accounts/signup/"))
    page.get_by_role("link", name="Use a passkey, not a password").click()
    page.get_by_label("Email").fill(address)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Code").fill(product.code_mailed_to(address))
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have them, go on").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    return device


def test_an_account_is_made_and_opened_with_a_passkey(page, product):
    device = signed_up(page, product, "passkey@example.org")
    (key,) = device.keys()
    assert (key["rpId"], key["isResidentCredential"]) == ("localhost", True)

    page.goto(at_its_site(product, "/me"))
    page.get_by_role("button", name="Sign out").click()
    page.goto(at_its_site(product, "/accounts/login/?next=/me"))
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: url.endswith("/me"))
    expect(page.get_by_text("passkey@example.org").first).to_be_visible()


def test_a_finger_that_is_not_known_signs_nobody_in_and_the_page_says_so(page, product):
    device = signed_up(page, product, "finger@example.org")
    page.goto(at_its_site(product, "/me"))
    page.get_by_role("button", name="Sign out").click()
    device.lock(opens=False)
    page.goto(at_its_site(product, "/accounts/login/"))
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Nothing was done")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_enabled()
    page.goto(at_its_site(product, "/me"))
    assert "/accounts/login/" in page.url


def test_at_another_name_the_page_says_where_passkeys_work(page):
    Device(page)
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Passkeys work at localhost only")).to_be_visible()


def test_a_passkey_is_added_to_an_account_and_taken_off_again(page, product):
    device = signed_up(page, product, "second@example.org")
    # Making it counts as confirming; signing in with it later does not.
    page.goto(at_its_site(product, "/me"))
    page.get_by_role("button", name="Sign out").click()
    page.goto(at_its_site(product, "/accounts/login/?next=/me"))
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    page.goto(at_its_site(product, "/accounts/2fa/webauthn/"))
    page.get_by_role("link", name="Take off Passkey").click()
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_role("heading", name="Take this passkey off?")).to_be_visible()
    page.get_by_role("button", name="Take it off").click()
    expect(page.get_by_text("You have none yet.")).to_be_visible()
    page.goto(at_its_site(product, "/me"))
    page.get_by_role("button", name="Sign out").click()
    assert len(device.keys()) == 1
    page.goto(at_its_site(product, "/accounts/login/"))
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Incorrect code")).to_be_visible()


def test_an_owner_is_led_to_a_second_factor_and_back_to_the_team(page, product):
    """The demo's way: the password opens the console; what needs more leads to setting it up."""
    device = Device(page)
    page.goto(at_its_site(product, "/accounts/login/"))
    page.get_by_label("Email").fill("owner.evenly@demo.example.org")
    page.get_by_label("Password").fill(product.password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/accounts/" not in url)
    page.goto(at_its_site(product, "/merchant/team"))
    page.get_by_label("Password").fill(product.password)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Add a passkey instead").click()
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert len(device.keys()) == 1
    page.get_by_role("link", name="I have them, go on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Team")
