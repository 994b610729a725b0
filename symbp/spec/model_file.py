"""Model files: a whole network as TOML, read into equations without evaluating any of it.

    name = "digits"
    loss = "E"                   # default: the last equation
    [inputs]
    x = 64                       # a vector; [8, 8] a matrix, [] a scalar, "label" a class label
    y = 10
    [parameters]
    W = [10, 64]
    b = 10
    [equations]
    z = "W*x + b"                # or "z[i]" = "sum(W[i, j]*x[j], (j, 0, 63)) + b[i]"
    E = "softmax_cross_entropy(z, y)"

The optional tables are [options], [check] and [train], described at the dataclasses of those names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sympy as sp

from symbp.errors import SpecError
from symbp.spec.equations import Equation, left_side_error, read_equation, read_left_side
from symbp.spec.forms import FORMS
from symbp.spec.functions import FUNCTIONS
from symbp.spec.options import CheckOptions, Options, read_check, read_options
from symbp.spec.place import suggestion
from symbp.spec.reader import CONSTANTS
from symbp.spec.shapes import Shape, check_name, declare, read_shape
from symbp.spec.tables import unknown_key
from symbp.spec.toml_text import MAX_FILE, TomlText, read_toml
from symbp.spec.train import TrainOptions, read_train

_TOP = ("name", "loss", "inputs", "parameters", "equations", "options", "check", "train")
MAX_EQUATIONS = 10_000


@dataclass(frozen=True)
class Spec:
    """A model file as read.

    Attributes:
        name: the name of the model; the file's name where it gives none.
        inputs: the shape of each input, in the order of the file; "label" for class labels.
        parameters: the shape of each parameter, in the order of the file.
        equations: the equations, in the order of the file.
        loss: the name of the equation that is differentiated.
        symbols: what each name stands for: a Symbol, MatrixSymbol or IndexedBase.
        options: the table [options].
        check: the table [check].
        train: the table [train], or None.
        path: the file, or None where the text was given.
    """

    name: str
    inputs: Mapping[str, Shape]
    parameters: Mapping[str, Shape]
    equations: tuple[Equation, ...]
    loss: str
    symbols: Mapping[str, sp.Basic]
    options: Options
    check: CheckOptions
    train: TrainOptions | None
    path: Path | None

    def network(self) -> Any:
        """The `symbp.Network` of these equations.

        Raises:
            NetworkError: where the equations do not form a network.
        """
        from symbp.network import Network  # not needed to read a file, and slow to import

        return Network(
            [equation.eq for equation in self.equations],
            inputs=[self.symbols[name] for name in self.inputs],
            parameters=[self.symbols[name] for name in self.parameters],
            loss=self.symbols[self.loss],
            reduction=self.options.reduction,
            batch=bool(self.inputs),
            name=self.name,
        )


def load(source: str | Path, *, folder: str | Path | None = None) -> Spec:
    """Read a model file.

    Args:
        source: its path, or its text (a str that holds a line break).
        folder: where data files are looked for; the file's own folder unless given.

    Raises:
        SpecError: with line and column, where the file cannot be read as a model.
    """
    if isinstance(source, str) and "\n" in source:
        return loads(source, folder=folder)
    path = Path(source)
    try:
        if path.stat().st_size > 4 * MAX_FILE:
            raise SpecError(f"{path} is too large for a model file")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError(f"there is no file {str(path)[:300]!r}") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start})") from None
    except (OSError, ValueError) as error:
        raise SpecError(f"{str(path)[:300]!r} cannot be read: {error}") from None
    return _read(text, path, Path(folder) if folder is not None else path.parent)


def loads(text: str, *, folder: str | Path | None = None) -> Spec:
    """Read the text of a model file; `folder` is where its data files are looked for.

    Raises:
        SpecError: with line and column, where the text cannot be read as a model.
    """
    return _read(text, None, None if folder is None else Path(folder))


def _read(text: str, path: Path | None, folder: Path | None) -> Spec:
    source = read_toml(text)
    for key in source.data:
        if key not in _TOP:
            raise unknown_key(source, "", key, list(_TOP))
    inputs = _read_shapes(source, "inputs", {})
    parameters = _read_shapes(source, "parameters", inputs)
    symbols = {name: declare(name, shape) for name, shape in {**inputs, **parameters}.items()}
    equations, loss = _read_equations(source, symbols)
    symbols.update({equation.name: equation.symbol for equation in equations})
    name = source.data.get("name", path.stem if path is not None else "model")
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 200:
        raise source.error("name is a short text", "", "name")
    return Spec(
        name=name,
        inputs=MappingProxyType(inputs),
        parameters=MappingProxyType(parameters),
        equations=tuple(equations),
        loss=loss,
        symbols=MappingProxyType(symbols),
        options=read_options(source),
        check=read_check(source),
        train=read_train(
            source, folder=folder, inputs=inputs, equations=[equation.name for equation in equations]
        ),
        path=path,
    )


def _table(source: TomlText, table: str) -> dict[str, object]:
    data = source.data.get(table, {})
    if not isinstance(data, dict):
        raise source.error(f"{table} is a table", "", table, f"write [{table}] on a line of its own")
    return data


def _read_shapes(source: TomlText, table: str, before: Mapping[str, Shape]) -> dict[str, Shape]:
    """The names and shapes of [inputs] or [parameters]."""
    shapes: dict[str, Shape] = {}
    for key, value in _table(source, table).items():
        try:
            name = check_name(key)
            shape = read_shape(value)
        except ValueError as error:
            raise source.error(f"{key[:100]!r} {error}", table, key) from None
        if shape == "label" and table == "parameters":
            raise source.error(
                f"the parameter {name!r} cannot be a class label", table, key, "move it to [inputs]"
            )
        if problem := _clash(name, {**before, **shapes}):
            raise source.error(problem, table, key, "choose another name")
        shapes[name] = shape
    return shapes


def _clash(name: str, declared: Mapping[str, object]) -> str | None:
    """Why `name` cannot be declared, or None."""
    if name in FUNCTIONS or name in FORMS or name in CONSTANTS:
        return f"the name {name!r} is taken by a {'constant' if name in CONSTANTS else 'function'}"
    return f"the name {name!r} is declared twice" if name in declared else None


def _read_equations(source: TomlText, symbols: Mapping[str, sp.Basic]) -> tuple[list[Equation], str]:
    """The equations in the order of the file, and the name of the loss."""
    table = _table(source, "equations")
    if not table:
        raise source.error("there are no equations", "equations", None, "write them in a table [equations]")
    if len(table) > MAX_EQUATIONS:
        raise source.error(f"more than {MAX_EQUATIONS:,} equations", "equations")
    taken: dict[str, Callable[..., object] | sp.Basic] = {**FUNCTIONS, **symbols}
    left_sides = {}
    for key in table:
        try:
            left_sides[key] = read_left_side(key, taken)
        except ValueError as error:
            raise left_side_error(key, str(error), source.line("equations", key)) from None
    defined = [left.name for left in left_sides.values()]
    loss = source.data.get("loss", defined[-1])
    if loss not in defined:
        hint = suggestion(loss, defined) if isinstance(loss, str) else "write the name of an equation"
        raise source.error(f"loss names no equation: {str(loss)[:100]!r}", "", "loss", hint)
    names = dict(symbols)
    equations: list[Equation] = []
    for key, text in table.items():
        left, line = left_sides[key], source.line("equations", key)
        if problem := _clash(left.name, names):
            raise source.error(problem, "equations", key, "each name is defined once")
        if not isinstance(text, str):
            raise source.error(f"the formula of {left.name!r} stands in quotes", "equations", key)
        place = source.place("equations", key, text)
        try:
            equation = read_equation(left, place, names, FUNCTIONS, as_scalar=left.name == loss)
        except SpecError as error:
            raise _order_hint(error, defined[len(equations) + 1 :]) from None
        if equation.name == loss and equation.shape != ():
            problem = f"the loss {loss!r} is not a scalar; its shape is {list(equation.shape)}"
            hint = "sum its entries with total(...)"
            raise SpecError(problem, line=line, equation=text, hint=hint)
        equations.append(equation)
        names[equation.name] = equation.symbol
    return equations, str(loss)


def _order_hint(error: SpecError, later: list[str]) -> SpecError:
    """`error`, with a better hint where the unknown name is only defined further down."""
    for name in later:
        if f"unknown name {name!r}" in error.problem:
            problem = error.problem.partition(": ")[2]
            return SpecError(
                problem,
                line=error.line,
                column=error.column,
                equation=error.equation,
                hint=f"{name!r} is defined further down; move its equation up",
            )
    return error
