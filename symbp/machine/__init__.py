"""Machine code from the text of generated modules, straight through LLVM.

The text is Python that Numba compiles, and anyone may have it do that. Numba finds out what the types in a
text may be, for any Python: it takes two seconds over a small kernel. Here they are known, and few forms
are used, so that a module is compiled in a tenth of the time, to the same instructions. Both ways read
one text. What is not among these forms raises `NotCovered`, and is left to Numba.
"""
