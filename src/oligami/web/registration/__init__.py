"""Registration and randomization on screen."""
