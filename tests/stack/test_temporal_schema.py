"""Temporal's schema is made once, and updated after."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.stack.compose_file import ROOT, SERVICES


@pytest.mark.parametrize(
    ("fresh", "calls"), [(True, ["create", "update", "setup", "update"]), (False, ["create", "update"])]
)
def test_the_schema_is_made_once_and_updated_after(tmp_path: Path, fresh: bool, calls: list[str]) -> None:
    """Against a stand-in for temporal-sql-tool, which only the container has: it keeps state as the real one does."""
    tool = tmp_path / "temporal-sql-tool"
    tool.write_text(
        f"""#!/bin/sh
echo "$@" >> {tmp_path}/calls
while [ "$1" != --db ]; do shift; done
mark={tmp_path}/$2.schema
case $3 in
    update-schema) [ -e "$mark" ] ;;
    setup-schema) : > "$mark" ;;
esac
"""
    )
    tool.chmod(0o755)
    if not fresh:
        for name in ("temporal", "temporal_visibility"):
            (tmp_path / f"{name}.schema").touch()
    env = {**SERVICES["temporal-schema"]["environment"], "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["sh", ROOT / "deploy" / "temporal" / "schema.sh"], env=env, check=True, timeout=30)
    lines = (tmp_path / "calls").read_text().splitlines()
    for database, versions in (("temporal", "temporal"), ("temporal_visibility", "visibility")):
        mine = [line for line in lines if f"--db {database} " in line]
        assert [re.sub(r".*--db \w+ (\w+).*", r"\1", line) for line in mine] == calls
        assert all("--plugin postgres12 --ep postgres -p 5432 -u waypost" in line for line in mine)
        assert f"-d /etc/temporal/schema/postgresql/v12/{versions}/versioned" in mine[-1]
