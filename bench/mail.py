"""A whole mail of 10 KB (rendered, inlined, text part, links, headers), against bare Jinja2 in the same run."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment

from mail.brand import Brand
from mail.composing import Composer
from mail.message import Sender
from mail.rendering.renderer import Renderer
from mail.signed_links import Links
from services.definitions.templates import TemplateSource
from services.messages.sending.mail_request import MailRequest, Personalization

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MAILS = 2_000
ROUNDS = 5
BRAND = Brand(name="Shop", sender=Sender(name="Shop", email="hello@shop.example"), address="1 Main Street, Springfield")
ROW = '<tr class="row"><td class="name">{{ item.name }}</td><td>{{ item.price }}</td></tr>'
PAGE = (
    "<html><head><style>body{margin:0;font:16px Georgia}.row td{padding:8px 12px;border-bottom:1px solid #ddd}"
    ".name{color:#0b6e4f}a{color:#0b6e4f}p{margin:0 0 16px}</style></head><body>"
    "<h1>Hello {{ customer.first_name }}</h1>"
    + "".join(
        f"<p>Paragraph {number}, long enough to be one: what we have made since you were here, and why you may like "
        f'it, with <a href="https://shop.example/item/{number}?from=mail">a link</a>.</p>'
        for number in range(12)
    )
    + "<table>{% for item in customer.items_seen %}"
    + ROW
    + '{% endfor %}</table><p>{{ brand.address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>'
)
TEXT = (
    "Hello {{ customer.first_name }}\n{% for item in customer.items_seen %}{{ item.name }} {{ item.price }}\n"
    "{% endfor %}{{ brand.address }}\n{{ unsubscribe_url }}\n"
)


def main() -> None:
    items = [{"name": f"Thing number {number}", "price": f"{number}.99"} for number in range(30)]
    customer = {"first_name": "Ann", "items_seen": items}
    request = MailRequest(
        send_id="2161b3b7-f9d3-5b07-9196-af81ec9afb65",
        to="ann@example.com",
        customer="cus_1",
        template="bench",
        personal=Personalization(context={"customer": customer, "enrollment": {}}, locales=("en",)),
        source=TemplateSource(key="bench", version=1, subject="Hello {{ customer.first_name }}", html=PAGE, text=TEXT),
        topic="news",
        topic_name="News",
        opens=True,
        clicks=True,
        utm={"utm_source": "waypost", "utm_medium": "email"},
    )
    composer = Composer(Renderer(), Links("secret", "https://mail.shop.example"), BRAND)
    environment = Environment(autoescape=True)
    page, text = environment.from_string(PAGE), environment.from_string(TEXT)
    known: dict[str, Any] = {"customer": customer, "brand": BRAND.as_context(), "unsubscribe_url": "https://x/u/t"}

    whole, bare = _paired(lambda: composer.compose(request, NOW), lambda: (page.render(known), text.render(known)))
    size = len(composer.compose(request, NOW).html) / 1000
    told = f"{whole:.3f} ms (wanted at most 1), bare Jinja2 {bare:.3f} ms; {whole / bare:.1f} times"
    print(f"a mail of {size:.1f} KB: {told}")


def _paired(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds a call of each, in turns, so that a slow spell of the machine is in both."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for place, run in enumerate((one, other)):
            begun = time.perf_counter()
            for _ in range(MAILS // ROUNDS):
                run()
            took[place].append((time.perf_counter() - begun) / (MAILS // ROUNDS) * 1000)
    return statistics.median(took[0]), statistics.median(took[1])
