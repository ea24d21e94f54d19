"""What decides on a mail while a journey is simulated: nothing, or the policies of production."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from journeys.facts.customer_facts import CustomerFacts
from journeys.machine.commands import Plan
from journeys.program.send_terms import SendTerms
from journeys.rules import awaited, policy
from journeys.rules.policy import ALLOWED, NO_TERMS, InstallationTerms, Limits, Recipient, Verdict

MailPolicy = Callable[[SendTerms, Plan, CustomerFacts], Verdict]
"""Decides on a mail: the terms of its step, the plan, the customer."""


def everything_goes(terms: SendTerms, plan: Plan, known: CustomerFacts) -> Verdict:
    """No policy at all."""
    return ALLOWED


def by_policy(assume_address: bool, installation: InstallationTerms = NO_TERMS) -> MailPolicy:
    """The policies of production, for customers of whom only attributes are known; a yes is assumed where one is asked.

    With `assume_address` everybody can be written to; else mail to those without an `email` waits for one. What a
    customer was sent counts under the caps, over all their enrollments that are simulated with the same function.
    """
    went: defaultdict[Any, list[tuple[str, datetime]]] = defaultdict(list)
    capped, uncapped = installation.capped, dict[str, Limits]()

    def limits_of(topic: str, before: Sequence[tuple[str, datetime]], now: datetime) -> Limits:
        if capped:
            return installation.limits(topic, before, now)
        if topic not in uncapped:
            uncapped[topic] = installation.limits(topic, (), now)
        return uncapped[topic]

    def decide(terms: SendTerms, plan: Plan, known: CustomerFacts) -> Verdict:
        email = known.attributes.get("email")
        address = email if isinstance(email, str) and email else "anybody" if assume_address else None
        valid = address == "anybody" or (address is not None and "@" in address.strip("@"))
        before = went[known.attributes.get("id")]
        recipient = Recipient(email=address, valid=valid, timezone=known.timezone, consent=True)
        limits = limits_of(terms.topic, before, plan.at)
        due = awaited.due_since(plan.due, plan.ready, address)
        verdict = policy.decide(terms, recipient, due=due, now=plan.at, limits=limits, awaits_address=True)
        if verdict == ALLOWED and not policy.transactional(terms, limits):
            before.append((terms.topic, plan.at))
        return verdict

    return decide
