"""The table of metrics: every row works on a case that has everything, and the user's own function can stand in it."""

import numpy as np
import pytest
import torch

from cutaway import Model, Preprocess
from cutaway.attribution import METHODS, gradient
from cutaway.core.errors import DataError, OptionError
from cutaway.data.partworld import LABELS, PartWorld
from cutaway.metrics import Measured
from cutaway.metrics.table import METRICS, Case, own_metric
from cutaway.nets.zoo.partworld import partworld_net


@pytest.fixture(scope="module")
def case():
    torch.manual_seed(0)
    network = partworld_net(len(LABELS), (4, 4, 6), 4).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    model = Model(network, Preprocess(64), LABELS)
    samples = [PartWorld(40, 5, "test")[index] for index in (0, 20, 1, 21, 2, 22, 3, 4, 5, 6, 7, 8)]
    return Case(
        model,
        torch.stack([sample.picture for sample in samples]),
        torch.tensor([sample.label for sample in samples]),
        torch.stack([torch.from_numpy(sample.masks["whole"]) for sample in samples]),
        tuple(sample.extra["scene"] for sample in samples),
    )


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_gives_a_number_with_its_interval(name, case):
    found = METRICS[name].measure(case, case.remembered("gradient"))
    assert isinstance(found, Measured)
    assert found.n > 1
    assert found.interval[0] <= found.value <= found.interval[1]
    assert METRICS[name].lacks(case) == ()
    assert METRICS[name].says


def test_maps_are_computed_once_for_all_metrics(case):
    calls = []

    def counted(forward, inputs, target=None, **options):
        calls.append(len(inputs))
        return gradient(forward, inputs, target)

    fresh = Case(case.model, case.pictures, case.labels, case.masks)
    for name in ("insertion", "deletion", "energy_in_mask", "pointing_game"):
        METRICS[name].measure(fresh, fresh.remembered(counted))
    assert calls == [len(case.pictures)]


def test_what_a_case_lacks(case):
    bare = Case(case.model, case.pictures)
    assert METRICS["focus"].lacks(bare) == ("labels",)
    assert METRICS["energy_in_mask"].lacks(bare) == ("masks",)
    assert METRICS["deletion"].lacks(bare) == ()
    with pytest.raises(DataError, match="no scenes; expected PartWorld's"):
        METRICS["part_correctness"].measure(bare, METHODS["gradient"])


def test_a_metric_of_ones_own(case):
    def spread(model, method, pictures, target):
        return method(model, pictures, target).values.flatten(1).std(dim=1)

    found = own_metric(spread).measure(case, METHODS["gradient"])
    expected = gradient(case.model, case.pictures, case.labels).values.flatten(1).std(dim=1).double().mean()
    assert found.value == pytest.approx(float(expected))
    assert own_metric(lambda *given: found).measure(case, METHODS["gradient"]) is found
    with pytest.raises(OptionError, match=r"gave values of shape \(2, 2\); expected a Measured, or one number"):
        own_metric(lambda *given: np.ones((2, 2))).measure(case, METHODS["gradient"])
