import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from cutaway.attribution.quadrature import _INTEGRALS, FINEST, RULES, Sampled, rule_of, trapezoid
from cutaway.core.errors import OptionError


def sampled(positions, score, slope, changes=None):
    positions = np.asarray(positions, dtype=float)
    changes = np.zeros(len(positions) - 1) if changes is None else np.asarray(changes, dtype=float)
    return Sampled(positions, score(positions), slope(positions), changes)


@pytest.mark.parametrize(("rule", "degree"), [("gauss-legendre", 9), ("midpoint", 1), ("trapezoid", 1)])
def test_every_rule_integrates_polynomials_up_to_its_degree(rule, degree):
    positions, weights = RULES[rule](5)
    assert weights.sum() == pytest.approx(1)
    for power in range(degree + 1):
        assert weights @ positions**power == pytest.approx(1 / (power + 1), abs=1e-12)
    assert abs(weights @ positions ** (degree + 1) - 1 / (degree + 2)) > 1e-7


def test_rules_by_name_by_function_and_by_a_wrong_name():
    assert rule_of("trapezoid") is trapezoid
    assert rule_of(trapezoid) is trapezoid
    with pytest.raises(OptionError, match='no rule "simpson"; expected one of gauss-legendre, midpoint, trapezoid'):
        rule_of("simpson")
    with pytest.raises(OptionError, match="steps is 1; expected at least 2 for the trapezoid rule"):
        trapezoid(1)


@pytest.mark.parametrize("points", [2, 3, 4, 5, 40])
def test_the_spline_is_the_librarys(points):
    draw = np.random.default_rng(points)
    positions = np.concatenate([[0], np.sort(draw.random(points - 2)), [1]])
    for values in (draw.normal(size=points), np.eye(points)):
        expected = np.diff(CubicSpline(positions, values).antiderivative()(positions), axis=0)
        np.testing.assert_allclose(_INTEGRALS["spline"](positions, values), expected, rtol=1e-7, atol=1e-9)


def test_a_smooth_slope_is_integrated_by_the_spline():
    known = sampled([0, 0.2, 0.3, 0.6, 0.8, 1], lambda x: x**4, lambda x: 4 * x**3)
    assert np.abs(known.errors()).max() < 1e-12
    assert known.weights() @ known.slopes == pytest.approx(1, abs=1e-12)
    assert known.settled(1e-9)


def test_a_slope_with_a_jump_is_integrated_by_straight_lines():
    positions = np.array([0, 0.1, 0.2, 0.4, 0.7, 0.8, 1])
    known = sampled(positions, lambda x: np.maximum(0, x - 0.5), lambda x: (x > 0.5).astype(float))
    by_lines = np.array([(b - a) * (fa + fb) / 2 for a, b, fa, fb in zip(
        positions, positions[1:], known.slopes, known.slopes[1:], strict=False)])  # fmt: skip
    assert known.errors() == pytest.approx(by_lines - np.diff(known.scores))
    assert np.flatnonzero(np.abs(known.errors()) > 1e-12).tolist() == [3]  # the piece with the jump, and no other
    assert known.refinements(100) == pytest.approx([0.55])


def test_weights_add_up_to_one_and_reproduce_the_errors():
    rng = np.random.default_rng(0)
    positions = np.concatenate([[0.0], np.sort(rng.uniform(size=20)), [1.0]])
    known = Sampled(positions, rng.normal(size=22), rng.normal(size=22), rng.uniform(size=21))
    assert known.weights().sum() == pytest.approx(1)
    gap = known.weights() @ known.slopes - (known.scores[-1] - known.scores[0])
    assert gap == pytest.approx(known.errors().sum())


def test_large_errors_that_cancel_do_not_settle_an_integral():
    # One hump up and the same hump down again, seen only at the ends and where the slope is steepest.
    known = Sampled(np.array([0, 0.25, 0.5, 0.75, 1]), np.array([0, 0.5, 1, 0.5, 1.0]),
                    np.array([1.0, 9, 1, -7, 1]), np.ones(4))  # fmt: skip
    assert abs(known.errors().sum()) < 0.02
    assert not known.settled(0.1)


def test_refinement_also_goes_where_the_gradient_changes_most():
    straight = sampled(np.linspace(0, 1, 9), lambda x: x, np.ones_like, changes=[0, 0, 0, 0, 0, 3, 0, 0])
    assert straight.refinements(100) == pytest.approx([5.5 / 8])
    assert len(straight.refinements(0)) == 0


def test_pieces_are_not_halved_for_ever():
    short = sampled([0, FINEST / 2, 1], lambda x: x, np.ones_like, changes=[5, 0])
    assert short.refinements(100) == pytest.approx([0.5], abs=1e-6)
