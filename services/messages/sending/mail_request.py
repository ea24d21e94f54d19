"""One mail as it is asked for: by the claim of a lane, by a preview, by a test mail.

This is the only shape of a mail between the ledger and the composer. It stands here, since services must not know
`mail`, nor `mail` services: `mail.composing` says by a Protocol what it reads of a request, and the type checker holds
the two together where they meet (activities, the API). So no value is copied from one twin to the next:

    MailRequest     what is asked for                       here
    Mail            what was composed, and is handed over   mail.message
    SendOutcome     what a provider said of it              mail.providers.sender
    AttemptResult   what the ledger keeps of that           services.messages.sending.sending_ledger
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from journeys.program.send_terms import GENERAL
from services.definitions.templates import TemplateSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Personalization:
    """What makes a mail one customer's own.

    `context` holds the variables `customer` and `enrollment` of a template, `locales` the language tags to look for,
    the best first, and `timezone` the IANA name of the zone that times are shown in (None: UTC).
    """

    context: Mapping[str, Any]
    locales: Sequence[str] = ()
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequest:
    """One mail to one address.

    `customer` is the internal id, which signed links carry; `source` the texts of the template where it is kept in the
    store (None: it is a file); `subject` takes the place of the template's own. `campaign` is the key of the journey or
    the broadcast. A `sample` is to be looked at, a preview or a test mail: it has every link that a template may name,
    whatever mail that is for. `utm` are the parameters that links get (None: none). `attempt` counts the claims of a
    mail from 1; `trace` is the trace context of what led to it.
    """

    send_id: str
    to: str
    customer: str
    template: str
    personal: Personalization
    source: TemplateSource | None = None
    subject: str | None = None
    topic: str = GENERAL
    topic_name: str = GENERAL
    transactional: bool = False
    sample: bool = False
    campaign: str = ""
    lane: str = "transactional"
    opens: bool = False
    clicks: bool = False
    utm: Mapping[str, str] | None = None
    attempt: int = 0
    trace: str | None = None
