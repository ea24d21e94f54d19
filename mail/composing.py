"""A mail of a request: rendered, its links signed, its headers set, and what the law asks for at its foot.

What is asked for is made elsewhere (`services.messages.sending.mail_request`: by a claim, a preview, a test mail),
where this room must not look: the Protocols say what is read of it, so that nobody copies a request into another shape
first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from html import escape as escape_text
from typing import Any, Protocol

from markupsafe import escape

from mail import tracking
from mail.brand import Brand, context
from mail.headers import headers
from mail.message import Mail
from mail.rendering import survey_block
from mail.rendering.templates import Rendered, Renders, TemplateTexts
from mail.signed_links import (
    CONFIRMATION_LIVES,
    HAND_OVER_LIVES,
    PREFERENCES_LIVE,
    SURVEY_LIVES,
    Confirmation,
    HandOverLink,
    Links,
    Preferences,
    SurveyLink,
    Unsubscribe,
)
from mail.tracking import TrackingOptions
from mail.translations import Translations
from readers.hand_over_answers import LABELS
from readers.survey_scales import Scale


class PersonalParts(Protocol):
    """What makes a mail one customer's own; `locales` as `Renders.render` takes them."""

    @property
    def context(self) -> Mapping[str, Any]: ...
    @property
    def locales(self) -> Sequence[str]: ...
    @property
    def timezone(self) -> str | None: ...


class Requested(TrackingOptions, Protocol):
    """One mail as it is asked for; what each field means stands at `services.messages.sending.mail_request`."""

    @property
    def send_id(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def customer(self) -> str: ...
    @property
    def template(self) -> str: ...
    @property
    def personal(self) -> PersonalParts: ...
    @property
    def source(self) -> TemplateTexts | None: ...
    @property
    def subject(self) -> str | None: ...
    @property
    def topic(self) -> str: ...
    @property
    def topic_name(self) -> str: ...
    @property
    def transactional(self) -> bool: ...
    @property
    def sample(self) -> bool: ...
    @property
    def campaign(self) -> str: ...
    @property
    def lane(self) -> str: ...


class Composer:
    """Makes mails of what is asked for; `now` is when a mail is written."""

    def __init__(self, renderer: Renders, links: Links, brand: Brand, translations: Translations | None = None) -> None:
        self._renderer = renderer
        self._translations = translations or Translations()
        self._links = links
        self.brand = brand

    def compose(self, request: Requested, now: datetime) -> Mail:
        """The mail, ready to go.

        Raise TemplateProblem where the template gives none, ValueError where a header would be broken.
        """
        unsubscribe_url = None if request.transactional else self._unsubscribe_url(request)
        rendered = self.render(request, unsubscribe_url, now)
        html, text = rendered.html, rendered.text
        if unsubscribe_url is not None:
            html, text = self._with_foot(html, text, unsubscribe_url, rendered.locale)
        html, urls = tracking.tracked(
            html,
            request,
            self._links.beginnings,
            lambda number: self._links.click_url(request.send_id, number),
            lambda: self._links.open_url(request.send_id),
        )
        if request.utm:
            text = tracking.with_utm_in_text(text, request.utm, self._links.beginnings)
        return Mail(
            send_id=request.send_id,
            to=request.to,
            sender=self.brand.sender,
            reply_to=self.brand.reply_to,
            subject=rendered.subject,
            html=html,
            text=text,
            at=now,
            urls=urls,
            locale=rendered.locale,
            template_version=request.source.version if request.source is not None else None,
            headers=headers(
                self.brand,
                send_id=request.send_id,
                topic=request.topic,
                campaign=request.campaign,
                template=request.template,
                lane=request.lane,
                unsubscribe_url=unsubscribe_url,
            ),
        )

    def render(self, request: Requested, unsubscribe_url: str | None, now: datetime) -> Rendered:
        """The three parts, as the template alone makes them; raise TemplateProblem where it gives none."""
        personal = request.personal
        known = context(
            self.brand,
            personal.context,
            unsubscribe_url,
            request.send_id,
            now=now,
            timezone=personal.timezone,
            topic=request.topic_name,
            preferences_url=None if request.transactional else self._preferences_url(request, now),
            confirm_url=self._confirm_url(request, now) if request.transactional or request.sample else None,
        )
        made = self._renderer.render(request.template, known, request.subject, request.source, personal.locales)
        return self._with_survey_links(made, request.send_id, now)

    def _with_survey_links(self, made: Rendered, send_id: str, now: datetime) -> Rendered:
        """Every answer of a survey as a signed link."""

        def sign(scale: Scale, score: int) -> str:
            what = SurveyLink(send_id=send_id, scale=scale, score=score, expires=now + SURVEY_LIVES)
            return self._links.survey_url(what)

        return replace(made, html=survey_block.signed(made.html, sign), text=survey_block.signed(made.text, sign))

    def fill(self, text: str, about: Mapping[str, Any]) -> str:
        """A short text that is a template itself, as a webhook's value; raise TemplateProblem where it gives none."""
        return self._renderer.fill(text, {**about, "brand": self.brand.as_context()})

    def hand_over(self, send_id: str, to: str, subject: str, text: str, now: datetime) -> Mail:
        """A note of a journey, with a signed link for each answer; raise ValueError as `note` does."""
        mail = self.note(send_id, to, subject, text)
        expires = now + HAND_OVER_LIVES
        urls = {
            label: self._links.hand_over_url(HandOverLink(note=send_id, answer=answer, expires=expires))
            for answer, label in LABELS.items()
        }
        links = " &middot; ".join(f'<a href="{escape(url)}">{escape(label)}</a>' for label, url in urls.items())
        lines = "\n".join(f"{label}: {url}" for label, url in urls.items())
        return replace(mail, html=f"{mail.html}<p>{links}</p>", text=f"{text.rstrip()}\n\n--\n{lines}\n")

    def note(self, send_id: str, to: str, subject: str, text: str) -> Mail:
        """A mail to a colleague: plain words, no links of ours, nothing followed.

        Raise ValueError where a header would be broken.
        """
        return Mail(
            send_id=send_id,
            to=to,
            sender=self.brand.sender,
            subject=" ".join(subject.split()),
            html="<p>" + escape_text(text).replace("\n", "<br>") + "</p>",
            text=text,
            headers={"Message-ID": self.brand.message_id(send_id)},
        )

    def sign_in(self, send_id: str, to: str, link: str, minutes: int) -> Mail:
        """The mail that signs a colleague in by the link of this id, which works for so many minutes."""
        url, lives = self._links.sign_in_url(link), _told(minutes)
        told = f"This link signs you in to {self.brand.name}. It works once, for {lives}."
        not_you = "If you did not ask for it, nothing happens unless you open it."
        mail = self.note(send_id, to, f"Sign in to {self.brand.name}", f"{told}\n\n{url}\n\n{not_you}\n")
        html = f'<p>{escape(told)}</p><p><a href="{escape(url)}">Sign in</a></p><p>{escape(not_you)}</p>'
        return replace(mail, html=html)

    def _unsubscribe_url(self, request: Requested) -> str:
        what = Unsubscribe(customer=request.customer, topic=request.topic, send_id=request.send_id)
        return self._links.unsubscribe_url(what)

    def _preferences_url(self, request: Requested, now: datetime) -> str:
        expires = now + PREFERENCES_LIVE
        return self._links.preferences_url(
            Preferences(customer=request.customer, send_id=request.send_id, expires=expires)
        )

    def _confirm_url(self, request: Requested, now: datetime) -> str:
        return self._links.confirm_url(
            Confirmation(
                customer=request.customer,
                topic=request.topic,
                send_id=request.send_id,
                expires=now + CONFIRMATION_LIVES,
            )
        )

    def _with_foot(self, html: str, text: str, unsubscribe_url: str, locale: str) -> tuple[str, str]:
        """The postal address and the way out, where the template forgot them (CAN-SPAM; Gmail and Yahoo)."""
        address, leave = self.brand.address, self._translations.into([locale])("Unsubscribe")
        parts = [] if str(escape(address)) in html or address in html else [str(escape(address))]
        if unsubscribe_url not in html:
            parts.append(f'<a href="{unsubscribe_url}">{escape(leave)}</a>')
        if parts:
            foot = f'<p style="font-size:13px;color:#5d6472;text-align:center">{"<br>".join(parts)}</p>'
            html = tracking.before_the_end(html, foot)
        lines = [] if address in text else [address]
        lines += [] if unsubscribe_url in text else [f"{leave}: {unsubscribe_url}"]
        return html, text + "\n--\n" + "\n".join(lines) + "\n" if lines else text


def _told(minutes: int) -> str:
    """A span as a person says it."""
    for size, name in ((24 * 60, "days"), (60, "hours")):
        if minutes >= 2 * size:
            return f"{minutes // size} {name}"
    return f"{minutes} minutes"
