"""What of a bound network depends on bit widths: the works of many assignments at once, without binding again.

Knows which tensor each field of a work follows. The first assignment of a search is bound in full and compared; a
network whose works do not follow this recipe (residency that depends on widths, say) is bound each time instead.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
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
            field: _columns(
                (work, self.place[names[column]])
                for work, names in enumerate(network.operands)
                if names[column] in self.place and (column < 3 or names[column])
            )
            for column, field in enumerate(_FOLLOWED)
        }
        self._macs = self._mac_works(graph)
        self._reads = self._vector_reads(graph)
        kinds = {self._kind_of(one): one for one in reversed(self._macs)}
        self._kinds = list(kinds.values())  # one work of each; what its widths give is the same for all
        order = {kind: i for i, kind in enumerate(kinds)}
        self._mac_place = np.array([one.work for one in self._macs], np.int64)
        self._mac_kind = np.array([order[self._kind_of(one)] for one in self._macs], np.int64)
        size = (len(kinds), WIDEST_BITS + 1, WIDEST_BITS + 1)
        self._rates = [np.zeros(size, np.int64) for _ in _MULTIPLIED]
        self._prices = np.zeros(size)
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
        for field, (places, tensors) in self._followed.items():
            works[field][:, places] = bits[:, tensors]
        for work, place, factor in self._reads:
            works["input_bits"][:, work] += factor * (bits[:, place] - base_bits[place])
        mac_pj = np.zeros(works.shape)
        widths = works["ifmap_bits"][:, self._mac_place], works["weight_bits"][:, self._mac_place]
        index = self._filled(*widths)
        for field, values in zip(_MULTIPLIED, self._rates, strict=True):
            works[field][:, self._mac_place] = values[index]
        mac_pj[:, self._mac_place] = self._prices[index]
        return works.view(np.recarray), mac_pj

    def _kind_of(self, one: _MacWork) -> tuple[MacLoops, Multiplier | None]:
        """Return what decides, beside widths, how a work's products are multiplied."""
        base = self.network.multipliers[one.work]
        nest = replace(one.nest, ifmap="", weight="", ofmap="")
        return nest, base if base.is_float else None

    def _filled(self, ifmap_bits: Ints, weight_bits: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the places of widths [B, macs] in the tables of rates and prices, filled there."""
        index = np.broadcast_to(self._mac_kind, ifmap_bits.shape), ifmap_bits, weight_bits
        unknown = self._rates[0][index] == 0
        if unknown.any():
            for kind, a, w in set(zip(*(one[unknown].tolist() for one in index), strict=True)):
                one = self._kinds[kind]
                base = self.network.multipliers[one.work]
                multiplier = base if base.is_float else self._multiplier_of(a, w)
                packing = group_packing(self.accelerator.array, one.nest, multiplier)
                rate = (multiplier.pack, multiplier.passes, multiplier.inner_pack, packing)
                for values, value in zip(self._rates, rate, strict=True):
                    values[kind, a, w] = value
                self._prices[kind, a, w] = self._beat_pj(multiplier)
        return index

    def agrees_with(self, works: Table, mac_pj: npt.NDArray[np.float64], bound: BoundNetwork) -> bool:
        """Say whether one assignment's works [W] are those of binding it in full."""
        same = works.tobytes() == bound.works.tobytes()
        prices = [beat_pj(self.prices, one) for one in bound.multipliers]
        return same and mac_pj.tolist() == prices and self._same_feeds(bound)

    def _same_feeds(self, bound: BoundNetwork) -> bool:
        fields: tuple[Any, ...] = ("producers", "producer_spans", "aligned")
        return all(np.array_equal(getattr(bound, name), getattr(self.network, name)) for name in fields)


def _columns(pairs: Iterable[tuple[int, int]]) -> tuple[Ints, Ints]:
    """Return the firsts and the seconds of ``pairs``."""
    columns = np.array(list(pairs), np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


def beat_pj(prices: PriceList, multiplier: Multiplier) -> float:
    """Return the price of one multiplier beat [pJ]; 0 for a work without products."""
    if not multiplier.weight_bits:
        return 0.0
    mac_pj = prices.mac_pj(multiplier.ifmap_bits, multiplier.weight_bits, is_float=multiplier.is_float)
    return mac_pj * multiplier.energy_share
