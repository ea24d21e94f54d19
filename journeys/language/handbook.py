"""The language told to a marketer: each word with its fields and an example. The documentation is made from this.

A test sees that no word and no field is missing, and that every example runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from journeys.language import definition, hooks, verbs


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A word: what its mapping holds, an example as it stands in a journey, and what to know."""

    example: str
    fields: Mapping[str, str]
    part: type[BaseModel] | None = None
    note: str = ""


STEPS: Mapping[str, Entry] = {
    "send": Entry(
        part=verbs.Send,
        example="""\
- send: welcome
- id: tour
  send: {template: thank_you, subject: "Hello, {{ customer.first_name }}", expires: 3 days}
""",
        fields={
            "template": "the key of the template",
            "subject": "takes the place of the template's own subject; Jinja2",
            "topic": "what a recipient can leave; else the journey's default, else `general`",
            "transactional": "true: goes whatever the send window and the topics left (not to suppressed addresses)",
            "expires": "skipped (`expired`) when it could not go within this time",
            "late": "what becomes of it when it is overdue: `send`, `skip`, `next_window` (default)",
            "send_window": "hours in the customer's zone (`from`, `to`, `days`), or `any` to lift the journey's",
        },
        note="`send: KEY` is short for `send: {template: KEY}`.",
    ),
    "wait": Entry(
        example="""\
- wait: 2 days
- wait: 1 calendar month
- wait: {until: "09:00", on: [tue, thu]}
- wait: {until: customer.trial_ends_at, offset: -3 days, at: "09:00"}
- wait: {until: customer.renews_at, else: [{send: loyalty}]}
""",
        fields={
            "until": "a local time of day, strictly after now; or a date held in an attribute, as `customer.NAME`",
            "on": "weekdays for a time of day: `mon-fri`, `[tue, thu]`",
            "offset": "moves the date: `-3 days`, `2 calendar weeks`",
            "at": "the local time on the date; else the instant itself, or the first moment of a date without a time",
            "else": "steps where the date is missing or cannot be read; without them, one that can be is waited for",
        },
        note=(
            "A date that is past does not wait; one that changes meanwhile moves the wait. A date is ISO 8601 (a "
            "day or an instant, with or without a zone) or Unix time (seconds or milliseconds), as number or "
            "text; midnight UTC means that day. `12/10/2026` may be two days, so it is neither: the wait takes "
            "`else`, or waits for a date that can be read, and says `unreadable_date` (`no_date` where the "
            "attribute is missing). A time zone that is learned meanwhile moves a wait for a local time."
        ),
    ),
    "wait_for": Entry(
        part=verbs.WaitFor,
        example="""\
- wait_for:
    event: Tour Watched
    when: event.properties.seconds > 30
    up_to: 7 days
    else: [{send: we_miss_you}]
- wait_for: {when: customer.plan == "team", up_to: 7 days}
""",
        fields={
            "event": "the event to wait for",
            "when": "a guard on that event; without `event`, the guard alone is waited for (it may be true at once)",
            "up_to": "for how long; without it, for ever",
            "then": "steps when it came",
            "else": "steps when `up_to` has passed",
        },
    ),
    "branch": Entry(
        part=verbs.Case,
        example="""\
- branch:
    - if: customer.plan == "team"
      then: [{send: loyalty}]
    - else: [{send: cross_sell}]
""",
        fields={
            "if": "a guard; the first arm whose guard holds is taken",
            "then": "the steps of the arm",
            "else": "the steps where no guard held; last, and once",
        },
    ),
    "split": Entry(
        part=verbs.Split,
        example="""\
- split:
    id: tip-test
    variants:
      short: {weight: 45, steps: [{send: thank_you}]}
      long: {weight: 45, steps: [{send: loyalty}]}
      holdout: {weight: 10, holdout: true}
""",
        fields={
            "id": "names the split for ever: whoever has a variant of it keeps it, also when the weights change",
            "variants": "by name: `weight` (shares of their sum), `steps`, or `holdout: true` for no mail at all",
            "winner": "the variant that everybody takes who comes to the split from now on",
            "decide": "`{by: conversion, after: 7 days, confidence: 0.95}`: the winner is taken by itself, by the goal "
            "or its `revenue`, at the first look that is sure enough: `after` so long, then twice as long, and so on",
        },
    ),
    "set": Entry(
        example="- set: {lead_score: {cel: customer.lead_score + 10}, source: fair, nickname: null}",
        fields={},
        note="Names and values of attributes; null removes one, and `{cel: …}` computes one from the customer, the "
        "enrollment and `now`, as a guard reads them. One that cannot be computed stays as it was, and the timeline "
        "says why. Texts are stored as they stand: a template (`{{ … }}`) is refused. Other journeys and segments hear "
        "of it.",
    ),
    "webhook": Entry(
        part=hooks.Webhook,
        example="""\
- webhook: https://crm.example.com/hooks/waypost
- webhook:
    url: https://crm.example.com/deals
    headers: {X-Source: waypost, Authorization: {secret: crm_token}}
    body: {name: "{{ customer.first_name }}", stage: trial}
""",
        fields={
            "url": "the address, or `{secret: NAME}`; inside the own network only with `WAYPOST_HOOKS_PRIVATE`",
            "method": "`POST` (default), `PUT` or `PATCH`",
            "headers": (
                "more headers, each a text or `{secret: NAME}`; none of the connection or its framing, such as "
                "`Host` or `Content-Length`"
            ),
            "body": "JSON whose texts are Jinja2; else the journey, stage, step and customer",
        },
        note=(
            "Signed by Standard Webhooks and made at least once: `webhook-id` is the same at each attempt. "
            "An answer is its status, within ten seconds; at most 64 KB of its body are read, and none of it is kept. "
            "The journey goes on at once. What a secret stands for is said where the worker runs "
            "(`WAYPOST_HOOKS_SECRETS`), and stands in no definition, answer or log."
        ),
    ),
    "notify": Entry(
        part=hooks.Notify,
        example="""\
- notify:
    email: sales@example.com
    subject: Call {{ customer.first_name }}
    text: Their trial ends this week.
- notify: {url: "https://chat.example.com/1", text: "{{ customer.first_name }} upgraded"}
- notify: {url: {secret: sales_chat}, text: "{{ customer.first_name }} left"}
""",
        fields={
            "email": "a colleague's address",
            "url": "or the incoming webhook of a chat, which gets `{text: …}`; or `{secret: NAME}`, where it is one",
            "subject": "of the mail; Jinja2",
            "text": "what to say; Jinja2",
        },
    ),
    "enroll": Entry(
        part=verbs.Enroll,
        example="""\
- enroll: win_back
- enroll: {journey: win_back, data: {from: lifecycle}}
""",
        fields={
            "journey": "the journey to start for this customer",
            "data": "what its guards and templates find in `enrollment`",
        },
        note="Its re-entry rule holds; where it refuses, this journey goes on and the reason is on record.",
    ),
    "go": Entry(
        example="""\
- wait: 30 days
- go: first
""",
        fields={},
        note="To a stage of this journey; to its own stage to start it anew.",
    ),
    "exit": Entry(
        example="- exit: not_interested",
        fields={},
        note="Ends the enrollment, for this reason; `exit: true` for `exited`.",
    ),
}
"""Every verb of the language, told with an example."""

TRIGGERS: Mapping[str, Entry] = {
    "on": Entry(
        example="""\
- on: Signed Up
- on: Lead Captured
  when: customer.country in ["DE", "AT"]
""",
        fields={"on": "the event", "when": "a guard, for every form of trigger"},
    ),
    "segment": Entry(example="- segment: vip", fields={"segment": "the key of the segment that the customer joins"}),
    "date": Entry(
        example="""\
- {date: customer.trial_ends_at, offset: -3 days, at: "09:00"}
- {date: customer.birthday, every: year, at: "08:00"}
""",
        fields={
            "date": "an attribute, as `customer.NAME`, that holds a date or an instant (ISO 8601)",
            "offset": "moves the date: `-3 days`",
            "at": "the local time on that day",
            "every": "`year`: each year again",
        },
    ),
    "schedule": Entry(
        example="""\
- {schedule: {at: "09:00", on: mon, timezone: Europe/Berlin}, segment: readers}
- {schedule: {at: "09:00", day: 1}, segment: readers}
""",
        fields={"schedule": "`at` (a time of day), `on` (weekdays) or `day` (of the month), `timezone`"},
        note="Each member of the segment enters at that time, by the re-entry rule.",
    ),
}
"""Every way in, told with an example."""

TRANSITIONS: Mapping[str, Entry] = {
    "on": Entry(
        example="- {on: Order Completed, when: event.properties.total > 100, to: second}",
        fields={"on": "the event", "when": "a guard", "to": "the stage"},
    ),
    "after": Entry(example="- {after: 30 days, to: second}", fields={"after": "elapsed time since entering the stage"}),
    "inactive": Entry(
        example="- {inactive: 90 days, of: Order Completed, to: second}",
        fields={
            "inactive": "elapsed time without the event",
            "of": "the event; where it never came, entering the journey counts",
        },
    ),
    "when": Entry(
        example='- {when: customer.plan == "pro", to: second}',
        fields={},
        note="Taken before the first step where it holds, else when what it reads changes. It may not read `now`.",
    ),
}
"""Every way out of a stage, told with an example."""

JOURNEY: Mapping[str, str] = {
    "journey": "the key, which names it for ever",
    "name": "for people",
    "lifecycle": "true: this journey's stage is the customer's lifecycle stage",
    "priority": "1 to 5 (default 3): whose mail goes where a frequency cap has room for one; the larger number wins",
    "timezone": "for customers whose zone is not known (IANA); else UTC",
    "enter": "the triggers; a call to the API lets customers in as well",
    "key": "`event.NAME`: one run for each value of this property, side by side; guards find it as `enrollment.key`",
    "reentry": "`never` (default), `after_exit`, `always` (ends the live run), or `{after: 90 days}`",
    "exit": "events that end the enrollment wherever it is",
    "goal": "`{on, when, within}`: the conversion, credited to the last mail accepted within that time; ends nothing",
    "defaults": "`topic`, `send_window`, `late` for every send that says nothing itself",
    "templates": "`latest` (default): mails are made of the newest version of a template; `pinned`: of that which was "
    "the newest when this version was published",
    "start": "the first stage",
    "stages": "the stages by key, in the order in which reports show them",
}
"""The fields of a journey, and what each says."""

STAGE: Mapping[str, str] = {
    "label": "for people: reports, maps and pages show it in the key's place",
    "phase": "where on the way it stands: " + ", ".join(f"`{one}`" for one in definition.PHASES),
    "mailable": (
        "false: who is here is not to be written to. Transactional mail goes; that of every journey and broadcast is "
        "skipped (`not_mailable`)"
    ),
    "steps": "what happens here, in order; behind the last one the customer rests",
    "transitions": "the ways out, in the order in which they are tried",
    "final": "true: the enrollment ends behind the last step",
}
"""The fields of a stage, and what each says."""


def json_schema() -> dict[str, Any]:
    """The language as a JSON Schema, each field with what it says: what editors show of a word."""
    schema = definition.json_schema()
    parts: dict[str, Any] = schema["$defs"]
    _describe(schema["properties"], JOURNEY)
    _describe(parts["Stage"]["properties"], STAGE)
    for name, entries in (("Trigger", TRIGGERS), ("Transition", TRANSITIONS)):
        for entry in entries.values():
            _describe(parts[name]["properties"], entry.fields)
    for entry in STEPS.values():
        if entry.part is not None:
            _describe(parts[entry.part.__name__]["properties"], entry.fields)
    return schema


def _describe(properties: Mapping[str, dict[str, Any]], told: Mapping[str, str]) -> None:
    for name, words in told.items():
        if name in properties:
            properties[name]["description"] = words
