"""PyTorch, eager: functional layers, gradients by torch.autograd.grad, which accumulates nothing."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from benchmarks.workloads import Workload, flat


def forward(parameters, x, activation):
    for W, b in parameters[:-1]:
        z = F.linear(x, W, b)
        x = torch.tanh(z) if activation == "tanh" else torch.relu(z)
    return F.linear(x, *parameters[-1])


def loss(parameters, x, y, activation, kind):
    z = forward(parameters, x, activation)
    if kind == "squared_error":
        return 0.5 * F.mse_loss(z, y, reduction="sum") / len(x)
    return F.cross_entropy(z, y)


def tensors(workload: Workload):
    """Parameters that want a gradient, x, and y: class labels for the cross-entropy, its faster form."""
    parameters = [
        tuple(torch.from_numpy(a.copy()).requires_grad_() for a in pair) for pair in workload.parameters
    ]
    x, y = map(torch.from_numpy, workload.data)
    return parameters, x, y if workload.loss == "squared_error" else y.argmax(dim=1)


def gradient(workload: Workload, compile=lambda function: function):
    parameters, x, y = tensors(workload)
    leaves = [p for pair in parameters for p in pair]
    run = compile(lambda p, x, y: loss(p, x, y, workload.activation, workload.loss))

    def call():
        value = run(parameters, x, y)
        return value, torch.autograd.grad(value, leaves)

    def result():
        value, gradients = call()
        return value.item(), flat(list(zip(gradients[::2], gradients[1::2], strict=True)))

    return call, result


def product(workload: Workload):
    """The gradient of the derivative along the direction, reverse over reverse."""
    parameters, x, y = tensors(workload)
    leaves = [p for pair in parameters for p in pair]
    direction = [torch.from_numpy(a) for pair in workload.direction for a in pair]

    def call():
        value = loss(parameters, x, y, workload.activation, workload.loss)
        slopes = torch.autograd.grad(value, leaves, create_graph=True)
        return torch.autograd.grad(slopes, leaves, direction, materialize_grads=True)

    def result():
        found = call()
        return flat(list(zip(found[::2], found[1::2], strict=True)))

    return call, result


def inference(workload: Workload, compile=lambda function: function):
    parameters, x, _ = tensors(workload)
    parameters = [(W.detach(), b.detach()) for W, b in parameters]
    run = compile(lambda p, x: forward(p, x, workload.activation))

    @torch.inference_mode()
    def call():
        return run(parameters, x)

    return call, lambda: call().numpy()


def epoch(task):
    workload = task.workload
    start = [tuple(map(torch.from_numpy, pair)) for pair in workload.parameters]
    batches = [(torch.from_numpy(x), torch.from_numpy(y).argmax(dim=1)) for x, y in task.batches]
    parameters = [tuple(a.clone().requires_grad_() for a in pair) for pair in start]
    leaves = [p for pair in parameters for p in pair]

    def call():
        for x, y in batches:
            slopes = torch.autograd.grad(loss(parameters, x, y, workload.activation, workload.loss), leaves)
            with torch.no_grad():
                torch._foreach_add_(leaves, slopes, alpha=-task.rate)

    def result():
        with torch.no_grad():
            for leaf, first in zip(leaves, [a for pair in start for a in pair], strict=True):
                leaf.copy_(first)
        call()
        return flat([tuple(p.detach() for p in pair) for pair in parameters])

    return call, result
