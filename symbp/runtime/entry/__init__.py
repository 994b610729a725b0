"""Machine code between Python and a kernel: it reads the caller's objects itself.

Checking a few arrays in Python, and Numba's own look at the types of arguments, take longer than a small
kernel runs. Here a function in LLVM's language compares what it is given with what the kernel takes, makes
the results, calls the kernel and hands them back, as a compiled extension would; it needs no C compiler.
What is not exactly right it leaves to Python, which converts it or finds the words.
"""
