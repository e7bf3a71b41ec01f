"""What follows from the datasets of a cut: endpoints, comparisons, safety, quality of life."""
