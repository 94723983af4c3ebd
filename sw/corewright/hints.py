# SPDX-License-Identifier: Apache-2.0
# Copyright corewright contributors
"""What a user may have meant, for the messages of errors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, legal: Iterable[str]) -> str:
    """Return `` (did you mean X?)`` with the legal word that is most like ``word``, or nothing."""
    found = difflib.get_close_matches(word, list(legal), n=1)
    return f" (did you mean {found[0]}?)" if found else ""
