"""A project of one's own, made of an example: brand settings, the journey, its mails, and events to try it with.

README.md            what is here, and what to type next
.env                 brand and settings; kept out of git, since keys belong here too
waypost.yaml         topics and segments
journeys/KEY.yaml    the journey
templates/           its mails in every language they have, and the layout round them
events.ndjson        sample events, with dates from today on
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from journeys.checks import source
from journeys.program.compiler import compile_journey
from journeys.program.nodes import SendNode
from mail.brand import COLOR, GREEN
from mail.message import parse_sender
from mail.rendering.templates import BUILT_IN
from services.errors import InvalidInput
from waypost.project.project import MANIFEST

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
"""Where the projects lie that a new one is made of."""

EVENTS = "events.ndjson"
"""The file of a project with events to try it on."""

FURTHER = ("confirm_subscription",)
"""Mails that no journey names: Waypost sends them by itself."""

_DATE = re.compile(r"<(date|birthday) \+(\d+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the project writes as; `sender` and `address` may be told later, before mail goes to real people."""

    brand: str
    color: str
    sender: str | None = None
    site: str | None = None
    address: str | None = None


def checked(*, brand: str, color: str, sender: str | None, site: str | None, address: str | None) -> Identity:
    """An identity whose parts are what they say; raise InvalidInput with what would be right."""
    if not COLOR.fullmatch(color):
        raise InvalidInput(f"{color!r} is no colour; write six digits, as {GREEN}")
    if site is not None and not re.fullmatch(r"https?://[^\s/]+\S*", site):
        raise InvalidInput(f"{site!r} is no address of a site; write https://shop.example")
    try:
        parse_sender(sender or "hello@shop.example")
    except ValueError as error:
        raise InvalidInput(f"--sender: {error}") from None
    return Identity(brand=brand, color=color, sender=sender, site=site, address=address)


def examples() -> list[str]:
    """The examples a project can be made of, by name."""
    return sorted(one.parent.name for one in EXAMPLES.glob(f"*/{MANIFEST}"))


def create(folder: Path, example: str, identity: Identity, today: date) -> list[Path]:
    """Make the project; return its files. Raise InvalidInput where the folder holds something already."""
    if example not in examples():
        raise InvalidInput(f"there is no example {example!r}; there are {', '.join(examples())}")
    if folder.exists() and any(folder.iterdir()):
        raise InvalidInput(f"{folder} is not empty; name a folder that does not exist yet")
    origin, name = EXAMPLES / example, f"journeys/{example}.yaml"
    journey = (origin / name).read_text(encoding="utf-8")
    texts = {
        "README.md": _readme(example, identity),
        ".env": _settings(identity),
        ".gitignore": ".env\n.waypost/\n",
        MANIFEST: (origin / MANIFEST).read_text(encoding="utf-8"),
        name: journey,
        EVENTS: dated((origin / EVENTS).read_text(encoding="utf-8"), today),
        **{f"templates/{file.name}": file.read_text(encoding="utf-8") for file in _mails(journey)},
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return [folder / path for path in texts]


def dated(text: str, today: date) -> str:
    """Sample events with their dates: `<date +14>` is in two weeks, `<birthday +1>` tomorrow, of a birth in 1990."""

    def written(match: re.Match[str]) -> str:
        day = today + timedelta(days=int(match[2]))
        return day.isoformat() if match[1] == "date" else f"1990-{day:%m-%d}"

    return _DATE.sub(written, text)


def _mails(journey: str) -> Sequence[Path]:
    """The files of every mail that the journey sends, and of what stands round them."""
    program = compile_journey(source.read(journey)[0])
    keys = {node.template for node in program.nodes.values() if isinstance(node, SendNode)} | set(FURTHER)
    return sorted(file for file in BUILT_IN.iterdir() if file.name.startswith("_") or file.name.split(".")[0] in keys)


def _settings(identity: Identity) -> str:
    sender = identity.sender
    if sender and "<" not in sender:
        sender = f"{identity.brand} <{sender}>"
    return f"""# How your mails look, and who they come from.
WAYPOST_BRAND={_quoted(identity.brand)}
WAYPOST_BRAND_COLOR={_quoted(identity.color)}
# WAYPOST_BRAND_LOGO=
{_set("BRAND_URL", identity.site)}
WAYPOST_TEMPLATES=templates

# Before mail goes to real people: who sends it, from where, where its links lead, and one of the two providers.
{_set("SENDER", sender)}
{_set("POSTAL_ADDRESS", identity.address)}
# WAYPOST_PUBLIC_URL=
# SENDGRID_API_KEY=
# WAYPOST_SMTP_URL=
"""


def _set(name: str, value: str | None) -> str:
    return f"WAYPOST_{name}={_quoted(value)}" if value else f"# WAYPOST_{name}="


def _quoted(value: str) -> str:
    """A value of `.env`, taken as it stands; raise InvalidInput where it cannot be."""
    if any(not sign.isprintable() for sign in value):
        raise InvalidInput(f"{value!r} holds a sign that cannot be printed")
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _readme(example: str, identity: Identity) -> str:
    steps = "\n".join(f"{command:<34} # {meaning}" for command, meaning in NEXT)
    return f"""# {identity.brand}: {example.replace("_", " ")}

What this installation of Waypost sends, in git. It began as the example `{example}`.

```sh
{steps}
```

Then look at the outbox, whose address `waypost up` prints.

- `journeys/{example}.yaml`: who gets which mail when. `waypost simulate journeys/{example}.yaml` shows it day by day.
- `templates/`: the mails. `KEY.de.html` is the German one; `_layout.html` stands round all of them.
- `waypost.yaml`: topics that customers can leave, and segments.
- `.env`: name, colour and address of the sender. It is not in git, since keys belong there too.
- `events.ndjson`: what your product would tell Waypost. Replace it by real calls to `/v1/batch`.
"""


NEXT = (
    ("waypost up", "in a terminal of its own: everything that runs"),
    ("waypost apply . --publish", "topics, segments, mails and the journey"),
    ("waypost ingest events.ndjson", "the sample events; the first mails go out"),
)
"""What to type next."""
