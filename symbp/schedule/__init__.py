"""From a program to a loop tree: stages, fused nests, tiles of samples, places in memory."""

from symbp.schedule.kernel import Kernel
from symbp.schedule.memory import plan_kernel

__all__ = ["Kernel", "plan_kernel"]
