import sympy as sp

from symbp.ir import Access, Index, Program, Statement, Tensor, program_text

i, j = Index("i", 3), Index("j", 3)


def test_the_listing():
    tensors = [Tensor("A", (3, 3), "parameter"), Tensor("z", (3,)), Tensor("s", ())]
    statements = (
        Statement("z", (i,), Access("A", i, j), "sum", (j,), (sp.Le(j, i),)),
        Statement("s", (), sp.exp(Access("z", 0))),
    )
    assert program_text(Program({t.name: t for t in tensors}, statements, ("s",))) == (
        "parameter A: 3 x 3\nz[i] = sum(j) A[i, j] where j <= i\ns = exp(z[0])\nreturn s"
    )
