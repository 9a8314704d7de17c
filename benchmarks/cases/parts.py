"""The steps inside ``simulate``, one at a time, for cases that measure or count a single one."""

from dataclasses import dataclass

from simulator.arch import Accelerator, load_accelerator
from simulator.dataflow.binding import BoundNetwork, bind
from simulator.dataflow.machine import allowed_dataflows, hardware_record, space_record
from simulator.dataflow.plan_tables import PlanInputs
from simulator.dataflow.tape import Tape, build_tape
from simulator.mapping.search import MappedNetwork, map_network
from simulator.records import Table
from simulator.workload import load_workload


@dataclass(frozen=True)
class Parts:
    """One network on one machine, ready for each step."""

    accelerator: Accelerator
    hardware: Table
    space: Table
    network: BoundNetwork

    def map(self) -> MappedNetwork:
        flows = allowed_dataflows(self.accelerator)
        return map_network(self.network, self.accelerator, (self.hardware, self.space), dataflows=flows)

    def plan(self, mapped: MappedNetwork) -> Tape:
        network = self.network
        feeds = (network.producers, network.producer_spans, network.aligned, network.reads, network.cores)
        return build_tape(PlanInputs(network.works, mapped.mappings, self.hardware, self.space, *feeds))


def parts_of(workload: str, preset: str) -> Parts:
    """Load and bind ``workload`` on ``preset``."""
    accelerator = load_accelerator(preset)
    network = bind(load_workload(workload), accelerator)
    return Parts(accelerator, hardware_record(accelerator), space_record(accelerator), network)
