"""The hold of all lanes in a sentence: `waypost doctor` and `waypost status` tell the same."""

from waypost.client.models import HoldOut


def told(held: HoldOut) -> str:
    """Since when, by whom, why, and how it ends."""
    why = f" ({held['reason']})" if held["reason"] else ""
    return f"all lanes are held since {held['since']} by {held['by']}{why}: nothing goes out; `waypost release` ends it"
