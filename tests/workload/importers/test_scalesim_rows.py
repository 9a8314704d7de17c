"""Every habit of shipped topology files, one test each."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import WorkloadError
from simulator.workload.importers.scalesim_rows import read_topology_rows

CONV_HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
CONV = (56, 48, 3, 2, 64, 128, 2)


def conv_row(line: str, header: str = CONV_HEADER):
    (row,) = read_topology_rows(f"{header}\n{line}", "t.csv")
    return row


def gemm_row(line: str, header: str = "Layer,M,N,K,"):
    return conv_row(line, header)


def fault(text: str) -> str:
    with pytest.raises(WorkloadError) as caught:
        read_topology_rows(text, "t.csv")
    return str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "c,56,48,3,2,64,128,2,",
        "c,56,48,3,2,64,128,2",
        "c,56,48,3,2,64,128,2,,,",
        "c,56,48,3,2,64,128,2, ",
        "\tc, 56,  48, 3, 2 ,64,128,2,",
        "c\t56\t48\t3\t2\t64\t128\t2\t",
        "c;56;48;3;2;64;128;2;",
        "c 56 48 3 2 64 128 2",
        '"c","56","48",3,2,64,128,2,',
        "c,56.0,48.,3,2,64,+128,2,",
        "c,56,48,3,2,64,128,2,#dw",
        "c,56,48,3,2,64,128,2,2",
        "c,56,48,3,2,64,128,2,1:1,",
    ],
)
def test_a_convolution_reads_the_same_in_every_spelling(line):
    row = conv_row(line)
    assert (row.name, row.kind, row.numbers, row.stride_horizontal) == ("c", "conv", CONV, 2)


@pytest.mark.parametrize("line", ["fc,100,10,64,", "fc,100,10,64", "fc , 100 , 10 , 64 ,", "fc\t100\t10\t64"])
@pytest.mark.parametrize("header", ["Layer,M,N,K,", "Layer Name, M, N, K", "whatever", "Layer,M,N,K,FFN_up,"])
def test_a_matrix_product_reads_the_same_under_every_header(line, header):
    row = gemm_row(line, header)
    assert (row.kind, row.numbers, row.n_of_m) == ("gemm", (100, 10, 64), None)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_marks_blank_lines_and_remarks_are_no_rows(newline):
    text = newline.join(
        ["\ufeff" + CONV_HEADER, "", ",,,,,,,,", "# remark", "// remark", "   ", "c,5,5,3,3,1,1,1,", ""]
    )
    (row,) = read_topology_rows(text, "t.csv")
    assert (row.name, row.line) == ("c", 7)


def test_a_line_of_text_alone_is_a_title():
    text = f"{CONV_HEADER}\n\nAlphaGoZero,\nNeural Collaborative Filtering\nc,5,5,3,3,1,1,1,"
    assert [(row.kind, row.name) for row in read_topology_rows(text, "t.csv")] == [
        ("title", "AlphaGoZero"),
        ("title", "Neural Collaborative Filtering"),
        ("conv", "c"),
    ]


def test_the_header_may_be_missing_and_may_come_again():
    text = "\ufeffa,1,2,3\nb,4,5,6"
    rows = read_topology_rows(text, "t.csv")
    assert [(row.name, row.numbers) for row in rows] == [("a", (1, 2, 3)), ("b", (4, 5, 6))]
    text = "Layer,M,N,K,\na,1,2,3,\nlayer, m, n, k\nb,4,5,6,"
    assert [row.numbers for row in read_topology_rows(text, "t.csv")] == [(1, 2, 3), (4, 5, 6)]


@pytest.mark.parametrize(("cell", "expected"), [("2:4", (2, 4)), (" 1 : 1 ", (1, 1)), ("8:8", (8, 8)), ("1", None)])
def test_sparsity_column(cell, expected):
    assert conv_row(f"c,5,5,3,3,1,1,1,{cell},", CONV_HEADER + " Sparsity,").n_of_m == expected
    assert gemm_row(f"g,5,5,3,{cell},", "Layer, M, N, K, Sparsity,").n_of_m == expected


def test_a_second_stride_is_horizontal_and_a_batch_size_is_not():
    assert conv_row("c,9,9,3,3,1,1,2,1").stride_horizontal == 1
    two_strides = CONV_HEADER.replace("Strides", "Stride Height, Stride Width") + "Sparsity,"
    row = conv_row("c,9,9,3,3,1,1,2,3,2:4", two_strides)
    assert (row.numbers[-1], row.stride_horizontal, row.n_of_m) == (2, 3, (2, 4))
    row = conv_row("c,9,9,3,3,1,1,2,8,", CONV_HEADER + " Batch Size,")
    assert (row.stride_horizontal, row.batch) == (2, 8)


def test_text_behind_the_numbers_is_kept_as_a_remark():
    assert conv_row("c,9,9,3,3,1,1,2,relu,pool").remark == "relu pool"


def test_rows_of_both_kinds_under_a_header_that_says_nothing():
    rows = read_topology_rows("name,a\nc,5,5,3,3,1,1,1\ng,5,5,3", "t.csv")
    assert [row.kind for row in rows] == ["conv", "gemm"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("c,56,48,3,2,64,128", ["'Strides' is missing"]),
        ("c,56", ["'IFMAP Width' is missing"]),
        ("c,56,48,3", ["'Filter Width' is missing"]),
        ("c,56,B,3,2,64,128,2", ["'IFMAP Width'", "'B'", "symbol"]),
        ("c,56,48,3 2,64,128,2,", ["'Filter Height'", "'3 2'", "comma"]),
        ("c,56,48,3,,64,128,2", ["'Filter Width' is empty"]),
        ("c,56,48.5,3,2,64,128,2", ["'IFMAP Width'", "'48.5'"]),
        ("c,56,48,3,2,64,128,0", ["'Strides' is 0"]),
        ("c,56,48,3,2,-64,128,2", ["'Channels'", "'-64'"]),
        ("c,99999999999,48,3,2,64,128,2", ["'IFMAP Height' is 99999999999"]),
        ("c,56,48,57,2,64,128,2", ["'Filter Height' is 57", "'IFMAP Height' 56"]),
        ("c,56,48,3,49,64,128,2", ["'Filter Width' is 49", "'IFMAP Width' 48"]),
        ("c,56,48,3,2,64,128,2,5:4", ["sparsity", "'5:4'", "N <= M"]),
        ("c,56,48,3,2,64,128,2,0:4", ["sparsity", "'0:4'"]),
        ("c,56,48,3,2,64,128,2,1,7", ["'column 10' is 7"]),
        ("c,56,48,3,2,64,128,2,0.5", ["'column 9'", "'0.5'"]),
        ("x" * 901 + ",56,48,3,2,64,128,2", ["901 characters"]),
    ],
)
def test_what_would_be_a_guess_is_refused_by_line_and_field(line, words):
    message = fault(f"{CONV_HEADER}\nok,5,5,3,3,1,1,1,\n{line}")
    assert message.startswith("t.csv: line 3 (")
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("g,5,6", "'K' is missing"),
        ("g,5,6,7,8", "'column 5' is 8"),
        ("g,M,6,7", "'M' is 'M'"),
    ],
)
def test_matrix_products_are_refused_likewise(line, words):
    assert words in fault(f"Layer,M,N,K,\n{line}")


def test_a_row_of_neither_form_under_no_header_names_both():
    message = fault("title\ng,5,6")
    assert "2 numbers" in message
    assert "Num Filter" in message
    assert "M, N, K" in message


def numbers_or_error(text: str) -> list[int] | str:
    try:
        return [number for row in read_topology_rows(text, "t.csv") for number in row.numbers]
    except WorkloadError as error:
        return str(error)


@given(st.text(max_size=200))
def test_any_text_is_rows_or_one_clear_error(text):
    outcome = numbers_or_error(text)
    if isinstance(outcome, str):
        assert re.match(r"t\.csv: line \d+ \(", outcome)
    else:
        assert all(number >= 1 for number in outcome)


@given(
    st.lists(st.lists(st.sampled_from(["a", "DP", "", "1", "3", "7", "2:4", ":", "#", "-1", "1.0", "x y"])), max_size=4)
)
def test_shuffled_cells_are_rows_or_one_clear_error(lines):
    outcome = numbers_or_error("\n".join([CONV_HEADER, *(",".join(line) for line in lines)]))
    assert isinstance(outcome, list) or "t.csv: line " in outcome
