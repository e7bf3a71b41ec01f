"""Who a subject is: initials, chart number, birth date; apart from the trial's record, erasable, with rights of its own."""
