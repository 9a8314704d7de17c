"""Every operator the importer knows, and the domain it is known in."""

from simulator.workload.importers.onnx_attention import ATTENTION_RULES
from simulator.workload.importers.onnx_contributed import CONTRIBUTED_RULES
from simulator.workload.importers.onnx_convolutions import CONVOLUTION_RULES
from simulator.workload.importers.onnx_einsum import EINSUM_RULES
from simulator.workload.importers.onnx_movements import MOVEMENT_RULES
from simulator.workload.importers.onnx_nodes import Rules
from simulator.workload.importers.onnx_pools import POOL_RULES
from simulator.workload.importers.onnx_precision import QUANTIZER_RULES
from simulator.workload.importers.onnx_products import PRODUCT_RULES
from simulator.workload.importers.onnx_recurrent import RECURRENT_RULES
from simulator.workload.importers.onnx_vectors import VECTOR_RULES

RULES: Rules = {
    **CONVOLUTION_RULES,
    **PRODUCT_RULES,
    **RECURRENT_RULES,
    **ATTENTION_RULES,
    **EINSUM_RULES,
    **CONTRIBUTED_RULES,
    **POOL_RULES,
    **VECTOR_RULES,
    **MOVEMENT_RULES,
    **QUANTIZER_RULES,
}
