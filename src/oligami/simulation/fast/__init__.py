"""The fast road of simulation: whole trials as arrays, by the million.

`plan` says what a trial is in numbers, `streams` where chance comes from, `latent` draws all that will happen to every subject,
`batch` carries many trials at once through allocation, cuts and tests in numpy, and `_kernels` does the same compiled. The
rehearsal of one trial entry by entry is the full road, in the package above.
"""
