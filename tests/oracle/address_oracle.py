"""Which bytes of DRAM a tile touches, element by element: sets instead of formulas.

Knows the layouts of docs/model/dram.md and the nest of ``planner_oracle``.
"""

from itertools import product

from tests.oracle.planner_oracle import _tiles, input_positions, plan_mac


def unit_bytes(bits):
    return -(-bits // 8)


def element_bytes(layout, shape, at):
    """Byte offsets of one element; ``shape`` = (C, H, W, bits), ``at`` = (n, c, h, w)."""
    order, tile = layout
    channels, height, width, bits = shape
    n, c, h, w = at
    if order == "NCHW":
        unit, number, inside = unit_bytes(width * bits), (n * channels + c) * height + h, w
    else:
        tile = tile if order == "tiled" else channels
        planes = -(-channels // tile)
        unit, inside = unit_bytes(tile * bits), c % tile
        number = ((n * planes + c // tile) * height + h) * width + w
    first = number * unit * 8 + inside * bits
    return range(first // 8, (first + bits - 1) // 8 + 1)


def box_bytes(layout, shape, images, channels, rows, columns):
    found = set()
    for at in product(images, channels, rows, columns):
        found.update(element_bytes(layout, shape, at))
    return found


def layer_moves(work, mapping, layout):
    """Yield (operand, byte offsets or None) of every move of a layer, in program order; None: a packed run."""
    plan = plan_mac(work, mapping)
    expected = []
    for (t, m, g, k, c), visit in zip(_tiles(work, mapping), plan.visits, strict=True):
        place = {"t": t, "m": m, "g": g, "k": k, "c": c}
        for index in (visit.weight, visit.ifmap, visit.psum_reload, visit.residual, visit.store):
            if index == len(expected):
                expected.append((index, visit, place))
    for index, visit, place in expected:
        operand = plan.moves[index].operand
        if operand == "ifmap":
            yield "ifmap", _ifmap(work, layout, place)
        elif operand == "residual" or (index == visit.store and visit.final):
            name = "residual" if operand == "residual" else "ofmap"
            yield name, _outputs(work, layout, place, work[f"{name}_bits"])
        else:
            yield operand if operand == "weight" else "psum", None


def _ifmap(work, layout, place):
    images, p, q = place["m"]
    reach_h, reach_w = (work["R"] - 1) * work["dilation_h"] + 1, (work["S"] - 1) * work["dilation_w"] + 1
    rows = input_positions(p, work["P"], work["H"], work["stride_h"], reach_h, work["pad_h"])
    columns = input_positions(q, work["Q"], work["W"], work["stride_w"], reach_w, work["pad_w"])
    channels = [g * work["C"] + c for g in range(*place["g"]) for c in range(*place["c"])]
    shape = (work["G"] * work["C"], work["H"], work["W"], work["ifmap_bits"])
    return box_bytes(layout, shape, range(*images), channels, rows, columns)


def _outputs(work, layout, place, bits):
    images, p, q = place["m"]
    channels = [g * work["K"] + k for g in range(*place["g"]) for k in range(*place["k"])]
    shape = (work["G"] * work["K"], work["P"], work["Q"], bits)
    found = box_bytes(layout, shape, range(*images), channels, range(*p), range(*q))
    whole = box_bytes(layout, shape, range(work["N"]), range(shape[0]), range(work["P"]), range(work["Q"]))
    step = max(whole) + 1
    if layout[0] == "tiled":  # channels are padded to whole tiles
        step = work["N"] * -(-shape[0] // layout[1]) * work["P"] * work["Q"] * unit_bytes(layout[1] * bits)
    return {byte + place["t"] * step for byte in found}
