import pytest
import torch
from small_networks import SIZE, Convnet, Reused, pictures, seeded

from cutaway import Model, Preprocess
from cutaway.attribution import METHODS, for_classes
from cutaway.core.errors import TargetError

QUICK = {
    "smoothgrad": {"samples": 2},
    "integrated_gradients": {"steps": 3},
    "occlusion": {"window": 6, "stride": 6},
    "prediction_difference": {"window": 6, "stride": 6, "samples": 2},
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("batch_size", [None, 2])
def test_values_are_those_of_each_class_asked_alone(name, batch_size):
    network, points = seeded(Convnet), pictures(3)
    targets = [2, torch.tensor([0, 1, 3]), None]
    together = for_classes(METHODS[name], network, points, targets, batch_size=batch_size, **QUICK.get(name, {}))
    for target, found in zip(targets, together, strict=True):
        alone = METHODS[name](network, points, target, batch_size=batch_size, **QUICK.get(name, {}))
        assert torch.allclose(found.values, alone.values, atol=1e-6)
        assert torch.equal(found.target, alone.target)
        assert (found.completeness_gap is None) == (alone.completeness_gap is None)


@pytest.mark.parametrize(("name", "passes"), [("gradient", 1), ("lrp", 1), ("occlusion", 5), ("guided_backprop", 1)])
def test_passes_are_shared(name, passes):
    network, counted = seeded(Reused), []
    network.register_forward_pre_hook(lambda module, inputs: counted.append(len(inputs[0])))
    for_classes(METHODS[name], network, pictures(1), [0, 1, 2, 3], **QUICK.get(name, {}))
    assert sum(counted) == passes


def test_labels_versus_and_what_makes_no_sense():
    model = Model(seeded(Reused), Preprocess(SIZE), labels=["ant", "bee", "cow", "dog"])
    there, back = (
        for_classes(METHODS["gradient"], model, pictures(), [a], versus=b, batch_size=2)[0]
        for a, b in (("ant", "dog"), ("dog", "ant"))
    )
    assert torch.allclose(there.values, -back.values, atol=1e-7)
    assert there.versus.tolist() == [3, 3, 3]
    with pytest.raises(TargetError, match="targets is empty; expected at least one class"):
        for_classes(METHODS["gradient"], model, pictures(), [])
    with pytest.raises(TargetError):
        for_classes(METHODS["gradient"], model, pictures(), ["ant", "emu"])
