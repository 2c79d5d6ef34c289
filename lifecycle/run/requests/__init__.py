"""Requests to the engine, held against what the run made: the rules of the gate."""
