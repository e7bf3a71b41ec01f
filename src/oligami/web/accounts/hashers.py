"""How passwords are kept: Argon2id, at a cost of our own choosing."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2id(Argon2PasswordHasher):
    """Argon2id at the first choice of OWASP's Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane).

    Django's default takes 100 MiB and eight lanes: some 130 ms of a core for each signature. A randomization is signed, and fifty
    people who sign on at eight in the morning should fit in a small server; guessing is held off by the throttle as well. A
    hash made at another cost is renewed when its owner signs on.
    """

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1
