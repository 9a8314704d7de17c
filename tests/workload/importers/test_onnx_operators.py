import onnx
import pytest

from simulator.workload.importers.onnx_operators import RULES
from simulator.workload.importers.onnx_quantized import plain_form
from tests.workload.importers.onnx_models import node

# The operators of each exporter's vocabulary that a hardware simulator must know.
EXPECTED = """Conv ConvTranspose Gemm MatMul LSTM GRU RNN Einsum Attention MaxPool AveragePool GlobalAveragePool
    GlobalMaxPool Add Sub Mul Div Sum Pow Where Relu Clip Sigmoid Tanh Erf Gelu HardSwish Softmax LayerNormalization
    GroupNormalization InstanceNormalization BatchNormalization LRN RMSNormalization Resize Upsample ReduceMean Reshape
    Flatten Squeeze Unsqueeze Transpose Concat Split Slice Pad Gather Expand DepthToSpace Identity Cast Dropout
    QuantizeLinear DequantizeLinear DynamicQuantizeLinear TopK DeformConv"""


def test_every_rule_of_the_standard_domain_is_a_standard_operator():
    known = {schema.name for schema in onnx.defs.get_all_schemas_with_history() if not schema.domain}
    runtime_only = {"SimplifiedLayerNormalization"}
    assert {name for domain, name in RULES if not domain} - runtime_only <= known


@pytest.mark.parametrize("name", EXPECTED.split())
def test_expected_operators_have_a_rule(name):
    assert ("", name) in RULES


def test_every_plain_form_has_a_rule():
    for operator in ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"):
        plain = plain_form(node(operator, [], ["y"]), [])
        assert plain is not None
        assert ("", plain.proto.op_type) in RULES
