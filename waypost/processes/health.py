"""The `/healthz` of a worker: whether each part that runs in this very process does its rounds, and what waits for it.

`GET /readyz` of the API tells of the parts of all processes together; this one is for who looks after one container.
It asks no key and tells nothing personal. It answers one question and closes the connection.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.reports.health import readiness
from services.reports.health.readiness import PartReadiness
from services.values import Clock
from store.session import Database
from waypost.pulses import Pulses

PATH = b"/healthz"
"""What it is asked for; anything else is not found."""

LONGEST_HEAD = 8 * 1024
"""Bytes of a request that are read."""

SECONDS = 2.0
"""For the request, and for the database's answer: less than docker-compose.yml waits for all of it (3 s)."""

log = structlog.get_logger("waypost.health")


class HealthPort:
    """Answers at `address` ("host:port"), one connection at a time being nothing that anybody waits for."""

    def __init__(self, address: str, pulses: Pulses, database: Database, clock: Clock) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host, int(port)
        self._pulses = pulses
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Answer until cancelled. Raise OSError where the address is taken."""
        server = await asyncio.start_server(self._answer, self._host, self._port, limit=LONGEST_HEAD)
        async with server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            method, path, *_ = head.split(b" ", 2)
            status, body = await self._measured() if path == PATH else ("404 Not Found", b"{}")
            lines = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            writer.write(lines.encode() + b"connection: close\r\n\r\n" + (b"" if method == b"HEAD" else body))
            await writer.drain()
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            log.debug("health_not_asked")
        finally:
            writer.close()

    async def _measured(self) -> tuple[str, bytes]:
        rounds, now = self._pulses.last_rounds(), self._clock()
        try:
            async with asyncio.timeout(SECONDS):
                found, answers = await asyncio.to_thread(self._parts, rounds, now), True
        except (SQLAlchemyError, TimeoutError):
            found, answers = readiness.of_rounds(rounds, {}, now), False
        works = answers and all(one.works for one in found)
        told = {"status": "ok" if works else "degraded", "database": answers, "parts": [asdict(one) for one in found]}
        return "200 OK" if works else "503 Service Unavailable", orjson.dumps(told)

    def _parts(self, rounds: Mapping[str, datetime], now: datetime) -> Sequence[PartReadiness]:
        with self._database.reading() as session:
            return readiness.of_rounds(rounds, readiness.waits(session, now), now)
