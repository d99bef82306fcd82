"""How fast is training? `cutaway train airbench` against the same network in a plain float32 loop, as whole processes.

Two classes, 30,000 pictures shown, from the start of the process to the accuracy on 2,000 test pictures. The plain loop
is what one writes first: the same pictures, batches and network, crops (one shift for a batch) and mirror images,
float32 in torch's usual layout, stochastic gradient descent. Ours has the quicker layout, half precision where this
machine has it (`precision`), memory that is kept between steps, and pays for Muon, a checkpoint every epoch and a card.
The two take turns; medians.

python benchmarks/whitebox_training.py [--quick]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "evidence"))
from _evidence import QUICK, ROOT, report

from cutaway.core.devices import fast_bfloat16
from cutaway.data.cifar10 import SIDE, Cifar10
from cutaway.nets.zoo.airbench_net import airbench_net
from cutaway.training.pictures import PREPROCESS, test_pictures, training_pictures
from cutaway.training.recipes.airbench import Config

DATA = "cifar10:../shared/data/cifar10"
CLASSES = ("airplane", "automobile")
EPOCHS, BATCH, SHIFT = 1 if QUICK else 3, 250, 2
ROUNDS = 1 if QUICK else 3
NEEDED = 0.5
PLAIN = "--plain-loop"  # with it this file is the plain process itself


def plain_loop() -> None:
    """The whole training as one would write it in half an hour: seen to the end, told on the test pictures."""
    train, _ = training_pictures(DATA, CLASSES, 0, BATCH)
    torch.manual_seed(0)
    network = airbench_net(len(CLASSES), Config().widths)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    pictures = PREPROCESS.normalise(train.pictures.float() / 255)
    roomy = F.pad(pictures, [SHIFT] * 4, mode="reflect")
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(pictures)).split(BATCH):
            y, x = torch.randint(2 * SHIFT + 1, (2,)).tolist()
            batch = roomy[chosen, :, y : y + SIDE, x : x + SIDE]
            batch = torch.where(torch.rand(len(batch), 1, 1, 1) < 0.5, batch.flip(-1), batch)
            loss = F.cross_entropy(network(batch), train.targets[chosen], label_smoothing=0.2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(told(network.eval(), test_pictures(DATA, CLASSES)))


@torch.no_grad()
def told(network: torch.nn.Module, test: Cifar10) -> float:
    """The share of test pictures that are told rightly."""
    some = PREPROCESS.normalise(test.pictures.float() / 255)
    found = torch.cat([network(each).argmax(1) for each in some.split(500)])
    return float((found == test.targets).float().mean())


def ours(folder: str) -> list[str]:
    """The command of a user."""
    settings = [f'classes=["{CLASSES[0]}", "{CLASSES[1]}"]', f"epochs={EPOCHS}", f"batch={BATCH}", f"shift={SHIFT}"]
    program = [str(Path(sys.executable).with_name("cutaway")), "train", "airbench", "--data", DATA, "--out", folder]
    return [*program, *(word for setting in settings for word in ("--set", setting))]


def seconds(command: list[str]) -> float:
    """How long a whole process takes."""
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    took: dict[str, list[float]] = {"plain float32 loop": [], "cutaway train airbench": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            took["cutaway train airbench"].append(seconds(ours(folder)))
        took["plain float32 loop"].append(seconds([sys.executable, __file__, PLAIN, *sys.argv[1:]]))
    middle = {name: median(values) for name, values in took.items()}
    ratio = middle["cutaway train airbench"] / middle["plain float32 loop"]
    rows = [
        {
            "process": name,
            "seconds, median": round(middle[name], 1),
            "from": round(min(values), 1),
            "to": round(max(values), 1),
            "ratio": round(middle[name] / middle["plain float32 loop"], 3),
            "precision": "bfloat16" if name.startswith("cutaway") and fast_bfloat16("cpu") else "float32",
            "n": ROUNDS,
        }
        for name, values in took.items()
    ]
    claim = f"Training airbench takes at most {NEEDED} of the time of the same network in a plain float32 loop"
    report("whitebox_training", claim, rows, ratio <= NEEDED, ROUNDS)


if __name__ == "__main__":
    plain_loop() if PLAIN in sys.argv else main()
