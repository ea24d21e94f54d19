"""What a provider said of a note to a colleague, as the hooks keep it: one table, without side effects.

Accepted        delivered
NotSent         again: it is certain that nothing was sent
MailRefused     failed
Misconfigured   again: our own key or login kept it back, and nothing was sent
MaybeSent       failed: it may have gone, and a note is never repeated then
Withheld        again: nothing was sent
"""

from typing import assert_never

from mail.providers.sender import Accepted, MailRefused, MaybeSent, Misconfigured, NotSent, SendOutcome, Withheld
from mail.webhooks.answer import HookAnswer


def answer_of(outcome: SendOutcome) -> HookAnswer:
    """The outcome of one attempt to send a note; `error` as people read it beside the hook."""
    match outcome:
        case Accepted():
            return HookAnswer(outcome="delivered")
        case NotSent():
            return HookAnswer(outcome="again", error=outcome.explanation or outcome.reason)
        case MailRefused():
            return HookAnswer(outcome="failed", error=outcome.explanation or outcome.reason)
        case Misconfigured() | Withheld():
            return HookAnswer(outcome="again", error=outcome.explanation)
        case MaybeSent():
            why = f" ({outcome.explanation})" if outcome.explanation else ""
            return HookAnswer(outcome="failed", error=f"the provider gave no answer{why}; it may have gone")
        case _:
            assert_never(outcome)
