import math

import numpy as np
import pytest

from symbp.codegen import support
from symbp.codegen.functions import DIRECT, spelled
from symbp.codegen.scalar import UNARY
from symbp.codegen.vector import BODIES


def test_library_functions_exist_under_the_name_they_are_spelled():
    for name in DIRECT:
        library, _, short = spelled(name).rpartition(".")
        place = {"math": math, "np": np, "": support}[library]
        assert callable(getattr(place, short))


@pytest.mark.parametrize("name", sorted(UNARY))
def test_every_function_of_one_argument_has_code(name):
    library, _, short = spelled(name).rpartition(".")
    assert library in ("math", "np") or short in BODIES or hasattr(support, short)


def test_other_names_are_helpers_of_the_module():
    assert spelled("digamma") == "digamma"
    assert spelled("loggamma") == "log_gamma"
    assert spelled("ceiling") == "np.ceil"
