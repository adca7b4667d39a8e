"""What the relay and Celery beat ask of deposit agreements: what the clock does, holds that run out, erasing."""

from datetime import datetime

from citizen_app.outbox import sweeps
from perks.services.deposit_files import erase_old_files
from perks.services.deposit_forgetting import forget_deposits_of_those_who_left
from perks.services.deposits import move_on_deposits, warn_of_holds


@sweeps("perks.move_on_deposits")
def move_on(now: datetime) -> int:
    """Close what nobody claimed for or returned, and settle what nobody contested."""
    return move_on_deposits(now=now)


@sweeps("perks.warn_of_holds")
def warn(now: datetime) -> int:
    """Tell both sides of holds that run out before the return."""
    return warn_of_holds(now=now)


@sweeps("perks.erase_deposit_files")
def erase_files(now: datetime) -> int:
    """Erase photographs and evidence 90 days after the end."""
    return erase_old_files(now=now)


@sweeps("perks.forget_deposits")
def forget(now: datetime) -> int:
    """Take people who left out of agreements that have ended since."""
    return forget_deposits_of_those_who_left(now=now)
