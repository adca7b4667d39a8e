"""PURE: how points, dates and codes are written for people. The exact values stay in the API."""

from datetime import date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

MINUS = "−"
TENTH = Decimal("0.1")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
Points = str | int | Decimal


def tenths(points: Points) -> int:
    """Points in whole tenths, halves away from zero: what a page shows of them."""
    return int((Decimal(points) / TENTH).quantize(Decimal(1), ROUND_HALF_UP))


def _digits(whole_tenths: int) -> str:
    return f"{abs(whole_tenths) // 10}.{abs(whole_tenths) % 10}"


def signed(points: Points) -> str:
    """`+58.0`, `−11.3` with a true minus, and `0.0` for what rounds to nothing."""
    amount = tenths(points)
    sign = "+" if amount > 0 else MINUS if amount < 0 else ""
    return sign + _digits(amount)


def unsigned(points: Points) -> str:
    """`550.0`: a level rather than a change."""
    amount = tenths(points)
    return (MINUS if amount < 0 else "") + _digits(amount)


def whole_signed(value: int | str) -> str:
    """`+8`, `−3`, `0`: a difference of two scores, which are whole numbers."""
    number = int(value)
    return f"+{number}" if number > 0 else f"{MINUS}{-number}" if number < 0 else "0"


def exact(points: Points) -> str:
    """Every digit that is not a closing zero: `676.968`."""
    # By way of its text: a JSON number such as 0.1797 is a float here, and its binary tail is nobody's figure.
    text = f"{Decimal(str(points)):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", MINUS)


def direction(points: Points) -> str:
    """`up`, `down` or `zero`, by what the page shows."""
    amount = tenths(points)
    return "up" if amount > 0 else "down" if amount < 0 else "zero"


def when(value: object, zone: tzinfo) -> date | datetime | None:
    """Read a date, an instant or their ISO texts; instants come back in the zone, local times as they stand."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value.astimezone(zone) if value.tzinfo else value
    if isinstance(value, date):
        return value
    raise TypeError(f"not a date or an instant: {value!r}")


def day(value: date, *, today: date, short: bool = False, weekday: bool = False) -> str:
    """`Wednesday 25 November`, with the year only where it is not this one."""
    month = MONTHS[value.month - 1][:3] if short else MONTHS[value.month - 1]
    text = f"{value.day} {month}"
    if value.year != today.year:
        text += f" {value.year}"
    return f"{DAYS[value.weekday()]} {text}" if weekday else text


def moment(value: date | datetime, *, today: date, weekday: bool = True) -> str:
    """`Wednesday 25 November, 18:00`; a bare date has no hour to tell."""
    text = day(value, today=today, weekday=weekday)
    return f"{text}, {value:%H:%M}" if isinstance(value, datetime) else text


def zone_name(zone: str) -> str:
    """`Lisbon time` for `Europe/Lisbon`: how people call a zone where a deadline depends on it."""
    city = zone.rsplit("/", 1)[-1].replace("_", " ")
    return zone if city.upper() == zone.upper() else f"{city} time"


def zone_of(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def typed_code(code: str) -> str:
    """Ten characters as `XXXXX-XXXXX`, however they were stored."""
    bare = "".join(character for character in code if character.isalnum())
    return f"{bare[:5]}-{bare[5:]}"


def initials(name: str) -> str:
    """Two letters for a monogram: `Hotel Almirante` is HA."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + words[1][0] if len(words) > 1 else words[0][:2]).upper()


def device(user_agent: str) -> str:
    """`Chrome on Android`, as far as a few plain rules tell; what says something else is quoted from its beginning."""
    if user_agent in ("", "Unspecified"):  # the second is allauth's word for none
        return "Unknown device"
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or user_agent[:60]


# In order: most browsers name the ones they are like as well.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
