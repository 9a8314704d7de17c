"""Energy and area between technology nodes (Stillmaker and Baas, Integration 58, 2017). Knows nodes and supplies."""

from collections.abc import Callable
from functools import cache
from typing import Literal

from pydantic import Field

from simulator.arch.measurements import Form, Mark, read_table
from simulator.errors import ArchitectureError


class _Node(Form):
    node_nm: float
    a: float
    b: float
    c: float
    area: float
    nominal_voltage_v: float

    def energy(self, voltage_v: float) -> float:
        """Return the energy factor ``a V^2 + b V + c``."""
        lowest_v = -self.b / (2 * self.a)
        if voltage_v < lowest_v:
            message = (
                f"technology.voltage_v = {voltage_v}: the scaling fit at {self.node_nm:g} nm turns upward below "
                f"{lowest_v:.3f} V; give a higher voltage_v"
            )
            raise ArchitectureError(message)
        return self.a * voltage_v**2 + self.b * voltage_v + self.c


class _Scaling(Form):
    schema_: Literal["simulator.scaling/1"] = Field(alias="schema")
    energy_source: str
    energy_mark: Mark
    area_source: str
    area_mark: Mark
    nominal_voltage_source: str
    nominal_voltage_mark: Mark
    nodes: tuple[_Node, ...]


@cache
def _table() -> _Scaling:
    return read_table(_Scaling, "scaling")


def energy_factor(from_nm: float, from_v: float, to_nm: float, to_v: float) -> float:
    """Return what a dynamic energy at one node and supply is multiplied by at another.

    Parameters
    ----------
    from_nm, to_nm : float
        Nodes, 7 to 130; the factor is linear in the node between the fitted ones [nm].
    from_v, to_v : float
        Supplies [V].

    Raises
    ------
    ArchitectureError
        Node out of range, or a supply below the fit's minimum.

    Examples
    --------
    >>> round(energy_factor(45, 0.8, 65, 0.8), 3)
    1.241
    """
    if (from_nm, from_v) == (to_nm, to_v):
        return 1.0
    return _at(to_nm, lambda node: node.energy(to_v)) / _at(from_nm, lambda node: node.energy(from_v))


def area_factor(from_nm: float, to_nm: float) -> float:
    """Return what an area at one node is multiplied by at another.

    Examples
    --------
    >>> area_factor(45, 65)
    1.5
    """
    return _at(to_nm, lambda node: node.area) / _at(from_nm, lambda node: node.area)


def nominal_voltage_v(node_nm: float) -> float:
    """Return the usual core supply of a node (assumed) [V]."""
    return _at(node_nm, lambda node: node.nominal_voltage_v)


def default_voltage_v(from_nm: float, from_v: float, to_nm: float) -> float:
    """Return the supply a design at ``from_v`` has after the move to ``to_nm``: it moves with the nominal supplies [V].

    Examples
    --------
    >>> default_voltage_v(45, 0.9, 45)
    0.9
    """
    return from_v * (nominal_voltage_v(to_nm) / nominal_voltage_v(from_nm))


def _at(node_nm: float, quantity: Callable[[_Node], float]) -> float:
    """Return a node's quantity, linear between its neighbours in the table."""
    nodes = _table().nodes
    if not nodes[0].node_nm <= node_nm <= nodes[-1].node_nm:
        message = (
            f"technology.node_nm = {node_nm:g}: scaling is known from {nodes[0].node_nm:g} to {nodes[-1].node_nm:g} nm "
            "only; give a node in that range"
        )
        raise ArchitectureError(message)
    below = max((node for node in nodes if node.node_nm <= node_nm), key=lambda node: node.node_nm)
    above = min((node for node in nodes if node.node_nm >= node_nm), key=lambda node: node.node_nm)
    if below is above:
        return quantity(below)
    share = (node_nm - below.node_nm) / (above.node_nm - below.node_nm)
    return (1 - share) * quantity(below) + share * quantity(above)
