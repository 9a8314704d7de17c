"""What of a bound network depends on bit widths: the works of many assignments at once, without binding again.

Knows which tensor each field of a work follows. The first assignment of a search is bound in full and compared; a
network whose works do not follow this recipe (residency that depends on widths, say) is bound each time instead.
"""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.arch import Accelerator
from simulator.dataflow.binding import BoundNetwork
from simulator.dataflow.nests import group_packing
from simulator.dataflow.widths import Multiplier, Widths
from simulator.energy import PriceList
from simulator.records import MAC_WORK, Table
from simulator.workload import LayerGraph, Precision
from simulator.workload.loops import MacLoops

Ints = npt.NDArray[np.int64]
WIDEST_BITS = 64
_MULTIPLIED = ("pack", "passes", "inner_pack", "group_packing")
_FOLLOWED = ("ifmap_bits", "weight_bits", "ofmap_bits", "residual_bits")


@dataclass(frozen=True)
class _MacWork:
    work: int
    nest: MacLoops
    ifmap: int  # place among the tensors, or -1: no assignment changes it
    weight: int


class WidthRecipe:
    """Makes works from the widths of tensors.

    Parameters
    ----------
    graph : LayerGraph
    accelerator : Accelerator
    network : BoundNetwork
        Of that graph at any widths of ``tensors``.
    tensors : sequence of str
        Names whose widths vary; columns of the ``bits`` given later.
    prices : PriceList
    """

    def __init__(
        self,
        graph: LayerGraph,
        accelerator: Accelerator,
        network: BoundNetwork,
        tensors: tuple[str, ...],
        prices: PriceList,
    ) -> None:
        self.accelerator, self.prices = accelerator, prices
        self.network = network
        self.place = {name: i for i, name in enumerate(tensors)}
        self._widths = Widths(graph, accelerator, network.batch)
        self._followed = {
            field: [
                (work, self.place[names[column]])
                for work, names in enumerate(network.operands)
                if names[column] in self.place and (column < 3 or names[column])
            ]
            for column, field in enumerate(_FOLLOWED)
        }
        self._macs = self._mac_works(graph)
        self._reads = self._vector_reads(graph)
        self._rates: dict[int, tuple[npt.NDArray[Any], ...]] = {}
        self._multiplier_of = cache(self._widths.multiplier_of)
        self._beat_pj = cache(partial(beat_pj, prices))

    def _mac_works(self, graph: LayerGraph) -> list[_MacWork]:
        nests: dict[int, list[MacLoops]] = {}
        found = []
        for work, row in enumerate(self.network.row_of_work):
            if self.network.works[work].kind != MAC_WORK:
                continue
            layer = graph.layers[self.network.rows[row].layer]
            waiting = nests.setdefault(row, list(graph.loops_of(layer)))
            ifmap, weight, *_ = self.network.operands[work]
            found.append(_MacWork(work, waiting.pop(0), self.place.get(ifmap, -1), self.place.get(weight, -1)))
        return found

    def _vector_reads(self, graph: LayerGraph) -> list[tuple[int, int, int]]:
        """Return (work, place, bits read for each bit of that tensor's width) of vector and copy works."""
        found = []
        for work, row in enumerate(self.network.row_of_work):
            if self.network.works[work].kind == MAC_WORK:
                continue
            layer = graph.layers[self.network.rows[row].layer]
            for name in dict.fromkeys(layer.inputs):
                if name in self.place:
                    at = [self._reads_at(graph, work, name, bits) for bits in (1, 2)]
                    found.append((work, self.place[name], at[1] - at[0]))
        return found

    def _reads_at(self, graph: LayerGraph, work: int, name: str, bits: int) -> int:
        changed = graph.with_precisions({name: Precision(bits=bits)})
        layer = graph.layers[self.network.rows[self.network.row_of_work[work]].layer]
        return Widths(changed, self.accelerator, self.network.batch).input_bits(layer)

    def works(self, bits: Ints, base_bits: Ints) -> tuple[Table, npt.NDArray[np.float64]]:
        """Return the works [B, W] and the price of a multiplier beat of each [pJ] for ``bits`` [B, tensors].

        ``base_bits`` [tensors] are the widths that the network was bound with.

        Raises
        ------
        ArchitectureError
            The array cannot multiply a pair of widths.
        """
        works = np.repeat(self.network.works.view(np.ndarray)[None], len(bits), axis=0)
        for field, followed in self._followed.items():
            column = works[field]
            for work, place in followed:
                column[:, work] = bits[:, place]
        for work, place, factor in self._reads:
            works["input_bits"][:, work] += factor * (bits[:, place] - base_bits[place])
        mac_pj = np.zeros(works.shape)
        columns = [works[field] for field in _MULTIPLIED]
        for one in self._macs:
            pairs = works["ifmap_bits"][:, one.work], works["weight_bits"][:, one.work]
            rates = self._rates_of(one, *pairs)
            for column, values in zip(columns, rates[:4], strict=True):
                column[:, one.work] = values[pairs]
            mac_pj[:, one.work] = rates[4][pairs]
        return works.view(np.recarray), mac_pj

    def _rates_of(self, one: _MacWork, ifmap_bits: Ints, weight_bits: Ints) -> tuple[npt.NDArray[Any], ...]:
        """Return pack, passes, inner_pack, group_packing and beat price [65, 65] of a work, filled at these widths."""
        tables = self._rates.get(one.work)
        if tables is None:
            kinds = (np.int64, np.int64, np.int64, np.int64, np.float64)
            tables = tuple(np.zeros((WIDEST_BITS + 1, WIDEST_BITS + 1), kind) for kind in kinds)
            self._rates[one.work] = tables
        unknown = tables[0][ifmap_bits, weight_bits] == 0
        if unknown.any():
            for a, w in set(zip(ifmap_bits[unknown].tolist(), weight_bits[unknown].tolist(), strict=True)):
                base = self.network.multipliers[one.work]
                multiplier = base if base.is_float else self._multiplier_of(a, w)
                packing = group_packing(self.accelerator.array, one.nest, multiplier)
                rate = (multiplier.pack, multiplier.passes, multiplier.inner_pack, packing)
                for values, value in zip(tables, (*rate, self._beat_pj(multiplier)), strict=True):
                    values[a, w] = value
        return tables

    def agrees_with(self, works: Table, mac_pj: npt.NDArray[np.float64], bound: BoundNetwork) -> bool:
        """Say whether one assignment's works [W] are those of binding it in full."""
        same = works.tobytes() == bound.works.tobytes()
        prices = [beat_pj(self.prices, one) for one in bound.multipliers]
        return same and mac_pj.tolist() == prices and self._same_feeds(bound)

    def _same_feeds(self, bound: BoundNetwork) -> bool:
        fields: tuple[Any, ...] = ("producers", "producer_spans", "aligned")
        return all(np.array_equal(getattr(bound, name), getattr(self.network, name)) for name in fields)


def beat_pj(prices: PriceList, multiplier: Multiplier) -> float:
    """Return the price of one multiplier beat [pJ]; 0 for a work without products."""
    if not multiplier.weight_bits:
        return 0.0
    mac_pj = prices.mac_pj(multiplier.ifmap_bits, multiplier.weight_bits, is_float=multiplier.is_float)
    return mac_pj * multiplier.energy_share
