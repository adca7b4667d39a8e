"""How hard property tests try: a little while one works, more in CI (always the same examples), most with CI_LONG=true.

What counts edges (each must have been stood at so many times) tries as often as that takes; all others only as often as
has been seen to find what they are for.
"""

import os

from hypothesis import HealthCheck, settings

LONG = os.environ.get("CI_LONG") == "true"
IN_CI = os.environ.get("CI") == "true"


def tries(while_working: int, in_ci: int, long: int) -> int:
    """How many examples of something that is tried so often here."""
    return long if LONG else in_ci if IN_CI else while_working


AT_EDGES = tries(1200, 7000, 20_000)
"""For tests that count edges."""
EACH_EDGE = tries(20, 200, 200)
"""How many examples must have stood at each edge."""

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
settings.register_profile(
    "house",
    max_examples=tries(200, 700, 7000),
    derandomize=IN_CI and not LONG,
    database=None,
    deadline=None,
    suppress_health_check=_SLOW_IS_FINE,
)
settings.load_profile("house")
