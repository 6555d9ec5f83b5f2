"""From a trained sample network to the frozen file, and what freezing costs.

    python -m carcodec.train.freeze_samples runs/samples/best.pt samples.safetensors PHOTOS

writes the network's integers for `carcodec.train.export`, and prints the bits of middles of validation photographs by
the float network, and those that the integers really write.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from carcodec.intnn.frozen import dump_frozen
from carcodec.nn.samples import SampleNetwork, freeze
from carcodec.residual.coding import encode_samples
from carcodec.residual.model import SampleModel
from carcodec.train.photos import load_split, middles
from carcodec.train.tasks.samples import VALIDATION_SIDE, lossless_example

EVERY = 6  # photographs, of the validation's
SCALE = 32  # of the compact picture behind the base


def load_samples(checkpoint: Path) -> SampleNetwork:
    """The network in a run's `best.pt`, with the widths that its weights have."""
    weights = torch.load(checkpoint, map_location="cpu", weights_only=True)["network"]
    inner, width = weights["planes.0.hidden.weight"].shape
    network = SampleNetwork(width, inner, len(weights["planes.0.linear.weight"]))
    network.load_state_dict(weights)
    return network.eval()


@torch.no_grad()
def main() -> None:
    """The command of the module's first lines."""
    checkpoint, target, photos = map(Path, sys.argv[1:4])
    network = load_samples(checkpoint)
    data = dump_frozen(freeze(network))
    model = SampleModel.load(data)
    target.write_bytes(data)
    in_float = written = n_pixels = 0.0
    for image in middles(load_split(photos, "val")[::EVERY], VALIDATION_SIDE):
        example, base = lossless_example(image, SCALE)
        in_float += example.bits(network, torch.device("cpu")).sum().item()
        written += 8 * len(encode_samples(image, base, model))
        n_pixels += image.shape[0] * image.shape[1]
    print(f"{n_pixels:.0f} pixels: {in_float / n_pixels:.4f} bits each in float, {written / n_pixels:.4f} written")
    print(f"freezing costs {100 * (written / in_float - 1):.3f} %")


if __name__ == "__main__":
    main()
