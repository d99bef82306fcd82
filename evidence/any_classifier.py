"""Any classifier: all 80 of torchvision, 40 families of timm, 8 architectures of transformers, each taken in whole.

Every network is made with random weights, in training mode, with one parameter frozen. Then: load, layer table, graph,
activations of every leaf layer (compared with what plain hooks saw), gradient (compared with plain autograd). It passes
if all that is right and the network has the hooks, modes, flags, parameters and gradients that it had before.
`--quick` takes 12 of the 128, as CI does. Pictures are as small as the architecture allows.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from _evidence import QUICK, ROOT, report, wilson

sys.path.insert(0, str(ROOT / "tests"))
import torchvision_operators  # it lies among the tests, where alone it belongs

from cutaway.attribution import gradient
from cutaway.core.errors import CutawayError, ForwardError
from cutaway.nets import Model, load
from cutaway.nets.outputs import first_tensor, scores_of
from cutaway.trace import activations, graph

TIMM = (
    *("beit_base_patch16_224", "cait_xxs24_224", "coat_tiny", "coatnet_nano_rw_224", "convit_tiny"),
    *("convmixer_768_32", "convnextv2_atto", "crossvit_tiny_240", "cspresnet50", "davit_tiny"),
    *("deit3_small_patch16_224", "densenet121", "dla34", "dpn48b", "edgenext_xx_small", "efficientformer_l1"),
    *("efficientnet_b0", "efficientvit_b0", "fastvit_t8", "focalnet_tiny_srf", "gcvit_xxtiny", "ghostnet_050"),
    *("hiera_tiny_224", "hrnet_w18_small", "inception_next_atto", "levit_128s", "mixer_s32_224"),
    *("mobilevit_xxs", "nest_tiny", "nfnet_l0", "pit_ti_224", "poolformer_s12", "pvt_v2_b0", "regnetz_b16"),
    *("repvit_m0_9", "swinv2_cr_tiny_ns_224", "tiny_vit_5m_224", "twins_svt_small", "vit_tiny_patch16_224"),
    "xcit_nano_12_p16_224",
)
"""One small network of each of 40 families."""

TRANSFORMERS: dict[str, dict[str, Any]] = {
    "ViT": {"hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 3, "intermediate_size": 192},
    "DeiT": {"hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 3, "intermediate_size": 192},
    "Swin": {"embed_dim": 48, "depths": [2, 2, 2, 2], "num_heads": [3, 6, 12, 24]},
    "ConvNext": {"hidden_sizes": [48, 96, 192, 384], "depths": [2, 2, 4, 2]},
    "Dinov2": {"hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 3, "image_size": 224},
    "Beit": {"hidden_size": 96, "num_hidden_layers": 4, "num_attention_heads": 3, "intermediate_size": 192},
    "MobileViT": {},
    "ResNet": {"embedding_size": 32, "hidden_sizes": [64, 128, 192, 256], "depths": [2, 2, 2, 2]},
}

SAMPLE = (
    *("torchvision:squeezenet1_1", "torchvision:resnet18", "torchvision:densenet121", "torchvision:googlenet"),
    *("torchvision:swin_t", "torchvision:mobilenet_v3_small", "timm:mobilevit_xxs", "timm:vit_tiny_patch16_224"),
    *("timm:xcit_nano_12_p16_224", "hf:Dinov2", "hf:Beit", "hf:Swin"),
)
"""What CI runs: each kind of difficulty once (in-place, concatenation, several outputs, windows, tokens, unfolding)."""

SIZES = (64, 96, 128, None)  # None = the network's own


def specs() -> list[str]:
    """The names of all 128, or of the 12 that CI runs."""
    from cutaway.nets.sources import torchvision

    everything = [
        *(f"torchvision:{name}" for name in torchvision.names()),
        *(f"timm:{name}" for name in TIMM),
        *(f"hf:{name}" for name in TRANSFORMERS),
    ]
    named = [word for word in sys.argv[1:] if ":" in word]  # to look at single networks
    return named or (list(SAMPLE) if QUICK else everything)


def made(spec: str, folder: Path) -> Model:
    """The network with random weights, taking the smallest pictures that pass through it."""
    if spec.startswith("hf:"):
        import transformers

        name = spec.removeprefix("hf:")
        config = getattr(transformers, f"{name}Config")(**TRANSFORMERS[name])
        where = folder / name
        torch.manual_seed(0)
        getattr(transformers, f"{name}ForImageClassification")(config).save_pretrained(where)
        return load(f"hf:{where}")
    model = load(f"{spec}?weights=none")
    own = model.preprocess
    for size in SIZES:
        model.preprocess = own if size is None else type(own)(size=size, mean=own.mean, std=own.std)
        try:
            with torch.no_grad():
                model(torch.rand(1, *model.preprocess.shape))
            return model
        except ForwardError:
            if size is None:
                raise
    return model


def state(module: torch.nn.Module) -> tuple[Any, ...]:
    """All that a call must leave as it was."""
    hooks = sum(
        len(getattr(layer, kind))
        for layer in module.modules()
        for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    )
    modes = tuple(layer.training for layer in module.modules())
    flags = tuple((value.requires_grad, value.grad is None) for value in module.parameters())
    numbers = tuple((value._version, float(value.double().sum())) for value in module.state_dict().values())
    return hooks, modes, flags, numbers


def examined(model: Model) -> dict[str, Any]:
    """The figures of one network; a CutawayError or an AssertionError names what failed."""
    model.module.train()
    next(model.module.parameters()).requires_grad_(False)
    before = state(model.module)
    table = model.layers()
    names = [name for info in table if info.leaf for name in info.names]
    drawn = graph(model)
    assert drawn.source == "observed pass", f"graph by {drawn.source}"
    count = 2 if model.preprocess.shape[1] <= 256 else 1
    pictures = torch.rand(count, *model.preprocess.shape, generator=torch.Generator().manual_seed(0))
    kept = activations(model, pictures, names)
    scores = gradient(model, pictures)
    assert scores.values.isfinite().all(), "the gradient is not finite"
    assert state(model.module) == before, "the network is not as it was"
    seen, slopes = plainly(model, pictures)
    for name in names:
        assert seen[name] == float(kept[name].double().sum()), f"activations of {name} differ from a plain hook's"
    assert torch.allclose(scores.values, slopes, rtol=1e-4, atol=1e-6 * float(slopes.abs().max())), "gradient differs"
    nodes = {node.layer for node in drawn.nodes}
    assert nodes >= set(names), f"{len(set(names) - nodes)} leaf layers are not in the graph"
    parameters = sum(value.numel() for value in model.module.parameters())
    return {
        "parameters": parameters,
        "size": model.preprocess.shape[1],
        "layers": len(names),
        "nodes": len(drawn.nodes),
        "edges": len(drawn.edges),
    }


def plainly(model: Model, pictures: torch.Tensor) -> tuple[dict[str, float], torch.Tensor]:
    """Sums of what plain hooks see of each leaf, and the plain gradient of the highest score."""
    seen: dict[str, float] = {}
    calls: dict[str, int] = {}

    def hook(name: str, several: bool) -> Any:
        def see(layer: Any, inputs: Any, output: Any) -> None:
            tensor = first_tensor(output)
            if tensor is not None:
                seen[f"{name}#{calls.get(name, 0)}" if several else name] = float(tensor.detach().double().sum())
                calls[name] = calls.get(name, 0) + 1

        return see

    module = model.module.eval()
    layers = dict(module.named_modules())
    handles = [layers[info.name].register_forward_hook(hook(info.name, info.calls > 1)) for info in model.layers()]
    mean, std = (torch.tensor(values)[:, None, None] for values in (model.preprocess.mean, model.preprocess.std))
    with torch.no_grad():  # the very kernels that `activations` runs
        module((pictures - mean) / std)
    for handle in handles:
        handle.remove()
    x = pictures.clone().requires_grad_()
    logits = scores_of(module((x - mean) / std), len(x))
    slopes = torch.autograd.grad(logits.max(dim=1).values.sum(), x)[0]
    return seen, slopes


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    for spec in specs():
        started = time.perf_counter()
        row: dict[str, Any] = {"model": spec, "passed": True, "failure": ""}
        try:
            row |= examined(made(spec, folder))
        except (CutawayError, AssertionError, RuntimeError) as error:
            row |= {"passed": False, "failure": f"{type(error).__name__}: {error}"[:200]}
        row["seconds"] = round(time.perf_counter() - started, 1)
        print(row, file=sys.stderr, flush=True)
        gc.collect()
        yield row


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torchvision_operators.declare()
    torch.set_num_threads(1)  # many small operations: threads would mostly wait for each other
    with tempfile.TemporaryDirectory() as place:
        table = list(rows(Path(place)))
    passes = sum(row["passed"] for row in table)
    low, high = wilson(passes, len(table))
    report(
        "any_classifier",
        f"{passes} of {len(table)} classifiers (95 % interval {low:.1%} to {high:.1%}) load, show their layers and "
        "graph, give every leaf layer's activations and the gradient, and are left as they were",
        table,
        passed=passes >= 0.98 * len(table),
        n=len(table),
    )
