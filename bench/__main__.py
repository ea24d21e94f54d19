"""`make bench`: what a journey costs against the same thing written by hand."""

import asyncio
import sys

from bench import backtest, core, imports, ingest, language, memory, reference, starts, status


def main() -> int:
    wanted = sys.argv[1:] or [
        "core",
        "ingest",
        "language",
        "backtest",
        "memory",
        "status",
        "imports",
        "reference",
        "starts",
    ]
    for name in wanted:
        print(f"\n== {name} ==", flush=True)
        {
            "core": core.main,
            "ingest": ingest.main,
            "language": language.main,
            "backtest": backtest.main,
            "memory": memory.main,
            "status": status.main,
            "imports": imports.main,
            "reference": lambda: asyncio.run(reference.main()),
            "starts": lambda: asyncio.run(starts.main()),
        }[name]()
    return 0


sys.exit(main())
