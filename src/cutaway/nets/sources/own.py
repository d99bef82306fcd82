"""Our own networks: those shipped with weights, and the architectures of the zoo."""

from __future__ import annotations

from cutaway.core.errors import ModelError, WeightsError, suggestion
from cutaway.nets.checkpoint import load_weights
from cutaway.nets.model import Model
from cutaway.nets.sources.request import RANDOM_NOTE, Request, seeded
from cutaway.nets.zoo import ZOO

EXPECTED = "expected one of our own, torchvision:NAME, timm:NAME, hf:NAME or FILE.py:FACTORY"


def names() -> list[str]:
    """The networks that load by a bare name."""
    return list(ZOO)


def load(request: Request) -> Model:
    """The shipped network of that name with its weights, or an architecture with random ones."""
    entry = ZOO.get(request.name)
    if entry is None:
        known = names()
        raise ModelError(f'no model "{request.name}" ({", ".join(known)}); {EXPECTED}{suggestion(request.name, known)}')
    with seeded():
        module = entry.build() if request.classes is None else entry.factory(classes=request.classes)
    if request.published and entry.weights is not None:
        if not entry.weights.is_file():
            raise WeightsError(
                f'the weights of the shipped network "{entry.name}" are not here ({entry.weights.name}); expected a '
                f'complete install; try to install cutaway again, or "{entry.name}?weights=none"'
            )
        load_weights(module, entry.weights)
    untrained = request.file is None and not (request.published and entry.shipped)
    return Model(
        module,
        entry.preprocess,
        None if request.classes is not None else entry.labels,
        name=entry.name,
        note=RANDOM_NOTE if untrained else "",
    )
