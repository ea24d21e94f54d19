"""What comes back of a mail, as events of the customer whom it went to."""

from collections.abc import Mapping

HEARD: Mapping[str, str] = {
    "delivered": "Message Delivered",
    "bounced": "Message Bounced",
    "opened": "Message Opened",
    "clicked": "Message Clicked",
    "complained": "Message Complained",
    "unsubscribed": "Message Unsubscribed",
    "resubscribed": "Message Resubscribed",
}
"""Kinds of reports that are events, and how those are called."""
