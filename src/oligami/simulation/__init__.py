"""A whole trial with simulated people: scenario, latent course, entries through the same decisions."""
