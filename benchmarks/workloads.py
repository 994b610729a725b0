"""The networks that are measured, with their data and their floating-point work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import symbp as sb


@dataclass(frozen=True)
class Workload:
    """A stack of dense layers, float32, with a batch of random data.

    Attributes:
        sizes: s_0 (inputs) to s_L (outputs).
        samples: N, rows of a batch.
        activation: "tanh" or "relu", of the hidden layers.
        loss: "squared_error", 1/2 sum (z - y)^2, or "softmax_cross_entropy" with one-hot y; their mean
            over the batch.
    """

    name: str
    sizes: tuple[int, ...]
    samples: int
    activation: str
    loss: str

    @property
    def depth(self) -> int:
        return len(self.sizes) - 1

    @property
    def text(self) -> str:
        return f"{self.name} {'-'.join(map(str, self.sizes))} N={self.samples}"

    @property
    def flops(self) -> int:
        """Operations of value and gradient in the matrix products: 6 N sum s_k s_(k+1) - 2 N s_0 s_1.

        Three products a layer (forward, gradient of the weights, gradient of the input), without the
        last of the first layer, each of 2 operations an entry.
        """
        return 3 * self.forward_flops - 2 * self.samples * self.sizes[0] * self.sizes[1]

    @property
    def forward_flops(self) -> int:
        """Operations of the forward pass in the matrix products: 2 N sum s_k s_(k+1)."""
        return 2 * self.samples * sum(a * b for a, b in zip(self.sizes, self.sizes[1:], strict=False))

    @cached_property
    def network(self) -> sb.Network:
        return sb.mlp(self.sizes, activation=self.activation, loss=self.loss)

    @cached_property
    def parameters(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """W (s_(k+1), s_k) and b (s_(k+1),) of each layer."""
        random = np.random.default_rng(1)
        return [
            (
                (random.standard_normal((m, n)) / np.sqrt(n)).astype(np.float32),
                (0.1 * random.standard_normal(m)).astype(np.float32),
            )
            for n, m in zip(self.sizes, self.sizes[1:], strict=False)
        ]

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """x (N, s_0) and y (N, s_L)."""
        random = np.random.default_rng(2)
        x = random.standard_normal((self.samples, self.sizes[0]), dtype=np.float32)
        if self.loss == "squared_error":
            return x, random.standard_normal((self.samples, self.sizes[-1]), dtype=np.float32)
        labels = random.integers(self.sizes[-1], size=self.samples)
        return x, np.eye(self.sizes[-1], dtype=np.float32)[labels]

    @cached_property
    def direction(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """What the Hessian is multiplied with, of the shapes of `parameters`."""
        random = np.random.default_rng(4)
        return [
            tuple(random.standard_normal(a.shape, dtype=np.float32) for a in pair) for pair in self.parameters
        ]

    def with_samples(self, samples: int) -> Workload:
        return Workload(self.name, self.sizes, samples, self.activation, self.loss)


WORKLOADS = (
    Workload("M1", (2, 16, 16, 1), 1, "tanh", "squared_error"),
    Workload("M2", (2, 16, 16, 1), 32, "tanh", "squared_error"),
    Workload("M3", (8, 64, 64, 1), 256, "tanh", "squared_error"),
    Workload("M4", (784, 128, 10), 128, "relu", "softmax_cross_entropy"),
    Workload("M5", (64, 256, 256, 10), 512, "relu", "softmax_cross_entropy"),
    Workload("M6", (1024, 1024, 1024, 10), 256, "relu", "softmax_cross_entropy"),
)


def flat(gradients: list[tuple[Any, Any]]) -> np.ndarray:
    """Gradients of W and b of each layer as one vector, in the order in which symbp keeps them."""
    return np.concatenate([np.asarray(g, np.float64).ravel() for pair in gradients for g in pair])
