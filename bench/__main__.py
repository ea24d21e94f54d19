"""`make bench`: what a journey costs against the same thing written by hand."""

import asyncio
import sys

from bench import (
    backtest,
    broadcast,
    calls,
    core,
    durability,
    herd,
    idle,
    imports,
    ingest,
    language,
    latency,
    mail,
    memory,
    pages,
    plan,
    protocol,
    reference,
    starts,
    status,
    value,
)


def main() -> int:
    wanted = sys.argv[1:] or [
        "core",
        "ingest",
        "calls",
        "durability",
        "language",
        "mail",
        "protocol",
        "broadcast",
        "backtest",
        "memory",
        "status",
        "pages",
        "imports",
        "plan",
        "reference",
        "starts",
        "latency",
        "herd",
        "idle",
        "value",
    ]
    for name in wanted:
        print(f"\n== {name} ==", flush=True)
        {
            "core": core.main,
            "ingest": ingest.main,
            "calls": calls.main,
            "durability": durability.main,
            "language": language.main,
            "mail": mail.main,
            "protocol": protocol.main,
            "broadcast": broadcast.main,
            "backtest": backtest.main,
            "memory": memory.main,
            "status": status.main,
            "pages": pages.main,
            "imports": imports.main,
            "plan": plan.main,
            "reference": lambda: asyncio.run(reference.main()),
            "value": value.main,
            "starts": lambda: asyncio.run(starts.main()),
            "latency": latency.main,
            "herd": herd.main,
            "idle": idle.main,
        }[name]()
    return 0


sys.exit(main())
