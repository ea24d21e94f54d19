"""Rows for the tables of the revisions from 0038 on: see `rows_of_revisions`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)

_WAKED: dict[str, Any] = {
    "id": "enr_5", "journey": "welcome", "version": 1, "digest": "d", "customer_id": "cus_1", "key": "waked", "run": 1,
    "workflow_id": "enrollment/welcome/cus_1/waked/1", "source": "event Signed Up", "data": {}, "status": "live",
    "reason": None, "stage": "new", "step": None, "visit": 1, "cursor": 1, "wakes": 1, "state": {"phase": "live"},
    "last_wake": {"inputs": [], "checksum": "0a1b2c3d"}, "migrating": False, "stuck": None, "paused": False,
    "paused_by": None, "resumed_at": None, "resumed_late": None, "wakes_at": AT, "poked_at": None, "nudged_at": None,
    "entered_at": AT, "stage_since": AT, "ended_at": None,
}  # fmt: skip

ROWS: Mapping[str, Mapping[str, list[dict[str, Any]]]] = {
    "0038": {
        "enrollment": [_WAKED],
        "survey_answer": [
            {
                "message_id": "msg_1",
                "survey": "nps",
                "customer_id": "cus_1",
                "journey": "welcome",
                "version": 1,
                "stage": "new",
                "broadcast": None,
                "template": "mail_a",
                "score": 9,
                "label": "promoter",
                "words": None,
                "at": AT,
                "changed_at": AT,
            }
        ],
    },
    "0039": {
        "user_account": [
            {
                "id": "usr_1",
                "email": "bea@shop.example",
                "name": "Bea",
                "roles": ["support"],
                "password": None,
                "invited_by": None,
                "created_at": AT,
                "last_sign_in_at": None,
                "disabled_at": None,
            }
        ],
        "sign_in_link": [
            {"id": "lnk_1", "user_id": "usr_1", "created_at": AT, "expires_at": AT, "used_at": None},
        ],
        "user_session": [
            {
                "id": "ses_1",
                "hash": "a hash",
                "user_id": "usr_1",
                "agent": "a browser",
                "created_at": AT,
                "last_used_at": AT,
                "expires_at": AT,
                "revoked_at": None,
            }
        ],
    },
    "0047": {
        "note_answer": [
            {
                "hook_id": "hook_1",
                "customer_id": "cus_1",
                "journey": "welcome",
                "stage": "new",
                "step": "new/notify",
                "answer": "taken",
                "seconds": 3_600,
                "at": AT,
                "changed_at": AT,
            }
        ],
        "currency_rate": [{"main": "EUR", "currency": "USD", "day": "2026-03-02", "rate": "0.9215"}],
        "note_count": [
            {
                "journey": "welcome",
                "stage": "new",
                "step": "new/notify",
                "answer": "taken",
                "bucket": 48,
                "count": 1,
            }
        ],
    },
    "0051": {"export_mark": [{"at": AT, "position": 17}]},
    "0049": {
        "assignment": [
            {
                "customer_id": f"cus_{number}",
                "journey": "welcome",
                "split": "tip",
                "variant": "a",
                "at": AT,
                "counted": True,
                "converted_at": AT,
                "revenue": revenue,
            }
            for number, revenue in ((2, {"EUR": 25.5, "JPY": 700.0, "": 1.0, "EURO": 0.5}), (3, {}))
        ]
    },
    "0042": {
        "credited_order": [
            {
                "customer_id": "cus_1",
                "order_key": "a-1",
                "at": AT,
                "currency": "EUR",
                "worth": 1000,
                "told": {"at": AT.isoformat(), "amount": 10.0, "currency": "EUR"},
            }
        ],
        "mail_credit": [
            {
                "customer_id": "cus_1",
                "order_key": "a-1",
                "message_id": "msg_1",
                "kind": "k",
                "accepted_at": AT,
                "currency": "EUR",
                "last": 1000,
                "first": 0,
                "linear": 500,
            }
        ],
        "mail_outcome": [{"message_id": "msg_1", "customer_id": "cus_1", "goals": 0, "orders": 1, "unsubscribed": 0}],
    },
    "0045": {
        "draft_text": [
            {
                "journey": "welcome",
                "text": "journey: welcome  # the first",
                "revision": 2,
                "based_on": 1,
                "drafted": 0,
                "written_by": "usr_1",
                "sheet": "",
                "published_at": None,
                "created_at": AT,
                "updated_at": AT,
            }
        ]
    },
    "0048": {
        "user_identity": [
            {"issuer": "https://login.shop.example", "subject": "248289", "user_id": "usr_1", "created_at": AT}
        ],
        "approval_request": [
            {
                "id": "apr_1",
                "journey": "welcome",
                "revision": 2,
                "plan": None,
                "in_flight": "pin",
                "note": "for Friday",
                "status": "open",
                "asked_by": "usr_1",
                "created_at": AT,
                "decided_by": None,
                "decided_at": None,
                "reason": None,
                "version": None,
            }
        ],
    },
}
"""Rows that are put into the tables once a revision has been reached, by revision and table."""
