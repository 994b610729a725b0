"""Model files: TOML, read with a parser of formulas that never evaluates them as code."""

from symbp.spec.equations import Equation
from symbp.spec.expression import parse_expression
from symbp.spec.functions import FUNCTIONS
from symbp.spec.model_file import Spec, load, loads
from symbp.spec.options import CheckOptions, Options
from symbp.spec.train import DataSource, TrainOptions

__all__ = [
    "FUNCTIONS",
    "CheckOptions",
    "DataSource",
    "Equation",
    "Options",
    "Spec",
    "TrainOptions",
    "load",
    "loads",
    "parse_expression",
]
