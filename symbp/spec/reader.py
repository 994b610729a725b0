"""The meaning of each syntax node that a formula may consist of.

The reader is written as generators: a method yields the syntax node it needs and is sent that node's value.
`Reader.run` drives them with a stack of its own, so deep formulas need no deep recursion.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable
from decimal import Decimal

import sympy as sp

from symbp.errors import SpecError, SymbpError, shorten
from symbp.spec import arithmetic, conditions
from symbp.spec.arithmetic import OperandError, is_matrix, is_scalar, shape_text
from symbp.spec.constants import ConstantError, Measure
from symbp.spec.forms import FORMS, Steps
from symbp.spec.indices import Access, AccessError, Range, check_bounds, check_linear
from symbp.spec.place import Place, suggestion
from symbp.spec.scope import CONSTANTS, Scope
from symbp.spec.syntax import describe
from symbp.spec.usage import NOT_COMPILED, misfit, usage

_EXACT_DIGITS, _EXACT_EXPONENT = 15, 15  # up to here a decimal is read as an exact fraction


class Reader:
    """Turns syntax nodes into SymPy objects; one per formula."""

    def __init__(self, place: Place, scope: Scope, indices: Iterable[sp.Symbol] = ()):
        self.place, self.scope = place, scope
        self.indices = {index.name: index for index in indices}  # in force; sums add theirs
        self.ranges: dict[sp.Symbol, Range] = {}  # of the summation indices in force
        self.accesses: list[Access] = []
        self.measure = Measure()
        text = place.text
        self.margin = len(text) - len(text.lstrip())
        self.ascii = text.isascii()

    def run(self, tree: ast.expr) -> object:
        """The value of `tree`."""
        value: object = None
        stack = [(tree, self._steps(tree))]
        while stack:
            node, steps = stack[-1]
            try:
                child = steps.send(value)
            except StopIteration as stop:
                stack.pop()
                value = stop.value
            except (TypeError, ValueError, ArithmeticError, NotImplementedError, IndexError) as error:
                # What SymPy refuses to build, in its own words; what can be foreseen is checked before.
                raise self.error(f"SymPy cannot build this: {error}", node) from error
            else:
                stack.append((child, self._steps(child)))
                value = None
        return value

    def _steps(self, node: ast.expr) -> Steps:
        method = _METHODS.get(type(node))
        if method is None:
            raise self.error(f"{describe(node)} has no meaning in a formula", node)
        return method(self, node)

    # -- places -------------------------------------------------------------------------------------------

    def offset(self, node: ast.AST) -> int:
        """The offset of `node` in the text, in characters; the syntax tree counts bytes of UTF-8."""
        column = getattr(node, "col_offset", 0)
        if not self.ascii:
            body = self.place.text[self.margin :]
            column = len(body.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))
        return self.margin + column

    def error(self, problem: str, node: ast.AST, hint: str | None = None) -> SpecError:
        return self.place.error(problem, self.offset(node), hint)

    def measured(self, value: sp.Basic, node: ast.AST) -> sp.Basic:
        """`value`, after its constants and its size have been checked."""
        try:
            self.measure.check(value)
        except ConstantError as error:
            raise self.error(str(error), node, error.hint) from None
        return value

    def number(self, value: object, node: ast.AST) -> sp.Basic:
        """`value` where it can be calculated with: a scalar or a matrix."""
        if is_scalar(value) or is_matrix(value):
            return value  # type: ignore[return-value]
        if isinstance(value, sp.IndexedBase):
            rank = len(value.shape)
            raise self.error(
                f"{value} has {rank} axes and is used without indices", node, f"index it: {value}[i, ...]"
            )
        raise self.error("a condition is no number", node, "write where(condition, 1, 0)")

    def scalar(self, value: object, node: ast.AST) -> sp.Expr:
        """`value` where a scalar is needed."""
        if not is_scalar(value):
            if is_matrix(value):
                problem = f"a scalar is needed here, and this is {shape_text(value)}"  # type: ignore[arg-type]
                raise self.error(problem, node, "sum its entries with total(...), or index it")
            self.number(value, node)
        return value  # type: ignore[return-value]

    # -- atoms --------------------------------------------------------------------------------------------

    def name(self, node: ast.Name) -> Steps:
        name, scope = node.id, self.scope
        for values in (self.indices, scope.names, CONSTANTS):
            if name in values:
                return values[name]
        if scope.meaning(name) == "function":
            raise self.error(f"the function {name!r} needs arguments", node, f"write {name}(...)")
        known = [*self.indices, *scope.names, *CONSTANTS]
        hint = NOT_COMPILED.get(name) or suggestion(name, known)
        hint = hint or shorten(f"names here are {', '.join(known)}", 200)
        if name in scope.promised:
            hint = f"{name!r} is not defined yet: an equation uses names that stand above it"
        raise self.error(f"unknown name {name!r}", node, hint)
        yield

    def literal(self, node: ast.Constant) -> Steps:
        if isinstance(node.value, bool):
            return sp.true if node.value else sp.false
        if isinstance(node.value, int):
            return self.measured(sp.Integer(node.value), node)
        if isinstance(node.value, float):
            try:
                return self.measured(_decimal(node.value), node)
            except ConstantError as error:
                raise self.error(str(error), node, error.hint) from None
        raise self.error(f"{describe(node)} has no meaning in a formula", node)
        yield

    # -- arithmetic ---------------------------------------------------------------------------------------

    def binary(self, node: ast.BinOp) -> Steps:
        if isinstance(node.op, (ast.Add, ast.Sub)):
            return (yield from self.chain(node, (ast.Add, ast.Sub)))
        if isinstance(node.op, (ast.Mult, ast.Div, ast.MatMult)):
            return (yield from self.chain(node, (ast.Mult, ast.Div, ast.MatMult)))
        if isinstance(node.op, ast.Pow):
            return (yield from self.power(node))
        hint = "write floor(a/b)" if isinstance(node.op, ast.FloorDiv) else None
        raise self.error(f"{describe(node.op)} has no meaning in a formula", node, hint)

    def chain(self, node: ast.BinOp, kinds: tuple[type[ast.operator], ...]) -> Steps:
        """a + b - c + ... at once: pair by pair, SymPy would sort the sum again for each term."""
        links: list[tuple[str, ast.expr]] = []
        rest: ast.expr = node
        while isinstance(rest, ast.BinOp) and isinstance(rest.op, kinds):
            links.append((_OPERATORS[type(rest.op)], rest.right))
            rest = rest.left
        links.append((_OPERATORS[kinds[0]], rest))
        links.reverse()
        values = []
        for _, operand in links:
            values.append(self.number((yield operand), operand))
        try:
            if kinds[0] is ast.Add:
                result = arithmetic.add(values, [1 if operator == "+" else -1 for operator, _ in links])
            else:
                result = arithmetic.multiply(values, [operator for operator, _ in links])
        except OperandError as error:
            raise self.error(error.problem, links[error.position][1], error.hint) from None
        return self.measured(result, node)

    def power(self, node: ast.BinOp) -> Steps:
        base = self.number((yield node.left), node.left)
        exponent = self.number((yield node.right), node.right)
        try:
            return self.measured(arithmetic.power(base, exponent, self.measure), node)
        except OperandError as error:
            raise self.error(error.problem, (node.left, node.right)[error.position], error.hint) from None
        except ConstantError as error:
            raise self.error(str(error), node.right, error.hint) from None

    def unary(self, node: ast.UnaryOp) -> Steps:
        value = yield node.operand
        if isinstance(node.op, ast.Not):
            return sp.Not(self.condition(value, node.operand))
        number = self.number(value, node.operand)
        if isinstance(node.op, ast.USub):
            return self.measured(arithmetic.negate(number), node)
        if isinstance(node.op, ast.UAdd):
            return number
        raise self.error(f"{describe(node.op)} has no meaning in a formula", node)

    # -- conditions ---------------------------------------------------------------------------------------

    def condition(self, value: object, node: ast.AST) -> sp.Basic:
        """`value` where a condition is needed."""
        if isinstance(value, sp.logic.boolalg.Boolean) and not isinstance(value, sp.Expr):
            return value
        raise self.error("a condition is needed here", node, "compare something, as in x > 0")

    def comparison(self, node: ast.Compare) -> Steps:
        operands = [node.left, *node.comparators]
        values = []
        for operand in operands:
            values.append(self.scalar((yield operand), operand))
        links = []
        for k, op in enumerate(node.ops):
            if type(op) not in conditions.RELATIONS:
                raise self.error(f"{describe(op)} has no meaning in a formula", node)
            links.append(conditions.compare(type(op), values[k], values[k + 1]))
        return self.measured(sp.And(*links, evaluate=False), node)

    def boolean(self, node: ast.BoolOp) -> Steps:
        parts = []
        for operand in node.values:
            parts.append(self.condition((yield operand), operand))
        join = sp.And if isinstance(node.op, ast.And) else sp.Or
        return self.measured(join(*parts, evaluate=False), node)

    # -- indices ------------------------------------------------------------------------------------------

    def attribute(self, node: ast.Attribute) -> Steps:
        if node.attr != "T":
            raise self.error(
                f"the attribute {node.attr!r} is not allowed", node, "the only one is .T, the transpose"
            )
        value = self.number((yield node.value), node.value)
        if not is_matrix(value):
            raise self.error("only a matrix has a transpose", node, "leave .T out")
        return self.measured(arithmetic.transposed(value), node)

    def subscript(self, node: ast.Subscript) -> Steps:
        value = yield node.value
        parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        indices = []
        for part in parts:
            index = yield part
            try:
                check_linear(index, self.offset(part))  # type: ignore[arg-type]
            except AccessError as error:
                raise self.error(error.problem, part, error.hint) from None
            indices.append(index)
        return self.access(value, indices, node)

    def access(self, value: object, indices: list, node: ast.Subscript) -> sp.Basic:
        """The entry of `value` at `indices`; a vector may be given its one index alone."""
        if isinstance(value, sp.IndexedBase):
            extents = tuple(int(extent) for extent in value.shape)
            if len(indices) != len(extents):
                raise self.error(
                    f"{value} takes {len(extents)} indices, and is given {len(indices)}",
                    node,
                    f"index it as it was declared: {list(extents)}",
                )
            self.record(str(value), extents, indices, node)
            return value[tuple(indices)]
        if not is_matrix(value):
            problem = "only a vector, a matrix or a tensor can be indexed"
            raise self.error(problem, node, "write the scalar without brackets")
        rows, columns = (int(extent) for extent in value.shape)  # type: ignore[attr-defined]
        if len(indices) == 1 and 1 in (rows, columns):
            indices = [*indices, sp.S.Zero] if columns == 1 else [sp.S.Zero, *indices]
        if len(indices) != 2:
            problem = f"a {rows}x{columns} matrix takes 2 indices, and is given {len(indices)}"
            raise self.error(problem, node, "write its row and its column, as in M[i, j]")
        if isinstance(value, sp.Transpose):
            value, indices, rows, columns = value.arg, indices[::-1], columns, rows
        if isinstance(value, sp.MatrixSymbol):
            self.record(str(value.name), (rows, columns), indices, node)
            return value[tuple(indices)]
        if (rows, columns) == (1, 1) and indices == [0, 0]:
            # The entry of x.T*y is its trace; SymPy would write the entry out, one term per element.
            return self.measured(sp.Trace(value), node)
        raise self.error(
            "only names can be indexed", node, "give this matrix a name, as an equation before this one"
        )

    def record(self, name: str, extents: tuple[int, ...], indices: list, node: ast.AST) -> None:
        """Note an access, and check what is known of its bounds: constants and summation indices."""
        access = Access(name, extents, tuple(indices), dict(self.ranges), self.offset(node))
        try:
            check_bounds([access], {})
        except AccessError as error:
            raise self.place.error(error.problem, error.offset, error.hint) from None
        self.accesses.append(access)

    # -- calls --------------------------------------------------------------------------------------------

    def call(self, node: ast.Call) -> Steps:
        if not isinstance(node.func, ast.Name):
            raise self.error(
                "only a function's name can be called", node, "products are written out: (...)*(...)"
            )
        name = node.func.id
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                raise self.error("arguments are written one by one", argument, f"write {name}(a, b)")
        if name in FORMS:
            if node.keywords:
                raise self.error(f"{name} takes no keyword arguments", node, "write its arguments in order")
            return (yield from FORMS[name](self, node))
        function = self.scope.functions.get(name)
        if function is None:
            if self.taken(name):
                problem = f"{name!r} is a name, not a function"
                raise self.error(problem, node, f"a product is written {name}*(...)")
            known = sorted([*self.scope.functions, *FORMS])
            close = NOT_COMPILED.get(name) or suggestion(name, known)
            close = close or f"functions are {', '.join(known)}"
            raise self.error(f"unknown function {name!r}", node, close)
        arguments = []
        for argument in node.args:
            arguments.append(self.number((yield argument), argument))
        settings: dict[str, object] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.error("arguments are written one by one", keyword.value, f"write {name}(a, b)")
            if keyword.arg in settings:
                raise self.error(
                    f"the setting {keyword.arg!r} is given twice", keyword.value, "write it once"
                )
            settings[keyword.arg] = self.setting((yield keyword.value), keyword)
        return self.apply(name, function, arguments, settings, node)

    def setting(self, value: object, keyword: ast.keyword) -> object:
        """The value of a keyword argument: a number, True or False."""
        if value in (sp.true, sp.false):
            return bool(value)
        if isinstance(value, (sp.Rational, sp.Float)):
            return value
        raise self.error(
            f"the setting {keyword.arg!r} must be a number", keyword.value, f"write {keyword.arg}=0.5"
        )

    def apply(
        self, name: str, function: Callable[..., object], arguments: list, settings: dict, node: ast.Call
    ) -> sp.Basic:
        """`function(*arguments, **settings)`, its errors turned into SpecErrors."""
        shown = ", ".join(shape_text(argument) for argument in arguments)
        written = usage(name, function)
        hint = None if written is None else f"write {written}"
        if problem := misfit(function, arguments, settings):
            raise self.error(f"{name}({shown}): {problem}", node, hint)
        try:
            result = function(*arguments, **settings)
        except (RecursionError, MemoryError):
            raise
        except SymbpError as error:
            raise self.error(f"{name}({shown}): {error.problem}", node, error.hint or hint) from error
        except Exception as error:
            # The vocabulary is SymPy code, also the user's own: whatever it raises about its arguments (too
            # few of them, shapes, domain) is about this place in the formula.
            raise self.error(f"{name}({shown}): {error}", node, hint) from error
        if not (is_scalar(result) or is_matrix(result)):
            raise self.error(f"{name}({shown}) gives no number or matrix", node, hint)
        return self.measured(result, node)  # type: ignore[arg-type]

    def taken(self, name: str) -> bool:
        """Whether `name` means something already."""
        return name in self.indices or self.scope.meaning(name) is not None

    def group(self, node: ast.expr) -> Steps:
        raise self.error(
            "a list of values has no meaning here",
            node,
            "the decimal point is '.', and points are separated by ','",
        )
        yield


def _decimal(value: float) -> sp.Basic:
    """A decimal as written: 0.1 is 1/10; a long or far-away one is the float64 that Python reads."""
    if not math.isfinite(value):
        raise ConstantError("a number is beyond the range of float64")
    number = Decimal(repr(value)).normalize()
    if len(number.as_tuple().digits) > _EXACT_DIGITS or abs(number.adjusted()) > _EXACT_EXPONENT:
        return sp.Float(value)
    return sp.Rational(*number.as_integer_ratio())


_OPERATORS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@"}
_METHODS: dict[type, Callable[..., Steps]] = {
    ast.Name: Reader.name,
    ast.Constant: Reader.literal,
    ast.BinOp: Reader.binary,
    ast.UnaryOp: Reader.unary,
    ast.Compare: Reader.comparison,
    ast.BoolOp: Reader.boolean,
    ast.Attribute: Reader.attribute,
    ast.Subscript: Reader.subscript,
    ast.Call: Reader.call,
    ast.Tuple: Reader.group,
    ast.List: Reader.group,
}
