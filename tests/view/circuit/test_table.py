import sympy as sp

import symbp as sb
from tests.view.circuit.pictures import chain_rule, network, x


def test_one_line_a_gate():
    assert chain_rule().table() == (
        "gate  operation  reads  value  gradient\n"
        "x     input                -2        -4\n"
        "y     input                 5        -4\n"
        "z     input                -4         3\n"
        "g1    +          x, y       3        -4\n"
        "f     *          g1, z    -12         1"
    )


def test_networks_have_shapes():
    lines = network((3, 2)).text().splitlines()
    assert lines[0].split() == ["gate", "operation", "reads", "shape", "value", "gradient"]
    assert lines[1].split()[:3] == ["W1", "parameter", "2×3"]
    assert len({len(line) for line in lines if line.endswith(("0", "1", "2", "3"))}) <= 2


def test_columns_without_entries_are_left_out():
    assert sb.circuit(sp.sin(x)).table() == "gate  operation  reads\nx     input\nf     sin        x"


def test_many_operands_are_shortened():
    line = sb.circuit(sp.Add(*sp.symbols("s1:99"))).table().splitlines()[-1]
    assert line.startswith("f     +          s1, s2, ")
    assert line.endswith("s97, s98")
    assert len(line) < 80
