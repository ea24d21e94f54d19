"""A lane with a mail for each of so many customers, and a provider that holds them or raises as it is told."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from activities.delivery.lane import MailLane
from mail.composing import Composer
from mail.message import Mail
from mail.providers.sender import Accepted, Evidence, MayGo, SendOutcome, Withheld, always
from services.ingestion import ingest
from services.reports.customer import customer_view
from store.queries.mails import messages

CUSTOMERS = 20
LANE = "transactional"


class Provider:
    """Takes so many at once; holds them while it is told to, and raises what it is told for an address."""

    name = "provider"
    longest = timedelta(seconds=30)

    def __init__(self, at_once: int = 4) -> None:
        self.at_once = at_once
        self.got: list[str] = []
        self.raises: dict[str, Exception] = {}
        self.answers = asyncio.Event()
        self.answers.set()
        self.in_call = 0

    async def send(self, mail: Mail, may_go: MayGo = always) -> SendOutcome:
        if not await may_go():
            return Withheld()
        if mail.to in self.raises:
            raise self.raises[mail.to]
        self.in_call += 1
        self.got.append(mail.send_id)
        await self.answers.wait()
        self.in_call -= 1
        return Accepted(provider_id=f"p-{mail.send_id}")

    async def look_up(self, send_id: str) -> Evidence:
        return "accepted" if send_id in self.got else "absent"

    async def close(self) -> None:
        return None


class Breaking(Composer):
    """Composes as ever, but for one template's worth of surprise."""

    surprise: str | None = None

    def compose(self, request: Any, now: datetime) -> Mail:
        if request.to == self.surprise:
            raise KeyError("nobody expects this")
        return super().compose(request, now)


async def hand_over(owner: Callable[[], MailLane]) -> None:
    """Open the lane, hand everything over, close it."""
    lane = owner()
    await lane.pump()
    await lane.drain()
    await lane.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the condition is a count at the receiver
            await asyncio.sleep(0.01)


async def in_calls(owner: Callable[[], MailLane], provider: Provider) -> MailLane:
    """Open the lane; as many mails as may be are in calls that the provider does not answer."""
    provider.answers.clear()
    lane = owner()
    await lane.pump()
    await until(lambda: provider.in_call == provider.at_once)
    return lane


def plan_mails(session: Session, count: int, due: datetime) -> None:
    """A mail to each of so many customers waits in the lane."""
    for number in range(count):
        user = f"u{number:02}"
        traits = {"email": f"{user}@example.com", "first_name": user}
        ingest.ingest(session, [{"type": "identify", "userId": user, "traits": traits}], due)
        made = messages.row(
            f"00000000-0000-5000-8000-0000000000{number:02}",
            customer_view.customer(session, user).id,
            template="mail_a",
            topic="news",
            lane=LANE,
            due=due,
            now=due,
            not_before=due,
        )
        messages.add(session, [made])
