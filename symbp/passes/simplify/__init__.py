"""Simplify: the cheapest equivalent form, and forms that neither overflow nor cancel."""
