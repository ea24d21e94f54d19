"""A poison template is a failed mail, and nobody else waits for it (fault 20)."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from mail.brand import Brand
from mail.message import Sender
from mail.rendering import render_pool
from mail.rendering.limits import SECONDS
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


def renderers() -> list[psutil.Process]:
    """The processes that render; the tests have others beside them."""
    return [one for one in psutil.Process().children() if "mail.rendering.child" in _words(one)]


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[RenderPool]:
    monkeypatch.setattr(render_pool, "SECONDS", 1.5)
    made = RenderPool(size=2)
    yield made
    made.close()
    assert renderers() == []


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


SLOW = "{% for a in range(200) %}{% for b in range(40000) %}{% endfor %}{% endfor %}"
RENDERING = f"""
from mail.rendering.render_pool import RenderPool
pool = RenderPool()
pool.fill("", {{}})
print("now", flush=True)
print(pool.fill({SLOW + "done"!r}, {{}}), flush=True)
pool.close()
"""


def test_what_a_process_sleeps_away_while_it_is_stopped_is_not_a_templates_fault() -> None:
    """A machine that stands still for longer than a render may take (fault 33): the mail is no failed one."""
    with subprocess.Popen([sys.executable, "-c", RENDERING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        time.sleep(0.1)
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        for one in tree:
            one.suspend()
        time.sleep(SECONDS + 1)
        for one in tree:
            one.resume()
        assert process.stdout.readline() == "done\n"


def test_a_process_that_gets_a_tenth_of_its_time_is_not_a_templates_fault(pool: RenderPool) -> None:
    """A machine that is busy elsewhere: what counts is how much a render computes."""
    pool.fill("", {})
    (child,) = renderers()
    ended = threading.Event()

    def computed() -> float:
        return sum(child.cpu_times()[:2])

    def starve() -> None:
        """A twentieth of a second of the processor's time, then nothing for nine: so however busy this machine is."""
        while not ended.is_set():
            child.suspend()
            time.sleep(0.45)
            child.resume()
            until = computed() + 0.05
            while computed() < until and not ended.is_set():
                time.sleep(0.005)

    thread = threading.Thread(target=starve)
    thread.start()
    try:
        begun = time.monotonic()
        assert (
            pool.fill("{% for a in range(300) %}{% for b in range(40000) %}{% endfor %}{% endfor %}done", {}) == "done"
        )
        assert time.monotonic() - begun > render_pool.SECONDS, "it took longer, and computed less"
    finally:
        ended.set()
        thread.join()


def test_many_mails_of_a_poison_template_hold_up_nobody(pool: RenderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render_pool, "SECONDS", 120.0)
    pool.render("thank_you", CONTEXT)

    def poisoned() -> None:
        with pytest.raises(TemplateProblem):
            pool.render("poison", CONTEXT, None, stored(HANG))

    threads = [threading.Thread(target=poisoned) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(renderers()) >= 1)
    for _ in range(20):
        pool.render("thank_you", CONTEXT)
    assert [thread.is_alive() for thread in threads] == [True] * 8, "all of them go on meanwhile"
    while any(thread.is_alive() for thread in threads):
        for child in renderers():
            with suppress(psutil.NoSuchProcess):  # the pool has ended it meanwhile
                child.kill()
        time.sleep(0.05)


def test_four_endless_templates_stop_neither_a_first_preview_nor_what_is_sent(
    pool: RenderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render_pool, "SECONDS", 120.0)
    pool.render("thank_you", CONTEXT)

    def poisoned(key: str) -> None:
        with pytest.raises(TemplateProblem):
            pool.render(key, CONTEXT, None, stored(HANG, key))

    threads = [threading.Thread(target=poisoned, args=(f"poison {one}",)) for one in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(renderers()) >= 4)
    assert pool.render("thank_you", CONTEXT).subject == "Thank you for your order, Ann"
    assert pool.render("mine", CONTEXT, None, stored("<p>Hi</p>", "mine")).subject == "S"
    assert [thread.is_alive() for thread in threads] == [True] * 4, "all of them go on meanwhile"
    while any(thread.is_alive() for thread in threads):
        for child in renderers():
            with suppress(psutil.NoSuchProcess):  # the pool has ended it meanwhile
                child.kill()
        time.sleep(0.05)
    pool.render("thank_you", CONTEXT)
    assert len(renderers()) <= 2, "only so many are kept"


def test_who_has_killed_once_waits_behind_those_that_never_did(
    pool: RenderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a dozen that killed a process one is tried again at a time, and all the places for others are free."""
    monkeypatch.setattr(render_pool, "SECONDS", 0.2)
    for one in range(render_pool.NEW_AT_ONCE):
        with pytest.raises(TemplateProblem):
            pool.render(f"p{one}", CONTEXT, None, stored(HANG, f"p{one}"))
    monkeypatch.setattr(render_pool, "SECONDS", 120.0)
    again = [threading.Thread(target=_tried, args=(pool, f"p{one}")) for one in range(render_pool.NEW_AT_ONCE)]
    for thread in again:
        thread.start()
    assert pool.render("mine", CONTEXT, None, stored("<p>Hi</p>", "mine")).subject == "S"
    assert [thread.is_alive() for thread in again] == [True] * len(again)
    while any(thread.is_alive() for thread in again):
        for child in renderers():
            with suppress(psutil.NoSuchProcess):  # the pool has ended it meanwhile
                child.kill()
        time.sleep(0.05)


def _tried(pool: RenderPool, key: str) -> None:
    with pytest.raises(TemplateProblem):
        pool.render(key, CONTEXT, None, stored(HANG, key))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("subject", ["x" * 501, "{% for a in range(501) %}x{% endfor %}", "{{ customer.many }}"])
def test_a_subject_has_a_bound(pool: RenderPool, subject: str) -> None:
    with pytest.raises(TemplateProblem, match="the subject has .* characters; at most 500 are allowed"):
        pool.render("thank_you", CONTEXT, subject)
    block = "{% block subject %}" + subject + "{% endblock %}<p>x</p>"
    with pytest.raises(TemplateProblem, match="at most 500 are allowed"):
        pool.render("long", CONTEXT, subject, stored(block, "long"))


def test_a_subject_of_a_block_ends_where_it_has_no_end(pool: RenderPool, tmp_path: Path) -> None:
    endless = "{% block subject %}{% for a in range(99999) %}{{ customer.many }}{% endfor %}{% endblock %}"
    (tmp_path / "endless.html").write_text(endless)
    own = RenderPool([tmp_path])
    with pytest.raises(TemplateProblem, match="larger than"):
        own.render("endless", CONTEXT)
    own.close()


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
    [
        ("{% if %}", "html: line 1: Expected an expression"),
        ("{{ user.name }}", "html: line 1: there is no variable 'user'; the nearest is"),
    ],
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
    (child,) = renderers()
    assert set(child.environ()) <= {"PATH", "PYTHONPATH", "LC_CTYPE"}  # Python itself sets the last, without a locale
