"""Segmentation, encoder and decoder matched: SegNet on pictures and on up-sampled compact ones, SMapNet on the latter.

L = cross entropy of both networks' scores, each on the 1/4 grid.

First part of the run: street scenes with labels. Then photographs come in. What the network, averaged over the first
part, is sure of there keeps its street class; what it is unsure about is sorted into groups (`carcodec.train.groups`),
which are classes of their own from then on. The state of it all is in the checkpoint, so that a run resumes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from carcodec.nn.exact import rectified
from carcodec.nn.layered import bilinear
from carcodec.nn.segmentation import NATS_PER_SCORE, Segmenter, SegNet, labels
from carcodec.train.groups import k_means, whitening
from carcodec.train.photos import load_split
from carcodec.train.scenes import (
    IGNORED,
    Confusion,
    Labels,
    Picture,
    Scene,
    cell_labels,
    load_scenes,
    padded,
    pictures_to_levels,
    random_view,
)

N_NAMED: Final = 11  # classes of the labels; those behind them are groups
SCALES: Final = {8: 0.5, 16: 0.35, 32: 0.15}  # of compact pictures, and how often each is trained on
EVERY: Final = 3  # every third view of a batch is shown up-sampled from its compact picture
SMOOTHING: Final = 0.05
RARITY: Final = 0.4  # weights of classes fall with this power of their share
FEATURES_KEPT: Final = 16
FEATURES_PER_SCORE: Final = 4  # side of a feature's cell, in cells of scores
N_LOOKS: Final = 40  # batches of photographs that the groups are found from
SURE: Final = 0.5  # of its class, for a single place to be taught as one


@dataclass(frozen=True)
class Batch:
    """scenes: float32[N,3,H,W], 0..255; targets: int64[N,H/4,W/4]; photos: float32[N/2,3,H,W]; scale: of the step."""

    scenes: Tensor
    targets: Tensor
    photos: Tensor
    scale: int


class Networks(nn.Module):
    """What is trained, and what the groups are found with.

    Attributes:
        teacher: SegNet averaged over the first part of the run.
        mean, projection, centres: of the groups, in the teacher's features.
        limits: confidence up to which a place has a group, and from which it has a named class.
        opened: whether the groups are found.
    """

    mean: Tensor
    projection: Tensor
    centres: Tensor
    limits: Tensor
    opened: Tensor

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self.segmenter = Segmenter(options["classes"], options["colours"])
        n_classes = len(self.segmenter.classes)
        self.teacher = SegNet(n_classes).requires_grad_(False)
        self.teacher.load_state_dict(self.segmenter.segnet.state_dict())
        n_features = len(self.segmenter.segnet.get_parameter("down.1.weight"))
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("projection", torch.zeros(n_features, FEATURES_KEPT))
        self.register_buffer("centres", torch.zeros(n_classes - N_NAMED, FEATURES_KEPT))
        self.register_buffer("limits", torch.zeros(2))
        self.register_buffer("opened", torch.tensor(False))

    @torch.no_grad()
    def follow(self, share: float) -> None:
        """Move the teacher towards the trained network."""
        targets = [weight.detach() for weight in self.segmenter.segnet.parameters()]
        torch._foreach_lerp_(list(self.teacher.parameters()), targets, share)

    @torch.no_grad()
    def look(self, photos: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the teacher sees: chances [N,11,h,w], its confidence [N,h/4,w/4] and features [N,h/4,w/4,D].

        Features are means over squares of 2x2: pixel-shuffle leaves its phases in them, and groups would be even and
        odd rows.
        """
        scores, features = self.teacher.levels(photos)
        features = F.interpolate(F.avg_pool2d(features, 2), scale_factor=2, mode="nearest")
        chances = torch.softmax(scores[:, :N_NAMED] * NATS_PER_SCORE, dim=1)
        confidence = F.avg_pool2d(chances.amax(dim=1), FEATURES_PER_SCORE)
        return chances, confidence, features.permute(0, 2, 3, 1)

    @torch.no_grad()
    def taught(self, photos: Tensor) -> Tensor:
        """Labels int64[N,h,w] for photographs: named classes, groups, and 255 in between."""
        chances, confidence, features = self.look(photos)
        groups = torch.cdist((features - self.mean) @ self.projection, self.centres[None]).argmin(dim=3)
        confidence, groups = (
            each.repeat_interleave(FEATURES_PER_SCORE, 1).repeat_interleave(FEATURES_PER_SCORE, 2)
            for each in (confidence, groups)
        )
        chance, named = chances.max(dim=1)
        found = torch.full_like(named, IGNORED)
        sure = (confidence >= self.limits[1]) & (chance >= SURE)
        found[sure] = named[sure]
        grouped = confidence <= self.limits[0]
        found[grouped] = N_NAMED + groups[grouped]
        return found


class SegmentationTask:
    """The exact networks of the layered mode's segmentation.

    Options: `crop` (height, width), `zooms`, `n_validation`, `n_photos`, `classes` (the labels' eleven first),
    `colours`; `open_from`, the share of the run after which photographs come in; `named_share` and `grouped_share` of
    their area, by the teacher's confidence, that take named classes and groups.
    """

    def __init__(self, data_dir: Path, options: dict[str, Any]) -> None:
        self.options = options
        self.crop: tuple[int, int] = tuple(options["crop"])
        self.scenes = load_scenes(data_dir / "segmentation", "train")
        self.photos = load_split(data_dir / "photos", "train")[:: 820 // options["n_photos"]]
        held_out = load_scenes(data_dir / "segmentation", "val")
        self.validation = held_out[:: max(1, len(held_out) // options["n_validation"])]
        self.network = Networks(options)
        n_groups = len(self.network.segmenter.classes) - N_NAMED
        self.weights = torch.cat([rarity([scene.labels for scene in self.scenes]), torch.ones(n_groups)])

    def batch(self, rng: np.random.Generator, n_crops: int) -> Batch:
        views = [self._scene_view(rng) for _ in range(n_crops)]
        photos = [self._photo_view(rng) for _ in range(n_crops // 2)]
        return Batch(
            pictures_to_levels([picture for picture, _ in views]),
            torch.from_numpy(np.stack([cell_labels(known) for _, known in views]).astype(np.int64)),
            pictures_to_levels(photos),
            int(rng.choice(list(SCALES), p=list(SCALES.values()))),
        )

    def loss(self, batch: Batch, device: torch.device, progress: float) -> tuple[Tensor, dict[str, float]]:
        pictures, targets = batch.scenes.to(device), batch.targets.to(device)
        n_classes = N_NAMED
        if progress < self.options["open_from"]:
            self.network.follow(0.005)
        else:
            self._open(device)
            photos = batch.photos.to(device)
            pictures = torch.cat([pictures[len(photos) :], photos])
            targets = torch.cat([targets[len(photos) :], self.network.taught(photos)])
            n_classes = len(self.weights)
        pictures[::EVERY] = up_sampled(pictures[::EVERY], batch.scale)
        scores = self.network.segmenter.segnet(pictures)
        corrected = self.network.segmenter.smapnet(scores[::EVERY].detach(), pictures[::EVERY])
        weights = self.weights[:n_classes].to(device)
        segnet, smapnet = (
            F.cross_entropy(
                found[:, :n_classes] * NATS_PER_SCORE,
                wanted,
                weights,
                ignore_index=IGNORED,
                label_smoothing=SMOOTHING,
            )
            for found, wanted in ((scores, targets), (corrected, targets[::EVERY]))
        )
        return segnet + smapnet, {"segnet": segnet.item(), "smapnet": smapnet.item()}

    @torch.no_grad()
    def validate(self, network: Networks, device: torch.device) -> dict[str, float]:
        """Mean IoU on every few scenes of the validation split: of all the pictures below, then of each."""
        n_classes = len(self.weights) if self.network.opened else N_NAMED
        confusions: dict[str, Confusion] = {}
        network.train()  # convolutions as in training: not exact, and several times faster
        for scene in self.validation:
            picture = padded(pictures_to_levels([scene.picture]).to(device))
            for name, scores in _looks(network.segmenter, picture):
                found = labels(scores[:, :n_classes])[0].cpu().numpy()
                height, width = scene.labels.shape
                confusions.setdefault(name, Confusion(N_NAMED, n_classes)).add(found[:height, :width], scene.labels)
        network.eval()
        means = {name: confusion.mean_iou() for name, confusion in confusions.items()}
        accuracies = {f"{name}_accuracy": confusion.accuracy() for name, confusion in confusions.items()}
        return {"mean_iou": sum(means.values()) / len(means)} | means | accuracies

    def _open(self, device: torch.device) -> None:
        """Find the groups, once, in what the teacher is unsure about."""
        if self.network.opened:
            return
        rng = np.random.default_rng(0)
        looks = []
        for _ in range(N_LOOKS):
            photos = pictures_to_levels([self._photo_view(rng) for _ in range(4)]).to(device)
            _, confidence, features = self.network.look(photos)
            looks.append((confidence.flatten(), features.flatten(0, 2)))
        confidence, features = (torch.cat(parts).float() for parts in zip(*looks, strict=True))
        shares = torch.tensor([self.options["grouped_share"], 1 - self.options["named_share"]], device=device)
        limits = torch.quantile(confidence, shares)
        unsure = features[confidence <= limits[0]]
        mean, projection = whitening(unsure, FEATURES_KEPT)
        points = (unsure - mean) @ projection
        centres = k_means(points.cpu(), len(self.network.centres), torch.Generator().manual_seed(0))
        for name, value in (("mean", mean), ("projection", projection), ("centres", centres), ("limits", limits)):
            self.network.get_buffer(name).copy_(value)
        self.network.opened.fill_(True)

    def _scene_view(self, rng: np.random.Generator) -> tuple[Picture, Labels]:
        scene: Scene = self.scenes[rng.integers(len(self.scenes))]
        return random_view(scene.picture, scene.labels, self.crop, self.options["zooms"], rng)

    def _photo_view(self, rng: np.random.Generator) -> Picture:
        photo = self.photos[rng.integers(len(self.photos))]
        return random_view(photo, None, self.crop, self.options["zooms"], rng)[0]


def rarity(maps: list[Labels]) -> Tensor:
    """Weights float32[11] of the named classes: higher for rare ones, 1 for the mean pixel."""
    counts = np.sum([np.bincount(each.ravel(), minlength=256)[:N_NAMED] for each in maps], axis=0)
    shares = counts / counts.sum()
    weights = np.maximum(shares, 1e-4) ** -RARITY
    return torch.from_numpy((weights / (shares * weights).sum()).astype(np.float32))


def up_sampled(pictures: Tensor, scale: int) -> Tensor:
    """float32[N,3,H,W], 0..255, as they come back from compact pictures that are means of squares."""
    return bilinear(rectified(F.avg_pool2d(pictures, scale)), scale)


def _looks(segmenter: Segmenter, picture: Tensor) -> list[tuple[str, Tensor]]:
    """Scores for the picture, and for it up-sampled from scales 8 and 16 without SMapNet and with it."""
    looks = [("original", segmenter.segnet(picture))]
    for scale in (8, 16):
        up = up_sampled(picture, scale)
        scores = segmenter.segnet(up)
        looks += [(f"up_{scale}", scores), (f"mapped_{scale}", segmenter.smapnet(scores, up))]
    return looks
