"""The brute-force oracle's view of a bound work and an accelerator."""

from simulator.dataflow.systolic_law import tile_timing
from simulator.mapping import cost_kernel
from simulator.records import GEMM_TILE, TILE_TIMING, table
from tests.oracle.mapping_oracle import Machine


def machine_of(hardware, space):
    """Return the oracle's machine for one dataflow's hardware record and a MEMORY_SPACE record."""
    buses = (int(space.ifmap_bus_words), int(space.weight_bus_words), int(space.psum_bus_words))
    return Machine(
        rows=int(hardware.rows),
        columns=int(hardware.columns),
        dataflow=int(hardware.dataflow),
        weight_shadow=bool(hardware.weight_shadow),
        capacity_bits=tuple(int(bits) for bits in space.capacity_bits),
        slots=tuple(int(slots) for slots in space.slots),
        home=tuple(int(home) for home in space.home),
        bytes_per_cycle=float(space.dram_bytes_per_cycle),
        latency=int(space.dram_latency_cycles),
        lanes=int(space.vector_lanes),
        buses=buses,
        shared_bus_bits=int(space.shared_bus_bits),
        on_shared_bus=tuple(int(shares) for shares in space.on_shared_bus),
        banked={
            i: (int(space.word_bits[i] * space.banks[i]), int(space.ports[i]), int(space.dma_period_cycles[i]))
            for i in range(3)
            if space.ports[i]
        },
    )


def timing_of(hardware, work):
    """Return the oracle's question: what does one tile of ``work`` cost on ``hardware``?"""

    def ask(rows, inner, cols, groups, group_packing):
        tile, timing = table(GEMM_TILE, 1)[0], table(TILE_TIMING, 1)[0]
        tile.rows, tile.inner, tile.cols, tile.groups = rows, inner, cols, groups
        tile.group_packing, tile.pack, tile.passes = group_packing, work["pack"], work["passes"]
        tile.inner_pack = work["inner_pack"]
        tile_timing(hardware, tile, timing)
        return {name: int(timing[name]) for name in timing.dtype.names}

    return ask


def search_tables(work, hardware, space, mapping=None):
    """Return the mapper's record for one work, with ``mapping`` as the trial."""
    search = cost_kernel.search_table(hardware, space)[0]
    search.work = work[0]
    if mapping is not None:
        search.trial = mapping
    return search
