"""Results made by hand: every number is known, and nothing is simulated."""

from dataclasses import replace

from simulator.results import Access, LayerResult, RunResult, Total

CLOCK_HZ = 1e9
CAUSES = ("weight", "ifmap", "psum", "ofmap_slot", "dependency", "vector", "host")
LATE = ("queue_order", "slot", "dram_bus", "latency", "data", "codec")


def layer(name="conv", *, useful=600, fill=100, weight=200, tail=100, start=0, **changes):
    """600 useful + 100 fill + 200 waiting for weights + 100 tail = 1,000 cycles; 64,000 MACs at 256 a cycle: 25 %."""
    cycles = useful + fill + weight + tail
    made = LayerResult(
        name=name,
        op="conv2d",
        dataflow="ws",
        mapping={"dataflow": "ws", "order": "mkc", "tile": {"P": 4, "K": 8}},
        fused=(),
        ifmap_bits=8,
        weight_bits=4,
        precision_assumed=False,
        start_cycle=start,
        end_cycle=start + cycles,
        cycles=cycles,
        issue_cycles={"useful": useful, "fill": fill, "drain": 0, "imbalance": 0, "bus": 0},
        idle_cycles=dict.fromkeys(CAUSES, 0) | {"weight": weight},
        late_because=dict.fromkeys(LATE, 0) | {"dram_bus": weight},
        tail_cycles=tail,
        gain_cycles=weight // 2,
        macs=64_000,
        effectual_macs=64_000,
        issued_macs=128_000,
        utilization=64_000 / (256 * cycles),
        accesses={"glb": {"ifmap": Access(10, 5, 240)}},
        dram={"read_bytes": 3_000, "write_bytes": 1_000, "row_hit_rate": None, "limiter": "compute"},
        energy_pj={"mac": 2e6, "dram": 6e6, "vector": 0.0},
    )
    return replace(made, **changes)


def run(*layers, **changes):
    """A run of ``layers`` (by default one) whose totals are their sums."""
    layers = layers or (layer(),)
    cycles = None if any(each.cycles is None for each in layers) else sum(each.cycles for each in layers)
    energy_pj = sum(each.total_energy_pj for each in layers)
    macs = sum(each.macs for each in layers)
    effectual = sum(each.effectual_macs for each in layers)
    latency_s = cycles / CLOCK_HZ if cycles is not None else None
    total = Total(
        cycles=cycles,
        latency_s=latency_s,
        energy_pj=energy_pj,
        power_w=energy_pj / 1e12 / latency_s if latency_s else None,
        macs=macs,
        effectual_macs=effectual,
        throughput_ops_per_second=2 * macs / latency_s if latency_s else None,
        efficiency_ops_per_joule=2 * macs / (energy_pj / 1e12) if latency_s else None,
        effectual_throughput_ops_per_second=2 * effectual / latency_s if latency_s else None,
        effectual_efficiency_ops_per_joule=2 * effectual / (energy_pj / 1e12) if latency_s else None,
        dram_bytes=sum(each.dram["read_bytes"] + each.dram["write_bytes"] for each in layers),
        area_mm2=1.5,
        utilization=0.25,
        issue_cycles={name: sum(each.issue_cycles[name] for each in layers) for name in layers[0].issue_cycles},
        idle_cycles={name: sum(each.idle_cycles[name] for each in layers) for name in CAUSES},
        tail_cycles=sum(each.tail_cycles for each in layers),
        energy_by_component_pj={name: sum(each.energy_pj[name] for each in layers) for name in layers[0].energy_pj},
    )
    made = RunResult(
        workload="net",
        accelerator="machine",
        clock_hz=CLOCK_HZ,
        fidelity="bandwidth",
        dataflow="ws",
        energy_profile="horowitz-45nm",
        batch=1,
        objective="latency",
        simulator_version="0.1.0",
        peak_macs_per_cycle=256,
        dram_bytes_per_cycle=16.0,
        layers=tuple(layers),
        total=total,
        not_timed=({"name": "flat", "op": "reshape", "reason": "renames data", "macs": 0},),
        warnings=("mind the gap",),
        energy_sources=(
            {"name": "mac 8 x 8 bit", "value": 0.3, "unit": "pJ", "source": "a paper", "mark": "R"},
            {"name": "dram", "value": 20.0, "unit": "pJ/bit", "source": "a paper", "mark": "A"},
        ),
    )
    return replace(made, **changes)


def pool(name="pool"):
    """A vector layer: no MACs, 8-bit inputs."""
    return layer(name, op="max_pool", dataflow="vector", macs=0, effectual_macs=0, weight_bits=0, utilization=0.0)


def unmapped(name="huge"):
    """A layer without a mapping, as ``--compat`` lets pass."""
    return replace(
        layer(name, fill=0, weight=0, tail=0),
        mapping={},
        mapping_error="buffer too small",
        cycles=None,
        start_cycle=None,
        end_cycle=None,
        utilization=None,
    )
