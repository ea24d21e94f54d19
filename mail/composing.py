"""A whole mail of a letter: rendered, its links signed, its headers set, and what the law asks for at its foot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import escape

from mail import tracking
from mail.brand import Brand, context
from mail.headers import headers
from mail.links import CONFIRMATION_LIVES, PREFERENCES_LIVE, Confirmation, Links, Preferences, Unsubscribe
from mail.message import Mail
from mail.rendering.templates import Rendered, Renders, Stored
from mail.tracking import NOTHING, Tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What one mail is made of. `campaign` is the journey or broadcast; `locales` as `Renders.render` takes them."""

    send_id: str
    to: str
    customer: str
    topic: str
    topic_name: str
    transactional: bool
    template: str
    context: Mapping[str, Any]
    now: datetime
    subject: str | None = None
    stored: Stored | None = None
    locales: Sequence[str] = ()
    timezone: str | None = None
    campaign: str = ""
    lane: str = "transactional"
    tracking: Tracking = NOTHING


class Composer:
    """Makes mails of letters; raises TemplateProblem or ValueError where there can be none."""

    def __init__(self, renderer: Renders, links: Links, brand: Brand) -> None:
        self._renderer = renderer
        self._links = links
        self.brand = brand

    def compose(self, letter: Letter) -> Mail:
        """The mail, ready to go."""
        unsubscribe_url = None if letter.transactional else self._unsubscribe_url(letter)
        rendered = self.render(letter, unsubscribe_url)
        html, text = rendered.html, rendered.text
        if unsubscribe_url is not None:
            html, text = self._with_foot(html, text, unsubscribe_url)
        html, urls = tracking.tracked(
            html,
            letter.tracking,
            self._links.beginnings,
            lambda number: self._links.click_url(letter.send_id, number),
            lambda: self._links.open_url(letter.send_id),
        )
        if letter.tracking.utm:
            text = tracking.with_utm_in_text(text, letter.tracking.utm, self._links.beginnings)
        return Mail(
            send_id=letter.send_id,
            to=letter.to,
            sender=self.brand.sender,
            reply_to=self.brand.reply_to,
            subject=rendered.subject,
            html=html,
            text=text,
            at=letter.now,
            urls=urls,
            locale=rendered.locale,
            headers=headers(
                self.brand,
                send_id=letter.send_id,
                topic=letter.topic,
                campaign=letter.campaign,
                template=letter.template,
                lane=letter.lane,
                unsubscribe_url=unsubscribe_url,
            ),
        )

    def render(self, letter: Letter, unsubscribe_url: str | None) -> Rendered:
        """The three parts, as the template makes them."""
        known = context(
            self.brand,
            letter.context,
            unsubscribe_url,
            letter.send_id,
            now=letter.now,
            timezone=letter.timezone,
            topic=letter.topic_name,
            preferences_url=None if letter.transactional else self._preferences_url(letter),
            confirm_url=self._confirm_url(letter) if letter.transactional else None,
        )
        return self._renderer.render(letter.template, known, letter.subject, letter.stored, letter.locales)

    def _unsubscribe_url(self, letter: Letter) -> str:
        what = Unsubscribe(customer=letter.customer, topic=letter.topic, send_id=letter.send_id)
        return self._links.unsubscribe_url(what)

    def _preferences_url(self, letter: Letter) -> str:
        expires = letter.now + PREFERENCES_LIVE
        return self._links.preferences_url(
            Preferences(customer=letter.customer, send_id=letter.send_id, expires=expires)
        )

    def _confirm_url(self, letter: Letter) -> str:
        return self._links.confirm_url(
            Confirmation(
                customer=letter.customer,
                topic=letter.topic,
                send_id=letter.send_id,
                expires=letter.now + CONFIRMATION_LIVES,
            )
        )

    def _with_foot(self, html: str, text: str, unsubscribe_url: str) -> tuple[str, str]:
        """The postal address and the way out, where the template forgot them (CAN-SPAM; Gmail and Yahoo)."""
        address = self.brand.address
        parts = [] if str(escape(address)) in html or address in html else [str(escape(address))]
        if unsubscribe_url not in html:
            parts.append(f'<a href="{unsubscribe_url}">Unsubscribe</a>')
        if parts:
            foot = f'<p style="font-size:13px;color:#5d6472;text-align:center">{"<br>".join(parts)}</p>'
            html = tracking.before_the_end(html, foot)
        lines = [] if address in text else [address]
        lines += [] if unsubscribe_url in text else [f"Unsubscribe: {unsubscribe_url}"]
        return html, text + "\n--\n" + "\n".join(lines) + "\n" if lines else text
