"""What is therefore so: the trial as a fold of its journal, and the rules that decide what may be said next."""
