"""Definitions do not travel in histories: a payload carries a digest, and the worker turns it into the program.

A codec runs outside the sandbox and may wait, so it is there that an unknown digest is looked up; the converter then
finds the program in this process's memory. A digest never changes its meaning, so replay sees the same program.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import to_json
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter, PydanticPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    EncodingPayloadConverter,
    PayloadCodec,
)

from journeys.program.program import Program

ENCODING = "waypost/program"
"""How a payload that is a digest names its encoding. Histories keep it for years, so it never changes."""

_programs: dict[str, Program] = {}

ResolveProgram = Callable[[str], Awaitable[Program]]
"""Finds the program of a digest, in the store; raises where there is none."""


@dataclass(frozen=True, slots=True)
class ProgramRef:
    """Stands for a program where only its digest is known."""

    digest: str


class _ProgramConverter(EncodingPayloadConverter):
    @property
    def encoding(self) -> str:
        return ENCODING

    def to_payload(self, value: Any) -> Payload | None:
        if not isinstance(value, Program | ProgramRef):
            return None
        return Payload(metadata={"encoding": ENCODING.encode()}, data=value.digest.encode())

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        return _programs[payload.data.decode()]


class _LeanJson(PydanticJSONPlainPayloadConverter):
    """JSON by pydantic, without what is None: a history keeps every byte for years."""

    def to_payload(self, value: Any) -> Payload | None:
        return Payload(metadata={"encoding": self.encoding.encode()}, data=to_json(value, exclude_none=True))


_JSON = _LeanJson()
_OTHERS = [one for one in PydanticPayloadConverter().converters.values() if one.encoding != _JSON.encoding]
"""Shared by all workflows of a process: the SDK makes a converter for each, whose adapters would begin cold (a sixth of
a worker's CPU, measured)."""


class WaypostPayloadConverter(CompositePayloadConverter):
    """Programs by digest, everything else as JSON by pydantic.

    It waits for nothing: a program that is named is in memory already (ProgramCodec), else KeyError.
    """

    def __init__(self) -> None:
        super().__init__(_ProgramConverter(), *_OTHERS, _JSON)


class ProgramCodec(PayloadCodec):
    """Sees to it that every program named in a payload is in memory before the payload is read.

    `kept` is the installation's own codec, if it has one: it has the last word on what Temporal keeps.
    """

    def __init__(self, resolve: ResolveProgram, kept: PayloadCodec | None = None) -> None:
        self._resolve = resolve
        self._kept = kept

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Nothing is changed on the way out: the converter wrote digests already."""
        return await self._kept.encode(payloads) if self._kept is not None else list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """The payloads as they came, once every program that they name is in memory.

        What `resolve` raises is raised: Temporal tries the task again later.
        """
        read = await self._kept.decode(payloads) if self._kept is not None else list(payloads)
        for payload in read:
            if payload.metadata.get("encoding") == ENCODING.encode():
                digest = payload.data.decode()
                if digest not in _programs:
                    _programs[digest] = await self._resolve(digest)
        return read


def data_converter(resolve: ResolveProgram, kept: PayloadCodec | None = None) -> DataConverter:
    """The converter of every client and worker of Waypost; `kept` is the installation's own codec."""
    return replace(
        DataConverter.default,
        payload_converter_class=WaypostPayloadConverter,
        payload_codec=ProgramCodec(resolve, kept),
    )
