"""What is hoisted is stored with the axes of a tensor."""

import symbp as sb
from symbp.ir import BATCH
from symbp.pipeline import gradient_kernel


def test_the_batch_axis_stays_in_front():
    net = sb.mlp([3, 4, 2], activation="sigmoid", output="sigmoid", loss="binary_cross_entropy")
    program = gradient_kernel(sb.derive(net)).program
    hoisted = [t for t in program.tensors.values() if t.name.startswith("u")]
    assert hoisted
    for tensor in hoisted:
        assert BATCH not in tensor.row_shape, tensor
