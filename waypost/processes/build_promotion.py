"""`waypost promote`: the build of this installation gets the work, once its workers are there."""

import asyncio

from waypost.errors import CannotStart
from waypost.wiring import Parts
from workflows.gateway import TemporalRefused

PATIENCE = 120.0
"""Seconds for which the first worker of a build is waited for: images are pulled and migrations run meanwhile."""


async def promote(parts: Parts) -> str:
    """Promote the build named by the settings; raise CannotStart where it cannot be."""
    build = parts.settings.build_id
    if build is None:
        raise CannotStart("this build has no name; set WAYPOST_BUILD_ID for the workers and for this command")
    gateway = await parts.gateway()
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            await gateway.promote(build)
        except TemporalRefused as refused:
            if asyncio.get_running_loop().time() > deadline:
                raise CannotStart(f"{refused}; are its workers running?") from None
            await asyncio.sleep(1)
        else:
            return build
