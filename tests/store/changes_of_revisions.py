"""What each revision made of the rows that the one before it held."""

from collections.abc import Callable, Mapping

from tests.store.rows_of_revisions import AT, BOOKS, KEYED, LATER, Row


def _named(row: Row) -> Row:
    workflow = {"enr_4": KEYED}.get(row["id"], f"enrollment/welcome/cus_1/{row['run']}")
    return {"workflow_id": workflow, "paused_by": None, "shifts": []}


_ENTERED = {"dec_c": "new", "dec_d": "old", "dec_e": "old", "dec_f": "buyer"}
"""To which stage somebody came by each of these decisions."""


def _one_form(row: Row) -> Row:
    return {"cus_4": {"external_id": "dora", "email": BOOKS}}.get(row["id"], {})


def _the_first_lifecycle(row: Row) -> Row:
    """Of two live journeys that say they are it, one stays; an archived one takes nobody's place."""
    return {"lifecycle": False} if row["key"] == "welcome-too" else {}


def _waked_ahead(row: Row) -> Row:
    """Who is live is waked ahead from now on; the one wake that was kept is the last of several."""
    return {
        "last_wakes": [row["last_wake"]] if row["last_wake"] else [],
        "due_at": row["wakes_at"] if row["status"] == "live" else None,
        "follow_at": None,
    }


def _on_the_day_of_conversion(row: Row) -> Row:
    amounts = {"EUR": 2550, "JPY": 700, "unstated": 150}
    return {"revenue": {"other": {"2026-03-02": amounts}}} if row["customer_id"] == "cus_2" else {}


_BROUGHT: Row = {"journey": "welcome", "split": "tip", "variant": "a", "shard": 0}

BECAME: Mapping[str, Mapping[str, Row | Callable[[Row], Row]]] = {
    "0002": {"customer": {"segments": []}, "enrollment": {"key": ""}},
    "0003": {
        "api_key": {"expires_at": None, "rate": None},
        "enrollment": _named,
        "journey": {"paused_at": None, "archived_at": None, "alarm": None},
        "message": {"delivery": None, "template_version": None},
        "movement": {"seconds": 0},
        "operation": {"error_count": 0, "cursor": "", "note": None, "asked_by": None},
    },
    "0004": {
        "consent": {"pending": False, "evidence": None},
        "message": {"broadcast": None, "variant": None, "locale": None, "urls": []},
        "template_version": {"preheader": "", "locales": {}},
        "topic": {"paused_at": None, "alarm": None},
    },
    "0005": {"dispatch": {"trace": None}, "message": {"trace": None}},
    "0006": {"dispatch": {"status": "ready"}},
    "0009": {"hook": {"once": False, "fence": None}},
    "0012": {
        "enrollment": {
            "wakes": 0,
            "state": {},
            "last_wake": None,
            "stuck": None,
            "poked_at": None,
            "nudged_at": None,
        },
    },
    "0014": {"enrollment": {"migrating": False}},
    "0015": {
        "customer": _one_form,
        "message": {"email": "ann@shop.example"},
        "suppression": lambda row: {"email": BOOKS} if row["email"].startswith("dora") else {},
    },
    "0019": {"api_key": {"origins": []}},
    "0020": {"topic": {"names": {}}},
    "0021": {"event": {"said_at": None}},
    "0022": {"journey": _the_first_lifecycle},
    "0023": {
        "journey": {"revision": 0, "based_on": None, "drafted_by": None},
        "journey_version": {"drafted_by": None, "published_by": None},
    },
    "0025": {"control": {"stage": None, "step": None}},
    "0026": {"operation": {"paused": False}},
    "0027": {"journey_version": {"archived_at": None}},
    "0029": {"message": {"template_pin": None}},
    "0032": {
        "journey": {"paused_stages": {}, "resumed": {}},
        "enrollment": {"resumed_at": None, "resumed_late": None},
        "control": {"late": None},
    },
    "0033": {"plan_entry": {"wakes": None, "seq": None, "acts_at": None}},
    "0036": {"customer": {"purchases": {}}, "setting": {"value": None}},
    "0037": {"customer": {"source": {}}},
    "0041": {"setting": {"silences": None}},
    "0040": {"decision": lambda row: {"entered_stage": _ENTERED.get(row["id"])}},
    "0043": {"journey_version": {"share": 100, "others": None}},
    "0044": {name: {"export_position": 0} for name in ("decision", "event", "message")},
    "0046": {"enrollment": _waked_ahead},
    "0047": {"message": {"source": None}, "mail_kind": {"source": ""}},
    "0051": {"assignment": _on_the_day_of_conversion},
    "0052": {"enrollment": {"sent_past": None}},
}
"""What a revision puts into each row that was there before it, by table."""

LOST: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "0004": {"lane": ("alarm",)},
    "0007": {"message": ("subject", "html", "text", "urls")},
    "0012": {"enrollment": ("shifts", "number"), "decision": ("answer",)},
    "0016": {"journey": ("draft_text",)},
    "0046": {"enrollment": ("last_wake",)},
}
"""Columns that a revision takes away, by table."""

_SAID: Row = {"source": "page", "at": AT}
_COUNTED: Row = {"journey": "welcome", "name": "ended", "shard": 0, "count": 1}
_MAILS: Row = {
    "journey": "welcome", "broadcast": "", "template": "mail_a", "variant": "", "lane": "journey", "status": "accepted",
    "reason": "", "provider": "", "shard": 0, "count": 1, "gone": 0,
}  # fmt: skip
_PLANNED: Row = {
    "day": "2026-03-02", "journey": "welcome", "template": "mail_a", "status": "accepted", "reason": "", "shard": 0,
    "count": 1,
}  # fmt: skip
_SPRING, _FIRST = "38abafd730241dae4282", "bd37a839b8bb02504d7f"
_A_KIND: Row = dict.fromkeys(("journey", "stage", "step", "broadcast", "variant", "locale"), "") | {
    "template": "mail_a"
}
_A_RESULT: Row = {"day": "", "kind": _SPRING, "currency": "", "shard": 0, "count": 1, "gone": 0}
_RESULTS = ("clicked", "complained", "delivered", "opened", "sent")
_CAME: Row = {"day": "2026-03-04", "shard": 0, "count": 1}
_EVERYTHING = ("arrived", "clicked", "complained", "opened")

_A_DAY: Row = {"journey": "welcome", "name": "moved", "day": "2026-03-04", "shard": 0, "count": 1}
_TWO_DAYS = "new|70"  # 2 ** (69 / 4) seconds are 1.8 days, 2 ** (70 / 4) are 2.1

MADE: Mapping[str, Mapping[str, list[Row]]] = {
    "0002": {"event_name": [{"name": "Signed Up", "first_seen_at": AT}]},
    "0003": {"run_count": [{**_COUNTED, "label": ""}, {**_COUNTED, "label": "completed"}]},
    "0007": {
        "message_body": [
            {
                "message_id": "msg_1",
                "customer_id": "cus_1",
                "frozen_at": AT,
                "subject": "Hello",
                "html": "<p>Hello</p>",
                "text": "Hello",
                "urls": [],
            }
        ]
    },
    "0015": {
        "address_consent": [
            {
                **_SAID,
                "email": "ann@shop.example",
                "topic": "news",
                "customer_id": "cus_3",
                "granted": True,
                "at": LATER,
            },
            {**_SAID, "email": BOOKS, "topic": "*", "customer_id": "cus_4", "granted": False},
        ],
    },
    "0008": {
        "message_count": [
            {**_MAILS, "journey": "", "broadcast": "spring", "variant": "a", "lane": "broadcast", "provider": "outbox"},
            {**_MAILS, "provider": "outbox"},
            {**_MAILS, "status": "planned"},
            {**_MAILS, "template": "mail_b", "lane": "", "gone": 1},
            {
                **_MAILS,
                "template": "mail_b",
                "lane": "",
                "status": "skipped",
                "reason": "erased",
                "count": 2,
                "gone": 2,
            },
        ],
        "message_day_count": [{**_PLANNED, "journey": ""}, _PLANNED, {**_PLANNED, "status": "planned"}],
        "delivery_count": [
            *({**_CAME, "subject": "broadcast", "key": "spring", "variant": "a", "what": one} for one in _EVERYTHING),
            *({**_CAME, "subject": "topic", "key": "news", "variant": "", "what": one} for one in _EVERYTHING),
        ],
        "run_count": [
            {"journey": "", "name": "outbox", "label": "once", "shard": 0, "count": 1},
            {**_COUNTED, "label": ""},
            {**_COUNTED, "label": "completed"},
        ],
    },
    "0028": {
        "assignment": [
            {
                "customer_id": "cus_1",
                "journey": "welcome",
                "split": "tip",
                "variant": "none",
                "at": AT,
                "counted": False,
                "converted_at": None,
                "revenue": {},
            }
        ],  # fmt: skip
    },
    "0017": {
        "engagement": [
            {
                "message_id": "msg_3",
                "kind": "opened",
                "customer_id": "cus_1",
                "count": 2,
                "first_at": AT,
                "last_at": LATER,
            }
        ]
    },
    "0024": {
        "customer_word": [
            *({"word": "ann", "customer_id": one} for one in ("cus_1", "cus_2", "cus_3", "cus_4")),
            *({"word": word, "customer_id": "cus_4"} for word in ("bucher.example", "dora", "ora")),
            *({"word": "shop.example", "customer_id": one} for one in ("cus_1", "cus_3")),
        ],
    },
    "0035": {
        "day_count": [
            {**_A_DAY, "name": "left", "label": "buyer|exited"},
            {**_A_DAY, "day": "2026-03-02", "label": "->new"},
            {**_A_DAY, "label": "new->old", "count": 2},
            {**_A_DAY, "label": "old->buyer"},
            {**_A_DAY, "name": "stayed", "day": "", "label": _TWO_DAYS},
            {**_A_DAY, "name": "stayed", "label": _TWO_DAYS},
        ]
    },
    "0036": {
        "backfill": [
            {"kind": "purchases", "key": "", "cursor": "", "started_at": AT},
            {"kind": "segment", "key": "buyers", "cursor": "cus_1", "started_at": AT},
        ],
    },
    "0042": {
        "backfill": [
            {"kind": "credits", "key": "", "cursor": "", "started_at": AT},
            {"kind": "purchases", "key": "", "cursor": "", "started_at": AT},
            {"kind": "segment", "key": "buyers", "cursor": "cus_1", "started_at": AT},
        ],
        "mail_kind": [
            {**_A_KIND, "id": _SPRING, "broadcast": "spring", "variant": "a"},
            {**_A_KIND, "id": _FIRST, "journey": "welcome", "stage": "new", "step": "new/send:mail_a#1"},
        ],
        "mail_result": [
            *({**_A_RESULT, "what": what} for what in _RESULTS),
            {**_A_RESULT, "kind": _FIRST, "what": "sent"},
            *({**_A_RESULT, "day": "2026-03", "what": what} for what in _RESULTS),
            {**_A_RESULT, "day": "2026-03", "kind": _FIRST, "what": "sent"},
            {**_A_RESULT, "day": "2026-03-02", "kind": _FIRST, "what": "sent"},
            *({**_A_RESULT, "day": "2026-03-04", "what": what} for what in _RESULTS),
        ],
    },
    "0044": {"export_counter": [{"id": 1, "base": 0}]},
    "0054": {
        "customer_word": [
            {"word": "ann", "email": "", "customer_id": "cus_2"},
            *({"word": "ann", "email": "ann@shop.example", "customer_id": one} for one in ("cus_1", "cus_3")),
            {"word": "ann", "email": BOOKS, "customer_id": "cus_4"},
            *({"word": word, "email": BOOKS, "customer_id": "cus_4"} for word in ("bucher.example", "dora", "ora")),
            *({"word": "shop.example", "email": "ann@shop.example", "customer_id": one} for one in ("cus_1", "cus_3")),
        ],
    },
    "0055": {
        "revenue_sum": [
            {**_BROUGHT, "what": what, "currency": currency, "part": part, "customers": customers, "units": units}
            for what, currency, part, customers, units in (
                ("day", "EUR", "2026-03-02", 0, 2550),
                ("day", "JPY", "2026-03-02", 0, 700),
                ("day", "unstated", "2026-03-02", 0, 150),
                ("paid", "EUR", "46", 1, 2550),
                ("paid", "JPY", "38", 1, 700),
                ("paid", "unstated", "29", 1, 150),
                ("paying", "", "", 1, 0),
            )
        ],
    },
}
"""The rows that a revision makes out of others, by table."""
