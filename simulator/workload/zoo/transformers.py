"""Transformer encoders built from their papers: attention products are matmuls of two activations."""

from dataclasses import dataclass

from simulator.workload.builder import GraphBuilder
from simulator.workload.graph import LayerGraph, Provenance
from simulator.workload.precision import Precision
from simulator.workload.zoo.convnets import LICENCE

TOKEN_ID = Precision(bits=32)


@dataclass(frozen=True)
class Encoder:
    """Sizes of one encoder: ``layers`` blocks over ``tokens`` vectors of ``hidden`` elements in ``heads`` heads."""

    tokens: int
    hidden: int
    heads: int
    feed_forward: int
    layers: int = 12

    @property
    def head(self) -> int:
        """Elements of one head."""
        return self.hidden // self.heads


BERT_BASE_S128 = Encoder(tokens=128, hidden=768, heads=12, feed_forward=3072)
VIT_TINY = Encoder(tokens=197, hidden=192, heads=3, feed_forward=768)


def bert_base_s128() -> LayerGraph:
    """BERT-base encoder and pooler on 128 tokens: 11.17 GMAC (22.35 G multiplications and additions)."""
    size = BERT_BASE_S128
    net = GraphBuilder("bert_base_s128")
    x = _bert_embeddings(net, size)
    for block in range(size.layers):
        name = f"encoder.{block}"
        y = _projection(net, _attention(net, _queries_keys_values(net, x, name), size, name), size, name)
        x = net.normalization(net.add(y, x, name=f"{name}.attention.add"), name=f"{name}.attention.norm")
        y = _feed_forward(net, x, size, name)
        x = net.normalization(net.add(y, x, name=f"{name}.ffn.add"), name=f"{name}.ffn.norm")
    first = net.slice(x, (1, size.hidden), name="pooler.first_token")
    pooled = net.activation(net.gemm(first, size.hidden, name="pooler"), "tanh", name="pooler.tanh")
    provenance = Provenance(
        source="J. Devlin et al., BERT: pre-training of deep bidirectional..., NAACL 2019, arXiv:1810.04805, section 3",
        licence=LICENCE,
        note=(
            "12 layers, hidden 768, 12 heads, feed-forward 3072, vocabulary 30522, 128 real tokens (no padding mask). "
            "Heads are split, and keys transposed, by strided reads. 2 x 11.17 GMAC are the 22.5 G operations that "
            "MobileBERT (arXiv:2004.02984, table 4) lists for BERT-base on 128 tokens."
        ),
    )
    return net.build(x, pooled, provenance=provenance)


def _bert_embeddings(net: GraphBuilder, size: Encoder) -> str:
    tokens = net.input("token_ids", (1, size.tokens), precision=TOKEN_ID)
    segments = net.input("segment_ids", (1, size.tokens), precision=TOKEN_ID)
    words = net.gather(net.constant("embeddings.words", (30522, size.hidden)), tokens, name="embeddings.word")
    kinds = net.gather(net.constant("embeddings.segments", (2, size.hidden)), segments, name="embeddings.segment")
    table = net.constant("embeddings.positions", (512, size.hidden))
    places = net.slice(table, (size.tokens, size.hidden), name="embeddings.position")
    x = net.add(net.add(words, kinds, name="embeddings.add_segment"), places, name="embeddings.add_position")
    return net.normalization(x, name="embeddings.norm")


def vit_tiny() -> LayerGraph:
    """ViT-Ti/16 at 224: 1.26 GMAC, of which 0.18 in the attention products."""
    size = VIT_TINY
    net = GraphBuilder("vit_tiny")
    x = _vit_embeddings(net, size)
    for block in range(size.layers):
        name = f"blocks.{block}"
        y = net.gemm(net.normalization(x, name=f"{name}.norm1"), 3 * size.hidden, name=f"{name}.qkv")
        parts = net.split(y, (size.hidden,) * 3, axis=-1, name=f"{name}.split")
        y = _projection(net, _attention(net, parts, size, name), size, name)
        x = net.add(x, y, name=f"{name}.attention.add")
        y = _feed_forward(net, net.normalization(x, name=f"{name}.norm2"), size, name)
        x = net.add(x, y, name=f"{name}.ffn.add")
    x = net.slice(net.normalization(x, name="norm"), (1, size.hidden), name="class_token.slice")
    provenance = Provenance(
        source=(
            "H. Touvron et al., Training data-efficient image transformers, ICML 2021, arXiv:2012.12877, table 1 "
            "(DeiT-Ti); A. Dosovitskiy et al., ICLR 2021, arXiv:2010.11929"
        ),
        licence=LICENCE,
        note=(
            "Dimension 192, 12 layers, 3 heads, 197 tokens, 5,717,416 parameters; timm lists 1.1 GMAC for "
            "vit_tiny_patch16_224, which leaves out the attention products."
        ),
    )
    return net.build(net.gemm(x, 1000, name="head"), provenance=provenance)


def _vit_embeddings(net: GraphBuilder, size: Encoder) -> str:
    patches = net.conv(net.input("image", (1, 3, 224, 224)), size.hidden, 16, stride=16, name="patch_embed")
    rows = net.reshape(patches, (1, size.hidden, size.tokens - 1), name="patch_embed.flatten")
    rows = net.transpose(rows, (0, 2, 1), name="patch_embed.transpose")
    token = net.constant("class_token", (1, 1, size.hidden))
    x = net.concat((token, rows), axis=1, name="class_token.concat")
    return net.add(x, net.constant("positions", (1, size.tokens, size.hidden)), name="positions.add")


def _queries_keys_values(net: GraphBuilder, x: str, name: str) -> tuple[str, ...]:
    width = net.shape(x)[-1]
    return tuple(net.gemm(x, width, name=f"{name}.attention.{part}") for part in ("query", "key", "value"))


def _attention(net: GraphBuilder, parts: tuple[str, ...], size: Encoder, block: str) -> str:
    """softmax(Q K^T / sqrt(head)) V, all heads at once: ``[1, heads, tokens, head]`` operands."""
    name = f"{block}.attention"
    query, key, value = (
        net.transpose(
            net.reshape(part, (1, size.tokens, size.heads, size.head), name=f"{name}.{kind}.split"),
            (0, 2, 3, 1) if kind == "key" else (0, 2, 1, 3),
            name=f"{name}.{kind}.heads",
        )
        for part, kind in zip(parts, ("query", "key", "value"), strict=True)
    )
    scores = net.matmul(query, key, name=f"{name}.scores")
    scores = net.elementwise("mul", scores, net.constant(f"{name}.scale.factor", ()), name=f"{name}.scale")
    mixed = net.matmul(net.softmax(scores, name=f"{name}.softmax"), value, name=f"{name}.context")
    joined = net.transpose(mixed, (0, 2, 1, 3), name=f"{name}.join")
    return net.reshape(joined, (1, size.tokens, size.hidden), name=f"{name}.join.reshape")


def _projection(net: GraphBuilder, x: str, size: Encoder, block: str) -> str:
    return net.gemm(x, size.hidden, name=f"{block}.attention.output")


def _feed_forward(net: GraphBuilder, x: str, size: Encoder, block: str) -> str:
    wide = net.activation(net.gemm(x, size.feed_forward, name=f"{block}.ffn.up"), "gelu", name=f"{block}.ffn.gelu")
    return net.gemm(wide, size.hidden, name=f"{block}.ffn.down")
