"""What this room tells people of: their account."""

from citizen_app.notifying.events import Event, For, register

register(
    Event(
        "export.ready",
        "account",
        "The copy of your data is ready",
        "You can download it for seven days; then it is erased.",
        link="data",
        hears=For.ACCOUNT,
    ),
    Event(
        "connection.closed",
        "account",
        "{app} is no longer connected",
        "{app} is no longer connected to your account. {why}; you did nothing wrong, and your score is as it was.",
        "It can read nothing about you any more, and a boost you had there has ended. There is nothing for you to do: "
        "what it read before is on your list of who asked.",
        link="my_apps",
        hears=For.ACCOUNT,
    ),
    Event(
        "connection.lapsed",
        "account",
        "{app} is no longer connected",
        "{app} has not asked about you for thirty days, so its connection has ended by itself.",
        "You can connect it again from the app.",
        link="my_apps",
        hears=For.ACCOUNT,
    ),
    Event(
        "digest",
        "digest",
        "Your {month}",
        "{lines}",
        link="inbox",
    ),
)
