"""A poison template is a failed mail, and nobody else waits for it (fault 20)."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mail.brand import Brand
from mail.message import Sender
from mail.rendering import render_pool
from mail.rendering.render_pool import RenderPool
from mail.rendering.templates import Stored, TemplateProblem

BRAND = Brand(name="Shop", sender=Sender(name="Shop", email="hello@shop.example"), address="1 Street")

CONTEXT: dict[str, Any] = {
    "customer": {"first_name": "Ann", "many": "x" * 10_000},
    "enrollment": {},
    "brand": BRAND.as_context(),
    "topic": "News",
    "unsubscribe_url": "http://x/u/token",
    "preferences_url": "http://x/preferences/token",
    "message_id": "m",
}
HANG = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
POISON = {
    "an endless loop": (HANG, "longer than"),
    "a gigabyte at once": ("{{ 'x' * 1000000000 }}", "memory|larger"),
    "a gigabyte piece by piece": ("{% for a in range(99999) %}{{ customer.many }}{% endfor %}", "larger than"),
    "a power": ("{{ 10 ** 999999999 }}", "longer than|memory"),
    "an undefined name": ("{{ customer.first_nam }}", "the nearest is 'first_name'"),
}


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[RenderPool]:
    monkeypatch.setattr(render_pool, "SECONDS", 1.5)
    made = RenderPool(size=2)
    yield made
    made.close()
    assert psutil.Process().children() == []


def stored(html: str, key: str = "poison") -> Stored:
    return Stored(key=key, version=1, subject="S", html=html, text="T")


@pytest.mark.parametrize("name", POISON)
def test_a_poison_template_says_why_and_the_next_mail_goes(pool: RenderPool, name: str) -> None:
    html, why = POISON[name]
    with pytest.raises(TemplateProblem, match=why):
        pool.render("poison", CONTEXT, None, stored(html))
    assert pool.render("thank_you", CONTEXT).subject == "Thank you for your order, Ann"


def test_a_short_text_can_be_poison_too(pool: RenderPool) -> None:
    with pytest.raises(TemplateProblem):
        pool.fill(HANG, {})
    assert pool.fill("Hello {{ customer.first_name }}", CONTEXT) == "Hello Ann"


def test_a_template_that_killed_twice_is_refused_at_once(pool: RenderPool) -> None:
    for _ in range(2):
        with pytest.raises(TemplateProblem, match="longer than"):
            pool.render("poison", CONTEXT, None, stored(HANG))
    begun = time.monotonic()
    with pytest.raises(TemplateProblem, match="refused for a minute"):
        pool.render("poison", CONTEXT, None, stored(HANG))
    assert time.monotonic() - begun < 1


def test_many_mails_of_a_poison_template_hold_up_nobody(pool: RenderPool) -> None:
    pool.render("thank_you", CONTEXT)

    def poisoned() -> None:
        with pytest.raises(TemplateProblem):
            pool.render("poison", CONTEXT, None, stored(HANG))

    threads = [threading.Thread(target=poisoned) for _ in range(8)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    for _ in range(20):
        pool.render("thank_you", CONTEXT)
    assert time.monotonic() - begun < 1.5
    for thread in threads:
        thread.join()


def test_a_stored_template_uses_the_layout(pool: RenderPool) -> None:
    html = "{% extends '_layout.html' %}{% block body %}<h1>Hi {{ customer.first_name }}</h1>{% endblock %}"
    made = pool.render(
        "own", CONTEXT, None, Stored(key="own", version=3, subject="S {{ brand.name }}", html=html, text="")
    )
    assert (made.subject, "Hi Ann" in made.text, 'style="' in made.html) == ("S Shop", True, True)


def test_a_key_that_is_made_anew_shows_its_new_texts(pool: RenderPool) -> None:
    for word in ("old", "new"):
        made = pool.render("own", CONTEXT, None, Stored(key="own", version=1, subject=word, html=word, text=word))
        assert (made.subject, word in made.html, made.text) == (word, True, word)


@pytest.mark.parametrize(
    ("html", "why"),
    [("{% if %}", "html: TemplateSyntaxError"), ("{{ user.name }}", "there is no user; a template may name brand")],
)
def test_what_cannot_be_right_is_found_when_it_is_stored(pool: RenderPool, html: str, why: str) -> None:
    with pytest.raises(TemplateProblem, match=why):
        pool.check(stored(html))


def test_the_folders_of_an_installation_are_known(tmp_path: Path) -> None:
    (tmp_path / "mine.html").write_text("{% block subject %}Mine{% endblock %}<p>x</p>")
    pool = RenderPool([tmp_path])
    assert pool.render("mine", CONTEXT).subject == "Mine"
    pool.close()


def test_a_process_that_renders_is_told_no_secret(pool: RenderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYPOST_SECRET", "signs links")
    assert pool.fill("{{ 1 + 1 }}", {}) == "2"
    (child,) = [one for one in psutil.Process().children() if "mail.rendering.child" in one.cmdline()]
    assert set(child.environ()) <= {"PATH", "PYTHONPATH", "LC_CTYPE"}  # Python itself sets the last, without a locale
