"""PURE: the SVG of the pages, drawn on the server so that it works without scripts, in print and in mail.

Every drawing is `aria-hidden`: the same facts stand beside it as real text.
"""
