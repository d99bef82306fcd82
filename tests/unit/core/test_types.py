"""Units: one channel of one layer, written `layer:channel`."""

from __future__ import annotations

import pytest

from cutaway.core.errors import LayerError
from cutaway.core.types import Unit


@pytest.mark.parametrize("text", ["features.12:31", "block#1:0", "odd:name:7"])
def test_a_unit_reads_and_writes_itself(text: str) -> None:
    assert str(Unit.parse(text)) == text
    assert Unit.parse(Unit.parse(text)) == Unit.parse(text)


def test_what_follows_the_last_colon_is_the_channel() -> None:
    assert Unit.parse("odd:name:7") == Unit("odd:name", 7)


@pytest.mark.parametrize("text", ["features.12", "features.12:", ":3", "features.12:x", "features.12:-1"])
def test_a_text_without_a_channel_is_no_unit(text: str) -> None:
    with pytest.raises(LayerError, match="is no unit; expected layer:channel; try"):
        Unit.parse(text)
