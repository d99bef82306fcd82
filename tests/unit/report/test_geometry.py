"""The line drawings: bars, axes and plates stand where the figures say."""

from __future__ import annotations

import pytest
from example import example

from cutaway.report import _geometry as geometry
from cutaway.report._words import effect


def test_a_bar_starts_in_the_middle_and_grows_with_its_value() -> None:
    assert geometry.bar(1.0, 2.0) == geometry.Bar(50.0, 25.0, True)
    assert geometry.bar(-2.0, 2.0) == geometry.Bar(0.0, 50.0, False)
    assert geometry.bar(0.0, 0.0).width == 0


def test_the_scatter_puts_equal_figures_on_its_diagonal() -> None:
    channels = example(size=32, maps=1, grid=4).data.channels
    assert channels is not None
    shown = [*channels.arguing_for, *channels.arguing_against]
    drawn = geometry.scatter(shown)
    assert len(drawn.points) == len(shown)
    for channel, point in zip(sorted(shown, key=lambda c: -abs(effect(c))), drawn.points, strict=True):
        assert point.x / drawn.size * 2 - 1 == pytest.approx(channel.attribution / drawn.limit)
        assert 1 - point.y / drawn.size * 2 == pytest.approx(effect(channel) / drawn.limit)
    same = channels.arguing_for[0].model_copy(update={"attribution": effect(channels.arguing_for[0])})
    (point,) = geometry.scatter([same]).points
    assert point.x == pytest.approx(drawn.size - point.y)


def test_the_axis_of_logits_keeps_their_distances() -> None:
    data = example(size=32, maps=1, grid=4).data
    ticks = geometry.logit_axis(data)
    assert [tick.role for tick in ticks][-2:] == ["versus", "target"]
    low, high = ticks[0], ticks[-1]
    for tick in ticks:
        assert (tick.at - low.at) / (high.at - low.at) == pytest.approx(
            (tick.logit - low.logit) / (high.logit - low.logit)
        )
    far = data.target.model_copy(update={"index": 7, "logit": -3.0})
    assert len(geometry.logit_axis(data.model_copy(update={"target": far}))) == len(ticks) + 1


def test_threads_start_where_the_channel_fired_and_end_at_the_class_it_argues_for() -> None:
    data = example(size=32, maps=1, grid=4).data
    drawn = geometry.cutaway(data)
    assert data.channels is not None
    assert drawn.layer is not None
    assert [strand.argues_for for strand in drawn.strands] == [True, True, True, False, False]
    for strand in drawn.strands:
        row, column = strand.channel.peak
        assert strand.source == drawn.layer.at((column + 0.5) / 4, (row + 0.5) / 4)
        assert strand.target[1] == drawn.bars[0 if strand.argues_for else 1][1]
    widest = max(drawn.strands, key=lambda strand: strand.width)
    assert abs(effect(widest.channel)) == max(abs(effect(strand.channel)) for strand in drawn.strands)


@pytest.mark.parametrize(("versus", "bars"), [(True, 2), (False, 1)])
def test_the_drawing_leaves_out_what_the_explanation_lacks(versus: bool, bars: int) -> None:
    drawn = geometry.cutaway(example(size=32, maps=1, versus=versus, sections=False).data)
    assert drawn.layer is None
    assert drawn.strands == []
    assert len(drawn.bars) == bars


def test_a_plate_lies_where_its_matrix_puts_the_unit_square() -> None:
    laid = geometry.plate(100.0, 50.0, height=40.0, aspect=1.5)
    a, b, c, d, e, f = (float(v) for v in laid.matrix.removeprefix("matrix(").removesuffix(")").split())
    assert (a * 0.5 + c * 0.5 + e, b * 0.5 + d * 0.5 + f) == pytest.approx((100, 50), abs=0.01)
    assert laid.centre == pytest.approx((100, 50))
    assert laid.at(1.0, 1.0) == pytest.approx((a + c + e, b + d + f), abs=0.02)
