"""Other libraries running the equations of a network, to be compared and timed against its kernels."""

from symbp.versus.contest import Timing, versus
from symbp.versus.peers import PEERS

__all__ = ["PEERS", "Timing", "versus"]
