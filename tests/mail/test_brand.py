"""The brand in a mail: a logo in the name's place, and a colour that can be read wherever it stands."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.brand import Brand, context, contrast
from mail.message import Sender
from mail.rendering.renderer import Renderer

SENDER = Sender(name="Shop", email="hello@shop.example")
colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def brand(**more: str) -> Brand:
    return Brand(name="Juniper & Oak", sender=SENDER, address="1 Main Street", **more)


def html(brand: Brand) -> str:
    known = context(brand, {"customer": {}, "enrollment": {}}, None, "m", now=datetime(2026, 3, 2, tzinfo=UTC))
    return Renderer().render("welcome", known).html


@given(colors)
def test_every_shade_can_be_read(color: str) -> None:
    """WCAG's 4.5 to 1 for text, whatever colour a brand has chosen."""
    shown = brand(color=color).as_context()
    assert contrast(str(shown["ink"]), "#f3f4f1") >= 4.5
    assert contrast(str(shown["glow"]), "#1a1d21") >= 4.5
    assert contrast(str(shown["on_color"]), color) >= 4.0, "dark or white, the better of the two"


def test_black_on_white_is_the_best_there_is() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_a_colour_that_reads_well_is_left_as_it_is() -> None:
    assert brand(color="#0b6e4f").as_context()["ink"] == "#0b6e4f"


def test_a_logo_takes_the_names_place_and_keeps_it_as_its_text() -> None:
    assert "Juniper &amp; Oak" in html(brand())
    assert "<img" not in html(brand())
    assert 'src="https://shop.example/logo.png" alt="Juniper &amp; Oak"' in html(
        brand(logo="https://shop.example/logo.png")
    )


def test_buttons_lead_to_the_site_or_else_to_the_senders_domain() -> None:
    assert 'href="https://shop.example"' in html(brand())
    assert 'href="https://www.juniper.example"' in html(brand(site="https://www.juniper.example/"))
