"""What is counted at a cut: typed datasets, frozen columns of equal length."""
