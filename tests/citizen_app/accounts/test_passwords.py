"""How passwords are stored."""

from django.contrib.auth.hashers import Argon2PasswordHasher, check_password

from citizen_app import settings
from citizen_app.accounts.passwords import Argon2


def test_a_password_costs_nineteen_mebibytes_two_passes_and_one_lane():
    stored = Argon2().encode("correct horse battery", "saltsaltsaltsalt")
    assert stored.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_it_is_the_first_choice_of_the_product():
    assert settings.PASSWORD_HASHERS[0] == "citizen_app.accounts.passwords.Argon2"


def test_a_password_stored_at_another_cost_is_stored_anew():
    hasher = Argon2()
    stored = hasher.encode("correct horse", hasher.salt())
    assert not hasher.must_update(stored)
    assert hasher.must_update(Argon2PasswordHasher().encode("correct horse", hasher.salt()))
    assert check_password("correct horse", stored)
    assert not check_password("wrong horse", stored)
