"""PURE: the icons, one 24 × 24 drawing each, stroked in the colour of the text beside them."""

PATHS = {
    "arrow-down": '<path d="M12 5v13M6.5 12.5L12 18l5.5-5.5"/>',
    "arrow-up": '<path d="M12 19V6M6.5 11.5L12 6l5.5 5.5"/>',
    "ban": '<circle cx="12" cy="12" r="8.5"/><path d="M6.2 6.2l11.6 11.6"/>',
    "bag": '<path d="M5.5 8h13l1 12.5h-15z"/><path d="M9 10.5V7a3 3 0 0 1 6 0v3.5"/>',
    "bank": '<path d="M3.5 9.5L12 4.5l8.5 5zM5.5 9.5V18M10 9.5V18M14 9.5V18M18.5 9.5V18M3.5 20h17"/>',
    "bed": '<path d="M3.5 19v-13M3.5 16h17v3M20.5 16v-2.5a3 3 0 0 0-3-3H10V16"/><circle cx="6.8" cy="12" r="1.7"/>',
    "book": (
        '<path d="M12 6.5C10.5 5 8 4.5 4 4.5V18c4 0 6.5.5 8 2 1.5-1.5 4-2 8-2V4.5c-4 0-6.5.5-8 2z"/>'
        '<path d="M12 6.5V20"/>'
    ),
    "bus": (
        '<rect x="5" y="4" width="14" height="13" rx="2.5"/>'
        '<path d="M5 11.5h14M8 20v-3M16 20v-3M8.5 14.3h.1M15.5 14.3h.1"/>'
    ),
    "car": (
        '<path d="M4 16.5v-3.8l2-5a2 2 0 0 1 1.9-1.2h8.2A2 2 0 0 1 18 7.7l2 5v3.8z"/><path d="M4.5 12.5h15"/>'
        '<circle cx="7.5" cy="17" r="1.7"/><circle cx="16.5" cy="17" r="1.7"/>'
    ),
    "chevron-left": '<path d="M15 5l-7 7 7 7"/>',
    "chevron-right": '<path d="M9 5l7 7-7 7"/>',
    "clock": '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.2V12l3.2 2"/>',
    "code": (
        '<rect x="4" y="4" width="6.5" height="6.5" rx="1.5"/>'
        '<rect x="13.5" y="4" width="6.5" height="6.5" rx="1.5"/>'
        '<rect x="4" y="13.5" width="6.5" height="6.5" rx="1.5"/><path d="M14 14h2v2M20 14v6M14 20h2.5"/>'
    ),
    "cross": '<path d="M6 6l12 12M18 6L6 18"/>',
    "developer": '<path d="M8.5 7L3.5 12l5 5M15.5 7l5 5-5 5"/>',
    "dial": '<path d="M3.5 17a8.5 8.5 0 0 1 17 0"/><path d="M12 17l3.2-5.2"/><path d="M3.5 20.5h17"/>',
    "door": '<path d="M6 21V10.5a6 6 0 0 1 12 0V21"/><path d="M3.5 21h17"/><path d="M10 21v-9.2a2 2 0 0 1 4 0V21"/>',
    "door-open": '<path d="M5 20V10a7 7 0 0 1 11.5-5.4"/><path d="M3.5 20h17"/><path d="M11 20V9.5l7-3.5v14"/>',
    "door-shut": '<path d="M6 20V10a6 6 0 0 1 12 0v10"/><path d="M3.5 20h17"/><path d="M12 11.5v3"/>',
    "exclamation": '<path d="M12 5v9M12 18.5v.1"/>',
    "exit": '<path d="M10 4.5H5v15h5M14 8l4 4-4 4M18 12H9.5"/>',
    "eye": (
        '<path d="M2.5 12S6 5.8 12 5.8 21.5 12 21.5 12 18 18.2 12 18.2 2.5 12 2.5 12z"/>'
        '<circle cx="12" cy="12" r="2.8"/>'
    ),
    "flag": '<path d="M5.5 21V4M5.5 5h11l-2 3.7 2 3.8h-11"/>',
    "gift": (
        '<path d="M4 9h16v4H4zM5.5 13v7.5h13V13M12 9v11.5M12 9c-4.5 0-5.5-4.5-3-4.5C11 4.5 12 7 12 9zM12 9c4.5 '
        '0 5.5-4.5 3-4.5-2 0-3 2.5-3 4.5z"/>'
    ),
    "heart": '<path d="M12 20S4 15 4 9.3A4.3 4.3 0 0 1 12 7a4.3 4.3 0 0 1 8 2.3C20 15 12 20 12 20z"/>',
    "history": '<path d="M4.5 12a7.5 7.5 0 1 0 2.6-5.7L4.5 8.5"/><path d="M4.5 4v4.5H9M12 8v4.3l2.8 1.7"/>',
    "home": '<path d="M4 11l8-6.5 8 6.5v8.5H4z"/><path d="M10 19.5V14h4v5.5"/>',
    "info": '<circle cx="12" cy="12" r="8.5"/><path d="M12 11v5.5M12 7.6v.1"/>',
    "link": (
        '<path d="M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1.2 1.2M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 '
        '18.7l1.2-1.2"/>'
    ),
    "list": '<path d="M8.5 6.5H20M8.5 12H20M8.5 17.5H20M4 6.5h.1M4 12h.1M4 17.5h.1"/>',
    "bell": '<path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15z"/><path d="M10 20.5a2.2 2.2 0 0 0 4 0"/>',
    "phone": '<rect x="7" y="2.8" width="10" height="18.4" rx="2.4"/><path d="M11 18.2h2"/>',
    "key": '<circle cx="8" cy="15.5" r="4.5"/><path d="M11.2 12.3 19.5 4M16 7.5l2.8 2.8"/>',
    "lock": '<rect x="5" y="11" width="14" height="9.5" rx="2"/><path d="M8 11V8a4 4 0 0 1 8 0v3M12 14.5v2.5"/>',
    "mail": '<rect x="3.5" y="5.5" width="17" height="13" rx="2"/><path d="M4 7l8 6 8-6"/>',
    "minus": '<path d="M6 12h12"/>',
    "moon": '<path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z"/>',
    "offline": (
        '<path d="M4 4l16 16M8.5 15.5a5 5 0 0 1 7 0M5.5 12.3a9 9 0 0 1 3.7-2.2M18.5 12.3A9.2 9.2 0 0 0 12.5 '
        '9.5M2.5 9a13.5 13.5 0 0 1 4-2.6M21.5 9A13.5 13.5 0 0 0 10.5 5.2"/><path d="M12 19v.1"/>'
    ),
    "page": '<path d="M6 3.5h8l4.5 4.5v12.5H6z"/><path d="M14 3.5V8h4.5M9 13h6M9 16.5h4"/>',
    "pause": '<path d="M9 6v12M15 6v12"/>',
    "people": (
        '<circle cx="9" cy="8.5" r="3.3"/><path d="M2.8 19.5c.6-3.5 3-5.2 6.2-5.2s5.6 1.7 6.2 5.2M16 5.5a3.2 '
        '3.2 0 0 1 0 6M18 14.7c1.8.8 2.9 2.4 3.3 4.8"/>'
    ),
    "person": '<circle cx="12" cy="8" r="3.8"/><path d="M4.5 20.5c.7-4 3.6-6 7.5-6s6.8 2 7.5 6"/>',
    "pin": '<path d="M12 21s-6.5-6-6.5-11a6.5 6.5 0 0 1 13 0c0 5-6.5 11-6.5 11z"/><circle cx="12" cy="10" r="2.3"/>',
    "plane": (
        '<path d="M10.5 20l1.5-1 1.5 1v-1l-.7-.8V13l7.2 3v-2l-7.2-5V5a.8.8 0 0 0-1.6 0v4L4 14v2l7.2-3v5.2l-.7.8z"/>'
    ),
    "play": '<path d="M8 5.5v13l11-6.5z"/>',
    "plus": '<path d="M12 5.5v13M5.5 12h13"/>',
    "scales": '<path d="M12 4v16M7 20h10M5 7h14M5 7l-2.5 6.5a2.7 2.7 0 0 0 5 0zM19 7l-2.5 6.5a2.7 2.7 0 0 0 5 0z"/>',
    "scan": '<path d="M4 8.5V4h4.5M20 8.5V4h-4.5M4 15.5V20h4.5M20 15.5V20h-4.5M4 12h16"/>',
    "seat": (
        '<path d="M5 12V8.5a2.5 2.5 0 0 1 2.5-2.5h9A2.5 2.5 0 0 1 19 8.5V12"/>'
        '<path d="M3.5 12.5a1.8 1.8 0 0 1 3.5 0V15h10v-2.5a1.8 1.8 0 0 1 3.5 0V18h-17zM6 18v2M18 18v2"/>'
    ),
    "shield": (
        '<path d="M12 3.5l7.5 2.5v5.5c0 4.5-3 7.5-7.5 9-4.5-1.5-7.5-4.5-7.5-9V6z"/><path d="M8.8 12l2.3 2.3 4.2-4.3"/>'
    ),
    "sun": (
        '<circle cx="12" cy="12" r="4"/><path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 '
        '17.3l1.1 1.1M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1"/>'
    ),
    "tag": '<path d="M4 4h8l8 8-8 8-8-8z"/><circle cx="8.5" cy="8.5" r="1.2"/>',
    "tick": '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
    "till": '<rect x="6" y="3" width="12" height="18" rx="2"/><path d="M9 7h6v5H9zM10.5 17.5h3"/>',
    "undo": '<path d="M8.5 5L4 9.5 8.5 14"/><path d="M4 9.5h9.5a6 6 0 0 1 0 10.5H10"/>',
    "warning": '<path d="M12 4l9 16H3z"/><path d="M12 10v4.5M12 17.2v.1"/>',
    "what-if": '<path d="M5 8h9M18 8h1M5 16h2M11 16h8"/><circle cx="16" cy="8" r="2"/><circle cx="9" cy="16" r="2"/>',
}
MIRRORED_IN_RTL = frozenset({"chevron-left", "chevron-right", "exit", "undo"})


def icon_svg(name: str, *, small: bool = False) -> str:
    """One icon by name; an unknown name is a mistake in a template and says so."""
    classes = "i" + (" i-s" if small else "") + (" flip" if name in MIRRORED_IN_RTL else "")
    return f'<svg class="{classes}" viewBox="0 0 24 24" aria-hidden="true">{PATHS[name]}</svg>'
