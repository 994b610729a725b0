"""Scalar models, written in SymPy, against those who compile SymPy expressions or could."""
