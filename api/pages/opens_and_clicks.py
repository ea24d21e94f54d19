"""Clicks and opens. A click leads only to where a link of that very mail led; a token names no address."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from api.deps.backend import Backend, TheBackend
from api.pages.html import PRIVATE
from api.pages.recipient import RecipientPages, ThePages
from mail.signed_links import BadLink
from services.feedback.returns import opens_and_clicks
from services.feedback.returns.opens_and_clicks import EngagementKind

router = APIRouter(tags=["recipients"])

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""A GIF of one transparent pixel."""

_DAMAGED: dict[int | str, dict[str, Any]] = {404: {"description": "The link is damaged", "content": {"text/html": {}}}}

log = structlog.get_logger("waypost.links")


class Gif(Response):
    """A picture."""

    media_type = "image/gif"


@router.get("/c/{token}", status_code=302, response_class=RedirectResponse, summary="Follow a link", responses=_DAMAGED)
async def follow(token: str, request: Request, pages: ThePages) -> Response:
    """To where the link of the mail led. Whether a person clicked is judged some seconds later."""
    return await _followed(token, request, pages)


@router.head("/c/{token}", status_code=302, summary="What a scanner asks", responses=_DAMAGED, include_in_schema=False)
async def look(token: str, request: Request, pages: ThePages) -> Response:
    """No person asks so."""
    return await _followed(token, request, pages)


@router.get("/o/{token}", response_class=Gif, summary="Load the pixel")
async def load(token: str, request: Request, parts: TheBackend) -> Response:
    """The same picture, whoever asks and whatever the token is."""
    with suppress(BadLink):
        send_id, agent = parts.links.read_open(token), request.headers.get("user-agent", "")
        await _counted(request, parts, "opened", send_id, partial(_opened, parts, send_id, agent))
    return Gif(PIXEL, headers=PRIVATE)


@router.head("/o/{token}", response_class=Gif, include_in_schema=False)
async def look_at_picture(token: str) -> Response:
    """Whoever asks for headers alone has seen no picture."""
    return Gif(PIXEL, headers=PRIVATE)


async def _followed(token: str, request: Request, pages: RecipientPages) -> Response:
    parts = pages.parts
    try:
        send_id, number = parts.links.read_click(token)
    except BadLink:
        return await run_in_threadpool(pages.damaged)
    url = await run_in_threadpool(_where, parts, send_id, number)
    if url is None:
        return await run_in_threadpool(pages.damaged)
    agent, headers_alone = request.headers.get("user-agent", ""), request.method == "HEAD"
    await _counted(request, parts, "clicked", send_id, partial(_clicked, parts, send_id, url, agent, headers_alone))
    return RedirectResponse(url, 302, PRIVATE)


async def _counted(
    request: Request, parts: Backend, kind: EngagementKind, send_id: str, keep: Callable[[int], bool]
) -> None:
    """Keep it, or count it as a repeat; whoever opens or clicks gets what they want in any case."""
    try:
        times = parts.token_rates.count(send_id, kind)
        if times and await run_in_threadpool(keep, times):
            return
    except SQLAlchemyError as error:
        log.warning("open_or_click_not_kept", kind=kind, error=type(error).__name__)
    else:
        request.app.state.metrics.repeated(kind)


def _where(parts: Backend, send_id: str, number: int) -> str | None:
    with parts.database.reading() as session:
        return opens_and_clicks.target_of(session, send_id, number)


def _clicked(parts: Backend, send_id: str, url: str, agent: str, headers_alone: bool, times: int) -> bool:
    def work(session: Session) -> bool:
        click = opens_and_clicks.click_of(session, send_id, url, agent, headers_alone, parts.clock())
        return click is not None and opens_and_clicks.keep_click(session, click, times)

    return parts.database.write(work)


def _opened(parts: Backend, send_id: str, agent: str, times: int) -> bool:
    def work(session: Session) -> bool:
        report = opens_and_clicks.open_of(session, send_id, agent, parts.clock())
        return report is not None and opens_and_clicks.keep_open(session, report, times)

    return parts.database.write(work)
