"""Rows for the tables of the revisions from 0038 on: see `rows_of_revisions`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)

ROWS: Mapping[str, Mapping[str, list[dict[str, Any]]]] = {
    "0038": {
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
        ]
    },
}
"""Rows that are put into the tables once a revision has been reached, by revision and table."""
