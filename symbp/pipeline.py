"""The compiler, as a page: each pass is one call, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sympy as sp

from symbp.clock import Clock
from symbp.errors import NetworkError
from symbp.ir.check import check
from symbp.ir.names import free_name
from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.walk import accesses
from symbp.network import Network, symbol_name
from symbp.passes.batch import batch
from symbp.passes.contract import contract
from symbp.passes.define import define
from symbp.passes.differentiate import Adjoints, differentiate
from symbp.passes.extremes import roll_maxima
from symbp.passes.hoist import hoist, hoist_outermost
from symbp.passes.inline import inline
from symbp.passes.lower import lower
from symbp.passes.prune import prune
from symbp.passes.share import share, shared
from symbp.passes.simplify.adjoints import simplify_adjoints
from symbp.passes.simplify.common_numbers import common_numbers
from symbp.passes.simplify.exponentials import shift_exponentials
from symbp.passes.simplify.fewest import fewest, saves, settled
from symbp.passes.simplify.ledger import Ledger, Step
from symbp.passes.simplify.logarithms import expand_logarithms
from symbp.passes.simplify.stable import stable_forms
from symbp.passes.simplify.steady import as_steady
from symbp.passes.split import split
from symbp.schedule.kernel import Kernel

if TYPE_CHECKING:
    from symbp.view.cost import Cost
    from symbp.view.ledger import Steps


@dataclass(frozen=True)
class Derivation:
    """Forward and backward equations of one sample.

    Attributes:
        network: what was derived.
        forward_program: computes every equation; outputs are the names they define, in order.
        backward_program: the forward statements the gradient needs, then the adjoint statements;
            outputs are the loss and the gradients.
        loss: name of the loss, or None where there is nothing to differentiate.
        gradients: symbol name -> name of the tensor that holds the derivative with respect to it.
        adjoints: name of any tensor -> name of its adjoint.
        rewrites: those that the equations went through, in order.
        reuse: whether derivatives may lose relative accuracy, see `derive`.
        beside: derivatives that are evaluated in the forward pass, each beside the value of its function.
        jacobian: by output and entry of an argument, the derivatives that are not 0; see `symbp.rows`. By two
            entries of arguments, second derivatives; see `symbp.hessians`.
        directions: tensors that hold a direction, along which `gradients` are differentiated once more.
        seconds: time spent, by pass.
    """

    network: Network
    dims: dict[str, int]
    forward_program: Program
    backward_program: Program
    loss: str | None
    gradients: dict[str, str]
    adjoints: dict[str, str]
    rewrites: tuple[Step, ...] = ()
    reuse: bool = True
    beside: frozenset[str] = frozenset()
    jacobian: Mapping[tuple[Any, Access], sp.Expr] = field(default_factory=dict)
    directions: tuple[str, ...] = ()
    seconds: dict[str, float] = field(compare=False, default_factory=dict)

    @cached_property
    def ledger(self) -> Steps:
        """Every rewrite that was accepted, in order; `print` it to read it.

        The last ones are the stable forms of the kernels. Readers are shown the equations without them,
        so they are looked for when somebody asks.
        """
        from symbp.view.derivation import forward_lines
        from symbp.view.ledger import Steps

        ledger = Ledger(self.rewrites)
        stable_forms(self.backward_program, ledger, not self.reuse)
        programs = self.forward_program, self.backward_program
        return Steps(tuple(ledger.steps), programs[0], forward_lines(self), programs[1])

    @cached_property
    def equations(self) -> dict[str, list[sp.Eq]]:
        """The equations of one sample as SymPy, by section ("Forward", "Backward"); what `str` prints.

        Matrix notation where it exists, else for one entry, with free indices on the left. Vectors are
        (n, 1). Symbols are the user's; others are called as in the text ("delta1", "dE/dW1").
        """
        from symbp.view.derivation import symbolic

        return symbolic(self)

    @property
    def forward(self) -> list[sp.Eq]:
        """The equations of the forward pass, see `equations`."""
        return list(self.equations["Forward"])

    @property
    def backward(self) -> list[sp.Eq]:
        """The equations of the backward pass, see `equations`; none where there is no loss."""
        return list(self.equations.get("Backward", ()))

    @cached_property
    def cost(self) -> Cost:
        """Operations, calls and storage of one sample; prints as a table."""
        from symbp.view.cost import derivation_cost
        from symbp.view.derivation import sections

        return derivation_cost(self, sections(self))

    def __str__(self) -> str:
        from symbp.view.derivation import derivation_text

        return derivation_text(self)

    def latex(self) -> str:
        """The equations as LaTeX, for a document with the packages amsmath and amssymb."""
        from symbp.view.derivation import derivation_latex

        return derivation_latex(self)

    def _repr_latex_(self) -> str:
        return self.latex()

    def _repr_html_(self) -> str:
        from symbp.view.html import derivation_html

        return derivation_html(self)


def derive(
    network: Network,
    *,
    wrt: Iterable[Any] | None = None,
    dims: dict[str, int] | None = None,
    reuse: bool = True,
) -> Derivation:
    """Lower a network and differentiate its loss.

    Args:
        wrt: symbols to differentiate with respect to; the parameters by default.
        dims: values of symbolic dimensions by name.
        reuse: whether derivatives may be written through forward outputs where that loses relative
            accuracy (1 - a**2 for tanh at 30 is 0, not 3.5e-26); what loses none is used always.

    Raises:
        SymbpError: naming the equation that cannot be compiled.
    """
    clock, ledger = Clock(), Ledger()
    whole, forward = _forward(network, dims, clock, ledger)
    if network.loss is None:
        forward = define(forward)
        return Derivation(
            network,
            dict(dims or {}),
            forward,
            forward,
            None,
            {},
            {},
            tuple(ledger.steps),
            reuse,
            seconds=clock.seconds,
        )

    names = [symbol_name(s) for s in (network.parameters if wrt is None else wrt)]
    _check_wrt(whole, names)
    adjoints, forward, backward = _both_passes(forward, network.loss, names, reuse, clock, ledger)
    own = {s.target for s in backward.statements} - forward.tensors.keys()
    backward = clock("hoist", hoist_outermost, backward)
    rolled = roll_maxima(backward)
    forward = _before(rolled, own, forward.outputs)
    if rolled is not backward:
        forward, alias = clock("share", shared, forward)
        ledger.renamed(alias)
    backward = clock("share", share, rolled)
    backward = clock("contract", contract, backward)
    backward = clock("prune", prune, backward)
    forward, backward = clock("define", define, forward), clock("define", define, backward)
    backward = check(clock("simplify", common_numbers, backward))
    return Derivation(
        network,
        dict(dims or {}),
        forward,
        backward,
        network.loss,
        adjoints.gradients,
        adjoints.names,
        tuple(ledger.steps),
        reuse,
        frozenset(adjoints.slopes),
        seconds=clock.seconds,
    )


def _forward(
    network: Network,
    dims: dict[str, int] | None,
    clock: Clock,
    ledger: Ledger,
    *more: Callable[[Program], Program],
) -> tuple[Program, Program]:
    """The equations of one sample as written, and prepared for differentiation, by more passes if given."""
    whole = clock("lower", lower, network, dims)
    whole = clock("stabilise", expand_logarithms, whole, ledger)
    whole = clock("stabilise", shift_exponentials, whole, ledger)
    for work in more:
        whole = clock("stabilise", work, whole)
    forward = clock("contract", contract, whole)
    forward = clock("split", split, forward, network.loss)
    forward = clock("share", share, forward)
    return whole, check(prune(forward))


def _both_passes(
    forward: Program, loss: str, names: list[str], reuse: bool, clock: Clock, ledger: Ledger
) -> tuple[Adjoints, Program, Program]:
    """The adjoints, the forward program with what is evaluated beside it, and that with the statements of the
    gradients: every maximum in it but those that are subtracted from exponents is one of single operands."""
    adjoints, forward, backward = _backward(forward, loss, names, reuse, clock, ledger)
    backward = clock("prune", prune, backward)
    own = [s for s in backward.statements if s.target not in forward.tensors]
    forward = _without(forward, adjoints.slopes.keys() - backward.tensors.keys())
    backward = replace(_joined(forward, own, backward.tensors.values()), outputs=backward.outputs)
    return adjoints, forward, backward


def _backward(
    forward: Program, loss: str, names: list[str], reuse: bool, clock: Clock, ledger: Ledger
) -> tuple[Adjoints, Program, Program]:
    """The adjoints, the forward program with what is evaluated beside it, and both in their short form.

    Derivatives are rewritten one by one. Where they may have shared operations as they stood, they are kept
    so if that is cheaper as a whole.
    """

    def joined(adjoints: Adjoints) -> tuple[Program, Program]:
        beside, steps = _beside(forward, adjoints)
        whole = _joined(beside, steps, adjoints.tensors)
        return beside, replace(whole, outputs=(loss, *adjoints.gradients.values()))

    def simplified(beside: Program, whole: Program, ledger: Ledger) -> Program:
        known = len(ledger.steps)
        short = clock("simplify", simplify_adjoints, whole, beside, reuse, ledger)
        return clock("simplify", fewest, whole, short, beside.outputs, ledger, known, reuse)

    plain = Ledger(ledger.steps)
    adjoints = clock("differentiate", differentiate, forward, loss, names, reuse, ledger)
    beside, whole = joined(adjoints)
    short = simplified(beside, whole, ledger)
    if adjoints.shared:
        others = clock("differentiate", differentiate, forward, loss, names, reuse, plain, False, adjoints)
        base, kept = joined(others)
        if not saves(kept, whole, beside.outputs) and not saves(kept, short, beside.outputs):
            other = simplified(base, kept, plain)
            if as_steady(settled(other), settled(short), reuse):
                adjoints, beside, short = others, base, other
                ledger.steps[:] = plain.steps
    return adjoints, beside, short


def gradient_kernel(derivation: Derivation, dtype: str = "float64", name: str = "value_and_grad") -> Kernel:
    """Loss, the gradient with respect to the parameters as one vector, and input gradients."""
    net, program = derivation.network, derivation.backward_program
    assert derivation.loss is not None
    parameters = tuple(symbol_name(s) for s in net.parameters)
    combined = [derivation.loss, *(g for n, g in derivation.gradients.items() if n in parameters)]
    renamed = {c: c for c in combined}
    if net.batch:
        renamed = {c: free_name(f"{net.reduction} {c}", program.tensors) for c in combined}
        program = batch(program, renamed, net.reduction)
    program = _finish(program, derivation)
    gradient = tuple(renamed[derivation.gradients[p]] for p in parameters if p in derivation.gradients)
    rows = tuple(g for n, g in derivation.gradients.items() if n not in parameters)
    results = (renamed[derivation.loss], *rows)
    theta = (*parameters, *derivation.directions)
    return Kernel(name, program, _inputs(net), theta, results, gradient, dtype)


def value_kernel(derivation: Derivation, dtype: str = "float64") -> Kernel:
    """The loss alone."""
    net = derivation.network
    assert derivation.loss is not None
    program = _only(derivation.forward_program, (derivation.loss,))
    loss = derivation.loss
    if net.batch:
        loss = free_name(f"{net.reduction} {loss}", program.tensors)
        program = batch(program, {derivation.loss: loss}, net.reduction)
    return Kernel("value", _finish(program, derivation), _inputs(net), _parameters(net), (loss,), (), dtype)


def forward_kernel(derivation: Derivation, outputs: tuple[str, ...], dtype: str = "float64") -> Kernel:
    """The named results, one row per sample where they depend on the data."""
    net = derivation.network
    program = _only(derivation.forward_program, outputs)
    used = needed_inputs(derivation, outputs)
    if net.batch:
        program = batch(program, {})
    inputs = tuple(n for n in _inputs(net) if n in used)
    return Kernel("forward", _finish(program, derivation), inputs, _parameters(net), outputs, (), dtype)


def expression_kernel(
    derivation: Derivation, results: tuple[str, ...], dtype: str = "float64", name: str = "value"
) -> Kernel:
    """Results per sample of a network without parameters: a bare expression, its gradient, its Jacobian."""
    net = derivation.network
    program = _only(derivation.backward_program, results)
    if net.batch:
        program = batch(program, {})
    inputs = (*_inputs(net), *derivation.directions)
    return Kernel(name, _finish(program, derivation), inputs, (), results, (), dtype, point=True)


def needed_inputs(derivation: Derivation, outputs: Iterable[str]) -> set[str]:
    """Names of the inputs that the given results depend on."""
    program = _only(derivation.forward_program, tuple(outputs))
    read = {a.name for s in program.statements for p in (s.body, *s.where) for a in accesses(p)}
    return read & set(_inputs(derivation.network))


def _joined(program: Program, statements: Iterable[Statement], tensors: Iterable[Tensor]) -> Program:
    """The program with statements added at its end."""
    return program.rebuilt((*program.statements, *statements), tensors)


def _beside(forward: Program, adjoints: Adjoints) -> tuple[Program, list[Statement]]:
    """The forward program with the derivatives that are evaluated there, and the other adjoint statements."""
    beside: dict[str, list[Statement]] = {}
    rest: list[Statement] = []
    for statement in adjoints.statements:
        function = adjoints.slopes.get(statement.target)
        (rest if function is None else beside.setdefault(function, [])).append(statement)
    statements = [s for own in forward.statements for s in (own, *beside.get(own.target, ()))]
    return forward.rebuilt(statements, adjoints.tensors), rest


def _before(program: Program, adjoints: Set[str], outputs: tuple[str, ...]) -> Program:
    """The statements that do not depend on adjoints."""
    late, early = set(adjoints), []
    for s in program.statements:
        if s.target in late or any(a.name in late for part in (s.body, *s.where) for a in accesses(part)):
            late.add(s.target)
        else:
            early.append(s)
    return replace(program.rebuilt(early), outputs=outputs)


def _without(program: Program, names: Set[str]) -> Program:
    return program.rebuilt(s for s in program.statements if s.target not in names)


def _only(program: Program, outputs: tuple[str, ...]) -> Program:
    return prune(Program(program.tensors, program.statements, outputs))


def _finish(program: Program, derivation: Derivation) -> Program:
    """The last passes before scheduling."""
    kept = derivation.beside
    if derivation.jacobian:
        # Thousands of small products: putting them into each other would only take time.
        kept |= derivation.backward_program.tensors.keys() - derivation.forward_program.tensors.keys()
    program = prune(inline(contract(program), keep=kept))
    stable = stable_forms(program, relative=not derivation.reuse)
    return check(common_numbers(prune(hoist(stable))))


def _inputs(net: Network) -> tuple[str, ...]:
    return tuple(symbol_name(s) for s in net.inputs)


def _parameters(net: Network) -> tuple[str, ...]:
    return tuple(symbol_name(s) for s in net.parameters)


def _check_wrt(program: Program, names: list[str]) -> None:
    for name in names:
        tensor = program.tensors.get(name)
        if tensor is None or tensor.role not in ("input", "parameter"):
            raise NetworkError(
                f"the gradient with respect to {name!r} is asked for, which is no input or parameter",
                hint="wrt= takes symbols from inputs= and parameters=; an integer label has no derivative",
            )
