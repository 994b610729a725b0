"""onnxruntime: the network as Gemm, Tanh and Relu nodes, run by a session with its default options."""

from __future__ import annotations

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.workloads import Workload


def _model(workload: Workload) -> bytes:
    nodes, weights, signal = [], [], "x"
    for k, (W, b) in enumerate(workload.parameters, start=1):
        weights += [numpy_helper.from_array(W, f"W{k}"), numpy_helper.from_array(b, f"b{k}")]
        nodes.append(helper.make_node("Gemm", [signal, f"W{k}", f"b{k}"], [f"z{k}"], transB=1))
        signal = f"z{k}"
        if k < workload.depth:
            kind = "Tanh" if workload.activation == "tanh" else "Relu"
            nodes.append(helper.make_node(kind, [signal], [f"a{k}"]))
            signal = f"a{k}"
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [workload.samples, workload.sizes[0]])
    z = helper.make_tensor_value_info(signal, TensorProto.FLOAT, [workload.samples, workload.sizes[-1]])
    graph = helper.make_graph(nodes, workload.name, [x], [z], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def inference(workload: Workload):
    session = onnxruntime.InferenceSession(_model(workload), providers=["CPUExecutionProvider"])
    feed, names = {"x": workload.data[0]}, [f"z{workload.depth}"]

    def call():
        return session.run(names, feed)

    return call, lambda: call()[0]
