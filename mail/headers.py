"""The headers by which mailbox providers tell good senders: unsubscribing with one click, lists, feedback loops."""

import re

from mail.brand import Brand

_ODD = re.compile(r"[^A-Za-z0-9_.-]+")


def headers(
    brand: Brand, *, send_id: str, topic: str, campaign: str, template: str, lane: str, unsubscribe_url: str | None
) -> dict[str, str]:
    """The headers of a mail; without `unsubscribe_url` it is transactional, and belongs to no list.

    RFC 2919 (List-Id), RFC 2369 and 8058 (List-Unsubscribe, with one click), Gmail's Feedback-ID: at most four fields,
    of which the last names the sender and the others what a complaint is counted by.
    """
    found = {"Message-ID": brand.message_id(send_id)}
    fields = (campaign or topic, template, lane, brand.feedback_name)
    found["Feedback-ID"] = ":".join(_ODD.sub("-", field)[:64] for field in fields)
    if unsubscribe_url is not None:
        found["List-Id"] = f"<{_ODD.sub('-', topic)}.{brand.domain}>"
        found["List-Unsubscribe"] = f"<{unsubscribe_url}>"
        found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return found
