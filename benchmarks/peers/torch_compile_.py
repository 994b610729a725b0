"""PyTorch through torch.compile (Inductor), which needs a C++ compiler."""

from __future__ import annotations

import shutil

import torch

from benchmarks.peers import torch_
from benchmarks.workloads import Workload


def _compile(function):
    if not any(map(shutil.which, ("g++", "clang++", "c++"))):
        raise ImportError("torch.compile needs a C++ compiler")
    torch._dynamo.reset()
    return torch.compile(function, dynamic=False)


def gradient(workload: Workload):
    return torch_.gradient(workload, _compile)
