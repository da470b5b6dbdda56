"""Every setting stands on its page, and the page names no other."""

from __future__ import annotations

import re

from tests.support.platform import REPOSITORY

PAGE = REPOSITORY / "docs/reference/data-plane-settings.md"
CODE = REPOSITORY / "tenantry/dataplane/settings.py"


def test_the_page_has_every_setting_of_the_data_plane_and_no_other() -> None:
    listed, read = (set(re.findall(r"TENANTRY_[A-Z_]+", path.read_text())) for path in (PAGE, CODE))
    assert listed == read
