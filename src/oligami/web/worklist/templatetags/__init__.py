"""Small words for the templates of histories."""
