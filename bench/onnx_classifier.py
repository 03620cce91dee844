"""onnx_classifier.py: the classifier of a model file as an ONNX graph for ONNX Runtime: Gather -> LSTM -> Gemm.

Same weights, gates put from i, f, g, o into ONNX's order i, o, f, c. ids (longest, rows) are time-major, the LSTM's own
layout; with `lengths` each row's last state is that of its last real step (sequence_lens).
"""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def _gates(array):
    i, f, g, o = np.split(array, 4)
    return np.concatenate([i, o, f, g])


def graph(tensors, with_lengths):
    """tensors: {name: array} of a model file -> onnx.ModelProto"""
    bias = np.concatenate([_gates(tensors["lstm.bias_ih_l0"]), _gates(tensors["lstm.bias_hh_l0"])])
    constants = {"embedding": tensors["embedding.weight"], "w": _gates(tensors["lstm.weight_ih_l0"])[None],
                 "r": _gates(tensors["lstm.weight_hh_l0"])[None], "b": bias[None], "fc": tensors["fc.weight"],
                 "fc_bias": tensors["fc.bias"], "axis": np.array([0], np.int64)}
    nodes = [
        helper.make_node("Gather", ["embedding", "ids"], ["embedded"]),
        helper.make_node("LSTM", ["embedded", "w", "r", "b", "lengths" if with_lengths else ""], ["", "last"],
                         hidden_size=tensors["lstm.weight_hh_l0"].shape[1]),
        helper.make_node("Squeeze", ["last", "axis"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "fc", "fc_bias"], ["logits"], transB=1),
    ]
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["longest", "rows"])]
    if with_lengths:
        inputs.append(helper.make_tensor_value_info("lengths", TensorProto.INT32, ["rows"]))
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", tensors["fc.bias"].shape[0]])]
    initializers = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()]
    model = helper.make_model(helper.make_graph(nodes, "classifier", inputs, outputs, initializers),
                              opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def write(path, tensors, with_lengths, int8=False):
    """ONNX Runtime's dynamic quantization with int8=True: weights in int8, activations at run time."""
    onnx.save(graph(tensors, with_lengths), path)
    if int8:
        from onnxruntime.quantization import QuantType, quantize_dynamic
        quantize_dynamic(path, path, weight_type=QuantType.QInt8)
    return path
