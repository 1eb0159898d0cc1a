"""Real data that lies beside the checkout (``../shared/data``) and is not part of the product.

Tests that need it carry ``needs_shared`` and say so when the folder is absent, as it is for a stranger's clone.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1].parent / "shared" / "data"

needs_shared = pytest.mark.skipif(
    not ROOT.is_dir(), reason="the real data set ../shared/data is not beside this checkout"
)


def shared(*parts: str) -> Path:
    """Path of one file of the real data, e.g. ``shared("sms", "segment_vectors.json")``."""
    return ROOT.joinpath(*parts)
