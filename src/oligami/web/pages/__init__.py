"""What every page stands on: the base template, the language, who is here and what they may, and how no is said."""
