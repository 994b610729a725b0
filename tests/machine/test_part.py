from symbp.machine.module import Module
from symbp.machine.part import Part

WRITTEN = """
define double @twice(double %x) {
  %y = fadd double %x, %x
  ret double %y
}
"""


def test_a_part_is_linked_into_every_module_that_calls_it_once():
    part = Part.create_library("twice")
    part.add_llvm_module(WRITTEN)
    part.finalize()
    for _ in range(2):
        module = Module("")
        module.add_linking_library(part)
        module.add_linking_library(part)
        assert [f.name for f in module.parsed().functions] == ["twice"]
