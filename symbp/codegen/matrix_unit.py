"""The matrix unit of a processor (AMX), which multiplies tiles of bfloat16 and adds up in float32.

The source of these functions becomes part of generated modules, like `symbp.codegen.micro`.
"""

from __future__ import annotations

import os
import platform
import sys

import llvmlite.binding as llvm
from llvmlite import ir

from symbp.codegen.splitting import LANES, SQUARE


def has_matrix_unit():
    """Whether this processor multiplies tiles of bfloat16, as Linux lets a process that asks for it.

    Who tells Numba to write for another processor gets nothing that is not in all of its kind.
    """
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        return False
    if any(name in os.environ for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_ENABLE_AVX")):
        return False
    llvm.initialize_native_asmparser()  # what follows is written as assembly
    features = llvm.get_host_cpu_features()
    return all(features.get(name) for name in ("avx512f", "amx-tile", "amx-bf16"))


MATRIX_UNIT = has_matrix_unit()


def assembly(builder, text, constraints, *operands):
    """Instructions that change memory or the unit."""
    kind = ir.FunctionType(ir.VoidType(), [o.type for o in operands])
    builder.asm(kind, text, ",".join([*constraints, "~{memory}"]), operands, True)


def unit_allowed(module):
    """The function that tells whether this process may use the unit; it asks the system once."""
    flag, word = ir.IntType(1), ir.IntType(64)
    if "unit_allowed" in module.globals:
        return module.globals["unit_allowed"]
    answer = ir.GlobalVariable(module, word, "unit_answer")
    answer.linkage, answer.initializer = "internal", word(0)
    function = ir.Function(module, ir.FunctionType(flag, []), "unit_allowed")
    function.linkage = "internal"
    builder = ir.IRBuilder(function.append_basic_block())
    known = builder.load(answer)
    before = builder.block
    with builder.if_then(builder.icmp_signed("==", known, word(0)), likely=False):
        # arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)
        kind = ir.FunctionType(word, [word] * 3)
        ask = "={rax},{rax},{rdi},{rsi},~{rcx},~{r11},~{memory}"
        failed = builder.asm(kind, "syscall", ask, [word(158), word(0x1023), word(18)], True)
        found = builder.select(builder.icmp_signed("==", failed, word(0)), word(1), word(2))
        builder.store(found, answer)
        asked = builder.block
    result = builder.phi(word)
    result.add_incoming(known, before)
    result.add_incoming(found, asked)
    builder.ret(builder.icmp_signed("==", result, word(1)))
    return function


def configure(builder):
    """Make all eight tiles 16 rows of 64 bytes."""
    name, byte = "unit_tiles", ir.IntType(8)
    if name not in builder.module.globals:
        rows, widths = [LANES] * 8 + [0] * 8, [64, 0] * 8 + [0] * 16
        content = bytearray([1] + [0] * 15 + widths + rows)
        constant = ir.GlobalVariable(builder.module, ir.ArrayType(byte, 64), name)
        constant.linkage, constant.global_constant = "internal", True
        constant.initializer = ir.Constant(constant.value_type, content)
    assembly(builder, "ldtilecfg ($0)", ["r"], builder.module.globals[name])


def square_step():
    """Instructions that add the products of SQUARE terms to four tiles of c, the largest last.

    Of the operands $0 is where the parts of a are, $1 where those of b are, and $2 the bytes of a line.
    """
    lines = []
    held = [-1, -1]
    for pair in ((0, 2), (0, 1), (1, 1), (1, 0), (2, 0), (0, 0)):
        for side, part in enumerate(pair):
            if held[side] != part:
                held[side] = part
                for half in (0, 1):
                    at = (2 * part + half) * LANES * 64
                    lines.append(f"tileloadd {at}(${side},$2,1), %tmm{4 + 2 * side + half}")
        lines += [f"tdpbf16ps %tmm{6 + n}, %tmm{4 + m}, %tmm{2 * m + n}" for m in (0, 1) for n in (0, 1)]
    return "\n".join(lines)


def store_square():
    """Instructions that write four tiles to SQUARE lines from $0 on, which are $1 bytes apart."""
    places = (((m * SQUARE + n) * LANES * 4, 2 * m + n) for m in (0, 1) for n in (0, 1))
    return "\n".join(f"tilestored %tmm{tile}, {at}($0,$1,1)" for at, tile in places)


SOURCES: tuple = (assembly, unit_allowed, configure, square_step, store_square)
"""What generated modules carry of this file after `has_matrix_unit`, in order."""
NAMES = {item.__name__ for item in SOURCES} | {"has_matrix_unit", "MATRIX_UNIT"}
