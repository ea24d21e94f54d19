"""Where customers come from: the first and the last touch, read from the context that Segment's libraries send.

A touch is a campaign (`utm_…`, or `context.campaign`), a click id of an advertising network, or a page that was reached
from elsewhere. What comes from one's own pages is none. A visit from nowhere (`direct`) may be the first touch, and
never takes the place of a last one that says more.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

CLICKS: Mapping[str, tuple[str, str]] = {
    "gclid": ("google", "cpc"),
    "gbraid": ("google", "cpc"),
    "wbraid": ("google", "cpc"),
    "dclid": ("google", "display"),
    "msclkid": ("bing", "cpc"),
    "fbclid": ("facebook", "social"),
    "ttclid": ("tiktok", "cpc"),
    "twclid": ("twitter", "cpc"),
    "li_fat_id": ("linkedin", "cpc"),
    "epik": ("pinterest", "cpc"),
    "ScCid": ("snapchat", "cpc"),
    "yclid": ("yandex", "cpc"),
}
"""Click ids by their parameter: whose, and the medium that holds where no campaign names one."""

CAMPAIGN = {"name": "campaign", "source": "source", "medium": "medium", "term": "term", "content": "content"}
"""What `context.campaign` holds, and what each is called here; in a link they are `utm_campaign`, `utm_source`, …"""

NAMES = ("channel", "source", "medium", "campaign", "term", "content", "click", "referrer", "page", "at")
"""Everything that stands below `customer.source.first` and `customer.source.last`."""

SEARCH = ("google.", "bing.", "duckduckgo.", "yahoo.", "ecosia.", "baidu.", "yandex.", "qwant.", "startpage.")
SOCIAL = ("facebook.", "instagram.", "twitter.", "t.co", "x.com", "linkedin.", "lnkd.in", "pinterest.", "tiktok.",
          "youtube.", "reddit.", "snapchat.", "threads.net")  # fmt: skip

CHANNELS = ("paid", "email", "search", "social", "referral", "direct", "other")
"""By name; `other` is a campaign whose medium is none of the known."""

_MEDIA: Mapping[str, str] = {
    **dict.fromkeys(("cpc", "ppc", "cpm", "cpv", "paid", "paidsearch", "paidsocial", "paid_social", "display"), "paid"),
    **dict.fromkeys(("email", "e-mail", "newsletter"), "email"),
    "organic": "search",
    "social": "social",
    "referral": "referral",
}

LONGEST = 200
"""Characters that are kept of each."""


def read(context: Mapping[str, Any], properties: Mapping[str, Any], at: datetime) -> dict[str, Any] | None:
    """The touch that an event's context tells, or None; `properties` are a page call's own, else empty."""
    if not (properties or any(name in context for name in ("page", "campaign", "referrer"))):
        return None
    page = {**properties, **_mapping(context, "page")}
    url, referrer = (
        _text(page.get("url")),
        _text(page.get("referrer")) or _text(_mapping(context, "referrer").get("url")),
    )
    search = dict(parse_qsl(urlsplit_or_none(url)[1] or (_text(page.get("search")) or "").lstrip("?")))
    campaign = _campaign(_mapping(context, "campaign"), search)
    click = next((name for name in CLICKS if search.get(name)), None) or _click(context)
    here, there = urlsplit_or_none(url)[0], urlsplit_or_none(referrer)[0]
    elsewhere = bool(there) and there != here
    if not (campaign or click or elsewhere or (page and not there)):
        return None
    source, medium = CLICKS.get(click or "", (None, None))
    known = {"source": source or (there if elsewhere else None), "medium": medium, **campaign}
    found = {
        "channel": _channel(known["medium"], bool(campaign), there if elsewhere else None),
        **known,
        "click": click,
        "referrer": referrer if elsewhere else None,
        "page": url.partition("?")[0] if url else None,
        "at": at.isoformat(),
    }
    return {name: value for name, value in found.items() if value is not None}


def fold(known: Mapping[str, Any], touch: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The first and the last touch with one more, if there is one, whatever the order in which they come."""
    if touch is None:
        return known
    first, last = known.get("first", touch), known.get("last", touch)
    first = min(first, touch, key=_instant)
    if touch["channel"] != "direct" or last["channel"] == "direct":
        last = touch if last["channel"] == "direct" else max(last, touch, key=_instant)
    after = {"first": first, "last": last}
    return known if after == known else after


def combined(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of two profiles who turned out to be one person."""
    for touch in other.values():
        one = fold(one, touch)
    return one


def seen(kept: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """`customer.source` as guards see it; what the trait `source` says stands before what was read of the first touch.

    A text there is the source; an object gives several of NAMES.
    """
    said = attributes.get("source")
    own = (
        {"source": said}
        if isinstance(said, str)
        else cast(Mapping[str, Any], said)
        if isinstance(said, Mapping)
        else {}
    )
    given = {name: value for name, value in own.items() if name in NAMES and name != "at" and isinstance(value, str)}
    return {"first": _shown({**kept.get("first", {}), **given}), "last": _shown(kept.get("last", {}))}


def first_channel(kept: Mapping[str, Any], attributes: Mapping[str, Any]) -> str | None:
    """The channel of the first touch, one of CHANNELS, as counts are put together by it; None where nothing is known.

    What is none of them, or a source that only the trait `source` tells, is `other`: a word of somebody's own is no
    name of a count, of which there would be as many as there are words.
    """
    first = seen(kept, attributes)["first"]
    if first["channel"] in CHANNELS:
        return str(first["channel"])
    return "other" if any(value is not None for value in first.values()) else None


def _shown(touch: Mapping[str, Any]) -> dict[str, Any]:
    at = touch.get("at")
    return {**dict.fromkeys(NAMES), **touch, "at": datetime.fromisoformat(at) if at else None}


def _campaign(said: Mapping[str, Any], search: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for theirs, ours in CAMPAIGN.items():
        value = _text(said.get(theirs)) or _text(search.get(f"utm_{ours}"))
        if value is not None:
            found[ours] = value
    return found


def _click(context: Mapping[str, Any]) -> str | None:
    """Segment tells the click id that it knows as `context.referrer {id, type}`; its type is the network."""
    network = _text(_mapping(context, "referrer").get("type"))
    return {"dynamicAd": "gclid", "facebook": "fbclid"}.get(network or "")


def _channel(medium: str | None, campaign: bool, there: str | None) -> str:
    if medium is not None:
        return _MEDIA.get(medium.lower(), "other")
    if campaign:
        return "other"
    if there is None:
        return "direct"
    known = (
        name for name, hosts in (("search", SEARCH), ("social", SOCIAL)) for one in hosts if f".{one}" in f".{there}"
    )
    return next(known, "referral")


def urlsplit_or_none(url: str | None) -> tuple[str | None, str]:
    """Host (without `www.`) and query of an address; nothing where it is none."""
    try:
        parts = urlsplit(url or "")
        return (parts.hostname or "").removeprefix("www.") or None, parts.query
    except ValueError:
        return None, ""


def _instant(touch: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(touch["at"])


def _mapping(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = item.get(name)
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value.strip()[:LONGEST] or None if isinstance(value, str) else None
