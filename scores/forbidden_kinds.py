"""What can never be a source of a citizen's score (P3), and the words by which a proposed kind gives itself away.

Nor what a person is treated alike whatever it is (age besides what P3 names), nor what merely stands for that: a proxy.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

NEVER: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        topic: frozenset(words.split())
        for topic, words in {
            "speech and opinions": """speech opinion opinions post posts posting comment comments message messages
                chat chats email_content social media tweet tweets blog blogs political politics party protest
                protests petition petitions vote votes voting union press belief beliefs view views likes followers
                sentiment reading""",
            "religion": """religion religious faith church churches mosque mosques temple temples synagogue worship
                prayer prayers pilgrimage tithe confession baptism creed clergy""",
            "health": """health healthcare medical medicine medicines medication hospital hospitals doctor doctors
                clinic clinics diagnosis illness illnesses disease diseases disability disabled pregnancy pregnant
                pharmacy prescription prescriptions vaccination vaccinations mental therapy fitness steps sleep
                weight genetic genetics dna smoking alcohol""",
            "sex life": """sex sexual sexuality orientation gay lesbian bisexual transgender gender intimacy intimate
                dating_history partner partners lover lovers romance porn pornography marriage divorce""",
            "ethnicity": """ethnicity ethnic race racial nationality national origin skin colour color tribe tribal
                caste ancestry birthplace mother_tongue accent surname immigrant migrant""",
            "friends and relatives": """friend friends friendship friendships relative relatives relations family
                families parent parents mother father sibling siblings brother sister spouse child children
                household contacts acquaintance acquaintances neighbour neighbours neighbor neighbors colleagues
                network""",
            "where you walk": """walk walks walking location locations gps position positions movement movements
                whereabouts geolocation geofence trajectory route routes tracking track presence visits visited
                pedestrian jaywalking checkin roaming bluetooth""",
            "categories of goods bought": """purchase purchases purchased bought buying goods groceries grocery
                shopping basket baskets merchandise category categories spending spend product products brand brands
                consumption wishlist games gaming alcohol_bought""",
            "cameras": """camera cameras cctv video videos footage photo photos photograph photographs picture
                pictures image images surveillance drone drones plate plates dashcam""",
            "biometrics": """biometric biometrics face faces facial fingerprint fingerprints iris retina voice
                voiceprint gait heartbeat palm vein veins emotion emotions""",
        }.items()
    }
)
"""By topic, words that give a proposed kind away. They are a trip-wire for the honest; the lock is that the
catalogue is closed and changed only by review."""

PROTECTED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        attribute: frozenset(words.split())
        for attribute, words in {
            "age": """age ages aged birth birthday birthdate birthyear born dob elderly senior seniors youth""",
        }.items()
    }
)
"""What else nobody may be judged by, in the words of P3's list."""

PROXIES: Mapping[str, str] = MappingProxyType(
    {
        # Measured on the people of docs/learning/: from the limit of the card alone one tells who is under 25 with an
        # AUC of 0.81; from how late they pay 0.60, from how much they use 0.65, from what they pay back 0.69.
        "limit": "age",
        "income": "age and sex",
        "salary": "age and sex",
        "education": "age and ethnicity",
        "marital": "sex life",
        "title": "sex",
        "salutation": "sex",
        "name": "sex and ethnicity",
        "firstname": "sex and ethnicity",
        "surname": "ethnicity",
        "language": "ethnicity",
        "postcode": "ethnicity and income",
        "zip": "ethnicity and income",
    }
)
"""Named proxies: a word of a kind's code or of a column, and what it stands for. The list grows by review."""

_NOT_A_LETTER = re.compile(r"[^a-z]+")
_NOT_A_LETTER_OR_UNDERSCORE = re.compile(r"[^a-z_]+")


def never_a_source(*texts: str) -> str | None:
    """The topic, if any, by which something described so can never be a source."""
    words = {word for text in texts for word in _NOT_A_LETTER.split(text.lower())}
    compounds = {part for text in texts for part in _NOT_A_LETTER_OR_UNDERSCORE.split(text.lower())}
    for topic, forbidden in NEVER.items():
        if forbidden & (words | compounds):
            return topic
    return None


def never_an_input(code: str) -> str | None:
    """Why no score may be computed or learned from something of this code or column name, if so.

    >>> never_an_input("credit.limit")
    'it stands for age'
    """
    topic = never_a_source(code)
    if topic is not None:
        return f"{topic} can never be a source"
    words = set(_NOT_A_LETTER.split(code.lower()))
    for attribute, named in PROTECTED.items():
        if named & words:
            return f"{attribute} is protected"
    for word, attribute in PROXIES.items():
        if word in words:
            return f"it stands for {attribute}"
    return None
