"""Networks: layers over named tensors, their precisions and sparsity, files and importers.

Knows what is to be computed; knows no hardware, no timing and no energy.
"""

from simulator.workload.builder import GraphBuilder
from simulator.workload.files import load_workload_json, save_workload, workload_json_schema, workload_to_dict
from simulator.workload.graph import ImportRow, LayerGraph, Provenance, build_graph
from simulator.workload.layers import Layer, Tensor
from simulator.workload.library import library_names, load_workload
from simulator.workload.loops import MacLoops, mac_loops
from simulator.workload.precision import FLOAT32, INT8, Precision
from simulator.workload.transforms.quantize import quantize

__all__ = [
    "FLOAT32",
    "INT8",
    "GraphBuilder",
    "ImportRow",
    "Layer",
    "LayerGraph",
    "MacLoops",
    "Precision",
    "Provenance",
    "Tensor",
    "build_graph",
    "library_names",
    "load_workload",
    "load_workload_json",
    "mac_loops",
    "quantize",
    "save_workload",
    "workload_json_schema",
    "workload_to_dict",
]
