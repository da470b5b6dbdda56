"""The reference of error quality: its example is what is told of the failures it speaks of."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec

from tenantry.dataplane.dead_letters.analytics import Bucket, Span
from tenantry.dataplane.dead_letters.quality import GradedFailure, grade
from tenantry.dataplane.gateway.error_quality import trends_view
from tests.support.documentation import code_blocks
from tests.support.platform import REPOSITORY

REFERENCE = REPOSITORY / "docs/reference/data-plane-api.md"


def test_the_example_is_what_is_told() -> None:
    (shown,) = (block for block in code_blocks(REFERENCE, "json") if '"trend"' in block)
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    span = Span(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC), Bucket.DAY)
    failures = [
        GradedFailure(at, "buy", "charge", grade(failure))
        for failure in ({"status": 422, "explained": True}, {"status": 500})
    ]
    assert json.loads(shown) == json.loads(msgspec.json.encode(trends_view(span, failures)))
