"""Transformer encoders against published parameter counts and operations."""

from simulator.workload.layers import Gemm, Matmul
from simulator.workload.zoo.transformers import BERT_BASE_S128, TOKEN_ID, bert_base_s128, vit_tiny


def parameters(graph):
    """Elements of the constants, without the 1 / sqrt(head) factors, which are no parameters."""
    return sum(t.elements for name, t in graph.tensors.items() if t.constant and not name.endswith("scale.factor"))


def macs(graph, kind):
    return sum(graph.macs_of(layer) for layer in graph.layers if isinstance(layer, kind))


def test_bert_base_has_its_published_parameters():
    """109,482,240 in bert-base-uncased with pooler: 110M in Devlin et al., section 3."""
    assert parameters(bert_base_s128()) == 109_482_240


def test_bert_base_has_its_published_operations():
    """22.5 G in MobileBERT's table 4 for 128 tokens; a MAC is two operations, and softmax and norms are the rest."""
    graph = bert_base_s128()
    tokens, hidden = BERT_BASE_S128.tokens, BERT_BASE_S128.hidden
    assert macs(graph, Gemm) == 12 * (4 + 8) * tokens * hidden**2 + hidden**2
    assert macs(graph, Matmul) == 12 * 2 * tokens**2 * hidden
    assert 0.99 < 2 * graph.total_macs / 22.5e9 < 1
    assert len(graph.mac_layers) == 12 * 8 + 1


def test_bert_attention_multiplies_head_by_head():
    graph = bert_base_s128()
    scores = next(layer for layer in graph.layers if layer.name == "encoder.0.attention.scores")
    (nest,) = graph.loops_of(scores)
    assert (nest.G, nest.rows, nest.C, nest.K) == (12, 128, 64, 128)
    assert not nest.weight_is_constant
    assert graph.tensors[graph.outputs[0]].shape == (1, 128, 768)
    assert graph.tensors[graph.outputs[1]].shape == (1, 768)


def test_bert_token_ids_are_integers():
    graph = bert_base_s128()
    assert {graph.tensors[name].precision for name in graph.inputs} == {TOKEN_ID}


def test_vit_tiny_has_its_published_parameters_and_operations():
    """timm's vit_tiny_patch16_224: 5,717,416 parameters; its 1.1 GMAC leave out the attention products."""
    graph = vit_tiny()
    assert parameters(graph) == 5_717_416
    assert round((graph.total_macs - macs(graph, Matmul)) / 1e9, 1) == 1.1
    assert macs(graph, Matmul) == 12 * 2 * 197**2 * 192
    assert len(graph.mac_layers) == 12 * 6 + 2
    assert graph.tensors[graph.outputs[0]].shape == (1, 1000)
