from symbp.ir.names import free_name, part_of, peak_of, unshifted


def test_parts_are_none_of_another_tensor():
    assert part_of("dE/dA", "part2") == "(dE/dA)_part2" != "dE/dA_part2"
    assert part_of("delta2", "part1") == "delta2_part1"


def test_greatest_exponents_are_called_after_their_sums():
    assert peak_of("s_E") == "m_E"
    assert peak_of("total") == "m_total"
    assert unshifted("s_E") != "s_E"


def test_names_that_are_taken_become_longer():
    assert free_name("u", {"v"}) == "u"
    assert free_name("u", {"u", "u_"}) == "u__"
