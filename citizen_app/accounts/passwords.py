"""How passwords are stored: Argon2id at a cost that parallel sign-ins cannot turn into memory exhaustion."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """19 MiB, two passes, one lane: OWASP's first choice for Argon2id, about 20 ms where Django's default takes 300."""

    memory_cost = 19456  # KiB
    time_cost = 2
    parallelism = 1
