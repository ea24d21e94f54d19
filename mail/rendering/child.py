"""The process in which templates are rendered: one request a line on standard input, one answer a line.

    python -m mail.rendering.child FOLDER...

It may use so much memory and no more; how long it may take is for the parent to say, who ends it.
"""

import resource
import sys
from pathlib import Path
from typing import Any

import orjson

from mail.rendering.limits import MEMORY
from mail.rendering.renderer import Renderer
from mail.rendering.templates import Stored, TemplateProblem


def main() -> None:
    """Answer until the input ends."""
    renderer = Renderer([Path(one) for one in sys.argv[1:]])
    _limit_memory()
    for line in sys.stdin.buffer:
        answer = _answer(renderer, orjson.loads(line))
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _answer(renderer: Renderer, asked: dict[str, Any]) -> dict[str, Any]:
    stored = Stored(**asked["stored"]) if asked.get("stored") else None
    try:
        match asked["do"]:
            case "render":
                made = renderer.render(asked["key"], asked["context"], asked["subject"], stored, asked["locales"])
                return {"subject": made.subject, "html": made.html, "text": made.text, "locale": made.locale}
            case "fill":
                return {"text": renderer.fill(asked["text"], asked["context"])}
            case _:
                assert stored is not None
                checked = renderer.check(stored)
                return {"text": checked.text, "warnings": list(checked.warnings)}
    except TemplateProblem as problem:
        return {"problem": str(problem), "unread": problem.unread}
    except MemoryError:
        return {"problem": f"it wants more than {MEMORY // 1024**2} MB of memory"}


if __name__ == "__main__":
    main()
