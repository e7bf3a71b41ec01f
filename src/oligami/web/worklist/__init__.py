"""What is due, and the subject with its whole course."""
