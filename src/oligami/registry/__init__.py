"""The public record of a trial: the registry's record as revised, what follows from the journal, its versions."""
