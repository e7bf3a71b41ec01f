"""What a page can do, for programs."""
