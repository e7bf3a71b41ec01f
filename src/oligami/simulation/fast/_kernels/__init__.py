"""The fast road compiled: one trial at a time, in buffers that are made once, on a thread that holds no lock of Python.

`machine` says how functions are compiled, `shapes` what a plan and a worker's buffers are to them; then, in the order of a trial:
`chance` and `elementary` (numbers by address, logarithm and exponential), `course`, `allocation`, `order`, `looks`, `rows`, `tests`, and
`trial`, which goes through them. `sequences` allocates a fixed list of subjects again and again. Nothing here is imported
before it is used: numba is an extra, and slow to load.

The same bits come out on every machine. Hence no fast-math, no library function but the square root, and every sum in an
order that is written down.
"""
