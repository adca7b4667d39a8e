"""Which promises of `tests.faults.ringing` the relay is killed at."""

BEFORE, AFTER = 3, 27
