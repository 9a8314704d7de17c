"""Splitting byte addresses into channel, rank, bank group, bank, row and column. Knows no timing."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.memory.dram_config import DramOrganization, bits_for

Addresses = npt.NDArray[np.int64]


class DramCoordinates(NamedTuple):
    """Where each request goes; ``bank`` counts within the bank group, ``column`` counts bursts."""

    channel: Addresses
    rank: Addresses
    bank_group: Addresses
    bank: Addresses
    row: Addresses
    column: Addresses

    def bank_row(self, organization: DramOrganization) -> Addresses:
        """Return the index of each bank among all banks of the system, channels first."""
        rank = self.channel * organization.ranks + self.rank
        return (rank * organization.bank_groups + self.bank_group) * organization.banks_per_group + self.bank


def field_positions(organization: DramOrganization) -> dict[str, int]:
    """Return the lowest bit of each address field, counted above the offset in a burst.

    Examples
    --------
    >>> from simulator.memory.dram_config import DramOrganization
    >>> field_positions(DramOrganization(protocol="DDR4", bank_groups=4, banks_per_group=4, rows=65536, columns=1024,
    ...     device_width_bits=8, bus_width_bits=64, burst_length=8, address_mapping="rochrababgco"))["ro"]
    11
    """
    mapping = organization.address_mapping
    positions: dict[str, int] = {}
    position = 0
    for at in range(len(mapping) - 2, -1, -2):
        field = mapping[at : at + 2]
        positions[field] = position
        position += organization.field_bits[field]
    return positions


def decode(organization: DramOrganization, addresses: Addresses) -> DramCoordinates:
    """Return the coordinates of byte ``addresses`` [n], each below ``organization.capacity_bytes``.

    With ``bank_hash="row_xor"`` the bank group and bank are combined by exclusive or with the low row bits (permutation
    based interleaving: Zhang, Zhu, Zhang, MICRO 2000); it stays a one-to-one map.
    """
    bursts = addresses >> bits_for(organization.request_bytes)
    positions = field_positions(organization)
    fields = {name: (bursts >> positions[name]) & ((1 << width) - 1) for name, width in organization.field_bits.items()}
    bank_group, bank, row = fields["bg"], fields["ba"], fields["ro"]
    if organization.bank_hash == "row_xor":
        bank_group = bank_group ^ (row & (organization.bank_groups - 1))
        bank = bank ^ ((row >> bits_for(organization.bank_groups)) & (organization.banks_per_group - 1))
    return DramCoordinates(fields["ch"], fields["ra"], bank_group, bank, row, fields["co"])
