"""From a program to a loop tree: stages, fused nests, tiles of samples, places in memory."""
