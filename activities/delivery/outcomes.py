"""What a provider said of a mail, in the ledger's words, and what it says of the channel: one table, no side effects.

Accepted        accepted                              the channel is well
NotSent         planned: provider_busy                it asks for time, or nobody reaches it; nothing, if about one mail
MailRefused     failed: rejected                      it is well: it answered, if with a no
                failed: invalid_address               nothing: the provider was not asked
Misconfigured   planned: channel_misconfigured        it refuses us, and closes for a minute
MaybeSent       unknown: no_answer                    it failed
Withheld        planned: worker_lost                  nothing: its owner has lost the lane, or ends
"""

from datetime import timedelta
from functools import partial
from typing import assert_never

from mail.providers.sender import Accepted, MailRefused, MaybeSent, Misconfigured, NotSent, SendOutcome, Withheld
from services.messages.sending.circuit_breaker import REFUSED, ChannelReport
from services.messages.sending.sending_ledger import AttemptResult
from store.statuses import MessageStatus


def result_of(send_id: str, provider: str, outcome: SendOutcome) -> AttemptResult:
    """The outcome of one attempt by `provider`, as `sending_ledger.record` keeps it."""
    result = partial(AttemptResult, send_id=send_id, provider=provider)
    match outcome:
        case Accepted():
            return result(
                status=MessageStatus.ACCEPTED, provider_id=outcome.provider_id, said=ChannelReport(heard="well")
            )
        case NotSent():
            said = _of_a_channel_that_waits(outcome)
            return result(status=MessageStatus.PLANNED, reason=outcome.reason, wait=outcome.wait, said=said)
        case MailRefused():
            said = ChannelReport(heard="well" if outcome.reason == "rejected" else "nothing")
            return result(
                status=MessageStatus.FAILED, reason=outcome.reason, explanation=outcome.explanation, said=said
            )
        case Misconfigured():
            return result(
                status=MessageStatus.PLANNED,
                reason="channel_misconfigured",
                wait=REFUSED,
                explanation=outcome.explanation,
                said=ChannelReport(heard="refused", why=outcome.explanation),
            )
        case MaybeSent():
            return result(
                status=MessageStatus.UNKNOWN,
                reason="no_answer",
                explanation=outcome.explanation,
                said=ChannelReport(heard="failed", why=outcome.explanation or "no answer"),
            )
        case Withheld():
            why = outcome.explanation
            return result(status=MessageStatus.PLANNED, reason="worker_lost", wait=timedelta(), explanation=why)
        case _:
            assert_never(outcome)


def _of_a_channel_that_waits(outcome: NotSent) -> ChannelReport:
    """A provider that asks for time is well; one that nobody reaches has failed."""
    if not outcome.lane:
        return ChannelReport(heard="nothing")
    if outcome.unreachable:
        return ChannelReport(heard="failed", why=outcome.explanation or "it cannot be reached")
    return ChannelReport(heard="busy", wait=outcome.wait)
