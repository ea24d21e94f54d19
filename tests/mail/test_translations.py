"""What pages and feet of mails say in the recipient's language: one catalogue a language, none with a hole."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from mail.brand import Brand
from mail.catalogues import DamagedCatalogue
from mail.message import Sender
from mail.rendering.renderer import Renderer
from mail.rendering.templates import Stored
from mail.translations import CATALOGUES, Translations, direction
from services.feedback.answers import preferences
from waypost.errors import CannotStart
from waypost.settings import Settings
from waypost.wiring import check_catalogues

TEMPLATES = CATALOGUES.parent
LANGUAGES = sorted(file.stem for file in CATALOGUES.glob("*.po"))
FRENCH = (
    'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Unsubscribe"\nmsgstr "Se désabonner"\n'
)


def words() -> set[str]:
    """Everything that a template says by `_("…")`, and what is asked for a consent."""
    methods = [("**.html", "jinja2.ext.babel_extract"), ("**.txt", "jinja2.ext.babel_extract")]
    found = extract_from_dir(str(TEMPLATES), methods, keywords={"_": None})
    return {str(one[2]) for one in found} | {"Unsubscribe", preferences.TEXT}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_every_word_and_no_other(language: str) -> None:
    with (CATALOGUES / f"{language}.po").open("rb") as opened:
        catalog = {str(one.id): str(one.string) for one in read_po(opened) if one.id}
    assert set(catalog) == words()
    for english, other in catalog.items():
        assert other, f"{english} has no word"
        assert sorted(re.findall(r"%\(\w+\)s", other)) == sorted(re.findall(r"%\(\w+\)s", english)), english


def test_german_is_there() -> None:
    assert LANGUAGES == ["de"]


@pytest.mark.parametrize(
    ("wanted", "best"),
    [((), "en"), (("de-AT", "en"), "de"), (("fr", "de"), "de"), (("fr",), "en"), (("en-GB", "de"), "en"), (("pt-BR",), "en")],
)  # fmt: skip
def test_the_best_language_is_the_first_that_is_there(wanted: tuple[str, ...], best: str) -> None:
    assert Translations().best(wanted) == best


def test_an_installation_adds_a_language_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "locales").mkdir()
    (tmp_path / "locales" / "fr.po").write_text(FRENCH)
    (tmp_path / "locales" / "de.po").write_text(FRENCH.replace("Se désabonner", "Abmelden"))
    made = Translations([tmp_path])
    assert made.into(["fr-CA"])("Unsubscribe") == "Se désabonner"
    assert made.into(["fr"])("Save") == "Save", "what it does not have is English"
    assert (made.into(["de"])("Unsubscribe"), made.into(["de"])("Save")) == ("Abmelden", "Speichern")


DAMAGED = {
    "a quote is missing": ('msgid "Save"\nmsgstr "Enregistrer\n', 5, "a text in quotes"),
    "a quote within": ('msgid "Save"\nmsgstr "le "bouton""\n', 5, "a text in quotes"),
    "a word nobody knows": ('msgid "Save"\nmsgtext "Enregistrer"\n', 5, "write msgid or msgstr"),
    "a text without its translation": ('msgid "Save"\n\nmsgid "Unsubscribe"\nmsgstr "x"\n', 4, "missing msgstr"),
    "a name that was translated": (
        'msgid "You get this mail about “%(topic)s”."\nmsgstr "À propos de %(sujet)s."\n', 4, r"keep %\(topic\)s"),
    "a name that was left out": (
        'msgid "You get this mail about “%(topic)s”."\nmsgstr "À propos."\n', 4, r"keep %\(topic\)s"),
    "a percent sign beside a name": (
        'msgid "You get this mail about “%(topic)s”."\nmsgstr "100 % %(topic)s"\n', 4, r"keep %\(topic\)s"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_catalogue_is_told_by_file_and_line(tmp_path: Path, damage: str) -> None:
    text, line, why = DAMAGED[damage]
    file = tmp_path / "locales" / "fr.po"
    file.parent.mkdir()
    file.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n' + text)
    with pytest.raises(DamagedCatalogue, match=rf"^{re.escape(str(file))}:{line}: .*{why}"):
        Translations([tmp_path]).check()


def test_a_catalogue_in_another_encoding_or_of_no_language_is_told(tmp_path: Path) -> None:
    (tmp_path / "locales").mkdir()
    file = tmp_path / "locales" / "fr.po"
    file.write_bytes(FRENCH.encode("latin-1"))
    with pytest.raises(DamagedCatalogue, match=r"fr\.po:5: this is no text in utf-8"):
        Translations([tmp_path]).check()
    file.write_bytes(FRENCH.replace("utf-8", "latin-1").encode("latin-1"))
    assert Translations([tmp_path]).into(["fr"])("Unsubscribe") == "Se désabonner", "what the file says it is, it is"
    file.rename(file.with_name("français.po"))
    with pytest.raises(DamagedCatalogue, match=r"français\.po: a catalogue is named by its language"):
        Translations([tmp_path]).check()


def test_nothing_starts_with_a_damaged_catalogue(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, home=tmp_path)  # type: ignore[call-arg]
    check_catalogues(settings)
    (settings.template_folder / "locales").mkdir(parents=True)
    (settings.template_folder / "locales" / "fr.po").write_text(FRENCH)
    check_catalogues(settings)
    (settings.template_folder / "locales" / "fr.po").write_text("Bonjour")
    with pytest.raises(CannotStart, match=r"fr\.po:1: "):
        check_catalogues(settings)


def test_the_foot_of_a_mail_is_in_its_language(tmp_path: Path) -> None:
    (tmp_path / "locales").mkdir()
    (tmp_path / "locales" / "fr.po").write_text(FRENCH)
    html = '{% extends "_layout.html" %}{% block body %}x{% endblock %}'
    brand = Brand(name="Shop", sender=Sender(name="Shop", email="a@shop.example"), address="1 Street").as_context()
    context = {"brand": brand, "topic": "News & <more>", "unsubscribe_url": "http://x/u/t", "customer": {}}
    for locale, word in (
        ("fr", "Se désabonner"),
        ("de-AT", "Abbestellen"),
        ("en", "Unsubscribe"),
        ("it", "Unsubscribe"),
    ):
        texts = Stored(key="t", version=1, subject="S", html=html, text="", locale=locale)
        made = Renderer([tmp_path]).render("t", context, None, texts, (locale,))
        assert re.search(rf'<a href="http://x/u/t"[^>]*>{word}</a>', made.html)
        assert f"{word}: http://x/u/t" in made.text
        assert "News &amp; &lt;more&gt;" in made.html
        assert "News & <more>" in made.text


@pytest.mark.parametrize(("tag", "way"), [("de-AT", "ltr"), ("ar", "rtl"), ("he-IL", "rtl"), ("nonsense", "ltr")])
def test_a_page_is_written_in_the_direction_of_its_language(tag: str, way: str) -> None:
    assert direction(tag) == way
