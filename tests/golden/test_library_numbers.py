"""Numbers of the library that must not move unnoticed: a moved one needs a line in CHANGELOG.md.

``pytest tests/golden --regenerate`` rewrites the file beside this one.
"""

import json

from simulator.api import simulate

RUNS = (
    ("alexnet_int8", "tpu_v1"),
    ("bert_base_s128_int8", "tpu_like_128"),
    ("lenet5", "gemmini_like_16"),
    ("mobilenet_v2_int8", "edge_like_32"),
    ("resnet18_int8", "gemmini_like_16"),
    ("resnet50", "tpu_like_128"),
    ("resnet50_w4w8", "tpu_like_128"),
    ("vit_tiny_int8", "edge_like_32"),
)


def numbers(workload, preset):
    total = simulate(workload, preset, fidelity="bandwidth").total
    return {
        "cycles": total.cycles,
        "dram_bytes": total.dram_bytes,
        "macs": total.macs,
        "energy_uj": float(f"{total.energy_pj * 1e-6:.9g}"),
    }


def test_library_numbers(assert_golden):
    found = {f"{workload} on {preset}": numbers(workload, preset) for workload, preset in RUNS}
    assert_golden("library_numbers.json", json.dumps(found, indent=1) + "\n")
