"""What a database held at each revision, and what the next one made of it.

A new migration adds its revision to `ROWS`, the rows for its new tables, and to `changes_of_revisions`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.store.decisions_of_revisions import EXPERIMENT, MOVES, VARIANTS

Row = dict[str, Any]

AT = datetime(2026, 3, 2, 12, 0, 15, 123456, tzinfo=UTC)
LATER = AT + timedelta(days=2)
DIGEST = "d" * 64
KEYED = "enrollment/welcome/cus_1/2bb80d537b1da3e3/1"  # the first 16 characters of the SHA-256 of `secret`

ENROLLMENT: Row = {
    "journey": "welcome",
    "version": 1,
    "digest": DIGEST,
    "customer_id": "cus_1",
    "source": "event",
    "data": {"plan": "team"},
    "stage": "new",
    "step": "new/wait#1",
    "visit": 1,
    "number": 7,
    "cursor": 2,
    "entered_at": AT,
    "stage_since": AT,
}
CUSTOMER: Row = {
    "attributes": {"name": "Ann"},
    "events": {"Signed Up": {"count": 2}},
    "created_at": AT,
    "updated_at": AT,
}
MESSAGE: Row = {
    "enrollment_id": "enr_1",
    "customer_id": "cus_1",
    "journey": "welcome",
    "digest": DIGEST,
    "stage": "new",
    "step": "new/send:mail_a#1",
    "template": "mail_a",
    "topic": "news",
    "lane": "journey",
    "due": AT,
    "planned_at": AT,
    "updated_at": AT,
}
BOOKS_IN_ASCII, BOOKS = "dora@xn--bcher-kva.example", "dora@bücher.example"
CONSENT: Row = {"source": "page", "at": AT, "pending": False, "evidence": None}
EVENT: Row = {"customer_id": "cus_1", "type": "track", "properties": {"a": [1, None]}, "at": AT, "fires": True}
DECISION: Row = {"customer_id": "cus_1", "journey": "welcome", "at": AT, "detail": {"why": "on"}}

_UNREAD: Row = {"source": "profile", "field": "timezone"}
_UNREAD_COUNT: Row = {**_UNREAD, "day": "2026-03-02", "shard": 3, "count": 2}
_UNREAD_EXAMPLE: Row = {**_UNREAD, "id": "unr_1", "customer_id": "cus_1", "value": "PST", "at": AT}
_KEY: Row = {"id": "key_1", "name": "ci", "prefix": "wp_1", "hash": DIGEST, "scopes": ["read"], "created_at": AT}
_LIFECYCLE_2: Row = {"key": "welcome-too", "live_version": 1, "lifecycle": True, "created_at": AT, "updated_at": AT}
_PINNED: Row = {"journey": "welcome", "number": 1, "template": "mail_a", "template_version": None, "pinned": True}
_PLAN_ENTRY: Row = {
    "operation_id": "op_1", "enrollment_id": "enr_1", "customer_id": "cus_1", "kind": "retimed", "version": 1,
    "stage": "new", "step": "new/wait:2 days", "to_stage": "new", "to_step": "new/wait:3 days", "detail": {},
}  # fmt: skip

_CONTROL: Row = {
    "id": "ctl_1", "enrollment_id": "enr_1", "customer_id": "cus_1", "verb": "skip", "reason": "", "status": "asked",
    "refusal": None, "asked_at": AT, "done_at": None,
}  # fmt: skip
_CLICKED: Row = {
    "id": "del_2", "message_id": "msg_3", "customer_id": "cus_1", "provider": "outbox", "kind": "clicked", "at": LATER,
    "received_at": LATER, "machine": False,
}  # fmt: skip
ROWS: Mapping[str, Mapping[str, list[Row]]] = {
    "0001": {
        "api_key": [_KEY],
        "consent": [{"customer_id": "cus_1", "topic": "news", "granted": False, "source": "page", "at": AT}],
        "customer": [
            {
                **CUSTOMER,
                "id": "cus_1",
                "external_id": "17",
                "email": "ann@shop.example",
                "timezone": "Europe/Berlin",
                "seq": 2,
            },
            {**CUSTOMER, "id": "cus_2", "anonymous_id": "anon-2", "seq": 0},
        ],
        "decision": [
            {
                **DECISION,
                "id": "dec_1",
                "enrollment_id": "enr_1",
                "number": 1,
                "what": "entered",
                "answer": {"ok": True},
            },
            {**DECISION, "id": "dec_2", "what": "not_entered"},
        ],
        "dispatch": [
            {
                "enrollment_id": "enr_1",
                "workflow_id": "enrollment/welcome/cus_1/1",
                "kind": "poke",
                "payload": {"seq": 2},
                "priority": 1,
                "attempts": 0,
                "created_at": AT,
            }
        ],
        "enrollment": [
            {**ENROLLMENT, "id": "enr_1", "run": 1, "status": "live", "paused": False, "wakes_at": LATER},
            {
                **ENROLLMENT,
                "id": "enr_2",
                "run": 2,
                "status": "ended",
                "reason": "completed",
                "paused": False,
                "ended_at": AT,
            },
            {**ENROLLMENT, "id": "enr_3", "run": 3, "status": "ended", "paused": True, "ended_at": AT},
        ],
        "event": [
            {**EVENT, "id": "evt_1", "message_id": "m-1", "seq": 1, "name": "Signed Up", "received_at": LATER},
            {**EVENT, "id": "evt_2", "message_id": "m-2", "seq": 2, "name": "Signed Up", "received_at": AT},
        ],
        "imported_file": [
            {"digest": DIGEST, "as_of": AT, "shift_days": 3, "done": True, "customers": 2, "events": 2},
        ],
        "interest": [{"enrollment_id": "enr_1", "name": "Bought", "customer_id": "cus_1"}],
        "journey": [
            {
                "key": "welcome",
                "name": "Welcome",
                "draft": {"journey": "welcome"},
                "draft_text": "journey: welcome",
                "live_version": 1,
                "lifecycle": True,
                "created_at": AT,
                "updated_at": AT,
            }
        ],
        "journey_version": [
            {"journey": "welcome", "number": 1, "digest": DIGEST, "canonical": "{}", "published_at": AT},
        ],
        "lane": [{"name": "journey", "fence": "f-1", "taken_at": AT, "alarm": "refused"}],
        "message": [
            {
                **MESSAGE,
                "id": "msg_1",
                "visit": 1,
                "status": "accepted",
                "attempt": 1,
                "fence": "f-1",
                "provider": "outbox",
                "provider_id": "out_1",
                "accepted_at": AT,
                "subject": "Hello",
                "html": "<p>Hello</p>",
                "text": "Hello",
            },
            {**MESSAGE, "id": "msg_2", "visit": 2, "status": "planned", "attempt": 0},
        ],
        "movement": [{"journey": "welcome", "source": "", "target": "new", "shard": 3, "count": 3}],
        "outbox_mail": [
            {
                "id": "out_1",
                "send_id": "msg_1",
                "received_at": AT,
                "to_address": "ann@shop.example",
                "from_address": "shop@shop.example",
                "subject": "Hello",
                "headers": {"X-Send": "msg_1"},
                "html": "<p>Hello</p>",
                "text": "Hello",
            }
        ],
        "rejection": [{"id": "rej_1", "received_at": AT, "path": "batch[0].event", "reason": "is missing"}],
        "stage_count": [{"journey": "welcome", "stage": "new", "step": "new/wait#1", "shard": 3, "count": 1}],
        "suppression": [{"email": "bob@shop.example", "reason": "bounced", "source": "outbox", "created_at": AT}],
    },
    "0002": {
        "backfill": [{"kind": "segment", "key": "buyers", "cursor": "cus_1", "started_at": AT}],
        "date_due": [{"journey": "birthday", "trigger": "born", "customer_id": "cus_1", "at": LATER}],
        "enrollment": [
            {
                **ENROLLMENT,
                "id": "enr_4",
                "run": 1,
                "key": "secret",
                "status": "live",
                "paused": False,
                "wakes_at": LATER,
            },
        ],
        "hook": [
            {
                "id": "hook_1",
                "kind": "webhook",
                "enrollment_id": "enr_1",
                "customer_id": "cus_1",
                "journey": "welcome",
                "digest": DIGEST,
                "stage": "new",
                "step": "new/webhook#1",
                "visit": 1,
                "status": "planned",
                "attempts": 1,
                "not_before": AT,
                "created_at": AT,
                "updated_at": AT,
                "answer": 503,
            }
        ],
        "operation": [
            {
                "id": "op_1",
                "kind": "backtest",
                "status": "done",
                "request": {"journey": "welcome"},
                "done": 10,
                "total": 10,
                "cancel": False,
                "result": {"customers": 10},
                "created_at": AT,
                "finished_at": LATER,
            }
        ],
        "segment": [
            {
                "key": "buyers",
                "guard": 'customer.plan == "pro"',
                "created_at": AT,
                "updated_at": AT,
                "evaluated_at": AT,
            },
        ],
        "segment_member": [{"segment": "buyers", "customer_id": "cus_1", "since": AT}],
    },
    "0003": {
        "alias": [{"kind": "anonymous", "value": "anon-1", "customer_id": "cus_1"}],
        "audit": [
            {
                "id": "aud_1",
                "at": AT,
                "actor": "key_1",
                "action": "publish",
                "kind": "journey",
                "target": "welcome",
                "before": {"version": None},
                "after": {"version": 1},
            }
        ],
        "delivery_event": [
            {
                "id": "del_1",
                "message_id": "msg_1",
                "customer_id": "cus_1",
                "provider": "outbox",
                "kind": "delivered",
                "at": AT,
                "received_at": LATER,
                "machine": False,
            }
        ],
        "idempotent_answer": [
            {
                "caller": "key_1",
                "key": "k-1",
                "fingerprint": DIGEST,
                "status": 201,
                "headers": {"etag": "1"},
                "body": b"\x00sealed",
                "at": AT,
            }
        ],
        "operation_error": [{"operation_id": "op_1", "line": 3, "reason": "no event"}],
        "setting": [{"id": 1, "body": {"timezone": "Europe/Berlin"}, "updated_at": AT}],
        "template": [{"key": "hello", "version": 1, "created_at": AT, "updated_at": AT}],
        "template_version": [
            {"key": "hello", "number": 1, "subject": "Hi", "html": "<p>Hi</p>", "text": "Hi", "created_at": AT},
        ],
        "tombstone": [{"digest": DIGEST, "at": AT}],
        "topic": [
            {
                "key": "news",
                "consent": "opt_in",
                "transactional": False,
                "cap_max": 2,
                "cap_seconds": 604_800,
                "created_at": AT,
                "updated_at": AT,
            }
        ],
        "upload_part": [{"operation_id": "op_1", "number": 0, "data": b"a,b\n"}],
    },
    "0004": {
        "broadcast": [
            {
                "key": "spring",
                "body": {"template": "hello"},
                "status": "sending",
                "wake_at": LATER,
                "audience": {"planned": 1},
                "created_at": AT,
                "updated_at": AT,
            }
        ],
        "broadcast_member": [{"broadcast": "spring", "customer_id": "cus_1"}],
        "bucket": [{"name": "mail", "tokens": 2.5, "at": AT}],
        "channel": [{"name": "mail", "closed_until": LATER, "failures": 2, "updated_at": AT}],
        "pending_click": [
            {
                "id": "clk_1",
                "message_id": "msg_1",
                "customer_id": "cus_1",
                "at": AT,
                "url": "https://shop.example/a",
                "machine": False,
            }
        ],
    },
    "0006": {"pulse": [{"part": "dispatcher", "at": AT}]},
    "0007": {
        "message": [
            {
                **MESSAGE,
                "id": "msg_3",
                "enrollment_id": None,
                "journey": "",
                "digest": "",
                "stage": "",
                "step": "",
                "visit": 0,
                "broadcast": "spring",
                "variant": "a",
                "lane": "broadcast",
                "status": "accepted",
                "attempt": 1,
                "provider": "outbox",
                "accepted_at": LATER,
                "delivery": "complained",
            }
        ],
        "delivery_event": [_CLICKED],
        "run_count": [
            {"journey": "welcome", "name": "erased_mail", "label": "mail_b|accepted|", "shard": 1, "count": 1},
            {"journey": "welcome", "name": "erased_mail", "label": "mail_b|planned|", "shard": 2, "count": 2},
        ],
    },
    "0012": {
        "customer": [
            {**CUSTOMER, "id": "cus_3", "external_id": " 17", "email": "ann@shop.example", "segments": [], "seq": 0},
            {**CUSTOMER, "id": "cus_4", "external_id": " dora ", "email": BOOKS_IN_ASCII, "segments": [], "seq": 0},
        ],
        "consent": [
            {**CONSENT, "customer_id": "cus_3", "topic": "news", "granted": True, "at": LATER},
            {**CONSENT, "customer_id": "cus_4", "topic": "club", "granted": True, "pending": True},
            {**CONSENT, "customer_id": "cus_4", "topic": "*", "granted": False},
            {**CONSENT, "customer_id": "cus_2", "topic": "news", "granted": False},
        ],
        "suppression": [{"email": BOOKS_IN_ASCII, "reason": "bounce", "source": "test", "created_at": AT}],
        "delivery_event": [
            {
                "id": name,
                "message_id": "msg_3",
                "customer_id": "cus_1",
                "provider": "waypost",
                "kind": "opened",
                "at": at,
                "received_at": at,
                "machine": False,
            }
            for name, at in (("del_3", AT), ("del_4", LATER))
        ],
        "control": [_CONTROL],
    },
    "0018": {"plan_entry": [_PLAN_ENTRY]},
    "0021": {"unreadable_count": [_UNREAD_COUNT], "unreadable_example": [_UNREAD_EXAMPLE], "journey": [_LIFECYCLE_2]},
    "0023": {"decision": VARIANTS},
    "0028": {"experiment": [EXPERIMENT]},
    "0029": {"version_template": [_PINNED]},
    "0031": {"hold": [{"id": 1, "since": AT, "by": "command line", "reason": "a backup was restored"}]},
    "0034": {"restore": [{"id": "rst_1", "taken_at": AT, "restored_at": LATER}], "decision": MOVES},
}
"""Rows that are put into the tables once a revision has been reached, by revision and table."""
