"""ESE stepped: every matrix by EIE's PEs with all activations broadcast, loads and element-wise work as stations."""

from tests.oracle import tandem_oracle
from tests.oracle.eie_oracle import run_eie


def run(matrices, hardware):
    """``matrices``: (memories [pe][column] of codes, outputs, vector passes, after or None, extra bytes)."""
    load, multiply, vector, waits, works = [], [], [], [], []
    for memories, outputs, passes, after, extra_bytes in matrices:
        columns = len(memories[0])
        longest = max(sum(len(column) for column in memory) for memory in memories)
        bits = hardware.pes * longest * (hardware.weight_bits + hardware.index_bits)
        bits += hardware.pes * (columns + 1) * hardware.pointer_bits + 8 * extra_bytes
        load.append(-(-bits // (8 * hardware.memory_bytes_per_cycle)))
        works.append(run_eie(memories, [True] * columns, depth=hardware.queue_depth))
        multiply.append(works[-1]["cycles"])
        vector.append(passes * -(-outputs // hardware.vector_lanes))
        waits.append(-1 if after is None else after)
    left = tandem_oracle.run([load, multiply, vector], [hardware.buffers, 2], waits, 1)
    return left[-1][-1], works
