"""Borrows the worlds of the Temporal tests."""

import importlib.util
import sys
from pathlib import Path

_SPEC = importlib.util.spec_from_file_location(
    "temporal_worlds", Path(__file__).parent.parent / "temporal" / "conftest.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
sys.modules["temporal_worlds"] = _MODULE
_SPEC.loader.exec_module(_MODULE)

real = _MODULE.real
