"""The two tokens of a till, as the API's one authentication recognises them: by how they begin."""

from citizen_app.api.authentication import KnownDevice, recognise_device
from perks.services import shifts, tills


def _till(token: str) -> KnownDevice | None:
    till = tills.till_of(token)
    return KnownDevice(till, till.actor) if till is not None else None


def _shift(token: str) -> KnownDevice | None:
    shift = shifts.shift_of(token)
    return KnownDevice(shift, shift.till.actor) if shift is not None else None


recognise_device(tills.TOKEN_PREFIX, _till)
recognise_device(shifts.TOKEN_PREFIX, _shift)
