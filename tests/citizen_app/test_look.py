"""The design system holds its promises: contrast in both themes, nothing inline, no address but our own."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

ROOT = Path(settings.BASE_DIR)
CSS = {path.name: path.read_text() for path in sorted((ROOT / "static" / "css").glob("*.css"))}
TEMPLATES = sorted((ROOT / "templates").rglob("*.*"))
TOKENS = CSS["tokens.css"]

# (ink, grounds it is used on, the least contrast of WCAG 2.2 for it)
TEXT, GRAPHIC = 4.5, 3.0
PAIRS = [
    *[(ink, ground, TEXT) for ink in ("ink", "ink-2", "ink-3", "link") for ground in ("ground", "surface", "sunken")],
    *[(tone, f"{tone}-soft", TEXT) for tone in ("help", "cost", "info", "danger", "brand")],
    *[(tone, "surface", TEXT) for tone in ("help", "cost", "info", "danger", "brand", "gold-ink")],
    *[("ink", f"{tone}-soft", TEXT) for tone in ("help", "cost", "info", "danger", "gold")],
    ("gold-ink", "gold-soft", TEXT),
    ("on-brand", "brand", TEXT),
    ("on-brand", "brand-hover", TEXT),
    *[(ink, ground, TEXT) for ink in ("on-hero", "on-hero-2", "on-hero-help") for ground in ("hero", "hero-2")],
    ("on-help", "help", TEXT),
    ("on-danger", "danger", TEXT),
    ("on-caution", "caution-block", TEXT),
    *[(f"band-{step}", "hero", GRAPHIC) for step in range(1, 6)],
    *[("line-strong", ground, GRAPHIC) for ground in ("ground", "surface", "sunken")],
    *[("focus", ground, GRAPHIC) for ground in ("ground", "surface", "sunken")],
    ("gold", "hero", GRAPHIC),
    ("chart-1", "surface", GRAPHIC),
]


def block(selector: str) -> dict[str, str]:
    start = TOKENS.index(selector)
    body = TOKENS[TOKENS.index("{", start) : TOKENS.index("}", start)]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", body))


LIGHT = block(":root {")
DARK = LIGHT | block(':root[data-theme="dark"]')


def luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_measured_as_the_standard_says():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_every_pair_of_tokens_can_be_read(theme, ink, ground, least):
    tokens = LIGHT if theme == "light" else DARK
    assert contrast(tokens[ink], tokens[ground]) >= least


def test_both_ways_into_the_dark_are_the_same_dark():
    system = block(':root:not([data-theme="light"])')
    assert system == block(':root[data-theme="dark"]')
    assert len(system) > 40


@pytest.mark.parametrize("name", [name for name in CSS if name != "tokens.css"])
def test_components_take_colours_from_tokens(name):
    bare = re.sub(r"/\*.*?\*/", "", CSS[name], flags=re.S)
    # White paper and near-black modules are what makes a code scan, and gold keeps its dark ink in both themes.
    allowed = {"#fff", "#1d0f19", "#5a4655", "#2b1827", "#ffc76b", "#33200a"}
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", bare)) <= allowed


@pytest.mark.parametrize("name", list(CSS))
def test_stylesheets_ask_nobody_else_for_anything(name):
    for address in re.findall(r"url\(\"?([^)\"]+)", CSS[name]):
        assert not address.startswith(("http", "//", "data:"))
        assert (ROOT / "static" / "css" / address).exists()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_template_compiles_and_holds_nothing_inline(path):
    get_template(str(path.relative_to(ROOT / "templates")))
    text = re.sub(r"\{% comment %\}.*?\{% endcomment %\}", "", path.read_text(), flags=re.S)
    assert not re.search(r"\son[a-z]+=|javascript:", text)
    # Programs that read mail know no stylesheet but the one beside each word, and no policy of ours applies there.
    assert path.parent.name == "email" or not re.search(r"\sstyle=|<style", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"(src|href)=\"(https?:)?//", text)


def test_backticks_mark_code_and_everything_is_escaped():
    from citizen_app.templatetags.look import code_spans

    assert code_spans("Send `GET /perks` <b>again</b>.") == "Send <code>GET /perks</code> &lt;b&gt;again&lt;/b&gt;."
    assert code_spans("plain") == "plain"


def test_a_plain_text_is_drawn_as_paragraphs_and_lists():
    from citizen_app.templatetags.look import paragraphs

    text = "What <you> agree to\n\nOne line\nand another.\n\n- First & last\n- Second\n"
    assert paragraphs(text) == (
        "<p>What &lt;you&gt; agree to</p><p>One line<br>and another.</p>"
        '<ul class="bullets"><li>First &amp; last</li><li>Second</li></ul>'
    )
