"""Model files: a whole network as TOML, read into equations without evaluating any of it.

    name = "digits"
    loss = "E"                   # default: the last equation
    [inputs]
    x = 64                       # a vector; [8, 8] a matrix, [] a scalar, "label" a class label
    y = {one_hot = 10}           # a vector whose entries add up to 1
    [parameters]
    W = [10, 64]
    b = 10
    [equations]
    z = "W*x + b"                # or "z[i]" = "sum(W[i, j]*x[j], (j, 0, 63)) + b[i]"
    E = "softmax_cross_entropy(z, y)"

The optional tables are [options], [check] and [train], described at the dataclasses of those names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sympy as sp

from symbp.errors import NetworkError, ShapeError, SpecError, SymbpError, UnsupportedError, shorten
from symbp.spec.equations import Equation, read_equations
from symbp.spec.functions import FUNCTIONS
from symbp.spec.options import CheckOptions, Options, read_check, read_options
from symbp.spec.place import Place
from symbp.spec.scope import Scope
from symbp.spec.shapes import Shape, read_shapes
from symbp.spec.tables import unknown_key
from symbp.spec.toml_text import MAX_FILE, read_toml
from symbp.spec.train import TrainOptions, read_train

MAX_TITLE = 200

_TOP = ("name", "loss", "inputs", "parameters", "equations", "options", "check", "train")


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

    def located(self, error: SymbpError) -> SymbpError:
        """An error of a later stage with the place of the equation that it names, if it names one."""
        from symbp.network import equation_text

        if type(error) not in (NetworkError, ShapeError, UnsupportedError) or error.equation is None:
            return error
        for equation in self.equations:
            if error.equation == shorten(equation_text(equation.eq)):
                place = Place(equation.text, equation.line, equation.column).error(error.problem, 0)
                return type(error)(place.problem, equation=equation.text, hint=error.hint)
        return error


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
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_FILE + 1)
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
    scope = Scope(FUNCTIONS)
    inputs = read_shapes(source, "inputs", scope)
    parameters = read_shapes(source, "parameters", scope)
    equations, loss = read_equations(source, scope)
    name = source.data.get("name", path.stem if path is not None else "model")
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= MAX_TITLE:
        problem = f"name is no text of 1 to {MAX_TITLE} printable characters"
        raise source.error(problem, "", "name")
    return Spec(
        name=name,
        inputs=MappingProxyType(inputs),
        parameters=MappingProxyType(parameters),
        equations=tuple(equations),
        loss=loss,
        symbols=MappingProxyType(scope.names),
        options=read_options(source),
        check=read_check(source),
        train=read_train(
            source, folder=folder, inputs=inputs, equations=[equation.name for equation in equations]
        ),
        path=path,
    )
