"""The mail providers that there are: the one place where a provider is registered. Its settings stand in `settings`.

What a provider does is in a room of its own, `mail/providers/<name>/{sender,events}`, which is loaded when it is first
wanted: an HTTP client or a helper library costs memory in processes that never use it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mail.providers.events import EventReader
from mail.providers.outbox.sender import Inbox, OutboxSender
from mail.providers.sender import MailSender
from waypost.errors import CannotStart
from waypost.settings import Provider, Settings

Made = Callable[[Settings, Inbox], MailSender]
"""Makes the sender of a provider from the settings; the outbox takes the inbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A provider: what people call it, what makes its sender, and what reads its reports, where it makes any.

    `events_key` is the setting that holds the key of its reports; `selectors` are those that it signs with (DKIM),
    where it chooses them; `return_path` says that bounces go to a domain of its own, of which SPF speaks then.
    """

    title: str
    sender: Made
    events: Callable[[str], EventReader] | None = None
    events_key: str = ""
    selectors: tuple[str, ...] = ()
    return_path: bool = False


def _sendgrid(settings: Settings, inbox: Inbox) -> MailSender:
    from mail.providers.sendgrid.sender import SendGridSender

    if settings.sendgrid_api_key is None:
        raise CannotStart("set SENDGRID_API_KEY: mail is to go by SendGrid (WAYPOST_PROVIDER)")
    return SendGridSender(settings.sendgrid_api_key, settings.sendgrid_host, log=settings.sendgrid_log)


def _sendgrid_events(key: str) -> EventReader:
    from mail.providers.sendgrid.events import SendGridEvents

    return SendGridEvents(key)


def _smtp(settings: Settings, inbox: Inbox) -> MailSender:
    from mail.providers.smtp.sender import SmtpSender

    if settings.smtp_url is None:
        raise CannotStart("set WAYPOST_SMTP_URL: mail is to go by SMTP (WAYPOST_PROVIDER)")
    return SmtpSender(settings.smtp_url, settings.smtp_ca)


PROVIDERS: Mapping[Provider, Registered] = {
    "sendgrid": Registered(
        title="SendGrid",
        sender=_sendgrid,
        events=_sendgrid_events,
        events_key="sendgrid_webhook_key",
        selectors=("s1", "s2"),
        return_path=True,
    ),
    "smtp": Registered(title="SMTP", sender=_smtp),
    "outbox": Registered(
        title="the local outbox: no mail leaves this machine", sender=lambda settings, inbox: OutboxSender(inbox)
    ),
}


def chosen(settings: Settings) -> Registered:
    """The provider that takes the mails."""
    return PROVIDERS[settings.sends_by]


def sender(settings: Settings, inbox: Inbox) -> MailSender:
    """What hands mails to it; `inbox` is where the local outbox keeps them.

    Raise CannotStart where a setting is missing.
    """
    return chosen(settings).sender(settings, inbox)


def event_readers(settings: Settings) -> Mapping[str, EventReader]:
    """By name, those that read reports: of every provider whose key is set, whoever takes the mails now."""
    return {
        name: one.events(key)
        for name, one in PROVIDERS.items()
        if one.events is not None and (key := getattr(settings, one.events_key)) is not None
    }
