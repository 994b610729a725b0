"""Neighbours in a buffer that are computed alike."""

from __future__ import annotations

import sympy as sp

import symbp as sb
from symbp.pipeline import derive, gradient_kernel
from symbp.schedule.memory import plan_kernel
from symbp.schedule.spans import joined_spans


def last_stage(*sizes, penalty=0):
    net = sb.mlp(sizes, activation="tanh", loss="mean_squared_error")
    if penalty:
        *rest, loss = net.equations
        weights = [p for p in net.parameters if p.name == "W2"]
        loss = sp.Eq(loss.lhs, loss.rhs + sb.nn.l2_penalty(penalty, *weights))
        net = sb.Network([*rest, loss], inputs=net.inputs, parameters=net.parameters, loss=net.loss)
    return plan_kernel(gradient_kernel(derive(net))).stages[-1]


def test_means_of_all_gradients_are_one_loop():
    targets = [n.statements[0].target for n in last_stage(1, 4, 1).nests]
    assert targets == ["mean E", "mean dE/dW1 to mean dE/db2"]


def test_what_products_divide_themselves_is_none_of_them():
    targets = [n.statements[0].target for n in last_stage(3, 4, 5, 2).nests]
    assert targets == ["mean E", "mean dE/db1", "mean dE/db2", "mean dE/db3"]


def test_what_is_computed_otherwise_stands_alone():
    targets = [n.statements[0].target for n in last_stage(1, 4, 1, penalty=0.1).nests]
    assert targets == ["mean E", "mean dE/dW1 to mean dE/db1", "mean dE/dW2", "mean dE/db2"]


def test_joining_twice_changes_nothing():
    plan = plan_kernel(gradient_kernel(derive(sb.mlp([3, 4, 2], activation="tanh"))))
    assert joined_spans(plan).stages == plan.stages
